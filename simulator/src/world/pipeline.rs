//! Pipelines, jobs, environments and deployments.

use jiff::Timestamp;

use super::commit::Sha;

/// A pipeline with its jobs.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// The id.
    pub id: i64,
    /// Its number in the project.
    pub iid: i64,
    /// The project.
    pub project: i64,
    /// What it ran on.
    pub sha: Sha,
    /// The branch.
    pub ref_name: String,
    /// `success`, `failed`, `running`…
    pub status: &'static str,
    /// `push`, `merge_request_event`…
    pub source: &'static str,
    /// Who started it.
    pub user: Option<i64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Its jobs.
    pub jobs: Vec<Job>,
}

/// A job of a pipeline.
#[derive(Clone, Debug)]
pub struct Job {
    /// The id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// `success`, `failed`…
    pub status: &'static str,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// A place that is deployed to.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The id.
    pub id: i64,
    /// The project.
    pub project: i64,
    /// Its name, such as `production`.
    pub name: String,
    /// `production`, `staging`, `other`…
    pub tier: &'static str,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A deployment.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The id.
    pub id: i64,
    /// Its number in the project.
    pub iid: i64,
    /// The project.
    pub project: i64,
    /// Where to.
    pub environment: i64,
    /// The branch.
    pub ref_name: String,
    /// What was deployed.
    pub sha: Sha,
    /// `created`, `running`, `success`, `failed`, `canceled`, `blocked`.
    pub status: &'static str,
    /// Who deployed.
    pub user: Option<i64>,
    /// The pipeline and the job, null when made through the API.
    pub deployable: Option<(i64, i64)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}
