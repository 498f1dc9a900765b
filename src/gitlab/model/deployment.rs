//! Environments and deployments by REST.

use jiff::Timestamp;
use serde::Deserialize;

use super::User;

/// A place that a project is deployed to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Environment {
    /// GitLab's id.
    pub id: i64,
    /// Its name, such as `production`.
    pub name: String,
    /// `production`, `staging`, `testing`, `development` or `other`.
    #[serde(default)]
    pub tier: Option<String>,
    /// `available`, `stopping` or `stopped`.
    #[serde(default)]
    pub state: Option<String>,
    /// Where it is seen.
    #[serde(default)]
    pub external_url: Option<String>,
    /// When it was made.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// When it changed.
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
}

/// A deployment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Deployment {
    /// GitLab's id.
    pub id: i64,
    /// The number in its project.
    pub iid: i64,
    /// The branch or tag.
    #[serde(default, rename = "ref")]
    pub ref_name: Option<String>,
    /// The commit.
    #[serde(default)]
    pub sha: Option<String>,
    /// `created`, `running`, `success`, `failed`, `canceled`, `skipped` or `blocked`.
    #[serde(default)]
    pub status: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
    /// Who deployed; null where the account is gone.
    #[serde(default)]
    pub user: Option<User>,
    /// Where to.
    #[serde(default)]
    pub environment: Option<DeployedTo>,
    /// The job that deployed; null where it was made through the API.
    #[serde(default)]
    pub deployable: Option<Deployable>,
}

/// The environment of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DeployedTo {
    /// GitLab's id.
    pub id: i64,
}

/// The job of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Deployable {
    /// GitLab's id of the job.
    pub id: i64,
    /// Whether it ran on a tag.
    #[serde(default)]
    pub tag: Option<bool>,
    /// When it ended.
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
    /// The pipeline of the job.
    #[serde(default)]
    pub pipeline: Option<OfPipeline>,
}

/// The pipeline of a job.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OfPipeline {
    /// GitLab's id.
    pub id: i64,
}

/// A merge request that a deployment brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Brought {
    /// GitLab's id.
    pub id: i64,
}
