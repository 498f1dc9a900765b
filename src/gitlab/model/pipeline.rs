//! What REST alone tells of pipelines and jobs.

use serde::Deserialize;

/// What started a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Sourced {
    /// GitLab's id.
    pub id: i64,
    /// `push`, `schedule`, `merge_request_event` …
    #[serde(default)]
    pub source: Option<String>,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FailedJob {
    /// GitLab's id.
    pub id: i64,
    /// `script_failure`, `runner_system_failure` …
    #[serde(default)]
    pub failure_reason: Option<String>,
    /// Where it ran.
    #[serde(default)]
    pub runner: Option<Runner>,
}

/// A runner.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Runner {
    /// GitLab's id.
    pub id: i64,
    /// What it is called.
    #[serde(default)]
    pub description: Option<String>,
}
