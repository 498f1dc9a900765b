//! One struct per raw table, with GitLab's names and ids.
//!
//! `None` means that GitLab did not say. It is stored as NULL and never as 0, an empty text or an empty list.

mod deployment;
mod pipeline;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Serialize, Serializer};

pub use deployment::{Carried, Deployment, Environment};
pub use pipeline::{Job, Pipeline};

/// A group or subgroup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Group {
    /// GitLab's id.
    pub id: i64,
    /// The group above; `None` for a top-level group.
    pub parent_id: Option<i64>,
    /// Display name.
    pub name: Option<String>,
    /// Path from the root, such as `acme/platform`.
    pub full_path: String,
    /// `private`, `internal` or `public`.
    pub visibility: Option<String>,
    /// Whether the group is archived.
    pub archived: Option<bool>,
    /// Address in the browser.
    pub web_url: Option<String>,
    /// When the group was created.
    #[serde(serialize_with = "maybe_instant")]
    pub created_at: Option<Timestamp>,
}

/// A project. A row may be partial (webhooks say little): `None` keeps what is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Project {
    /// GitLab's id.
    pub id: i64,
    /// Id of the namespace: a group, or a person's own namespace.
    pub namespace_id: Option<i64>,
    /// Display name.
    pub name: Option<String>,
    /// Path from the root, such as `acme/platform/api`.
    pub path_with_namespace: String,
    /// The branch that others merge into; `None` while the repository is empty.
    pub default_branch: Option<String>,
    /// `private`, `internal` or `public`.
    pub visibility: Option<String>,
    /// Whether the project is archived.
    pub archived: Option<bool>,
    /// Whether merge requests are switched on.
    pub merge_requests_enabled: Option<bool>,
    /// The project this one was forked from.
    pub forked_from_project_id: Option<i64>,
    /// Address in the browser.
    pub web_url: Option<String>,
    /// When the project was created.
    #[serde(serialize_with = "maybe_instant")]
    pub created_at: Option<Timestamp>,
    /// GitLab's (hourly) idea of the last activity.
    #[serde(serialize_with = "maybe_instant")]
    pub last_activity_at: Option<Timestamp>,
}

/// What labels and members belong to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HolderKind {
    /// A group.
    Group,
    /// A project.
    #[default]
    Project,
}

/// A label of a group or project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Whether `holder_id` names a group or a project.
    pub kind: HolderKind,
    /// The group or project.
    pub holder_id: i64,
    /// GitLab's id.
    pub id: i64,
    /// The label's text.
    pub name: String,
    /// Colour such as `#d9534f`.
    pub color: Option<String>,
    /// What the label is for.
    pub description: Option<String>,
}

/// One person's membership of a group or project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Whether `holder_id` names a group or a project.
    pub kind: HolderKind,
    /// The group or project.
    pub holder_id: i64,
    /// The member.
    pub user_id: i64,
    /// GitLab's number for the role: 10 Guest, 20 Reporter, 30 Developer, 40 Maintainer, 50 Owner.
    pub access_level: i64,
    /// When the membership began.
    #[serde(serialize_with = "maybe_instant")]
    pub created_at: Option<Timestamp>,
    /// The day on which the membership ends, `YYYY-MM-DD`.
    pub expires_at: Option<String>,
}

/// A person or bot. A row may be partial: `None` keeps what is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct User {
    /// GitLab's id.
    pub id: i64,
    /// The @-name.
    pub username: String,
    /// Display name.
    pub name: Option<String>,
    /// `active`, `blocked`, `deactivated` …
    pub state: Option<String>,
    /// GitLab's own bot flag, where the answer carries it.
    pub bot: Option<bool>,
    /// Address in the browser.
    pub web_url: Option<String>,
    /// The e-mail address that the person shows to everybody.
    pub public_email: Option<String>,
    /// When the account was created.
    #[serde(serialize_with = "maybe_instant")]
    pub created_at: Option<Timestamp>,
}

/// A name by which a person is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Username {
    /// The @-name.
    pub(super) username: String,
    /// Whose it is.
    pub(super) user_id: i64,
}

