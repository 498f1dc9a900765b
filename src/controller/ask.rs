//! Has GitLab asked what the tokens can do and the webhooks made sure of, unless earlier answers still hold, and takes up
//! what came of it. Never waits for GitLab itself: that is the queue's.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    Context, Error,
    answers::{Answers, Known, Question, Round},
    cleanup::Cleaned,
    hooks::{self, Kept},
    observe::Seen,
    queue::{Panicked, Priority},
};
use crate::{
    access::{self, Access, Need, Outcome},
    api::{RECONCILE_REQUESTED_AT, conditions::reason},
    cluster::HookState,
    connection::{Hooks, needs},
    gitlab::{Patience, Term},
    webhooks::Progress,
};

/// How long GitLab may be asked about one connection until the others of its lane have their turn.
pub(super) const TURN: Duration = Duration::from_secs(60);

/// What came of work that waited for GitLab.
#[derive(Debug)]
pub(super) enum Answer {
    /// What the tokens can do. The webhooks have not been looked at.
    Verified(Access),
    /// That, and how it stands with the webhooks.
    Looked(Box<Looked>),
    /// What became of the webhooks of a connection that goes.
    Removed(Cleaned),
}

/// What the tokens can do, how it stands with the webhooks, and what their Secret holds then.
#[derive(Debug)]
pub(super) struct Looked {
    access: Access,
    /// Whether deliveries had arrived when it was asked.
    delivered: bool,
    hooks: Result<(Kept, Option<HookState>), Error>,
}

impl Seen {
    /// What is to be asked of GitLab.
    pub(super) fn question(&self, ctx: &Context) -> Question {
        let handled = self.status().and_then(|status| status.last_handled_reconcile_at.as_ref());
        let request = self.requested(RECONCILE_REQUESTED_AT, handled).map(str::to_owned);
        Question { asks_for: self.asks_for(ctx.settings.receiver_url.as_deref()), request }
    }

    /// The same with a client that asks for one turn at most, and not for long for anything.
    pub(super) fn for_a_turn(&self, term: Term) -> Seen {
        let client = self.client.with_patience(Patience::probing()).within(term);
        Seen { client, ..self.clone() }
    }
}

/// Makes sure that what is known of GitLab holds, or that somebody is finding out.
///
/// # Errors
/// When Kubernetes cannot keep what belongs to the webhooks.
pub(super) fn ask(seen: &Arc<Seen>, known: &mut Known, ctx: &Arc<Context>, now: Timestamp) -> Result<(), Error> {
    let question = seen.question(ctx);
    // Asked before its outcome is taken: what ends in between is taken at the next look, which it brings about.
    let busy = ctx.queue.under_way(&seen.at.uid).is_some();
    match known.round.take() {
        Some(round) if round.question == question => take_up(seen, round, known, ctx)?,
        _ => ctx.queue.call_off(&seen.at.uid),
    }
    if known.round.is_none() && !holds(seen, &question, known, ctx, now) {
        let before = known.answers.as_ref().filter(|before| before.are_about(&question));
        let fresh = || Round::new(question.clone(), now);
        known.round = Some(
            before.map_or_else(fresh, |before| before.followed_by(question.clone(), seen.spec().interval.get(), now)),
        );
    }
    let Some(round) = &known.round else { return Ok(()) };
    if !seen.observed.may_ask() {
        let began = round.began;
        known.round = None;
        let hooks = hooks::at_once(seen, None).unwrap_or_else(Hooks::switched_off);
        known.answers = Some(answers(seen, question, began, known, None, (Kept::Said(hooks), seen.state.clone()), ctx));
    } else if !(busy && ctx.queue.has_work(&seen.at.uid)) {
        order(seen, round.clone(), known, ctx);
    }
    Ok(())
}

fn holds(seen: &Seen, question: &Question, known: &Known, ctx: &Context, now: Timestamp) -> bool {
    let asks_with = seen.asks_with(seen.state.as_ref(), ctx.settings.receiver_url.as_deref());
    known.answers.as_ref().is_some_and(|answers| {
        answers.hold(&asks_with, question.request.as_ref(), answers.until(seen.spec(), &seen.at.uid), now)
    })
}

