//! Deployments, and where they go.

use jiff::Timestamp;
use serde::Serialize;

use super::{instant, maybe_instant};

/// A place that a project is deployed to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Environment {
    /// GitLab's id.
    pub id: i64,
    /// The project.
    pub project_id: i64,
    /// Its name, such as `production` or `review/login`.
    pub name: String,
    /// `production`, `staging`, `testing`, `development` or `other`.
    pub tier: Option<String>,
    /// `available`, `stopping` or `stopped`.
    pub state: Option<String>,
    /// Where it is seen.
    pub external_url: Option<String>,
    /// When it was made.
    #[serde(serialize_with = "maybe_instant")]
    pub created_at: Option<Timestamp>,
    /// When it changed.
    #[serde(serialize_with = "maybe_instant")]
    pub updated_at: Option<Timestamp>,
}

/// A deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Deployment {
    /// GitLab's id.
    pub id: i64,
    /// The number in its project.
    pub iid: i64,
    /// The project.
    pub project_id: i64,
    /// Where to.
    pub environment_id: Option<i64>,
    /// The branch or tag.
    #[serde(rename = "ref")]
    pub ref_name: Option<String>,
    /// Whether that is a tag; `None` where no job deployed.
    pub tag: Option<bool>,
    /// The commit.
    pub sha: Option<String>,
    /// `created`, `running`, `success`, `failed`, `canceled`, `skipped` or `blocked`.
    pub status: Option<String>,
    /// Who deployed; `None` when the account is gone.
    pub user_id: Option<i64>,
    /// The pipeline that deployed; `None` where it was made through the API.
    pub pipeline_id: Option<i64>,
    /// The job that deployed; `None` where it was made through the API.
    pub job_id: Option<i64>,
    /// When it was made.
    #[serde(serialize_with = "instant")]
    pub created_at: Timestamp,
    /// GitLab's clock of the row: the newest wins.
    #[serde(serialize_with = "instant")]
    pub updated_at: Timestamp,
    /// When its job ended; `None` where it was made through the API.
    #[serde(serialize_with = "maybe_instant")]
    pub finished_at: Option<Timestamp>,
}

/// Merge requests that a deployment brought. Those that are stored already stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    /// The deployment.
    pub deployment_id: i64,
    /// Ids (not iids) of merge requests.
    pub merge_requests: Vec<i64>,
    /// With these, all of them are known: nobody has to ask again.
    pub told: bool,
}
