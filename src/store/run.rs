//! What the store tells of connections, runs and tasks.

use jiff::Timestamp;

use super::List;

/// The row of a connection, and the first column of every key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(pub i64);

/// A connection as it introduces itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Namespace of the `GitLabConnection`.
    pub namespace: String,
    /// Name of the `GitLabConnection`.
    pub name: String,
    /// Root of the GitLab. Another URL is another source, because ids mean something else there.
    pub url: String,
    /// The Kubernetes UID; `None` without a cluster: then one is generated once and kept.
    pub uid: Option<String>,
}

/// A connection as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// First column of every key.
    pub source: Source,
    /// The connection's identity in hook URLs.
    pub uid: String,
}

/// What `migrate` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// The version found; 0 for an empty database.
    pub from: i64,
    /// The version now.
    pub to: i64,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// Its rows are stored.
    Stored,
    /// Its deliveries were known already; nothing of it was applied.
    Duplicate,
}

/// One import of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Row of the run.
    pub id: i64,
    /// What makes it unique within the connection: the schedule's tick or the request.
    pub key: String,
    /// Whether everything is read again, not only what changed.
    pub full: bool,
    /// Whether all tasks are known.
    pub planned: bool,
    /// When the run ended.
    pub finished_at: Option<Timestamp>,
    /// When the run began.
    pub started_at: Timestamp,
}

impl Run {
    /// Whether the run ended.
    #[must_use]
    pub fn finished(&self) -> bool {
        self.finished_at.is_some()
    }
}

/// Who plans a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanClaim {
    /// The caller does.
    Mine,
    /// Another worker is at it.
    Elsewhere,
    /// Nobody needs to: the plan is there.
    Planned,
}

/// One project's share of a run, claimed by a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Row of the task.
    pub id: i64,
    /// Number of this claim; only the highest may commit.
    pub claim: i64,
    /// The project.
    pub project_id: i64,
    /// Its path as last seen.
    pub project_path: String,
    /// Where an earlier claim got to.
    pub cursor: Option<String>,
    /// Everything updated before this is stored.
    pub watermark: Option<Timestamp>,
    /// Checkpoint of the last finished pass over the list; `None` reads everything. Always `None` in a full run.
    pub since: Option<Timestamp>,
    /// Whether the run reads everything again.
    pub full: bool,
    /// Merge requests that earlier claims stored.
    pub merge_requests: i64,
    /// Whether the plan found merge requests switched off, or hidden from the tokens: GitLab lists none then.
    pub switched_off: bool,
    /// Names of the tokens that see all that there is to read; empty where all do.
    pub tokens: Vec<String>,
    /// Whether there is anything of the project that GitLab could not deliver before.
    pub troubled: bool,
    /// What is to be read of the project.
    pub list: List,
}

/// How far a run got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunProgress {
    /// Tasks in the plan.
    pub tasks: i64,
    /// Tasks that ended well.
    pub done: i64,
    /// Tasks that had nothing to read for a lasting reason.
    pub skipped: i64,
    /// Tasks that failed.
    pub failed: i64,
    /// Merge requests that GitLab says there are to read.
    pub expected: i64,
    /// Merge requests stored so far.
    pub merge_requests: i64,
    /// Lists of projects beside their merge requests that are still to be read.
    pub lists_open: i64,
    /// Those that failed.
    pub lists_failed: i64,
}

impl RunProgress {
    /// Whether anything failed, be it a project's merge requests or one of its other lists.
    #[must_use]
    pub fn has_failures(&self) -> bool {
        self.failed > 0 || self.lists_failed > 0
    }

    /// Whether somebody still has to work on anything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open() > 0 || self.lists_open > 0
    }

    /// Tasks that somebody still has to work on.
    #[must_use]
    pub fn open(&self) -> i64 {
        self.tasks - self.done - self.skipped - self.failed
    }
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// The run; `finished_at` stays `None` while tasks are open.
    pub run: Run,
    /// Its counts.
    pub progress: RunProgress,
    /// The first hundred tasks that were skipped or failed, failures first.
    pub troubles: Vec<Trouble>,
}

/// A task that did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The project.
    pub project_id: i64,
    /// Its path as last seen.
    pub project_path: String,
    /// `true` for a failure, `false` for a project that was skipped.
    pub failed: bool,
    /// Why; of another list than merge requests, it begins with its name.
    pub reason: String,
}

/// A project that the store knows, with its checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownProject {
    /// GitLab's id.
    pub id: i64,
    /// Path as last seen.
    pub path: String,
    /// Whether it is archived.
    pub archived: Option<bool>,
    /// Checkpoint of the last finished pass.
    pub since: Option<Timestamp>,
    /// When a full pass over it last ended.
    pub full_at: Option<Timestamp>,
    /// Whether it is followed: neither deleted nor excluded nor out of scope.
    pub followed: bool,
    /// Whether no token could see it.
    pub unreadable: bool,
    /// Whether a pass over it must come: none has ended yet, or GitLab could not deliver all of it.
    pub open: bool,
}
