//! One look at a connection, and what comes of it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use kube::{
    Api, Resource as _,
    core::DeserializeGuard,
    runtime::{
        controller::Action,
        finalizer::{Event, finalizer},
    },
};
use tracing::Instrument as _;

use super::{
    Context, Error,
    answers::Known,
    ask::ask,
    cleanup::cleanup,
    hooks::{Kept, with_commands},
    imports, invalid, judge,
    observe::observe,
    status::{self, Found},
};
use crate::{
    api::{FINALIZER, GitLabConnection},
    cluster::{ConnectionRef, timely},
};

/// A connection, or what is left of one that cannot be read.
pub(super) type Guarded = DeserializeGuard<GitLabConnection>;

/// The soonest that the clock has a connection looked at again.
const SOONEST: SignedDuration = SignedDuration::from_millis(500);

/// Brings GitLab and the cluster to what a connection asks for, or takes our webhooks away when it goes.
///
/// # Errors
/// When the outcome could not be recorded; expected failures are conditions.
pub(super) async fn reconcile(object: Arc<Guarded>, ctx: Arc<Context>) -> Result<Action, Error> {
    let Some(at) = reference(&object) else { return Ok(Action::await_change()) };
    let span = tracing::info_span!("reconcile", connection = %at);
    let began = Instant::now();
    let done = remembering(&at, &object, &ctx).instrument(span).await;
    let outcome = match &done {
        Ok((_, true)) => "changed",
        Ok((_, false)) => "unchanged",
        Err(_) => "error",
    };
    ctx.kube.metrics.reconciled(outcome, began.elapsed());
    done.map(|(action, _)| action)
}

/// What to do after an error: the same again, the later the more often it failed before.
pub(super) fn error_policy(object: &Guarded, error: &Error, ctx: &Context) -> Action {
    let Some(at) = reference(object) else { return Action::await_change() };
    let pause = ctx.memory.failed(&at.uid);
    tracing::warn!(connection = %at, %error, %pause, "trying again");
    Action::requeue(pause.try_into().unwrap_or_default())
}

fn reference(object: &Guarded) -> Option<ConnectionRef> {
    let meta = object.meta();
    Some(ConnectionRef { namespace: meta.namespace.clone()?, name: meta.name.clone()?, uid: meta.uid.clone()? })
}

/// A look with what is remembered of the connection. Also says whether the status was written.
async fn remembering(at: &ConnectionRef, object: &Guarded, ctx: &Arc<Context>) -> Result<(Action, bool), Error> {
    let mut known = ctx.memory.take(&at.uid);
    // A bug that one connection brings to light must not stop the others, nor be met again at once with everything asked anew.
    let done = AssertUnwindSafe(finalized(at, object, &mut known, ctx)).catch_unwind().boxed().await;
    let done = done.unwrap_or(Err(Error::Panicked));
    if matches!(done, Err(Error::Panicked)) {
        ctx.kube.metrics.panicked();
    }
    // What GitLab is still asked may fail as it did before.
    if done.is_ok() && known.round.is_none() {
        known.errors = 0;
    }
    if !known.gone {
        ctx.memory.put(&at.uid, known);
    }
    done
}

async fn finalized(
    at: &ConnectionRef,
    object: &Guarded,
    known: &mut Known,
    ctx: &Arc<Context>,
) -> Result<(Action, bool), Error> {
    let connection = match &object.0 {
        Ok(connection) => Arc::new(connection.clone()),
        Err(unreadable) => return invalid::unreadable(at, &unreadable.error, known, ctx).await,
    };
    let meta = &connection.metadata;
    let goes = meta.deletion_timestamp.is_some() && meta.finalizers.iter().flatten().any(|one| one == FINALIZER);
    if goes && let Some(again) = cleanup(at, &connection, known, ctx).await? {
        return Ok((again, false));
    }
    let api: Api<GitLabConnection> = Api::namespaced(ctx.kube.client.clone(), &at.namespace);
    let mut wrote = false;
    let written = &mut wrote;
    let done = finalizer(&api, FINALIZER, connection, |event| async move {
        match event {
            Event::Apply(_) => {
                let (action, changed) = look(at, known, ctx).await?;
                *written = changed;
                Ok(action)
            }
            Event::Cleanup(_) => {
                known.gone = true;
                Ok(Action::await_change())
            }
        }
    });
    Ok((done.await?, wrote))
}

