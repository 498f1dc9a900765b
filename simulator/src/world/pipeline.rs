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
    /// What its configuration calls it.
    pub name: Option<String>,
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

impl Pipeline {
    /// How long it ran, in seconds.
    #[must_use]
    pub fn duration(&self) -> Option<i64> {
        Some(self.finished_at?.duration_since(self.started_at?).as_secs())
    }

    /// How long it waited, in seconds.
    #[must_use]
    pub fn queued_duration(&self) -> Option<i64> {
        Some(self.started_at?.duration_since(self.created_at).as_secs())
    }

    /// Its stages, in order.
    #[must_use]
    pub fn stages(&self) -> Vec<&str> {
        let mut stages: Vec<&str> = Vec::new();
        for job in &self.jobs {
            if !stages.contains(&job.stage.as_str()) {
                stages.push(&job.stage);
            }
        }
        stages
    }

    /// Its status as GitLab's pages show it.
    #[must_use]
    pub fn detailed_status(&self) -> DetailedStatus {
        let allowed = |job: &Job| job.status == "failed" && job.allow_failure && !job.retried;
        let (text, label, group, icon) = match self.status {
            "success" if self.jobs.iter().any(allowed) => {
                ("warning", "passed with warnings", "success-with-warnings", "status_warning")
            }
            "success" => ("passed", "passed", "success", "status_success"),
            "failed" => ("failed", "failed", "failed", "status_failed"),
            "running" => ("running", "running", "running", "status_running"),
            "pending" => ("pending", "pending", "pending", "status_pending"),
            "canceled" => ("canceled", "canceled", "canceled", "status_canceled"),
            "skipped" => ("skipped", "skipped", "skipped", "status_skipped"),
            "manual" => ("blocked", "waiting for manual action", "manual", "status_manual"),
            _ => ("created", "created", "created", "status_created"),
        };
        DetailedStatus { text, label, group, icon }
    }
}

/// A status as GitLab's pages show it (`lib/gitlab/ci/status`).
#[derive(Clone, Copy, Debug)]
pub struct DetailedStatus {
    /// On the badge.
    pub text: &'static str,
    /// In sentences.
    pub label: &'static str,
    /// For style sheets.
    pub group: &'static str,
    /// The icon's name.
    pub icon: &'static str,
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
    /// Whether it waits for somebody to start it.
    pub manual: bool,
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
    /// The tier that GitLab takes from a name (`Environment#guess_tier`).
    #[must_use]
    pub fn guess_tier(name: &str) -> &'static str {
        let name = name.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        match () {
            () if has(&["dev", "review", "trunk"]) => "development",
            () if has(&["test", "tst", "int", "accept", "acpt", "qa", "qc", "control", "quality"]) => "testing",
            () if has(&["stag", "stg", "model", "modl", "pre", "demo", "non"]) => "staging",
            () if has(&["prod", "prd", "live"]) => "production",
            () => "other",
        }
    }

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
