//! Claims tasks and works on several at once.
//!
//! Planner and tasks are spawned: each goes on while the others wait for the database, which may have one connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, interval_at, timeout};

use crate::store::{self, List, Run, Task};

use super::context::Context;
use super::planner::Planner;
use super::project::{self, Ending};
use super::{Difference, Error, LEASE, delivery};

/// How often to look for tasks while another worker plans, or holds the last ones.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How long a page that is being stored may take after the run was asked to stop.
const GRACE: Duration = Duration::from_millis(500);

/// Plans and works on tasks until there are none. Where it fails, what is under way is given up.
pub(super) async fn until_done(ctx: &Arc<Context>, run: &Run) -> Result<Vec<Difference>, Error> {
    let mut planner = JoinSet::new();
    planner.spawn(plan(Arc::clone(ctx), run.clone()));
    let mut differences = Vec::new();
    let mut in_flight = JoinSet::new();
    loop {
        while in_flight.len() < ctx.settings.concurrency.max(1) {
            let claim = || ctx.store.claim_task(run.id, &ctx.worker, LEASE);
            let task = tokio::select! {
                biased;
                () = ctx.stop.cancelled() => None,
                task = ctx.patiently(claim) => task?,
            };
            let Some(task) = task else { break };
            in_flight.spawn(guarded(Arc::clone(ctx), run.id, task));
        }
        let planning = !planner.is_empty();
        if !planning && in_flight.is_empty() {
            if !ctx.patiently(|| ctx.store.run_progress(run.id)).await?.is_open() {
                return Ok(differences);
            }
            // Others are at work, and may die. What this life of ours holds belongs to a claim whose answer was lost.
            ctx.patiently(|| ctx.store.release_worker(run.id, &ctx.worker)).await?;
            ctx.pause(LOOK_AGAIN).await?;
            continue;
        }
        tokio::select! {
            biased;
            () = ctx.stop.cancelled() => {
                // A page that is being stored may end; what takes longer is rolled back.
                let _ = timeout(GRACE, async { while in_flight.join_next().await.is_some() {} }).await;
                return Err(Error::Stopped);
            }
            Some(planned) = planner.join_next(), if planning => joined(planned)?,
            Some(ended) = in_flight.join_next() => {
                if let Ending::Ended(difference) = joined(ended)? {
                    ctx.progress.project_ended();
                    differences.extend(difference);
                }
            }
            () = ctx.new_tasks.notified(), if planning => {}
            () = tokio::time::sleep(LOOK_AGAIN), if planning => {}
        }
    }
}

async fn plan(ctx: Arc<Context>, run: Run) -> Result<(), Error> {
    // Somebody may have named other bots since the last import.
    ctx.patiently(|| ctx.store.recognise_bots(ctx.settings.source)).await?;
    Planner::new(&ctx, &run).await?.plan().await
}

fn joined<T>(ended: Result<Result<T, Error>, JoinError>) -> Result<T, Error> {
    ended.map_err(|error| Error::Internal(error.to_string()))?
}

/// Works on a task and keeps its claim alive, because waiting for a rate limit may take longer than a lease.
async fn guarded(ctx: Arc<Context>, run: i64, task: Task) -> Result<Ending, Error> {
    let (id, claim) = (task.id, task.claim);
    tokio::select! {
        ended = import(&ctx, run, task) => ended,
        () = keep_alive(&ctx, id, claim) => Ok(Ending::Lost),
    }
}

async fn import(ctx: &Context, run: i64, task: Task) -> Result<Ending, Error> {
    match task.list {
        List::MergeRequests => project::import(ctx, run, task).await,
        List::Deployments | List::Pipelines => delivery::import(ctx, run, &task).await,
    }
}

/// Ends when another worker has taken the task over.
async fn keep_alive(ctx: &Context, task: i64, claim: i64) {
    let period = Duration::try_from(LEASE).unwrap_or_default() / 3;
    let mut beat = interval_at(Instant::now() + period, period);
    loop {
        beat.tick().await;
        match ctx.store.extend_lease(task, claim, LEASE).await {
            Err(store::Error::ClaimLost) => return,
            Err(error) => tracing::warn!(%error, "cannot extend a lease"),
            Ok(()) => {}
        }
    }
}
