//! Reads merge requests again that events have named: an event says that something changed, and not all that did.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::instrument;

use crate::gitlab::queries::merge_request::MergeRequest;
use crate::gitlab::{self, Client};
use crate::store::{Batch, Refresh, Store};

use super::context::Context;
use super::discover::is_too_much;
use super::rows::Rows;
use super::{Error, Progress, Settings, lists};

/// Merge requests due that are looked at together.
const AT_ONCE: i64 = 500;

/// Merge requests of one project that are read with one request.
const A_REQUEST: usize = 50;

/// Requests in flight.
const IN_FLIGHT: usize = 8;

/// Events come in bursts, and GitLab's replicas lag: wait a little, then read all at once.
const SETTLE: Duration = Duration::from_millis(250);

/// How often to look when nothing woke us: another process may have marked something.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// The longest pause after trouble.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Reads what is due, again and again, until `stop`. Trouble is logged and tried again: what is due stays due.
#[instrument(skip_all)]
pub async fn run(client: &Client, store: &Store, settings: &Settings, wake: Arc<Notify>, stop: CancellationToken) {
    let mut pause = Duration::from_secs(1);
    let mut ctx: Option<Context> = None;
    while !stop.is_cancelled() {
        let error = match pass(&mut ctx, (client, store, settings), &stop).await {
            Ok(0) => {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = wake.notified() => tokio::time::sleep(SETTLE).await,
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                }
                continue;
            }
            Ok(_) => {
                pause = Duration::from_secs(1);
                continue;
            }
            Err(Error::Stopped) => return,
            Err(error) => error,
        };
        tracing::warn!(%error, "cannot refresh merge requests, trying again in {pause:?}");
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Reads what is due now, once. Returns how many merge requests that were.
///
/// # Errors
/// The first trouble; what else was due has been read.
pub async fn once(client: &Client, store: &Store, settings: &Settings) -> Result<usize, Error> {
    pass(&mut None, (client, store, settings), &CancellationToken::new()).await
}

async fn pass(
    ctx: &mut Option<Context>,
    (client, store, settings): (&Client, &Store, &Settings),
    stop: &CancellationToken,
) -> Result<usize, Error> {
    let due = store.pending_refreshes(settings.source, AT_ONCE).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let ctx = match ctx {
        Some(ctx) => ctx,
        none => none.insert(Context::new(client, store, settings, Progress::default(), stop.clone()).await?),
    };
    let count = due.len();
    let mut projects: BTreeMap<i64, Vec<Refresh>> = BTreeMap::new();
    for refresh in due {
        projects.entry(refresh.project_id).or_default().push(refresh);
    }
    let mut requests = Vec::new();
    for due in projects.values().flat_map(|due| due.chunks(A_REQUEST)) {
        requests.push(refresh(ctx, due));
    }
    let outcomes: Vec<Result<(), Error>> = stream::iter(requests).buffer_unordered(IN_FLIGHT).collect().await;
    outcomes.into_iter().collect::<Result<(), Error>>()?;
    Ok(count)
}

/// Reads some merge requests of one project again and stores them as no longer due.
async fn refresh(ctx: &Context, due: &[Refresh]) -> Result<(), Error> {
    let [first, ..] = due else { return Ok(()) };
    let as_of = Timestamp::now();
    let (path, mut merge_requests) = match read(ctx, due).await {
        Ok(read) => read,
        Err(Error::GitLab(error)) if is_too_much(&error) && due.len() > 1 => {
            let (left, right) = due.split_at(due.len() / 2);
            Box::pin(refresh(ctx, left)).await?;
            return Box::pin(refresh(ctx, right)).await;
        }
        Err(Error::GitLab(error)) if is_hopeless(&error) => {
            // A full pass repairs it; until then one odd merge request must not hold up the others.
            tracing::warn!(project = first.project_path, %error, "cannot refresh {} merge requests", due.len());
            (String::new(), Vec::new())
        }
        Err(error) => return Err(error),
    };
    lists::follow_all(ctx, &path, &mut merge_requests).await?;
    lists::add_closed_at(ctx, first.project_id, &mut merge_requests).await?;

    let mut rows = Rows::default();
    for merge_request in merge_requests {
        rows.merge_request(first.project_id, merge_request, ctx.settings.text);
    }
    ctx.commit(Batch { as_of: Some(as_of), refreshed: due.to_vec(), ..rows.into_batch() }).await
}

/// The merge requests as they are now, and the path under which the project was found. What is gone is missing.
async fn read(ctx: &Context, due: &[Refresh]) -> Result<(String, Vec<MergeRequest>), Error> {
    let [Refresh { project_id, project_path, .. }, ..] = due else {
        return Ok(<_>::default());
    };
    let iids: Vec<i64> = due.iter().map(|refresh| refresh.iid).collect();
    let mut path = project_path.clone();
    for _ in 0..2 {
        let found = lists::by_iids(ctx, &path, &iids).await?.filter(|project| project.id == *project_id);
        if let Some(project) = found {
            let list = project.merge_requests.unwrap_or_default();
            return Ok((path, list.nodes.into_iter().flatten().collect()));
        }
        // The path names nothing any more, or another project.
        path = match ctx.or_stop(ctx.client.project(&project_id.to_string())).await {
            Ok(project) => project.path_with_namespace,
            Err(Error::GitLab(gitlab::Error::NotFound { .. } | gitlab::Error::Forbidden { .. })) => break,
            Err(error) => return Err(error),
        };
    }
    Ok((path, Vec::new()))
}

/// Whether asking again would bring the same trouble.
fn is_hopeless(error: &gitlab::Error) -> bool {
    use gitlab::Error as E;
    matches!(
        error,
        E::QueryTimeout { .. } | E::TooComplex { .. } | E::TooLarge { .. } | E::Graphql { .. } | E::Unexpected { .. }
    )
}
