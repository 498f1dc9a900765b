//! Reads merge requests again that events have named: an event says that something changed, and not all that did.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::instrument;

use crate::gitlab::queries::merge_request::MergeRequest;
use crate::gitlab::{self, Class, Client};
use crate::store::{Batch, Refresh, Store};

use super::context::Context;
use super::lists::Asking;
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

/// How often old deliveries are forgotten. Where a receiver runs, imports may be rare.
const TIDIED_EVERY: Duration = Duration::from_secs(3600);

/// The longest pause after trouble.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often a merge request may fail, while GitLab is well, before it is left to the next import.
const MOST_FAILURES: u32 = 5;

/// Reads what is due, again and again, until `stop`. Trouble is logged and tried again: what is due stays due.
#[instrument(skip_all)]
pub async fn run(client: &Client, store: &Store, settings: &Settings, wake: Arc<Notify>, stop: CancellationToken) {
    let mut pause = Duration::from_secs(1);
    let mut refresher = Refresher::new(client, store, settings, stop.clone());
    let mut tidied: Option<Instant> = None;
    while !stop.is_cancelled() {
        if tidied.is_none_or(|at| at.elapsed() > TIDIED_EVERY) {
            let old = store.forget_old_deliveries(settings.source, Timestamp::now()).await;
            let _ = old.inspect_err(|error| tracing::warn!(%error, "old deliveries stay for now"));
            tidied = Some(Instant::now());
        }
        let error = match refresher.pass().await {
            Ok(Pass { due: 0, .. }) => {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = wake.notified() => tokio::time::sleep(SETTLE).await,
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                }
                continue;
            }
            Ok(Pass { ended, .. }) if ended > 0 => {
                pause = Duration::from_secs(1);
                continue;
            }
            Err(Error::Stopped) | Ok(Pass { trouble: Some(Error::Stopped), .. }) => return,
            Ok(Pass { trouble, .. }) => trouble,
            Err(error) => Some(error),
        };
        if let Some(error) = error {
            tracing::warn!(%error, "cannot refresh merge requests, trying again in {pause:?}");
        }
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
    let pass = Refresher::new(client, store, settings, CancellationToken::new()).pass().await?;
    pass.trouble.map_or(Ok(pass.due), Err)
}

/// What is remembered from pass to pass.
struct Refresher<'a> {
    place: (&'a Client, &'a Store, &'a Settings),
    stop: CancellationToken,
    ctx: Option<Context>,
    failures: Failures,
}

/// How often a merge request has failed, by project and iid.
#[derive(Default)]
struct Failures(HashMap<(i64, i64), u32>);

impl Failures {
    /// Counts one more, and tells whether it was the last.
    fn exhausted_by(&mut self, one: &Refresh, error: &Error) -> bool {
        let failures = self.0.entry((one.project_id, one.iid)).or_default();
        *failures += 1;
        *failures >= MOST_FAILURES || matches!(error, Error::GitLab(error) if is_hopeless(error))
    }

    fn forget(&mut self, one: &Refresh) {
        self.0.remove(&(one.project_id, one.iid));
    }
}

/// How a look at what is due went.
struct Pass {
    due: usize,
    /// No longer due.
    ended: usize,
    /// The first trouble.
    trouble: Option<Error>,
    /// Our queries may not be those of the server any more.
    outdated: bool,
}

