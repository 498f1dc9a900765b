//! What the status says of the GitLab and of each token.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The GitLab that answered.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceStatus {
    /// Its version, such as 18.5.1-ee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,

    /// Its edition: Community or Enterprise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
}

/// What is known of one token. Never the token itself.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialStatus {
    /// Name of the token in spec.credentials.
    pub name: String,

    /// User that the token acts as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,

    /// Scopes of the token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,

    /// When the token expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,

    /// Whether GitLab accepts the token; absent while nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid: Option<bool>,

    /// The rate limit that GitLab named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimitStatus>,
}

/// A rate limit as GitLab named it. What is left changes with every request, so it is a metric and not here.
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimitStatus {
    /// Requests a minute.
    pub limit: i64,
}

/// One line of the access matrix: what was tried, and how it went.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessEntry {
    /// Name of the token that tried.
    pub token: String,

    /// What was tried, such as "read merge requests".
    pub what: String,

    /// On what, such as "group acme".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,

    /// How it went.
    pub outcome: AccessOutcome,

    /// Why it went so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,

    /// What helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// How a probe went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AccessOutcome {
    /// It works.
    Ok,
    /// GitLab refused.
    Denied,
    /// Nobody knows: GitLab could not be asked, or gave no clear answer.
    Unknown,
}
