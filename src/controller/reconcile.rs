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
    hooks::Kept,
    imports, invalid, judge,
    observe::observe,
    status::{self, Found},
};
use crate::{
    access::Verdict,
    api::{FINALIZER, GitLabConnection},
    cluster::{ConnectionRef, timely},
    connection::Hooks,
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
    // A bug that one connection brings to light must not stop the others.
    let done = AssertUnwindSafe(finalized(&at, &object, &ctx)).catch_unwind().instrument(span).await;
    let done = done.unwrap_or(Err(Error::Panicked));
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

/// Also says whether the status was written.
async fn finalized(at: &ConnectionRef, object: &Guarded, ctx: &Context) -> Result<(Action, bool), Error> {
    let connection = match &object.0 {
        Ok(connection) => Arc::new(connection.clone()),
        Err(unreadable) => return invalid::unreadable(at, &unreadable.error, ctx).await,
    };
    let api: Api<GitLabConnection> = Api::namespaced(ctx.kube.client.clone(), &at.namespace);
    let mut wrote = false;
    let done = finalizer(&api, FINALIZER, connection, |event| async {
        match event {
            Event::Apply(_) => {
                let (action, written) = remembering(at, ctx).await?;
                wrote = written;
                Ok(action)
            }
            Event::Cleanup(connection) => cleanup(at, &connection, ctx).await,
        }
    });
    Ok((done.await?, wrote))
}

async fn remembering(at: &ConnectionRef, ctx: &Context) -> Result<(Action, bool), Error> {
    let mut known = ctx.memory.take(&at.uid);
    let done = look(at, &mut known, ctx).await;
    if done.is_ok() {
        known.errors = 0;
    }
    ctx.memory.put(&at.uid, known);
    done
}

async fn look(at: &ConnectionRef, known: &mut Known, ctx: &Context) -> Result<(Action, bool), Error> {
    // The watch may be behind what we wrote ourselves.
    let api: Api<Guarded> = Api::namespaced(ctx.kube.client.clone(), &at.namespace);
    let current = timely(api.get_opt(&at.name)).await?;
    let connection = match current {
        Some(DeserializeGuard(Ok(connection))) => connection,
        Some(DeserializeGuard(Err(unreadable))) => return invalid::unreadable(at, &unreadable.error, ctx).await,
        None => return Ok((Action::await_change(), false)),
    };
    // What goes, or came after it, is another look's.
    if connection.metadata.deletion_timestamp.is_some() || connection.metadata.uid.as_ref() != Some(&at.uid) {
        return Ok((Action::await_change(), false));
    }
    match invalid::hold(&connection, known) {
        Ok(()) => apply(at, &connection, known, ctx).await,
        Err(sentence) => invalid::say(at, &connection.metadata, connection.status.as_ref(), &sentence, ctx).await,
    }
}

/// Brings GitLab and the cluster to what the connection asks for, and says how it went.
///
/// A step that fails does not stop the ones that do not need it: each outcome becomes a condition. Only a Kubernetes error
/// ends the run early, because then the outcome could not be recorded either.
async fn apply(
    at: &ConnectionRef,
    connection: &GitLabConnection,
    known: &mut Known,
    ctx: &Context,
) -> Result<(Action, bool), Error> {
    let seen = match observe(at, connection, ctx).await? {
        Ok(seen) => seen,
        Err(unusable) => {
            return invalid::say(at, &connection.metadata, connection.status.as_ref(), &unusable.to_string(), ctx)
                .await;
        }
    };
    let suspended = seen.spec().suspend;
    if !suspended {
        ask(&seen, known, ctx, Timestamp::now()).await?;
    }
    let now = Timestamp::now();
    let answers = known.answers.clone();
    let access = answers.as_ref().and_then(|answers| answers.access.as_ref());
    let hooks = answers.as_ref().map_or_else(nobody_looked, |answers| answers.hooks.told(seen.last_delivery()));
    let imports = imports::ensure(&seen, access, &mut known.stuck, ctx, now).await?;

    let judged =
        if suspended { judge::suspended() } else { judge::judge(&seen, known, &hooks, imports.verdict.clone(), now) };
    let asks_again = answers.as_ref().filter(|_| !suspended).map(|answers| answers.until(seen.spec(), &at.uid));
    let next = [asks_again, imports.due].into_iter().flatten().min();
    let learning = answers.as_ref().is_some_and(|answers| matches!(answers.hooks, Kept::Learning { .. }));
    let whole = !suspended && !learning;
    let status = status::compute(&seen, Found { judged, access, hooks, imports, whole }, now);
    let wrote = status::publish(at, seen.status(), &status, ctx).await?;
    let action = next.map_or_else(Action::await_change, |next| {
        let pause = next.duration_since(now).max(SOONEST);
        Action::requeue(pause.try_into().unwrap_or_default())
    });
    Ok((action, wrote))
}

fn nobody_looked() -> Hooks {
    Hooks::only(Verdict::unknown(crate::api::conditions::reason::WAITING, "nobody has looked at the webhooks yet"))
}
