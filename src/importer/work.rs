//! Claims tasks and works on several at once.

use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::Notify;
use tokio::time::{Instant, interval_at};

use crate::store::{self, Run, Task};

use super::context::Context;
use super::project::{self, Ending};
use super::{Difference, Error, LEASE, Progress};

/// How often to look for tasks while another worker is planning.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Works on tasks while there are any, and while `planner` may bring more.
pub(super) async fn until_done(
    ctx: &Context,
    run: &Run,
    progress: &Progress,
    planner: impl Future<Output = Result<(), Error>>,
    news: &Notify,
) -> Result<Vec<Difference>, Error> {
    let planner = planner.fuse();
    tokio::pin!(planner);
    let mut planned = false;
    let mut differences = Vec::new();
    let mut in_flight = FuturesUnordered::new();
    loop {
        while in_flight.len() < ctx.settings.concurrency.max(1) && !ctx.stop.is_cancelled() {
            let Some(task) = claim(ctx, run.id).await? else {
                break;
            };
            in_flight.push(guarded(ctx, run.id, task, progress));
        }
        if planned && in_flight.is_empty() {
            return if ctx.stop.is_cancelled() {
                Err(Error::Stopped)
            } else {
                Ok(differences)
            };
        }
        tokio::select! {
            ended = &mut planner, if !planned => {
                ended?;
                planned = true;
            }
            Some(ended) = in_flight.next() => {
                if let Ending::Ended(difference) = ended? {
                    progress.project_ended();
                    differences.extend(difference);
                }
            }
            () = news.notified(), if !planned => {}
            () = tokio::time::sleep(LOOK_AGAIN), if !planned => {}
        }
    }
}

async fn claim(ctx: &Context, run: i64) -> Result<Option<Task>, Error> {
    ctx.patiently(|| ctx.store.claim_task(run, &ctx.settings.worker, LEASE))
        .await
}

/// Works on a task and keeps its claim alive, because waiting for a rate limit may take longer than a lease.
async fn guarded(
    ctx: &Context,
    run: i64,
    task: Task,
    progress: &Progress,
) -> Result<Ending, Error> {
    let (id, claim, path) = (task.id, task.claim, task.project_path.clone());
    let work = project::import(ctx, run, task, progress);
    tokio::pin!(work);
    let period = Duration::try_from(LEASE).unwrap_or_default() / 3;
    let mut beat = interval_at(Instant::now() + period, period);
    loop {
        tokio::select! {
            ended = &mut work => return ended,
            _ = beat.tick() => match ctx.store.extend_lease(id, claim, LEASE).await {
                Err(store::Error::ClaimLost) => {
                    tracing::info!(project = path, "another worker has taken over");
                    return Ok(Ending::Lost);
                }
                Err(error) => tracing::warn!(%error, "cannot extend a lease"),
                Ok(()) => {}
            }
        }
    }
}
