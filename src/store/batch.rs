//! A batch: rows and the progress that they make, committed in one transaction.

use jiff::Timestamp;
use serde::Serialize;

use super::rows::{
    Approval, Carried, Deployment, Environment, Group, HolderKind, Job, Label, Member, MergeRequest,
    MergeRequestCommit, Note, Pipeline, Project, User,
};
use super::{List, ListStanding, Standing};

/// Rows and what they mean for the progress of an import, the deliveries seen and the refreshes due.
///
/// Committing a batch twice equals committing it once.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// When GitLab was read. Orders rows that carry no `updated_at` of their own; `None` is the moment of the commit.
    pub as_of: Option<Timestamp>,

    /// Groups; `None` fields keep what is known.
    pub groups: Vec<Group>,
    /// Projects; `None` fields keep what is known.
    pub projects: Vec<Project>,
    /// Labels of groups and projects.
    pub labels: Vec<Label>,
    /// Members of groups and projects.
    pub members: Vec<Member>,
    /// Users; `None` fields keep what is known.
    pub users: Vec<User>,
    /// Complete merge requests: a newer one replaces every column, so `None` erases.
    pub merge_requests: Vec<MergeRequest>,
    /// Partial merge requests: `None` keeps what is known. One older than what is stored changes nothing.
    pub merge_request_events: Vec<MergeRequest>,
    /// Comments and system notes.
    pub notes: Vec<Note>,
    /// Approvals in force.
    pub approvals: Vec<Approval>,
    /// Commits of merge requests.
    pub commits: Vec<MergeRequestCommit>,
    /// Places that projects are deployed to.
    pub environments: Vec<Environment>,
    /// Deployments.
    pub deployments: Vec<Deployment>,
    /// Merge requests that deployments brought.
    pub carried: Vec<Carried>,
    /// Pipelines.
    pub pipelines: Vec<Pipeline>,
    /// Jobs of pipelines.
    pub jobs: Vec<Job>,

    /// Merge requests whose children are all in this batch.
    pub complete: Vec<Complete>,
    /// Groups and projects whose labels are all in this batch: stored ones that are absent are gone, unless there are none.
    pub complete_labels: Vec<(HolderKind, i64)>,
    /// Groups and projects whose members are all in this batch: stored ones that are absent are gone, unless there are none.
    pub complete_members: Vec<(HolderKind, i64)>,

    /// The merge requests of this batch count as met by the full pass of its task, and are believed also where GitLab's clock
    /// went back.
    pub meets: bool,
    /// Merge requests (ids) that are gone for certain at `as_of`: their project was readable, and asked for by themselves they
    /// were not there. Those read later stay.
    pub deleted: Vec<i64>,
    /// The same, where GitLab may only hide them.
    pub hidden: Vec<i64>,
    /// Environments that are gone for certain at `as_of`, as `deleted` tells of merge requests.
    pub gone_environments: Vec<i64>,
    /// The same of deployments.
    pub gone_deployments: Vec<i64>,
    /// The same of pipelines.
    pub gone_pipelines: Vec<i64>,
    /// What became of lists of projects that are read after merge requests.
    pub lists: Vec<ListStanding>,
    /// What GitLab could not deliver.
    pub unreadable: Vec<Unreadable>,
    /// What it could not deliver before, and which is no trouble any more: projects with numbers of merge requests.
    pub readable: Vec<(i64, i64)>,
    /// What became of groups and projects.
    pub standings: Vec<Standing>,

    /// The run that owns `plan`.
    pub run_id: Option<i64>,
    /// Tasks of the run; one that exists already stays as it is.
    pub plan: Vec<NewTask>,
    /// Lists of projects that the run reads as well; one that has a task already keeps it.
    pub plan_lists: Vec<(i64, List)>,
    /// The plan of the run is whole with this batch.
    pub planned: bool,
    /// With `planned`: what changed was read group by group, so projects without a task are read as well.
    pub by_group: bool,

    /// How far a task got. A claim that is no longer in force fails the whole batch with `ClaimLost`.
    pub progress: Option<Progress>,

    /// The deliveries that brought these rows. If all of them are known already, the batch is skipped.
    pub deliveries: Vec<Delivery>,
    /// Merge requests to read again soon.
    pub refresh: Vec<Mark>,
    /// Refreshes done with this batch; one that was marked again since stays due.
    pub refreshed: Vec<Refresh>,
}

