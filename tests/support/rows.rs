//! What a database holds, read beside the product.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};

/// Takes back what migrations brought for lists that are read after merge requests.
pub(crate) const WITHOUT_LISTS: [&str; 10] = [
    "drop table gitlab_environments",
    "drop table gitlab_deployments",
    "drop table gitlab_deployment_merge_requests",
    "drop table connector_production_environments",
    "drop table gitlab_pipelines",
    "drop table gitlab_jobs",
    "drop table connector_lists",
    "drop index connector_tasks_once",
    "drop index connector_tasks_open",
    "alter table connector_tasks drop column turn",
];

/// Tables of rows from GitLab, with the columns that do not tell when or by which run they were stored.
const TABLES: [(&str, &str); 9] = [
    ("gitlab_groups", "id parent_id full_path visibility"),
    ("gitlab_projects", "id path_with_namespace default_branch archived"),
    ("gitlab_labels", "kind holder_id id name"),
    ("gitlab_members", "kind holder_id user_id access_level"),
    ("gitlab_users", "id username bot"),
    (
        "gitlab_merge_requests",
        "id iid project_id title state draft author_id merge_user_id labels assignee_ids reviewer_ids additions deletions \
         changed_files commit_count created_at updated_at ready_at merged_at closed_at",
    ),
    ("gitlab_notes", "id merge_request_id author_id system action created_at updated_at"),
    ("gitlab_approvals", "merge_request_id user_id approved_at"),
    ("gitlab_merge_request_commits", "merge_request_id sha title author_email"),
];

/// Which rows of a table are of what GitLab still has.
pub(crate) fn there(table: &str) -> &'static str {
    match table {
        "gitlab_groups" | "gitlab_projects" | "gitlab_merge_requests" => "deleted_at is null",
        "gitlab_labels" | "gitlab_members" | "gitlab_environments" | "gitlab_deployments" | "gitlab_pipelines" => {
            "gone_at is null"
        }
        "gitlab_deployment_merge_requests" => {
            "deployment_id not in (select id from gitlab_deployments where gone_at is not null)
             and merge_request_id not in (select id from gitlab_merge_requests where deleted_at is not null)"
        }
        "gitlab_jobs" => "pipeline_id not in (select id from gitlab_pipelines where gone_at is not null)",
        "gitlab_notes" | "gitlab_approvals" | "gitlab_merge_request_commits" => {
            "gone_at is null and merge_request_id not in (select id from gitlab_merge_requests where deleted_at is not null)"
        }
        _ => "true",
    }
}

/// Every row as one line.
pub(crate) async fn dump(url: &SecretString) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for (table, columns) in TABLES {
        let columns: Vec<String> = columns.split_whitespace().map(|column| format!("cast({column} as text)")).collect();
        let sql = format!("select {} from {table} where {}", columns.join(", "), there(table));
        for row in query(url, &sql).await {
            lines.insert(format!("{table}: {}", row.join(" | ")));
        }
    }
    lines
}

/// Waits until a count is reached.
pub(crate) async fn until(url: &SecretString, count: &str, wanted: i64) {
    let sql = format!("select cast(({count}) as text)");
    for _ in 0..1000 {
        if query(url, &sql).await == [[wanted.to_string()]] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{count} never came to {wanted}");
}

pub(crate) async fn query(url: &SecretString, sql: &str) -> Vec<Vec<String>> {
    let sql = AssertSqlSafe(sql.to_owned());
    let text = |cell: Option<String>| cell.unwrap_or_else(|| "NULL".to_owned());
    if url.expose_secret().starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(url.expose_secret()).await.unwrap();
        let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
        return rows.iter().map(|row| (0..row.len()).map(|at| text(row.get(at))).collect()).collect();
    }
    let mut connection = PgConnection::connect(url.expose_secret()).await.unwrap();
    let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| (0..row.len()).map(|at| text(row.get(at))).collect()).collect()
}
