//! Plan once, claim dynamically, fetch, convert, commit.
//!
//! A run belongs to a connection and a key. Its first worker *plans*: it walks the scope and writes one task per project.
//! All workers *claim* tasks, the largest first, and read each project's merge requests page by page. Every page commits
//! its rows and its cursor in one transaction, so a worker may die anywhere: the next one goes on from that page.
//!
//! What was read before is not read again. The planner reads what changed in each group at once; a project has a task only
//! where that is not enough: it is new, something of it is missing, or everything is to be read again. Both begin a little
//! earlier than the last change that was seen, by GitLab's clock, never ours.
//!
//! Once all merge requests are read, other lists of projects are, the same way: environments and deployments, then
//! pipelines and their jobs, the newest first.

mod absence;
mod actions;
mod adapt;
pub mod args;
pub mod audit;
mod belongings;
mod beside;
mod carried;
mod changes;
mod context;
mod cure;
mod delivery;
mod deployments;
mod discover;
mod error;
mod forks;
mod later;
mod lists;
mod mode;
mod moved;
mod pages;
mod pipelines;
mod plan;
mod planner;
mod progress;
mod project;
mod read_to;
pub mod refresh;
mod retry;
mod rows;
mod sights;
mod standing;
mod work;

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::instrument;

use crate::gitlab::Client;
use crate::store::{self, Audit, Run, RunSummary, Source, Store};

use context::Context;

pub use error::Error;
pub use progress::{Progress, Snapshot};

/// What to import, for whom, and how hard to try.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The connection's row in the store.
    pub source: Source,
    /// What makes the run unique within the connection: the schedule's tick or the request.
    pub run_key: String,
    /// Name of this worker. After a restart it takes up again what it held.
    pub worker: String,
    /// Read everything again, also what has not changed.
    pub full: bool,
    /// Read everything again where the last time is longer ago than this; `None` for never.
    pub resync_interval: Option<SignedDuration>,
    /// Walk the scope again where the last time is longer ago than this: for projects that came, moved or went. What changed
    /// in known groups is read without.
    pub walk_interval: SignedDuration,
    /// Hold the database against GitLab once the run has ended; `None` for never.
    pub audit: Option<Auditing>,
    /// Groups and projects.
    pub scope: Scope,
    /// Leaves out merge requests that have not changed since.
    pub since: Option<Timestamp>,
    /// Leaves out merge requests that have not changed for longer than this.
    pub lookback: Option<SignedDuration>,
    /// Kinds of rows.
    pub resources: Resources,
    /// Keep descriptions and the bodies of notes.
    pub text: bool,
    /// How many projects to read at once.
    pub concurrency: usize,
    /// How long to wait for a database that went away, and for a project that GitLab fails to answer.
    pub patience: SignedDuration,
}

/// When to hold the database against GitLab, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Auditing {
    /// How long after the last time.
    pub interval: SignedDuration,
    /// Merge requests to read anew.
    pub sample: u64,
}

/// Groups and projects to follow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Numeric ids or full paths.
    pub groups: Vec<String>,
    /// Numeric ids or full paths.
    pub projects: Vec<String>,
    /// Globs on full paths of projects.
    pub exclude_projects: Vec<String>,
    /// Follow the groups' subgroups too.
    pub include_subgroups: bool,
    /// Follow archived projects too.
    pub include_archived: bool,
}

/// Kinds of rows to import. Groups, projects and merge requests always come, and the users that they name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resources {
    /// Notes and approvals.
    pub reviews: bool,
    /// Commits of merge requests.
    pub commits: bool,
    /// Labels of projects.
    pub labels: bool,
    /// Members of groups and projects.
    pub members: bool,
    /// Environments and deployments.
    pub deployments: bool,
    /// Pipelines and their jobs.
    pub pipelines: bool,
}

impl Resources {
    /// Everything that can be imported.
    pub const ALL: Resources =
        Resources { reviews: true, commits: true, labels: true, members: true, deployments: true, pipelines: true };

    /// Nothing but what always comes.
    pub const NONE: Resources = Resources {
        reviews: false,
        commits: false,
        labels: false,
        members: false,
        deployments: false,
        pipelines: false,
    };

    /// Reads the names of the API; those that are not among the fields ask for what always comes.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Resources {
        let mut resources = Resources::NONE;
        for name in names {
            match name {
                "reviews" => resources.reviews = true,
                "commits" => resources.commits = true,
                "labels" => resources.labels = true,
                "members" => resources.members = true,
                "deployments" => resources.deployments = true,
                "pipelines" => resources.pipelines = true,
                _ => {}
            }
        }
        resources
    }
}

/// How a run went, as this worker saw it end.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The run's tasks; it has not ended while other workers hold some.
    pub run: RunSummary,
    /// Groups and projects of the scope that do not exist, or that the tokens may not see.
    pub missing: Vec<String>,
    /// Projects where GitLab counts another number of merge requests than were read.
    pub differences: Vec<Difference>,
    /// What an audit found, where one was due.
    pub audit: Option<Audit>,
}

