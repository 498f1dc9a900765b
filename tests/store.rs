//! What the store promises, in both databases.

mod commit;
mod delivery;
mod lead_time;
mod metrics;
mod pooler;
mod property;
mod runs;
mod schema;
mod tls;
mod trouble;

use gitlab_connector::store::rows::MergeRequest;
use gitlab_connector::store::{Connection, Kind, Source, Standing, Store};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sqlx::Row;

use crate::support::postgres;
use crate::support::rows::WITHOUT_LISTS;

/// A migrated database of its own for one test, with one connection.
struct Home {
    store: Store,
    source: Source,
    /// A way in beside the store, to see what it did.
    probe: Probe,
    _file: Option<File>,
}

enum Probe {
    Postgres(sqlx::PgPool),
    Sqlite(sqlx::SqlitePool),
}

/// A path for a SQLite file, which goes with the test.
struct File(std::path::PathBuf);

impl File {
    fn new() -> File {
        File(std::env::temp_dir().join(format!("gitlab-connector-{:016x}.db", fastrand::u64(..))))
    }

    fn url(&self) -> SecretString {
        format!("sqlite:{}", self.0.display()).into()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", self.0.display()));
        }
    }
}

/// One home in each database: what is promised is promised for both.
async fn homes() -> [Home; 2] {
    let file = File::new();
    [Home::new(file.url(), Some(file)).await, Home::new(postgres::database().await, None).await]
}

impl Home {
    async fn new(url: SecretString, file: Option<File>) -> Home {
        let store = Store::open(&url).await.unwrap();
        store.migrate().await.unwrap();
        let source = store.register(&connection("acme")).await.unwrap().source;
        let url = url.expose_secret();
        let probe = match &store {
            Store::Postgres(_) => Probe::Postgres(sqlx::PgPool::connect_lazy(url).unwrap()),
            Store::Sqlite(_) => Probe::Sqlite(sqlx::SqlitePool::connect_lazy(url).unwrap()),
        };
        Home { store, source, probe, _file: file }
    }

    /// The first column of an answer, as texts.
    async fn texts(&self, sql: &'static str) -> Vec<String> {
        match &self.probe {
            Probe::Postgres(pool) => {
                let rows = sqlx::query(sql).fetch_all(pool).await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
            Probe::Sqlite(pool) => {
                let rows = sqlx::query(sql).fetch_all(pool).await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// Changes rows behind the store's back.
    async fn change(&self, sql: &'static str) {
        match &self.probe {
            Probe::Postgres(pool) => drop(sqlx::query(sql).execute(pool).await.unwrap()),
            Probe::Sqlite(pool) => drop(sqlx::query(sql).execute(pool).await.unwrap()),
        }
    }

    /// All raw rows that are there as JSON, but for the moments at which they were read.
    async fn dump(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for table in TABLES {
            rows.extend(self.rows(table).await.into_iter().map(|row| format!("{table} {row}")));
        }
        rows
    }

    /// Takes the newest migration back, as far as a program of before would see it.
    async fn without_facts(&self) {
        let views = match self.store {
            Store::Postgres(_) => "select viewname::text from pg_views where schemaname = 'public'",
            Store::Sqlite(_) => "select name from sqlite_schema where type = 'view'",
        };
        let cascade = if matches!(self.store, Store::Postgres(_)) { "cascade" } else { "" };
        for view in self.texts(views).await {
            self.change(format!("drop view if exists {view} {cascade}").leak()).await;
        }
        for change in WITHOUT_LISTS {
            self.change(change).await;
        }
        self.change("drop table connector_audits").await;
        self.change("drop table connector_audit_differences").await;
        self.change("drop table gitlab_usernames").await;
        self.change("alter table gitlab_notes drop column requested_reviewers").await;
        self.change("alter table gitlab_members add column state text").await;
        self.change("drop table connector_facts").await;
        self.change("drop table connector_participants").await;
        self.change("drop table connector_recounts").await;
        self.change("drop index gitlab_projects_left").await;
        self.change("alter table gitlab_users drop column kind").await;
        self.change("delete from connector_schema where version >= 4").await;
    }

    async fn rows(&self, table: &str) -> Vec<String> {
        let there = if CHILDREN.contains(&table) { "where gone_at is null" } else { "" };
        let sql = match self.store {
            Store::Postgres(_) => {
                format!(
                    "select (to_jsonb(t) - 'synced_at' - 'first_seen_at' - 'received_at' - 'marked_at' - 'mark' - 'tried_at')::text from {table} t {there} order by 1"
                )
            }
            Store::Sqlite(_) => {
                let columns = format!(
                    "select name from pragma_table_info('{table}') where name not in ('synced_at', 'first_seen_at', 'received_at', 'marked_at', 'mark', 'tried_at')"
                );
                let columns = self.texts(columns.leak()).await;
                let pairs: Vec<String> = columns.iter().map(|column| format!("'{column}', \"{column}\"")).collect();
                format!("select json_object({}) from {table} {there} order by 1", pairs.join(", "))
            }
        };
        self.texts(sql.leak()).await
    }
}

const TABLES: [&str; 20] = [
    "gitlab_groups",
    "gitlab_projects",
    "gitlab_labels",
    "gitlab_members",
    "gitlab_users",
    "gitlab_usernames",
    "gitlab_merge_requests",
    "gitlab_notes",
    "gitlab_approvals",
    "gitlab_merge_request_commits",
    "gitlab_environments",
    "gitlab_deployments",
    "gitlab_deployment_merge_requests",
    "gitlab_pipelines",
    "gitlab_jobs",
    "connector_lists",
    "connector_deliveries",
    "connector_refreshes",
    "connector_facts",
    "connector_participants",
];

const CHILDREN: [&str; 8] = [
    "gitlab_environments",
    "gitlab_deployments",
    "gitlab_pipelines",
    "gitlab_labels",
    "gitlab_members",
    "gitlab_notes",
    "gitlab_approvals",
    "gitlab_merge_request_commits",
];

fn connection(name: &str) -> Connection {
    Connection { namespace: "metrics".into(), name: name.into(), url: "https://gitlab.test".into(), uid: None }
}

/// So many seconds after the tests' beginning of time, which is a Monday morning, 08:00 UTC.
fn at(second: i64) -> Timestamp {
    let monday: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
    Timestamp::from_second(monday.as_second() + second).unwrap()
}

fn merge_request(id: i64, updated: i64) -> MergeRequest {
    MergeRequest {
        id,
        iid: id,
        project_id: 1,
        title: Some(format!("as of {updated}")),
        state: Some("opened".to_owned()),
        labels: Some(vec!["bug".to_owned()]),
        created_at: at(0),
        updated_at: at(updated),
        ..MergeRequest::default()
    }
}

/// A project that the connection leaves out from now on.
fn excluded(project: i64) -> Standing {
    Standing {
        kind: Kind::Project,
        id: project,
        deleted: false,
        out_of_scope: false,
        excluded: true,
        archived: false,
        unreadable: false,
    }
}
