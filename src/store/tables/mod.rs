//! The bulk statements of the raw tables, as data: which columns, and which row wins.

mod delivery;

use std::sync::LazyLock;

use super::compare::Compared;
use super::database::Sql;
use super::upsert::{Children, Newer, Rule, Unchanged, Upsert};
use delivery::{deployments, environments, jobs, pipelines};

/// The statements of all raw tables.
pub(super) struct Statements {
    pub(super) groups: Sql,
    pub(super) projects: Sql,
    pub(super) labels: Sql,
    pub(super) members: Sql,
    pub(super) users: Sql,
    pub(super) merge_requests: Sql,
    /// Takes GitLab's word also where its clock went back.
    pub(super) merge_requests_anew: Sql,
    pub(super) merge_request_events: Sql,
    pub(super) notes: Sql,
    pub(super) approvals: Sql,
    pub(super) commits: Sql,
    pub(super) environments: Sql,
    pub(super) deployments: Sql,
    pub(super) pipelines: Sql,
    pub(super) jobs: Sql,
    pub(super) gone_notes: Sql,
    pub(super) gone_approvals: Sql,
    pub(super) gone_commits: Sql,
}

/// Rows without a clock of their own are ordered by when they were read.
const READ: &[(&str, &str)] = &[("synced_at", "$3")];

pub(super) static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements {
    groups: Upsert {
        table: "gitlab_groups",
        key: &["id"],
        columns: &["parent_id", "name", "full_path", "visibility", "archived", "web_url", "created_at"],
        rule: Rule::Keep,
        newer: Newer::ByReading,
        stamps: READ,
        unchanged: Unchanged::Skipped,
        absence: &[],
    }
    .sql(),
    projects: Upsert {
        table: "gitlab_projects",
        key: &["id"],
        columns: &[
            "namespace_id",
            "name",
            "path_with_namespace",
            "default_branch",
            "visibility",
            "archived",
            "merge_requests_enabled",
            "forked_from_project_id",
            "web_url",
            "created_at",
            "last_activity_at",
        ],
        rule: Rule::Keep,
        newer: Newer::ByReading,
        stamps: READ,
        unchanged: Unchanged::Skipped,
        absence: &[],
    }
    .sql(),
    labels: Upsert {
        table: "gitlab_labels",
        key: &["kind", "holder_id", "id"],
        columns: &["name", "color", "description"],
        rule: Rule::Replace,
        newer: Newer::ByReading,
        stamps: READ,
        unchanged: Unchanged::Skipped,
        absence: &["gone_at"],
    }
    .sql(),
    members: Upsert {
        table: "gitlab_members",
        key: &["kind", "holder_id", "user_id"],
        columns: &["access_level", "created_at", "expires_at"],
        rule: Rule::Replace,
        newer: Newer::ByReading,
        stamps: READ,
        unchanged: Unchanged::Skipped,
        absence: &["gone_at"],
    }
    .sql(),
    // The same few people are in nearly every batch: rows that say nothing new must not become a queue of locks.
    users: Upsert {
        table: "gitlab_users",
        key: &["id"],
        columns: &["username", "name", "state", "bot", "web_url", "public_email", "created_at"],
        rule: Rule::Keep,
        newer: Newer::ByReading,
        stamps: READ,
        unchanged: Unchanged::Unlocked,
        absence: &[],
    }
    .sql(),
    merge_requests: merge_requests(Rule::Replace, Newer::ByUpdate).sql(),
    merge_requests_anew: merge_requests(Rule::Replace, Newer::ByReading).sql(),
    merge_request_events: merge_requests(Rule::Keep, Newer::ByUpdate).sql(),
    notes: notes().sql(),
    approvals: approvals().sql(),
    commits: commits().sql(),
    environments: environments().sql(),
    deployments: deployments().sql(),
    pipelines: pipelines().sql(),
    jobs: jobs().sql(),
    gone_notes: NOTES.marked(),
    gone_approvals: APPROVALS.marked(),
    gone_commits: COMMITS.marked(),
});

