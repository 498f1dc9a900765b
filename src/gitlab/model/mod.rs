//! The answers we read, only the fields that we use. What GitLab may leave out or set to null is an `Option`.

mod deployment;
mod hook;
mod pipeline;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

pub use deployment::{Brought, Deployable, DeployedTo, Deployment, Environment, OfPipeline};
pub use hook::{HeaderName, Hook, HookBody, HookEvent};
pub use pipeline::{FailedJob, Runner, Sourced};

/// `GET /metadata`, or what `/version` tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Metadata {
    /// Such as `18.4.2-ee`.
    pub version: String,
    /// Whether this is an Enterprise build; says nothing about a licence.
    #[serde(default)]
    pub enterprise: Option<bool>,
}

impl Metadata {
    /// Major and minor version; `(0, 0)` where the text is none of GitLab's.
    pub fn release(&self) -> (u32, u32) {
        let mut numbers = self.version.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    }

    /// Enterprise build, by GitLab's own word or, before 15.6, by the version's suffix.
    pub fn is_enterprise(&self) -> bool {
        self.enterprise.unwrap_or_else(|| self.version.contains("-ee"))
    }
}

/// `GET /personal_access_tokens/self`: personal, group, project and service-account tokens know themselves.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TokenSelf {
    /// GitLab's id of the token.
    #[serde(default)]
    pub id: Option<i64>,
    /// The name its owner gave it.
    #[serde(default)]
    pub name: Option<String>,
    /// The user behind the token: budgets are his.
    pub user_id: i64,
    /// Such as `read_api`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The day on whose first second the token dies; `None`: never.
    #[serde(default)]
    pub expires_at: Option<Date>,
    /// Neither revoked nor expired.
    #[serde(default)]
    pub active: Option<bool>,
    /// Revoked.
    #[serde(default)]
    pub revoked: Option<bool>,
}

/// A user as GitLab shows it to everybody, with what only some answers add.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// GitLab's id.
    pub id: i64,
    /// Login name.
    #[serde(default)]
    pub username: Option<String>,
    /// Display name.
    #[serde(default)]
    pub name: Option<String>,
    /// `active`, `blocked`, `deactivated`, …
    #[serde(default)]
    pub state: Option<String>,
    /// GitLab's own bot flag; single-user answers only.
    #[serde(default)]
    pub bot: Option<bool>,
    /// The address that the user made public.
    #[serde(default)]
    pub public_email: Option<String>,
    /// Profile page.
    #[serde(default)]
    pub web_url: Option<String>,
    /// When the account was made.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// Administrator; only told to administrators, and to a user about itself.
    #[serde(default)]
    pub is_admin: Option<bool>,
}

/// A group or subgroup.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Group {
    /// GitLab's id.
    pub id: i64,
    /// Name of the group alone.
    #[serde(default)]
    pub name: Option<String>,
    /// Last segment of the path.
    #[serde(default)]
    pub path: Option<String>,
    /// Path from the root.
    pub full_path: String,
    /// Name from the root.
    #[serde(default)]
    pub full_name: Option<String>,
    /// `private`, `internal`, `public`.
    #[serde(default)]
    pub visibility: Option<String>,
    /// The group above.
    #[serde(default)]
    pub parent_id: Option<i64>,
    /// Page of the group.
    #[serde(default)]
    pub web_url: Option<String>,
    /// When it was made.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// Archived; known from 18.2 on.
    #[serde(default)]
    pub archived: Option<bool>,
    /// Set while a deletion is pending.
    #[serde(default)]
    pub marked_for_deletion_on: Option<Date>,
}

/// The namespace that a project lives in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Namespace {
    /// Id of the namespace; for a group, the group's id.
    pub id: i64,
    /// `group` or `user`.
    #[serde(default)]
    pub kind: Option<String>,
    /// Path from the root.
    #[serde(default)]
    pub full_path: Option<String>,
}

/// One membership of the asking user.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AccessLevel {
    /// 10 Guest, 20 Reporter, 30 Developer, 40 Maintainer, 50 Owner.
    #[serde(default)]
    pub access_level: Option<i64>,
}

/// What the asking user is in a project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Permissions {
    /// By direct membership.
    #[serde(default)]
    pub project_access: Option<AccessLevel>,
    /// By the group's membership.
    #[serde(default)]
    pub group_access: Option<AccessLevel>,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Project {
    /// GitLab's id.
    pub id: i64,
    /// Name of the project alone.
    #[serde(default)]
    pub name: Option<String>,
    /// Last segment of the path.
    #[serde(default)]
    pub path: Option<String>,
    /// Path from the root.
    pub path_with_namespace: String,
    /// Description.
    #[serde(default)]
    pub description: Option<String>,
    /// `None` where the repository is empty.
    #[serde(default)]
    pub default_branch: Option<String>,
    /// `private`, `internal`, `public`.
    #[serde(default)]
    pub visibility: Option<String>,
    /// Archived projects can be read and not written.
    #[serde(default)]
    pub archived: Option<bool>,
    /// No commits yet.
    #[serde(default)]
    pub empty_repo: Option<bool>,
    /// When it was made.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// Last change of the project's own settings.
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
    /// Moves at most about hourly.
    #[serde(default)]
    pub last_activity_at: Option<Timestamp>,
    /// Where the project lives.
    #[serde(default)]
    pub namespace: Option<Namespace>,
    /// Page of the project.
    #[serde(default)]
    pub web_url: Option<String>,
    /// Whether merge requests are switched on; left out of the simple view.
    #[serde(default)]
    pub merge_requests_enabled: Option<bool>,
    /// `enabled`, `private` (members only) or `disabled`.
    #[serde(default)]
    pub merge_requests_access_level: Option<String>,
    /// `enabled`, `private` (members only) or `disabled`.
    #[serde(default)]
    pub repository_access_level: Option<String>,
    /// Set while a deletion is pending.
    #[serde(default)]
    pub marked_for_deletion_on: Option<Date>,
    /// The project it was forked from.
    #[serde(default)]
    pub forked_from_project: Option<ForkedFrom>,
    /// What the asking user is here.
    #[serde(default)]
    pub permissions: Option<Permissions>,
}