/// Takes up what came of a round, or goes on waiting for it.
fn take_up(seen: &Seen, mut round: Round, known: &mut Known, ctx: &Context) -> Result<(), Error> {
    match ctx.queue.take(&seen.at.uid) {
        None => known.round = Some(round),
        Some(Err(Panicked)) => return Err(Error::Panicked),
        Some(Ok(Answer::Verified(access))) => {
            if let Some(hooks) = hooks::at_once(seen, Some(&access)) {
                let hooks = (Kept::Said(hooks), seen.state.clone());
                known.answers = Some(answers(seen, round.question, round.began, known, Some(access), hooks, ctx));
                return Ok(());
            }
            // The tokens of a connection are told of before its webhooks, which may take long.
            let Round { question, began, .. } = round.clone();
            let hooks = Kept::Pending;
            let in_vain = times_in_vain(known, &question);
            let at = Timestamp::now();
            known.answers =
                Some(Answers { question, asked_with: None, began, at, in_vain, access: Some(access.clone()), hooks });
            round.access = Some(access);
            known.round = Some(round);
        }
        Some(Ok(Answer::Looked(looked))) => match *looked {
            Looked { access, delivered, hooks: Ok(hooks) } => {
                let mut answers = answers(seen, round.question, round.began, known, Some(access), hooks, ctx);
                // What a first delivery proves is found out at once.
                answers.asked_with = answers.asked_with.filter(|_| delivered == seen.last_delivery().is_some());
                known.answers = Some(answers);
            }
            Looked { access, hooks: Err(error), .. } => {
                // What the tokens can do need not be asked again.
                known.round = Some(Round { access: Some(access), ..round });
                return Err(error);
            }
        },
        // Of a deletion that somebody took back: an API server knows none.
        Some(Ok(Answer::Removed(_))) => {}
    }
    Ok(())
}

/// How often in a row nobody could tell so far.
fn times_in_vain(known: &Known, question: &Question) -> u32 {
    known.answers.as_ref().filter(|before| before.are_about(question)).map_or(0, |before| before.in_vain)
}

/// What is known once everything was asked.
fn answers(
    seen: &Seen,
    question: Question,
    began: Timestamp,
    known: &Known,
    access: Option<Access>,
    (hooks, state): (Kept, Option<HookState>),
    ctx: &Context,
) -> Answers {
    let in_vain = hooks.in_vain() || access.as_ref().is_some_and(is_in_vain);
    let before = times_in_vain(known, &question);
    Answers {
        asked_with: Some(seen.asks_with(state.as_ref(), ctx.settings.receiver_url.as_deref())),
        question,
        began,
        at: Timestamp::now(),
        in_vain: if in_vain { before.saturating_add(1) } else { 0 },
        access,
        hooks,
    }
}

/// Orders the next step of a round.
fn order(seen: &Arc<Seen>, round: Round, known: &Known, ctx: &Arc<Context>) {
    let before = known.answers.as_ref().filter(|before| before.are_about(&round.question));
    let first = before.is_none() && round.access.is_none();
    let rights = before.and_then(|before| before.access.as_ref()).map(rights);
    let before = before.map(|before| before.hooks.clone());
    let (seen, context) = (Arc::clone(seen), Arc::clone(ctx));
    // Whoever has had a turn goes behind those who wait for their first.
    let is_first_turn = round.progress == Progress::default();
    let priority = if round.access.is_some() && is_first_turn { Priority::Hooks } else { Priority::Verification };
    ctx.queue.order(&seen.at.clone(), seen.lane(), priority, async move |called_off| {
        let seen = seen.for_a_turn(Term::new(Instant::now() + TURN, called_off));
        let access = match round.access {
            Some(access) => access,
            None => access::verify(&seen.client, &seen.spec().scope, &needs(seen.spec(), &seen.observed)).await,
        };
        if first {
            return Answer::Verified(access);
        }
        // Whoever may do other things now may be refused no more.
        let same = rights.is_none_or(|before| before == self::rights(&access));
        let progress = if same { round.progress } else { Progress::default() };
        let hooks = hooks::ensure(&seen, &access, before.as_ref(), progress, &context).await;
        let delivered = seen.last_delivery().is_some();
        Answer::Looked(Box::new(Looked { access, delivered, hooks }))
    });
}

/// What the tokens may do about webhooks, as far as it was tried.
fn rights(access: &Access) -> Vec<(String, String, Outcome)> {
    let about_hooks = access.matrix.iter().filter(|entry| entry.what.need() == Need::Hooks);
    about_hooks.map(|entry| (entry.token.clone(), entry.subject.clone(), entry.finding.outcome)).collect()
}

/// Whether nobody could tell, for a reason that may pass.
fn is_in_vain(access: &Access) -> bool {
    [access.credentials(), access.reading()]
        .iter()
        .any(|verdict| verdict.outcome == Outcome::Unknown && verdict.reason != reason::WAITING)
}
