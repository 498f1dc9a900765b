//! The bulk statements of deployments, pipelines and what belongs to them, as data.

use super::READ;
use crate::store::upsert::{Newer, Rule, Unchanged, Upsert};

pub(super) fn environments() -> Upsert {
    Upsert {
        table: "gitlab_environments",
        key: &["id"],
        columns: &["project_id", "name", "tier", "state", "external_url", "created_at", "updated_at"],
        rule: Rule::Replace,
        newer: Newer::ByReading,
        stamps: READ,
        unchanged: Unchanged::Skipped,
        absence: &["gone_at"],
    }
}

pub(super) fn deployments() -> Upsert {
    Upsert {
        table: "gitlab_deployments",
        key: &["id"],
        columns: &[
            "iid",
            "project_id",
            "environment_id",
            "ref",
            "tag",
            "sha",
            "status",
            "user_id",
            "pipeline_id",
            "job_id",
            "created_at",
            "updated_at",
            "finished_at",
        ],
        rule: Rule::Replace,
        newer: Newer::ByUpdate,
        stamps: READ,
        unchanged: Unchanged::Skipped,
        absence: &["gone_at"],
    }
}

pub(super) fn pipelines() -> Upsert {
    Upsert {
        table: "gitlab_pipelines",
        key: &["id"],
        columns: &[
            "iid",
            "project_id",
            "name",
            "status",
            "started_by",
            "ref",
            "sha",
            "user_id",
            "merge_request_iid",
            "upstream_id",
            "created_at",
            "updated_at",
            "started_at",
            "finished_at",
            "duration",
            "queued_duration",
            "coverage",
            "jobs_complete",
        ],
        rule: Rule::Replace,
        newer: Newer::ByUpdate,
        stamps: READ,
        unchanged: Unchanged::Skipped,
        absence: &["gone_at"],
    }
}

pub(super) fn jobs() -> Upsert {
    Upsert {
        table: "gitlab_jobs",
        key: &["id"],
        columns: &[
            "pipeline_id",
            "project_id",
            "kind",
            "name",
            "stage",
            "status",
            "allow_failure",
            "retried",
            "manual",
            "failure_reason",
            "runner_id",
            "runner",
            "downstream_id",
            "coverage",
            "created_at",
            "queued_at",
            "started_at",
            "finished_at",
            "duration",
            "queued_duration",
        ],
        rule: Rule::Replace,
        newer: Newer::ByReading,
        stamps: READ,
        unchanged: Unchanged::Skipped,
        absence: &[],
    }
}
