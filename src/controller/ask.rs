//! Asks GitLab what the tokens can do and makes sure of the webhooks, unless earlier answers still hold.

use jiff::Timestamp;

use super::{
    Context, Error,
    answers::{Answers, Known},
    hooks::{self, Kept},
    observe::Seen,
};
use crate::{
    access::{self, Access, Outcome},
    api::{RECONCILE_REQUESTED_AT, conditions::reason},
    connection::needs,
};

/// Makes sure that what is known of GitLab holds.
///
/// # Errors
/// When Kubernetes cannot keep what belongs to the webhooks.
pub(super) async fn ask(seen: &Seen<'_>, known: &mut Known, ctx: &Context, now: Timestamp) -> Result<(), Error> {
    let handled = seen.status().and_then(|status| status.last_handled_reconcile_at.as_ref());
    let requested = seen.requested(RECONCILE_REQUESTED_AT, handled).is_some();
    let receiver = ctx.settings.receiver_url.as_deref();
    let asks_with = seen.asks_with(seen.state.as_ref(), receiver);
    let before = known.answers.take();
    if let Some(answers) = &before
        && answers.hold(&asks_with, requested, answers.until(seen.spec(), &seen.at.uid), now)
    {
        known.answers = before;
        return Ok(());
    }

    let again = before.as_ref().filter(|before| before.asked_with == asks_with && !requested);
    let access = match again {
        // Two seconds ago it said what the tokens can do.
        Some(Answers { hooks: Kept::Learning { .. }, access, .. }) => access.clone(),
        _ => verify(seen).await,
    };
    let (kept, state) = hooks::ensure(seen, access.as_ref(), before.as_ref().map(|before| &before.hooks), ctx).await?;
    let in_vain = kept.in_vain() || access.as_ref().is_some_and(is_in_vain);
    known.answers = Some(Answers {
        asked_with: seen.asks_with(state.as_ref(), receiver),
        at: Timestamp::now(),
        in_vain: if in_vain { again.map_or(0, |before| before.in_vain).saturating_add(1) } else { 0 },
        access,
        hooks: kept,
    });
    Ok(())
}

/// What the tokens can do; `None` where nobody can ask.
async fn verify(seen: &Seen<'_>) -> Option<Access> {
    if !seen.observed.may_ask() {
        return None;
    }
    let needs = needs(seen.spec(), &seen.observed);
    Some(access::verify(&seen.client, &seen.spec().scope, &needs).await)
}

/// Whether nobody could tell, for a reason that may pass.
fn is_in_vain(access: &Access) -> bool {
    [access.credentials(), access.reading()]
        .iter()
        .any(|verdict| verdict.outcome == Outcome::Unknown && verdict.reason != reason::WAITING)
}