/// How reading some merge requests of one project went. `T` stands for a merge request, `R` for what reading brings.
pub(super) struct Part<'a, T, R> {
    /// What was read, and what came of it.
    pub(super) read: Vec<(&'a [T], R)>,
    /// What fails by itself, while GitLab is well.
    pub(super) failed: Vec<(&'a T, Error)>,
    /// Trouble that is no merge request's own: the others were not tried.
    pub(super) trouble: Option<Error>,
}

impl<'a> Refresher<'a> {
    fn new(client: &'a Client, store: &'a Store, settings: &'a Settings, stop: CancellationToken) -> Refresher<'a> {
        Refresher { place: (client, store, settings), stop, ctx: None, failures: Failures::default() }
    }

    /// Reads what is due now. A server that refuses our queries may be of another version by now: asks once more for it.
    async fn pass(&mut self) -> Result<Pass, Error> {
        let pass = self.look().await?;
        if !pass.outdated {
            return Ok(pass);
        }
        self.ctx = None;
        self.look().await
    }

    /// Reads what is due now. The trouble of one merge request does not keep the others from being read.
    async fn look(&mut self) -> Result<Pass, Error> {
        let (client, store, settings) = self.place;
        let due = store.pending_refreshes(settings.source, AT_ONCE).await?;
        if due.is_empty() {
            self.failures.0.clear();
            return Ok(Pass { due: 0, ended: 0, trouble: None, outdated: false });
        }
        let remembered = self.ctx.is_some();
        let ctx = match &mut self.ctx {
            Some(ctx) => ctx,
            none => none.insert(Context::new(client, store, settings, Progress::default(), self.stop.clone()).await?),
        };
        let count = due.len();
        let mut projects: BTreeMap<i64, Vec<Refresh>> = BTreeMap::new();
        for refresh in due {
            projects.entry(refresh.project_id).or_default().push(refresh);
        }
        let mut requests = Vec::new();
        for due in projects.values().flat_map(|due| due.chunks(A_REQUEST)) {
            requests.push(refresh_in_parts(ctx, due, remembered));
        }
        let parts: Vec<Part<'_, Refresh, ()>> = stream::iter(requests).buffer_unordered(IN_FLIGHT).collect().await;

        let mut pass = Pass { due: count, ended: 0, trouble: None, outdated: false };
        for part in parts {
            for one in part.read.into_iter().flat_map(|(some, ())| some) {
                pass.ended += 1;
                self.failures.forget(one);
            }
            for (one, error) in part.failed {
                if !self.failures.exhausted_by(one, &error) {
                    pass.trouble = pass.trouble.or(Some(error));
                    continue;
                }
                // The next import repairs it; until then one odd merge request must not hold up the others.
                tracing::warn!(project = one.project_path, iid = one.iid, %error, "cannot refresh a merge request");
                ctx.commit(Batch { refreshed: vec![one.clone()], ..Batch::default() }).await?;
                self.failures.forget(one);
                pass.ended += 1;
            }
            pass.outdated |= remembered && part.trouble.as_ref().is_some_and(may_be_outdated);
            pass.trouble = pass.trouble.or(part.trouble);
        }
        Ok(pass)
    }
}

/// Reads some merge requests of one project again and stores them, in ever smaller parts where that fails.
pub(super) async fn refresh_in_parts<'a>(
    ctx: &'a Context,
    due: &'a [Refresh],
    remembered: bool,
) -> Part<'a, Refresh, ()> {
    in_parts(ctx, due, remembered, |some| read_and_store(ctx, some)).await
}

/// Reads some merge requests of one project, in ever smaller parts where that fails. `remembered` tells that our queries may
/// not be those of the server any more.
pub(super) async fn in_parts<'a, T, R, F>(
    ctx: &Context,
    all: &'a [T],
    remembered: bool,
    read: impl Fn(&'a [T]) -> F,
) -> Part<'a, T, R>
where
    F: Future<Output = Result<R, Error>>,
{
    let mut outcome = Part { read: Vec::new(), failed: Vec::new(), trouble: None };
    let mut parts = vec![all];
    while let Some(part) = parts.pop() {
        let error = match read(part).await {
            Ok(answer) => {
                outcome.read.push((part, answer));
                continue;
            }
            Err(error) => error,
        };
        if (remembered && may_be_outdated(&error)) || !is_its_own(ctx, &error).await {
            outcome.trouble = Some(error);
            break;
        }
        match part {
            _ if let Error::Unseen { project } = &error => {
                let unseen = |one: &'a T| (one, Error::Unseen { project: project.clone() });
                outcome.failed.extend(part.iter().map(unseen));
            }
            [one] => outcome.failed.push((one, error)),
            _ => {
                let (left, right) = part.split_at(part.len() / 2);
                parts.extend([right, left]);
            }
        }
    }
    outcome
}

/// Reads some merge requests of one project again and stores them as no longer due.
async fn read_and_store(ctx: &Context, due: &[Refresh]) -> Result<(), Error> {
    let [Refresh { project_id, project_path, .. }, ..] = due else { return Ok(()) };
    let as_of = Timestamp::now();
    let iids: Vec<i64> = due.iter().map(|refresh| refresh.iid).collect();
    let Reading { rows, .. } = read_anew(ctx, (*project_id, project_path), iids).await?;
    ctx.commit(Batch { as_of: Some(as_of), refreshed: due.to_vec(), ..rows.into_batch() }).await
}