/// A merge request, complete (from the API) or partial (from an event).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MergeRequest {
    /// GitLab's id, unique in the instance.
    pub id: i64,
    /// The number that people use, unique in the project.
    pub iid: i64,
    /// The project that the merge request goes into.
    pub project_id: i64,
    /// Title.
    pub title: Option<String>,
    /// Description; `None` unless the connection asks for text.
    pub description: Option<String>,
    /// `opened`, `closed`, `merged` or `locked`.
    pub state: Option<String>,
    /// Whether it is a draft now.
    pub draft: Option<bool>,
    /// Who opened it; `None` when the account is gone.
    pub author_id: Option<i64>,
    /// Who merged it.
    pub merge_user_id: Option<i64>,
    /// The project that the branch lives in; `None` when a fork was deleted.
    pub source_project_id: Option<i64>,
    /// The branch to merge.
    pub source_branch: Option<String>,
    /// The branch to merge into.
    pub target_branch: Option<String>,
    /// Texts of the labels.
    pub labels: Option<Vec<String>>,
    /// User ids of the assignees.
    pub assignee_ids: Option<Vec<i64>>,
    /// User ids of the reviewers.
    pub reviewer_ids: Option<Vec<i64>>,
    /// Lines added.
    pub additions: Option<i64>,
    /// Lines deleted.
    pub deletions: Option<i64>,
    /// Files changed.
    pub changed_files: Option<i64>,
    /// Commits in the merge request.
    pub commit_count: Option<i64>,
    /// Comments by people.
    pub user_notes_count: Option<i64>,
    /// Head of the source branch.
    pub sha: Option<String>,
    /// The merge commit.
    pub merge_commit_sha: Option<String>,
    /// Address in the browser.
    pub web_url: Option<String>,
    /// When it was opened.
    #[serde(serialize_with = "instant")]
    pub created_at: Timestamp,
    /// GitLab's clock of the row: the newest wins.
    #[serde(serialize_with = "instant")]
    pub updated_at: Timestamp,
    /// When GitLab had the diff ready.
    #[serde(serialize_with = "maybe_instant")]
    pub prepared_at: Option<Timestamp>,
    /// When it last stopped being a draft; `None` when it never was one or nobody recorded it.
    #[serde(serialize_with = "maybe_instant")]
    pub ready_at: Option<Timestamp>,
    /// When it was merged.
    #[serde(serialize_with = "maybe_instant")]
    pub merged_at: Option<Timestamp>,
    /// When it was closed without merging.
    #[serde(serialize_with = "maybe_instant")]
    pub closed_at: Option<Timestamp>,
    /// Whether notes and approvals were read to their ends; `None` where they were not asked for.
    pub reviews_complete: Option<bool>,
    /// Whether the commits were read to their end; `None` where they were not asked for.
    pub commits_complete: Option<bool>,
}

/// A comment on a merge request, or GitLab's own record of an action (`system`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Note {
    /// GitLab's id, unique in the instance.
    pub id: i64,
    /// Id (not iid) of the merge request.
    pub merge_request_id: i64,
    /// The project of the merge request.
    pub project_id: i64,
    /// Who wrote it or acted; `None` when the account is gone.
    pub author_id: Option<i64>,
    /// Whether GitLab wrote it to record an action.
    pub system: bool,
    /// For system notes, what happened: `approved`, `unapproved`, `ready`, `draft`, `review_requested` …
    pub action: Option<String>,
    /// The @-names of the people whom a `review_requested` asks.
    pub requested_reviewers: Option<Vec<String>>,
    /// Only visible to members.
    pub internal: Option<bool>,
    /// `DiffNote`, `DiscussionNote`; `None` for a plain comment or when GitLab did not say.
    pub note_type: Option<String>,
    /// The thread that the note belongs to.
    pub discussion_id: Option<String>,
    /// Whether the thread can be resolved.
    pub resolvable: Option<bool>,
    /// Whether the thread is resolved.
    pub resolved: Option<bool>,
    /// Text; `None` unless the connection asks for text.
    pub body: Option<String>,
    /// When it was written.
    #[serde(serialize_with = "instant")]
    pub created_at: Timestamp,
    /// GitLab's clock of the row: the newest wins.
    #[serde(serialize_with = "instant")]
    pub updated_at: Timestamp,
}

/// One approval in force on a merge request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// Id (not iid) of the merge request.
    pub merge_request_id: i64,
    /// Who approved.
    pub user_id: i64,
    /// When, if any answer or note said so.
    #[serde(serialize_with = "maybe_instant")]
    pub approved_at: Option<Timestamp>,
}

/// A commit of a merge request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MergeRequestCommit {
    /// Id (not iid) of the merge request.
    pub merge_request_id: i64,
    /// The commit.
    pub sha: String,
    /// First line of the message.
    pub title: Option<String>,
    /// The GitLab account of the author, if GitLab matched one.
    pub author_id: Option<i64>,
    /// Name in the commit.
    pub author_name: Option<String>,
    /// E-mail address in the commit.
    pub author_email: Option<String>,
    /// When it was written.
    #[serde(serialize_with = "maybe_instant")]
    pub authored_at: Option<Timestamp>,
    /// When it was last rebased or amended.
    #[serde(serialize_with = "maybe_instant")]
    pub committed_at: Option<Timestamp>,
}

/// Milliseconds, always three digits: texts of one width sort like the instants they name.
static PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// The text of an instant in JSON documents and in SQLite.
pub(super) fn text(at: Timestamp) -> String {
    PRINTER.timestamp_to_string(&at)
}

fn instant<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*at))
}

#[expect(clippy::ref_option, reason = "serde hands fields by reference")]
fn maybe_instant<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => instant(at, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_instants_sort_like_the_instants() {
        let texts = ["2026-01-16T05:56:22Z", "2026-01-16T05:56:22.5Z", "2026-01-16T05:56:22.123456Z"]
            .map(|at| text(at.parse().unwrap()));

        assert_eq!(texts, ["2026-01-16T05:56:22.000Z", "2026-01-16T05:56:22.500Z", "2026-01-16T05:56:22.123Z"]);
    }
}