/// Says that the batch holds the whole set of children of a merge request.
///
/// Stored children that are absent from the batch and not newer than `as_of` are gone. None is when a newer version of the
/// merge request is stored already, or the same one read later: then somebody read it later than this batch did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complete {
    /// Id (not iid) of the merge request.
    pub merge_request_id: i64,
    /// The merge request's `updated_at` in the very answer that brought the set: GitLab's clock, so skew does no harm.
    pub as_of: Timestamp,
    /// The notes are whole.
    pub notes: bool,
    /// The approvals are whole.
    pub approvals: bool,
    /// The commits are whole.
    pub commits: bool,
}

/// A merge request that a full pass has not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absent {
    /// GitLab's id.
    pub id: i64,
    /// The number in its project.
    pub iid: i64,
    /// Who opened it, as last seen.
    pub author_id: Option<i64>,
}

/// What GitLab could not deliver while everything around it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// The project.
    pub project_id: i64,
    /// The merge request's number; 0 for the project itself.
    pub iid: i64,
    /// GitLab's words.
    pub reason: String,
}

/// One project's share of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// The project.
    pub project_id: i64,
    /// How many merge requests GitLab says there are to read: the largest task is claimed first.
    pub expected: i64,
    /// Names of the tokens that see all of them; empty where all do.
    pub tokens: Vec<String>,
    /// How many merge requests were read already, where there is nothing left to do.
    pub read: Option<i64>,
}

/// How far a task got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The task.
    pub task: i64,
    /// The claim under which the work was done.
    pub claim: i64,
    /// Where to go on.
    pub cursor: Option<String>,
    /// Everything updated before this is stored. When the task is done it becomes the project's checkpoint.
    pub watermark: Option<Timestamp>,
    /// Merge requests that this batch brings; added to the task's count.
    pub merge_requests: i64,
    /// Whether the task goes on.
    pub state: TaskState,
}

/// Whether a task goes on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TaskState {
    /// There is more to read.
    #[default]
    Open,
    /// All is read. The project's checkpoint moves in the same transaction.
    Done,
    /// There is nothing to read for a lasting reason, such as merge requests being switched off.
    Skipped {
        /// Why, for the person who reads the status.
        reason: String,
    },
    /// All is read but what the list of what is unreadable names. The checkpoint moves: the next run asks for that by itself.
    Incomplete {
        /// What is missing and why, for the person who reads the status.
        reason: String,
    },
    /// The task cannot be finished in this run.
    Failed {
        /// Why, for the person who reads the status.
        reason: String,
    },
}

impl TaskState {
    pub(super) fn word(&self) -> &'static str {
        match self {
            TaskState::Open => "open",
            TaskState::Done => "done",
            TaskState::Skipped { .. } => "skipped",
            TaskState::Incomplete { .. } | TaskState::Failed { .. } => "failed",
        }
    }

    pub(super) fn reason(&self) -> Option<&str> {
        match self {
            TaskState::Open | TaskState::Done => None,
            TaskState::Skipped { reason } | TaskState::Incomplete { reason } | TaskState::Failed { reason } => {
                Some(reason)
            }
        }
    }
}

/// One webhook delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What makes it unique within the connection (`webhook-id`, `Idempotency-Key`, or a digest).
    pub id: String,
    /// The kind of event, such as `merge_request`.
    pub event: String,
    /// The project that it speaks of.
    pub project_id: Option<i64>,
    /// The merge request that it speaks of.
    pub iid: Option<i64>,
    /// What became of it, such as `stored` or `ignored`.
    pub outcome: String,
}

/// Asks that a merge request be read again soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The project.
    pub project_id: i64,
    /// Its path, for when the project itself is not stored yet.
    pub project_path: String,
    /// The merge request's number in the project.
    pub iid: i64,
}

/// A merge request that is due to be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// The project.
    pub project_id: i64,
    /// Its path as last seen.
    pub project_path: String,
    /// The merge request's number in the project.
    pub iid: i64,
    /// Grows with every mark: tells whether it was marked again while it was being read.
    pub mark: i64,
}
