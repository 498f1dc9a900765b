//! Takes our webhooks away before a connection goes. Never holds a deletion up for long: what cannot be removed is told of.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::runtime::{controller::Action, events::EventType};
use secrecy::SecretString;
use tokio::time::Instant;

use super::{
    Context, Error,
    answers::Known,
    ask::{Answer, TURN},
    events::warn_or_tell,
    hooks::remembered,
    observe::{Seen, observe},
    queue::{Panicked, Priority},
};
use crate::{
    access::{self, Access, Outcome},
    api::{DeletionPolicy, GitLabConnection, Mode, conditions::reason},
    cluster::ConnectionRef,
    connection::{Callback, desired, needs},
    gitlab::Term,
    webhooks::{self, Left, Memory},
};

/// Reason of the Event that tells of webhooks that were left.
const ORPHANED: &str = "HooksOrphaned";

/// What keeps a webhook from being removed and may pass.
const PASSING: [&str; 4] = [reason::GITLAB_UNREACHABLE, reason::RATE_LIMITED, reason::TLS_FAILURE, reason::NOT_GITLAB];

/// How long after its time the work may take to say what is left.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What became of the webhooks.
#[derive(Debug)]
pub(super) enum Cleaned {
    /// None of ours is left, or they are to stay.
    Done,
    /// Some may be left, and waiting would not help.
    Left(String),
    /// Nobody can tell at present.
    Away(String),
}

/// Removes the webhooks of a connection that is being deleted. When to look again, while that goes on; `None` once nothing
/// holds the connection any more.
///
/// # Errors
/// While GitLab is away and the time that a deletion may take is not over; and when Kubernetes cannot be asked.
pub(super) async fn cleanup(
    at: &ConnectionRef,
    connection: &GitLabConnection,
    known: &mut Known,
    ctx: &Arc<Context>,
) -> Result<Option<Action>, Error> {
    let left = time_left(connection, ctx, Timestamp::now());
    let cleaned = match progress(at, connection, known, left, ctx).await {
        Ok(cleaned) => cleaned,
        // Whatever Kubernetes refuses, it lets go of what we hold no longer.
        Err(error) if left.is_none() => Some(Cleaned::Left(error.to_string())),
        Err(error) => return Err(error),
    };
    let why = match (cleaned, left) {
        (Some(Cleaned::Done), _) => None,
        (Some(Cleaned::Left(why)), _) | (Some(Cleaned::Away(why)), None) => Some(why),
        (Some(Cleaned::Away(why)), Some(_)) => {
            known.away = Some(why.clone());
            return Err(Error::GitLabAway(why));
        }
        (None, _) => match known.removing_until.and_then(|until| until.checked_duration_since(Instant::now())) {
            Some(rest) => return Ok(Some(Action::requeue(rest))),
            None => Some("GitLab did not answer in time".to_owned()),
        },
    };
    ctx.queue.call_off(&at.uid);
    if let Some(why) = why {
        tell_of_orphans(at, &why, ctx).await;
    }
    Ok(None)
}

/// Tells that webhooks may be left in GitLab.
pub(super) async fn tell_of_orphans(at: &ConnectionRef, why: &str, ctx: &Context) {
    tracing::warn!(why, "webhooks of ours may be left in GitLab");
    ctx.kube.metrics.orphaned();
    let note = format!("webhooks of this connection may be left in GitLab: {why}; remove them there by hand");
    // A namespace that goes takes no Events any more.
    ctx.kube.tell(at, &warn_or_tell(EventType::Warning, "Delete", ORPHANED, &note)).await;
}

