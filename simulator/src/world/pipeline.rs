//! Pipelines, jobs, environments and deployments.

use jiff::{SignedDuration, Timestamp};

use super::commit::Sha;

/// A pipeline with its jobs.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    /// The id.
    pub id: i64,
    /// Its number in the project.
    pub iid: i64,
    /// The project.
    pub project: i64,
    /// What it ran on.
    pub sha: Sha,
    /// What was there before the push; zeros for a new branch.
    pub before_sha: Sha,
    /// The branch or tag.
    pub ref_name: String,
    /// Whether that is a tag.
    pub tag: bool,
    /// `success`, `failed`, `running`…
    pub status: &'static str,
    /// `push`, `merge_request_event`, `schedule`, `parent_pipeline`…
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
    /// In percent, where jobs measure it.
    pub coverage: Option<f64>,
    /// The pipeline whose bridge started it.
    pub parent: Option<i64>,
    /// Its jobs and bridges, retried ones among them.
    pub jobs: Vec<Job>,
}

/// What a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JobKind {
    /// Runs on a runner.
    #[default]
    Build,
    /// Starts another pipeline: this one, once it has.
    Bridge(Option<i64>),
}

/// A job of a pipeline.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// The id.
    pub id: i64,
    /// Build or bridge.
    pub kind: JobKind,
    /// Its name.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// `success`, `failed`…
    pub status: &'static str,
    /// Why it failed: `script_failure`, `runner_system_failure`…
    pub failure_reason: Option<&'static str>,
    /// Whether the pipeline may succeed without it.
    pub allow_failure: bool,
    /// Whether a later job of this name took its place.
    pub retried: bool,
    /// In percent.
    pub coverage: Option<f64>,
    /// Id and description of the runner that took it.
    pub runner: Option<(i64, String)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it could be taken by a runner.
    pub queued_at: Option<Timestamp>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl Job {
    /// How long it ran.
    #[must_use]
    pub fn duration(&self) -> Option<SignedDuration> {
        Some(self.finished_at?.duration_since(self.started_at?))
    }

    /// How long it waited for a runner.
    #[must_use]
    pub fn queued_duration(&self) -> Option<SignedDuration> {
        Some(self.started_at?.duration_since(self.queued_at?))
    }
}

/// A place that is deployed to.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// The id.
    pub id: i64,
    /// The project.
    pub project: i64,
    /// Its name, such as `production` or `review/login`.
    pub name: String,
    /// `production`, `staging`, `testing`, `development` or `other`.
    pub tier: &'static str,
    /// Whether it was stopped.
    pub stopped: bool,
    /// Where it is seen.
    pub external_url: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

impl Environment {
    /// The name as addresses use it.
    #[must_use]
    pub fn slug(&self) -> String {
        let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
        let slug: String = self.name.chars().map(letter).take(24).collect();
        slug.trim_end_matches('-').to_owned()
    }
}

/// A deployment.
#[derive(Clone, Debug, Default)]
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
