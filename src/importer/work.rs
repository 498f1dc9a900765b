//! Claims tasks and works on several at once.
//!
//! The planner, each hand and each heartbeat are polled all the time. A future that waits its turn for a connection to the
//! database while nobody polls it would keep everybody else from theirs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::{try_join, try_join_all};
use tokio::sync::Notify;

use crate::store::{self, Run, Task};

use super::context::Context;
use super::project::{self, Ending};
use super::{Difference, Error, LEASE, Progress};

/// How often to look for tasks while another worker is planning.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What the hands share.
struct Workshop<'a> {
    ctx: &'a Context,
    run: i64,
    progress: &'a Progress,
    /// Rung when there may be tasks.
    news: &'a Notify,
    /// No tasks will be added any more.
    planned: AtomicBool,
    differences: Mutex<Vec<Difference>>,
}

/// Works on tasks while there are any, and while `planner` may bring more.
pub(super) async fn until_done(
    ctx: &Context,
    run: &Run,
    progress: &Progress,
    planner: impl Future<Output = Result<(), Error>>,
    news: &Notify,
) -> Result<Vec<Difference>, Error> {
    let shop = Workshop {
        ctx,
        run: run.id,
        progress,
        news,
        planned: AtomicBool::new(false),
        differences: Mutex::default(),
    };
    let planner = async {
        planner.await?;
        shop.planned.store(true, Ordering::Release);
        news.notify_waiters();
        Ok(())
    };
    let hands = (0..ctx.settings.concurrency.max(1)).map(|_| hand(&shop));
    try_join(planner, try_join_all(hands)).await?;
    if ctx.stop.is_cancelled() {
        return Err(Error::Stopped);
    }
    Ok(shop.differences.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Takes one task after the other.
async fn hand(shop: &Workshop<'_>) -> Result<(), Error> {
    while !shop.ctx.stop.is_cancelled() {
        // Asked before the claim: a task that comes later is then no reason to leave.
        let planned = shop.planned.load(Ordering::Acquire);
        let Some(task) = claim(shop.ctx, shop.run).await? else {
            if planned {
                return Ok(());
            }
            tokio::select! {
                () = shop.news.notified() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
            continue;
        };
        // Where one task was there may be more.
        shop.news.notify_one();
        if let Ending::Ended(difference) = guarded(shop, task).await? {
            shop.progress.project_ended();
            shop.differences.lock().unwrap_or_else(PoisonError::into_inner).extend(difference);
        }
    }
    Ok(())
}

async fn claim(ctx: &Context, run: i64) -> Result<Option<Task>, Error> {
    ctx.patiently(|| ctx.store.claim_task(run, &ctx.settings.worker, LEASE))
        .await
}

/// Works on a task and keeps its claim alive, because waiting for a rate limit may take longer than a lease.
async fn guarded(shop: &Workshop<'_>, task: Task) -> Result<Ending, Error> {
    let (id, claim, path) = (task.id, task.claim, task.project_path.clone());
    tokio::select! {
        ended = project::import(shop.ctx, shop.run, task, shop.progress) => ended,
        () = keep(shop.ctx, id, claim) => {
            tracing::info!(project = path, "another worker has taken over");
            Ok(Ending::Lost)
        }
    }
}

/// Extends a claim again and again; returns when another worker has the task.
async fn keep(ctx: &Context, task: i64, claim: i64) {
    let period = Duration::try_from(LEASE).unwrap_or_default() / 3;
    loop {
        tokio::time::sleep(period).await;
        match ctx.store.extend_lease(task, claim, LEASE).await {
            Err(store::Error::ClaimLost) => return,
            Err(error) => tracing::warn!(%error, "cannot extend a lease"),
            Ok(()) => {}
        }
    }
}