/// Some merge requests of a project, read by their numbers.
pub(super) struct Reading {
    pub(super) rows: Rows,
    /// Numbers of those that no user was shown.
    pub(super) unmet: Vec<i64>,
}

/// Reads some merge requests of one project by their numbers. What one user does not see, the next may.
pub(super) async fn read_anew(
    ctx: &Context,
    (project, path): (i64, &str),
    mut iids: Vec<i64>,
) -> Result<Reading, Error> {
    let mut rows = Rows::default();
    let mut path = path.to_owned();
    let mut is_seen = false;
    for client in &ctx.views {
        let Some((found, mut merge_requests)) = read((ctx, client), (project, &path), &iids).await? else {
            continue;
        };
        is_seen = true;
        path = found;
        let asking = Asking { ctx, client, path: &path };
        lists::follow_all(asking, &mut merge_requests).await?;
        lists::add_closed_at(ctx, project, &mut merge_requests).await?;
        iids.retain(|iid| merge_requests.iter().all(|one| one.iid != *iid));
        for merge_request in merge_requests {
            rows.merge_request(project, merge_request, ctx.parts);
        }
        if iids.is_empty() {
            break;
        }
    }
    if !is_seen {
        return Err(Error::Unseen { project: path });
    }
    Ok(Reading { rows, unmet: iids })
}

/// Whether the trouble is that of the merge requests asked for: others would be read.
async fn is_its_own(ctx: &Context, error: &Error) -> bool {
    match error {
        Error::GitLab(error) => match error.class() {
            Class::TooBig | Class::Refused => true,
            Class::Fatal | Class::Hidden | Class::Outdated => false,
            // Whoever is told to wait, or reaches nobody, need not ask whether others would be answered.
            Class::Unwell if !matches!(error, gitlab::Error::Server { .. } | gitlab::Error::Broken { .. }) => false,
            Class::Unwell | Class::Slow | Class::Failed => ctx.is_alive().await,
        },
        Error::Store(error) => !error.is_transient(),
        Error::Unseen { .. } => true,
        _ => false,
    }
}

/// The merge requests as they are now, and the path under which the project was found. What is gone is missing. Nothing where
/// these tokens see no such project.
async fn read(
    (ctx, client): (&Context, &Client),
    (project, path): (i64, &str),
    iids: &[i64],
) -> Result<Option<(String, Vec<MergeRequest>)>, Error> {
    let mut path = path.to_owned();
    for _ in 0..2 {
        let found = lists::by_iids(Asking { ctx, client, path: &path }, iids).await?;
        if let Some(found) = found.filter(|found| found.id == project) {
            let list = found.merge_requests.unwrap_or_default();
            return Ok(Some((path, list.nodes.into_iter().flatten().collect())));
        }
        // The path names nothing any more, or another project.
        path = match ctx.or_stop(client.project(&project.to_string())).await {
            Ok(project) => project.path_with_namespace,
            Err(Error::GitLab(error)) if error.class() == Class::Hidden => break,
            Err(error) => return Err(error),
        };
    }
    Ok(None)
}

/// Whether a server of another version than we take it for would answer so.
fn may_be_outdated(error: &Error) -> bool {
    matches!(error, Error::GitLab(error) if matches!(error.class(), Class::Outdated | Class::Refused))
}

/// Whether asking again would bring the same trouble.
fn is_hopeless(error: &gitlab::Error) -> bool {
    matches!(error.class(), Class::TooBig | Class::Refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_request_that_always_fails_is_left_to_the_next_import_and_a_hopeless_one_at_once() {
        let one = |iid| Refresh { project_id: 1, project_path: "acme/web".into(), iid, mark: 1 };
        let broken = Error::GitLab(gitlab::Error::Server { status: 500 });
        let odd = Error::GitLab(gitlab::Error::Graphql { message: "odd".into() });
        let mut failures = Failures::default();

        let given_up: Vec<bool> = (0..5).map(|_| failures.exhausted_by(&one(1), &broken)).collect();

        assert_eq!(given_up, [false, false, false, false, true]);
        assert!(!failures.exhausted_by(&one(2), &broken), "each has its own count");
        assert!(failures.exhausted_by(&one(3), &odd));
        failures.forget(&one(1));
        assert!(!failures.exhausted_by(&one(1), &broken));
    }
}