impl Summary {
    /// The reason as conditions, metrics and logs spell it.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        if !self.missing.is_empty() {
            return "ScopeNotFound";
        }
        if self.run.progress.has_failures() { "PartiallyFailed" } else { "Succeeded" }
    }

    /// The same in words, with what helps.
    #[must_use]
    pub fn message(&self) -> String {
        let progress = &self.run.progress;
        if let Some(missing) = self.missing.first() {
            return format!(
                "{missing} was not found, or is hidden from the tokens; the rest is imported: correct spec.scope, or give the tokens' users access"
            );
        }
        if progress.failed > 0 {
            let first = self.run.troubles.iter().find(|trouble| trouble.failed);
            let why =
                first.map_or_else(String::new, |trouble| format!("; {}: {}", trouble.project_path, trouble.reason));
            return format!("{} of {} projects failed{why}", progress.failed, progress.tasks);
        }
        if progress.lists_failed > 0 {
            let first = self.run.troubles.iter().find(|trouble| trouble.failed);
            let why =
                first.map_or_else(String::new, |trouble| format!("; {}: {}", trouble.project_path, trouble.reason));
            return format!(
                "all merge requests are imported, but {} lists of deployments or pipelines failed and are tried again{why}",
                progress.lists_failed
            );
        }
        let skipped = match progress.skipped {
            0 => String::new(),
            number => format!(", {number} skipped: their merge requests are switched off or hidden"),
        };
        format!("{} projects are imported{skipped}", progress.done)
    }

    /// 0 where all is well; 42 where something in scope was not imported and another try would not help.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.run.progress.has_failures() || !self.missing.is_empty() { 42 } else { 0 }
    }
}

/// A project whose numbers do not add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Full path.
    pub project: String,
    /// Merge requests by GitLab's count, when the run was planned.
    pub expected: i64,
    /// Merge requests read.
    pub found: i64,
}

/// How long a worker may be silent before others take its tasks. Every page that is stored says that it lives.
const LEASE: SignedDuration = SignedDuration::from_mins(2);

/// How long a worker that gives up tries to say so.
const LEAVE: Duration = Duration::from_secs(1);

/// Runs one worker of an import until there is nothing left to claim.
///
/// # Errors
/// Where the run cannot go on: GitLab refuses the tokens or stays away, the database stays away, the scope does not
/// exist, or `stop` was called. What was committed stays, and the next call with the same key goes on from there.
#[instrument(skip_all, fields(run = settings.run_key))]
pub async fn run(
    client: &Client,
    store: &Store,
    settings: &Settings,
    progress: &Progress,
    stop: CancellationToken,
) -> Result<Summary, Error> {
    let begun = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(Error::Stopped),
        begun = begin((client, store, settings), progress, &stop) => begun?,
    };
    let (run, ctx) = match begun {
        Begun::Ended(summary) => return Ok(*summary),
        Begun::Open(run, ctx) => (run, ctx),
    };
    let differences = match work::until_done(&ctx, &run).await {
        Ok(differences) => differences,
        Err(error) => {
            leave(store, &run, &settings.worker).await;
            return Err(error);
        }
    };
    let mut summary = ctx.patiently(|| summarise(store, settings.source, run.id, &differences)).await?;
    if summary.run.run.finished() {
        ctx.patiently(|| read_to::ReadTo::ended(store, settings.source, &run)).await?;
        ctx.patiently(|| mode::ended(store, settings.source, &run)).await?;
        ctx.patiently(|| moved::ended(store, settings.source, &run)).await?;
        summary.audit = audit::if_due(&ctx, &run).await;
    }
    Ok(summary)
}

/// Leaves to others what this worker holds, so that nobody waits for its lease to end.
async fn leave(store: &Store, run: &Run, worker: &str) {
    // A database that is away is why some come here: then the lease does end.
    if !matches!(timeout(LEAVE, store.release_worker(run.id, worker)).await, Ok(Ok(()))) {
        tracing::debug!("what this worker held stays held until its lease ends");
    }
}

/// What a run begins with.
enum Begun {
    /// It has ended already.
    Ended(Box<Summary>),
    Open(Run, Arc<Context>),
}

/// Opens the run, and waits for a database that is away as long as the run's patience lasts.
async fn begin(
    (client, store, settings): (&Client, &Store, &Settings),
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<Begun, Error> {
    let Settings { source, run_key, worker, .. } = settings;
    let limits = context::Limits::new(settings, stop);
    let now = Timestamp::now();
    let full = limits.patiently(|| mode::is_full(store, settings, now)).await?;
    let run = limits.patiently(|| store.open_run(*source, run_key, full)).await?;
    if run.finished() {
        let summary = limits.patiently(|| summarise(store, *source, run.id, &[])).await?;
        return Ok(Begun::Ended(Box::new(summary)));
    }
    limits.patiently(|| mode::remember(store, settings, &run)).await?;
    limits.patiently(|| store.release_worker(run.id, worker)).await?;
    progress.resume(limits.patiently(|| store.run_progress(run.id)).await?);
    let ctx = Context::new(client, store, settings, progress.clone(), stop.clone()).await?;
    Ok(Begun::Open(run, Arc::new(ctx)))
}

async fn summarise(
    store: &Store,
    source: Source,
    run: i64,
    differences: &[Difference],
) -> Result<Summary, store::Error> {
    let missing = store.state(source, discover::MISSING).await?;
    let missing = missing.and_then(|names| serde_json::from_str(&names).ok()).unwrap_or_default();
    Ok(Summary { run: store.finish_run(run).await?, missing, differences: differences.to_vec(), audit: None })
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::*;

    #[test]
    fn runs_may_move_between_threads() {
        fn is_send<T: Send>(_: T) {}
        // Never called: to compile is to hold.
        let _check = |client: &Client, store: &Store, settings: &Settings, args: &args::Args, progress: &Progress| {
            is_send(run(client, store, settings, progress, CancellationToken::new()));
            is_send(refresh::run(client, store, settings, Arc::new(Notify::new()), CancellationToken::new()));
            is_send(args::execute(args, CancellationToken::new()));
        };
    }
}
