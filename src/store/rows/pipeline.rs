//! Pipelines and their jobs.

use jiff::Timestamp;
use serde::Serialize;

use super::{instant, maybe_instant};

/// A pipeline.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Pipeline {
    /// GitLab's id.
    pub id: i64,
    /// The number in its project.
    pub iid: i64,
    /// The project.
    pub project_id: i64,
    /// What its configuration calls it.
    pub name: Option<String>,
    /// `success`, `failed`, `running` …
    pub status: String,
    /// What started it: `push`, `schedule`, `merge_request_event`, `parent_pipeline` …; `None` keeps what is known.
    pub started_by: Option<String>,
    /// The branch or tag, or `refs/merge-requests/<number>/…`.
    #[serde(rename = "ref")]
    pub ref_name: Option<String>,
    /// The commit.
    pub sha: Option<String>,
    /// Who started it; `None` when the account is gone.
    pub user_id: Option<i64>,
    /// Number of the merge request that it ran for.
    pub merge_request_iid: Option<i64>,
    /// The pipeline whose bridge started it.
    pub upstream_id: Option<i64>,
    /// When it was made.
    #[serde(serialize_with = "instant")]
    pub created_at: Timestamp,
    /// GitLab's clock of the row: the newest wins.
    #[serde(serialize_with = "instant")]
    pub updated_at: Timestamp,
    /// When it began.
    #[serde(serialize_with = "maybe_instant")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(serialize_with = "maybe_instant")]
    pub finished_at: Option<Timestamp>,
    /// Seconds that it ran.
    pub duration: Option<i64>,
    /// Seconds that it waited before it ran.
    pub queued_duration: Option<f64>,
    /// Test coverage in percent.
    pub coverage: Option<f64>,
    /// Whether its jobs are stored to their end.
    pub jobs_complete: bool,
}

/// A job or bridge of a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Job {
    /// GitLab's id.
    pub id: i64,
    /// The pipeline.
    pub pipeline_id: i64,
    /// The project.
    pub project_id: i64,
    /// `build` or `bridge`.
    pub kind: &'static str,
    /// Its name.
    pub name: Option<String>,
    /// Its stage.
    pub stage: Option<String>,
    /// `success`, `failed`, `running` …
    pub status: Option<String>,
    /// Whether the pipeline may succeed without it.
    pub allow_failure: Option<bool>,
    /// Whether a later job of this name took its place.
    pub retried: Option<bool>,
    /// Whether somebody has to start it.
    pub manual: Option<bool>,
    /// Why it failed; `None` keeps what is known.
    pub failure_reason: Option<String>,
    /// The runner; `None` keeps what is known.
    pub runner_id: Option<i64>,
    /// What the runner is called; `None` keeps what is known.
    pub runner: Option<String>,
    /// The pipeline that a bridge started.
    pub downstream_id: Option<i64>,
    /// Test coverage in percent.
    pub coverage: Option<f64>,
    /// When it was made.
    #[serde(serialize_with = "maybe_instant")]
    pub created_at: Option<Timestamp>,
    /// When a runner could take it.
    #[serde(serialize_with = "maybe_instant")]
    pub queued_at: Option<Timestamp>,
    /// When it began.
    #[serde(serialize_with = "maybe_instant")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(serialize_with = "maybe_instant")]
    pub finished_at: Option<Timestamp>,
    /// Seconds that it ran.
    pub duration: Option<i64>,
    /// Seconds that it waited for a runner.
    pub queued_duration: Option<f64>,
}
