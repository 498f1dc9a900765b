//! Pipelines of a project with their jobs, the newest first.
//!
//! GitLab lists pipelines that others started only where that is asked for, so two lists come with one request.

use jiff::Timestamp;
use serde::Deserialize;

use super::merge_requests::Document;
use super::{Connection, Dialect, Fields, User, gid, merge_request, optional_gid};

/// Pipelines of each list that one request asks for.
pub const PAGE: u32 = 50;

/// Jobs of each pipeline that ride along.
const RIDE_ALONG: u32 = 50;

/// A page of pipelines.
///
/// Variables: `path`, `first`, `after` and `afterChild` (cursors), `since` for those that changed since, and `withOwn` and
/// `withChildren`, which leave out a list that is at its end.
#[must_use]
pub fn page(dialect: Dialect) -> Document {
    let list = Fields::default().object(1, "nodes", &pipeline(dialect)).page_info();
    let inside = list.text();
    Document {
        text: format!(
            "query pipelines($path: ID!, $first: Int!, $after: String, $afterChild: String, $since: Time, \
             $withOwn: Boolean!, $withChildren: Boolean!) {{ project(fullPath: $path) {{ id \
             own: pipelines(first: $first, after: $after, updatedAfter: $since) @include(if: $withOwn) {{ {inside} }} \
             children: pipelines(source: \"parent_pipeline\", first: $first, after: $afterChild, updatedAfter: $since) \
             @include(if: $withChildren) {{ {inside} }} }} }}"
        ),
        listed: list.cost() + 1,
        lists: 2,
        fixed: 2,
    }
}

/// More jobs of one pipeline. Variables: `path`, `id` (global) and `after`.
#[must_use]
pub fn more_jobs(dialect: Dialect) -> String {
    let list = Fields::default().object(1, "nodes", &job(dialect)).page_info();
    format!(
        "query jobsOfPipeline($path: ID!, $id: CiPipelineID!, $after: String) {{ project(fullPath: $path) {{ \
         pipeline(id: $id) {{ jobs(first: 100, after: $after) {{ {} }} }} }} }}",
        list.text()
    )
}

/// The global id of a pipeline.
#[must_use]
pub fn global_id(pipeline: i64) -> String {
    format!("gid://gitlab/Ci::Pipeline/{pipeline}")
}

fn pipeline(dialect: Dialect) -> Fields {
    let fields =
        Fields::plain("id iid status ref sha createdAt updatedAt startedAt finishedAt duration queuedDuration")
            .and("coverage")
            .object(1, "user", &Fields::plain("id username name bot"))
            .object(1, "upstream", &Fields::plain("id"));
    let fields = match dialect.since(17, 2) {
        true => fields.and("name source").object(1, "mergeRequest", &Fields::plain("iid")),
        false => fields,
    };
    fields.resolved(&format!("jobs(first: {RIDE_ALONG})"), RIDE_ALONG, &job(dialect))
}

fn job(dialect: Dialect) -> Fields {
    let fields = Fields::plain("id name status allowFailure retried manualJob coverage createdAt queuedAt startedAt")
        .and("finishedAt duration queuedDuration")
        .object(1, "stage", &Fields::plain("name"))
        .object(1, "downstreamPipeline", &Fields::plain("id"));
    match dialect.since(17, 2) {
        true => fields.object(1, "runner", &Fields::plain("id description")),
        false => fields,
    }
}

/// The answer to [`page`].
#[derive(Debug, Deserialize)]
pub struct PageAnswer {
    /// Null where the project does not exist or is hidden.
    pub project: Option<Found>,
}

/// A project with a page of its pipelines.
#[derive(Debug, Deserialize)]
pub struct Found {
    /// Numeric id: a path can come to name another project.
    #[serde(deserialize_with = "gid")]
    pub id: i64,
    /// Those that no other pipeline started; null where CI/CD is switched off or hidden.
    pub own: Option<Connection<Pipeline>>,
    /// Those that others started.
    pub children: Option<Connection<Pipeline>>,
}

/// The answer to [`more_jobs`].
#[derive(Debug, Deserialize)]
pub struct JobsAnswer {
    /// Null where the project does not exist or is hidden.
    pub project: Option<JobsProject>,
}

/// See [`JobsAnswer`].
#[derive(Debug, Deserialize)]
pub struct JobsProject {
    /// Null where it was deleted meanwhile.
    pub pipeline: Option<Jobs>,
}

/// See [`JobsAnswer`].
#[derive(Debug, Deserialize)]
pub struct Jobs {
    /// A page of jobs.
    pub jobs: Option<Connection<Job>>,
}

/// A pipeline as GitLab tells it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pipeline {
    /// Numeric id.
    #[serde(deserialize_with = "gid")]
    pub id: i64,
    /// Number within its project.
    #[serde(deserialize_with = "merge_request::number")]
    pub iid: i64,
    /// `SUCCESS`, `FAILED` …
    pub status: String,
    /// The branch or tag, or `refs/merge-requests/<number>/…`.
    #[serde(rename = "ref")]
    pub ref_name: Option<String>,
    /// The commit.
    pub sha: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Seconds that it ran.
    pub duration: Option<i64>,
    /// Seconds that it waited.
    pub queued_duration: Option<f64>,
    /// In percent.
    pub coverage: Option<f64>,
    /// What its configuration calls it; unknown before 17.2.
    pub name: Option<String>,
    /// What started it; unknown before 17.2.
    pub source: Option<String>,
    /// Who started it.
    pub user: Option<User>,
    /// The merge request that it ran for; unknown before 17.2.
    pub merge_request: Option<merge_request::Placed>,
    /// The pipeline whose bridge started it.
    pub upstream: Option<Reference>,
    /// Its jobs and bridges.
    pub jobs: Option<Connection<Job>>,
}

/// Names another object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Reference {
    /// Numeric id.
    #[serde(deserialize_with = "gid")]
    pub id: i64,
}

/// A job or bridge as GitLab tells it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Global id, which tells jobs and bridges apart.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its stage.
    pub stage: Option<Stage>,
    /// `SUCCESS`, `FAILED` …
    pub status: Option<String>,
    /// Whether the pipeline may succeed without it.
    pub allow_failure: Option<bool>,
    /// Whether a later job took its place.
    pub retried: Option<bool>,
    /// Whether somebody has to start it.
    pub manual_job: Option<bool>,
    /// In percent.
    pub coverage: Option<f64>,
    /// The runner, where it is shown; not asked before 17.2.
    pub runner: Option<Runner>,
    /// The pipeline that a bridge started.
    pub downstream_pipeline: Option<Reference>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When a runner could take it.
    pub queued_at: Option<Timestamp>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Seconds that it ran.
    pub duration: Option<i64>,
    /// Seconds that it waited for a runner.
    pub queued_duration: Option<f64>,
}

impl Job {
    /// Its numeric id.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        self.id.as_deref().and_then(super::parse_gid)
    }

    /// Whether it starts another pipeline.
    #[must_use]
    pub fn is_bridge(&self) -> bool {
        self.id.as_deref().is_some_and(|id| id.contains("Bridge"))
    }

    /// Whether it failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.status.as_deref() == Some("FAILED")
    }
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Stage {
    /// Its name.
    pub name: Option<String>,
}

/// A runner.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Runner {
    /// Numeric id.
    #[serde(default, deserialize_with = "optional_gid")]
    pub id: Option<i64>,
    /// What it is called.
    pub description: Option<String>,
}
