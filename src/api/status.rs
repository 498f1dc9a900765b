//! What the operator reports: the status of a `GitLabConnection`. At most 8 KiB however large the scope is.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccessEntry, CredentialStatus, InstanceStatus, Mode};

/// What the operator reports.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitLabConnectionStatus {
    /// Generation of the spec that this status speaks of; -1 until it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// The verdicts: CredentialsValid, AccessVerified, WebhooksReady, DeliveriesSeen, ImportSucceeded and their sum, Ready;
    /// CredentialsExpiring, Reconciling and Stalled only while they are true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// The GitLab that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceStatus>,

    /// What is known of each token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub credentials: Vec<CredentialStatus>,

    /// What the tokens may do. Bounded: trouble first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub access: Vec<AccessEntry>,

    /// The webhooks in GitLab.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhooks: Option<WebhooksStatus>,

    /// The imports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import: Option<ImportStatus>,

    /// Value of the annotation gitlab-connector.dev/reconcile-requested-at that was answered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,

    /// Value of the annotation gitlab-connector.dev/import-requested-at that was answered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_import_at: Option<String>,
}

/// The webhooks in GitLab.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhooksStatus {
    /// Mode in force; for Auto, what it came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,

    /// Webhooks in place of those wanted, and the mode: "12/12 Group".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,

    /// Webhooks that are wanted.
    #[serde(default)]
    pub desired: i32,

    /// Webhooks that exist, equal the spec, and are executable.
    #[serde(default)]
    pub ready: i32,

    /// Up to ten that are not ready, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub failures: Vec<FailureStatus>,

    /// What the webhooks in force do not bring, or why they are not those that were asked for first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub notes: Vec<String>,

    /// What a person with the right runs in a shell to make the webhooks that no token may make, $GITLAB_TOKEN being theirs.
    /// They are done once deliveries arrive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 12))]
    pub commands: Vec<String>,

    /// When the last authentic delivery arrived, to within ten minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_delivery: Option<Time>,
}

/// The imports.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportStatus {
    /// Projects that the last import followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projects: Option<i64>,

    /// The import that is running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<RunningStatus>,

    /// How far it is, as the receiver reads it from the database: every ten seconds at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressStatus>,

    /// The import that ended last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<RunStatus>,

    /// The import that ended last with nothing missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<RunStatus>,

    /// Imports in a row that failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed_runs: i32,

    /// The last comparison of the database with GitLab, at the end of an import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditStatus>,

    /// When the next import is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Time>,

    /// Up to ten projects of the last import that were skipped or failed, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub failures: Vec<FailureStatus>,
}

/// An import that is running.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunningStatus {
    /// Key of the run: the tick of the schedule, or the request.
    pub key: String,

    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,

    /// The Job whose pods import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

/// How far an import is.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgressStatus {
    /// Key of the run.
    pub run: String,

    /// Projects done.
    #[serde(default)]
    pub projects_done: i64,

    /// Projects in all.
    #[serde(default)]
    pub projects_total: i64,

    /// Merge requests stored by this run.
    #[serde(default)]
    pub merge_requests: i64,

    /// How much is done, in percent.
    #[serde(default)]
    pub percent: i32,
}

/// An import that ended.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunStatus {
    /// Key of the run.
    pub key: String,

    /// How it ended.
    pub outcome: RunOutcome,

    /// Why, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,

    /// Why, and what helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,

    /// Digest of what it was to read: another scope, or other kinds of rows, make an import due at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,

    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,

    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,

    /// Projects followed.
    #[serde(default)]
    pub projects: i64,

    /// Merge requests stored.
    #[serde(default)]
    pub merge_requests: i64,
}

/// How an import ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RunOutcome {
    /// Nothing in scope is missing.
    Succeeded,
    /// Some projects were skipped or failed.
    PartiallyFailed,
    /// It did not come to its end.
    Failed,
}

/// How the database compared with GitLab.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditStatus {
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,

    /// Projects whose merge requests were counted.
    #[serde(default)]
    pub projects: i64,

    /// Merge requests that were read anew and compared.
    #[serde(default)]
    pub merge_requests: i64,

    /// Merge requests of those that differ because they changed meanwhile: the next import brings them.
    #[serde(default)]
    pub behind: i64,

    /// Projects and merge requests that GitLab does not show to the tokens: nothing can be said of them.
    #[serde(default)]
    pub unreadable: i64,

    /// Rows, columns and counts that differ; the table connector_audit_differences names them.
    #[serde(default)]
    pub differences: i64,

    /// Up to five of them, such as "acme/web!12: title".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    pub examples: Vec<String>,
}

/// One thing that did not work.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureStatus {
    /// What did not, such as "project acme/tool".
    pub subject: String,

    /// Why, in one word.
    pub reason: String,

    /// Why, and what helps.
    pub message: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(number: &i32) -> bool {
    *number == 0
}