/// What became of the webhooks; `None` while they are being removed, for which there is `left` at most.
async fn progress(
    at: &ConnectionRef,
    connection: &GitLabConnection,
    known: &mut Known,
    left: Option<Duration>,
    ctx: &Arc<Context>,
) -> Result<Option<Cleaned>, Error> {
    known.round = None;
    if ctx.queue.under_way(&at.uid) == Some(Priority::Removal) {
        return Ok(None);
    }
    match ctx.queue.take(&at.uid) {
        Some(Ok(Answer::Removed(cleaned))) => return Ok(Some(cleaned)),
        Some(Err(Panicked)) => return Err(Error::Panicked),
        // What came of a look is of no use any more, and one that goes on is called off.
        _ => {}
    }
    // The time is over, and it was used.
    if let (None, Some(why)) = (left, &known.away) {
        return Ok(Some(Cleaned::Left(why.clone())));
    }
    let spec = &connection.spec;
    if spec.webhooks.deletion_policy == DeletionPolicy::Orphan {
        return Ok(Some(Cleaned::Done));
    }
    let seen = match observe(at, connection.clone(), ctx).await? {
        Ok(seen) => seen,
        Err(unusable) => return Ok(Some(leave(connection, unusable.to_string()))),
    };
    let remembered = remembered(seen.state.as_ref());
    let nothing = seen.state.is_none() && !has_had_hooks(connection);
    if nothing || (spec.webhooks.mode == Mode::Disabled && remembered.targets().next().is_none()) {
        return Ok(Some(Cleaned::Done));
    }
    if !seen.observed.may_ask() || seen.observed.hook_managers.is_empty() {
        return Ok(Some(Cleaned::Left("the Secrets and keys that it needs are gone, or not offered".to_owned())));
    }
    let access = known.answers.as_ref().and_then(|answers| answers.access.clone());
    let access = access.filter(|access| access.credentials().outcome == Outcome::Ok);
    // Whoever was away while the time went by tries once all the same.
    let time = left.unwrap_or(TURN);
    known.removing_until = Some(Instant::now() + time + LAST_WORDS);
    ctx.queue.order(at, seen.lane(), Priority::Removal, async move |called_off| {
        let seen = seen.for_a_turn(Term::new(Instant::now() + time, called_off));
        let access = match access {
            Some(access) => access,
            None => access::verify(&seen.client, &seen.spec().scope, &needs(seen.spec(), &seen.observed)).await,
        };
        Answer::Removed(cleaned(&take_away(&seen, &access, &remembered).await))
    });
    Ok(None)
}

async fn take_away(seen: &Seen, access: &Access, remembered: &Memory) -> Vec<Left> {
    let callback = Callback {
        uid: seen.at.uid.clone(),
        connection: seen.at.to_string(),
        // Ours are found by their mark; neither where they point nor what they send matters.
        receiver: seen.observed.instance.url.clone(),
        secret: SecretString::default(),
        delivered_at: None,
    };
    let desired = desired(seen.spec(), &seen.observed, access, callback);
    let mut left = webhooks::remove(&seen.client, &desired, remembered).await.left;
    let credentials = access.credentials();
    let reading = access.reading();
    let nothing = desired.groups.is_empty() && desired.projects.is_empty();
    let unread = desired.groups.len() < seen.spec().scope.groups.len()
        || desired.projects.len() < seen.spec().scope.projects.len();
    // What the scope comes to is not known, so there may be more than what is remembered.
    let unknown = if nothing && credentials.outcome != Outcome::Ok {
        Some(credentials)
    } else {
        (unread && reading.outcome == Outcome::Unknown).then_some(reading)
    };
    let subject = seen.at.to_string();
    left.extend(unknown.map(|verdict| Left { subject, reason: verdict.reason, message: verdict.message }));
    left
}

fn cleaned(left: &[Left]) -> Cleaned {
    let Some(first) = left.first() else { return Cleaned::Done };
    let away = left.iter().find(|left| PASSING.contains(&left.reason));
    let more = match left.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    match away {
        Some(away) => Cleaned::Away(format!("{}: {}{more}", away.subject, away.message)),
        None => Cleaned::Left(format!("{}: {}{more}", first.subject, first.message)),
    }
}

/// A connection that cannot be used: there is something to tell of only if it had webhooks.
fn leave(connection: &GitLabConnection, why: String) -> Cleaned {
    if has_had_hooks(connection) { Cleaned::Left(why) } else { Cleaned::Done }
}

fn has_had_hooks(connection: &GitLabConnection) -> bool {
    let webhooks = connection.status.as_ref().and_then(|status| status.webhooks.as_ref());
    webhooks.is_some_and(|webhooks| webhooks.desired > 0)
}

/// What is left of the time that a deletion may take; `None` once it is over.
fn time_left(connection: &GitLabConnection, ctx: &Context, now: Timestamp) -> Option<Duration> {
    let asked_at = connection.metadata.deletion_timestamp.as_ref().map_or(now, |at| at.0);
    let deadline = asked_at.checked_add(ctx.settings.deletion_deadline).unwrap_or(Timestamp::MAX);
    Duration::try_from(deadline.duration_since(now)).ok().filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(reason: &'static str) -> Left {
        Left { subject: "group acme".to_owned(), reason, message: "no".to_owned() }
    }

    #[test]
    fn only_what_may_pass_is_waited_for() {
        assert!(matches!(cleaned(&[]), Cleaned::Done));
        assert!(matches!(cleaned(&[left(reason::INVALID_CREDENTIALS)]), Cleaned::Left(_)));
        assert!(matches!(cleaned(&[left(reason::INSUFFICIENT_ROLE)]), Cleaned::Left(_)));
        assert!(matches!(
            cleaned(&[left(reason::INSUFFICIENT_ROLE), left(reason::GITLAB_UNREACHABLE)]),
            Cleaned::Away(_)
        ));
    }
}