/// The source of a fork.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ForkedFrom {
    /// Id of the source project.
    pub id: i64,
}

impl Project {
    /// The asking user's highest role here, where GitLab says so.
    pub fn own_access_level(&self) -> Option<i64> {
        let permissions = self.permissions.as_ref()?;
        let level = |access: &Option<AccessLevel>| access.as_ref().and_then(|access| access.access_level);
        level(&permissions.project_access).max(level(&permissions.group_access))
    }

    /// Merge requests are switched off for everybody, so a 403 on them says nothing about the token.
    pub fn merge_requests_disabled(&self) -> bool {
        self.merge_requests_enabled == Some(false) || self.merge_requests_access_level.as_deref() == Some("disabled")
    }
}

/// A label of a project or of a group above it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Label {
    /// GitLab's id.
    pub id: i64,
    /// The text on it.
    pub name: String,
    /// Such as `#d9534f`.
    #[serde(default)]
    pub color: Option<String>,
    /// Colour of the text.
    #[serde(default)]
    pub text_color: Option<String>,
    /// What it stands for.
    #[serde(default)]
    pub description: Option<String>,
    /// False for a label inherited from a group.
    #[serde(default)]
    pub is_project_label: Option<bool>,
}

/// A member of a group or project, direct or inherited.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// The user's id.
    pub id: i64,
    /// Login name.
    #[serde(default)]
    pub username: Option<String>,
    /// Display name.
    #[serde(default)]
    pub name: Option<String>,
    /// State of the account.
    #[serde(default)]
    pub state: Option<String>,
    /// Profile page.
    #[serde(default)]
    pub web_url: Option<String>,
    /// 10 Guest, 20 Reporter, 30 Developer, 40 Maintainer, 50 Owner.
    #[serde(default)]
    pub access_level: Option<i64>,
    /// When the membership began.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// When it ends.
    #[serde(default)]
    pub expires_at: Option<Date>,
    /// `active` or `awaiting`.
    #[serde(default)]
    pub membership_state: Option<String>,
}

/// A merge request as REST lists it. Diff stats come by GraphQL only.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MergeRequest {
    /// GitLab's id, unique in the instance.
    pub id: i64,
    /// Number within the project.
    pub iid: i64,
    /// The project it belongs to.
    #[serde(default)]
    pub project_id: Option<i64>,
    /// Title.
    #[serde(default)]
    pub title: Option<String>,
    /// `opened`, `closed`, `merged`, `locked`.
    #[serde(default)]
    pub state: Option<String>,
    /// Draft.
    #[serde(default)]
    pub draft: Option<bool>,
    /// When it was made.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// May be earlier than `merged_at`.
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
    /// May be missing on merged ones that are old or imported.
    #[serde(default)]
    pub merged_at: Option<Timestamp>,
    /// May be missing on closed ones that are old or imported.
    #[serde(default)]
    pub closed_at: Option<Timestamp>,
    /// Null on some: deleted or hidden users.
    #[serde(default)]
    pub author: Option<User>,
    /// Who merged it.
    #[serde(default)]
    pub merge_user: Option<User>,
    /// Who closed it; GraphQL does not tell.
    #[serde(default)]
    pub closed_by: Option<User>,
    /// Null where the fork is gone.
    #[serde(default)]
    pub source_project_id: Option<i64>,
    /// Branch with the changes.
    #[serde(default)]
    pub source_branch: Option<String>,
    /// Branch that receives them.
    #[serde(default)]
    pub target_branch: Option<String>,
    /// Page of the merge request.
    #[serde(default)]
    pub web_url: Option<String>,
}

/// `GET …/approvals`, the fields that both editions send.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Approvals {
    /// Whether the requirements are met.
    #[serde(default)]
    pub approved: Option<bool>,
    /// Enterprise builds only.
    #[serde(default)]
    pub approvals_required: Option<i64>,
    /// Enterprise builds only.
    #[serde(default)]
    pub approvals_left: Option<i64>,
    /// Every approver, rule or not.
    #[serde(default)]
    pub approved_by: Vec<Approval>,
}

/// One approval.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Approval {
    /// Who approved.
    #[serde(default)]
    pub user: Option<User>,
    /// When; only newer servers tell.
    #[serde(default)]
    pub approved_at: Option<Timestamp>,
}