async fn look(at: &ConnectionRef, known: &mut Known, ctx: &Arc<Context>) -> Result<(Action, bool), Error> {
    // The watch may be behind what we wrote ourselves.
    let api: Api<Guarded> = Api::namespaced(ctx.kube.client.clone(), &at.namespace);
    let current = timely(api.get_opt(&at.name)).await?;
    let connection = match current {
        Some(DeserializeGuard(Ok(connection))) => connection,
        Some(DeserializeGuard(Err(unreadable))) => return invalid::unreadable(at, &unreadable.error, known, ctx).await,
        None => return Ok((Action::await_change(), false)),
    };
    // What goes, or came after it, is another look's.
    if connection.metadata.deletion_timestamp.is_some() || connection.metadata.uid.as_ref() != Some(&at.uid) {
        return Ok((Action::await_change(), false));
    }
    match invalid::hold(&connection, known) {
        Ok(()) => apply(at, connection, known, ctx).await,
        Err(sentence) => {
            known.round = None;
            invalid::say(at, &connection.metadata, connection.status.as_ref(), &sentence, ctx).await
        }
    }
}

/// Brings the cluster to what the connection asks for, has GitLab asked, and says how it stands.
///
/// A step that fails does not stop the ones that do not need it: each outcome becomes a condition. Only a Kubernetes error
/// ends the look early, because then the outcome could not be recorded either.
async fn apply(
    at: &ConnectionRef,
    connection: GitLabConnection,
    known: &mut Known,
    ctx: &Arc<Context>,
) -> Result<(Action, bool), Error> {
    let (meta, status) = (connection.metadata.clone(), connection.status.clone());
    let seen = match observe(at, connection, ctx).await? {
        Ok(seen) => Arc::new(seen),
        Err(unusable) => {
            known.round = None;
            return invalid::say(at, &meta, status.as_ref(), &unusable.to_string(), ctx).await;
        }
    };
    let suspended = seen.spec().suspend;
    if suspended {
        ctx.queue.call_off(&at.uid);
        known.round = None;
    } else {
        ask(&seen, known, ctx, Timestamp::now())?;
    }
    let now = Timestamp::now();
    let question = seen.question(ctx);
    let answers = known.answers.clone().filter(|answers| answers.are_about(&question));
    let access = answers.as_ref().and_then(|answers| answers.access.as_ref());
    let hooks =
        answers.as_ref().map_or_else(|| Kept::Pending.told(None), |answers| answers.hooks.told(seen.last_delivery()));
    let hooks = with_commands(hooks, at);
    imports::let_go(&seen, ctx).await;
    let imports = imports::ensure(&seen, access, &mut known.stuck, ctx, now).await?;

    let judged = match &answers {
        _ if suspended => judge::suspended(),
        Some(answers) => judge::judge(&seen, answers, &mut known.standing, &hooks, imports.verdict.clone(), now),
        None => judge::meanwhile(&seen, imports.verdict.clone()),
    };
    let current = suspended || answers.is_some();
    let asking = known.round.is_some();
    let asks_again =
        answers.as_ref().filter(|_| !suspended && !asking).map(|answers| answers.until(seen.spec(), &at.uid));
    let next = [asks_again, imports.due].into_iter().flatten().min();
    let goes_on = answers.as_ref().is_some_and(|answers| answers.hooks.goes_on());
    let whole = !suspended && !asking && !goes_on;
    let status = status::compute(&seen, Found { judged, access, hooks, imports, current, whole }, now);
    let wrote = status::publish(at, seen.status(), &status, ctx).await?;
    let action = next.map_or_else(Action::await_change, |next| {
        let pause = next.duration_since(now).max(SOONEST);
        Action::requeue(pause.try_into().unwrap_or_default())
    });
    Ok((action, wrote))
}