/// The statements that hold rows of GitLab against those that are stored.
pub(super) struct Comparisons {
    pub(super) merge_requests: Compared,
    pub(super) notes: Compared,
    pub(super) approvals: Compared,
    pub(super) commits: Compared,
    pub(super) absent_notes: Sql,
    pub(super) absent_approvals: Sql,
    pub(super) absent_commits: Sql,
}

pub(super) static COMPARED: LazyLock<Comparisons> = LazyLock::new(|| {
    let compared = |upsert: &Upsert| Compared { table: upsert.table, changes: upsert.changes() };
    Comparisons {
        merge_requests: compared(&merge_requests(Rule::Replace, Newer::ByReading)),
        notes: compared(&notes()),
        approvals: compared(&approvals()),
        commits: compared(&commits()),
        absent_notes: NOTES.absent(),
        absent_approvals: APPROVALS.absent(),
        absent_commits: COMMITS.absent(),
    }
});

fn merge_requests(rule: Rule, newer: Newer) -> Upsert {
    Upsert {
        table: "gitlab_merge_requests",
        key: &["id"],
        columns: &[
            "iid",
            "project_id",
            "title",
            "description",
            "state",
            "draft",
            "author_id",
            "merge_user_id",
            "source_project_id",
            "source_branch",
            "target_branch",
            "labels",
            "assignee_ids",
            "reviewer_ids",
            "additions",
            "deletions",
            "changed_files",
            "commit_count",
            "user_notes_count",
            "sha",
            "merge_commit_sha",
            "web_url",
            "created_at",
            "updated_at",
            "prepared_at",
            "ready_at",
            "merged_at",
            "closed_at",
            "reviews_complete",
            "commits_complete",
        ],
        rule,
        newer,
        stamps: READ,
        unchanged: Unchanged::Skipped,
        // An event may come long after what it tells of: only GitLab, asked now, says that something is there.
        absence: if rule == Rule::Replace { &["deleted_at", "unreadable_at"] } else { &[] },
    }
}

fn notes() -> Upsert {
    Upsert {
        table: "gitlab_notes",
        key: &["merge_request_id", "id"],
        columns: &[
            "project_id",
            "author_id",
            "system",
            "action",
            "requested_reviewers",
            "internal",
            "note_type",
            "discussion_id",
            "resolvable",
            "resolved",
            "body",
            "created_at",
            "updated_at",
        ],
        rule: Rule::Keep,
        newer: Newer::ByUpdate,
        stamps: READ,
        unchanged: Unchanged::Skipped,
        absence: &["gone_at"],
    }
}

fn approvals() -> Upsert {
    Upsert {
        table: "gitlab_approvals",
        key: &["merge_request_id", "user_id"],
        columns: &["approved_at"],
        rule: Rule::Greatest,
        newer: Newer::Always,
        stamps: &[],
        unchanged: Unchanged::Skipped,
        absence: &["gone_at"],
    }
}

fn commits() -> Upsert {
    Upsert {
        table: "gitlab_merge_request_commits",
        key: &["merge_request_id", "sha"],
        columns: &["title", "author_id", "author_name", "author_email", "authored_at", "committed_at"],
        rule: Rule::Keep,
        newer: Newer::Always,
        stamps: &[],
        unchanged: Unchanged::Skipped,
        absence: &["gone_at"],
    }
}

const NOTES: Children =
    Children { table: "gitlab_notes", key: "id", kind: "bigint", clock: Some("updated_at"), internal: true };

const APPROVALS: Children =
    Children { table: "gitlab_approvals", key: "user_id", kind: "bigint", clock: Some("approved_at"), internal: false };

const COMMITS: Children =
    Children { table: "gitlab_merge_request_commits", key: "sha", kind: "text", clock: None, internal: false };
