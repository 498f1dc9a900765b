//! What an import promises, against a GitLab that behaves, in both databases.

mod audit;
mod carried;
mod changes;
mod database;
mod deployments;
mod equality;
mod hidden;
mod mode;
mod people;
mod pipelines;
mod property;
mod states;
mod trouble;
mod variants;
mod worker;

use std::path::PathBuf;

use gitlab_connector::gitlab::{Client, Instance, Metrics, Token};
use gitlab_connector::importer::{self, Progress, Resources, Scope, Settings, Summary};
use gitlab_connector::store::{Connection, Source, Store};
use gitlab_simulator::world::{Role, Scope as TokenScope, Size};
use gitlab_simulator::{Options, Simulator, World};
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{Connection as _, Row as _};
use tokio_util::sync::CancellationToken;

use crate::support::postgres;
use crate::support::rows::there;

const TOKEN: &str = "glpat-reader";

/// A database of its own, and what it holds.
struct Place {
    url: SecretString,
    store: Store,
    source: Source,
    file: Option<PathBuf>,
}

impl Drop for Place {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            if let Some(file) = &self.file {
                let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
            }
        }
    }
}

impl Place {
    async fn sqlite() -> Place {
        let file = std::env::temp_dir().join(format!("gitlab-connector-{:016x}.db", fastrand::u64(..)));
        Place::at(format!("sqlite:{}", file.display()).into(), Some(file)).await
    }

    async fn postgres() -> Place {
        Place::at(postgres::database().await, None).await
    }

    /// One of each kind.
    async fn each() -> [Place; 2] {
        [Place::sqlite().await, Place::postgres().await]
    }

    /// Another one of the same kind.
    async fn another(&self) -> Place {
        if self.file.is_some() { Place::sqlite().await } else { Place::postgres().await }
    }

    async fn at(url: SecretString, file: Option<PathBuf>) -> Place {
        let store = Store::open(&url).await.unwrap();
        Place::of(store, url, file).await
    }

    async fn of(store: Store, url: SecretString, file: Option<PathBuf>) -> Place {
        store.migrate().await.unwrap();
        let connection = Connection {
            namespace: "metrics".into(),
            name: "acme".into(),
            url: "https://gitlab.test".into(),
            uid: None,
        };
        let source = store.register(&connection).await.unwrap().source;
        Place { url, store, source, file }
    }

    fn settings(&self, run_key: &str) -> Settings {
        Settings {
            source: self.source,
            run_key: run_key.into(),
            worker: "0".into(),
            full: false,
            resync_interval: None,
            walk_interval: SignedDuration::ZERO,
            audit: None,
            lookback: None,
            scope: Scope {
                groups: vec!["acme".into()],
                include_subgroups: true,
                include_archived: true,
                ..Scope::default()
            },
            since: None,
            resources: Resources { deployments: false, pipelines: false, ..Resources::ALL },
            text: true,
            concurrency: 4,
            patience: SignedDuration::from_secs(10),
        }
    }

    /// All that is there, a line for each row, without the columns that tell when and by whom.
    async fn rows(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (table, columns) in TABLES {
            let columns: Vec<String> = columns.split_whitespace().map(|name| format!("cast({name} as text)")).collect();
            let cells = self.cells(&format!("select {} from {table} where {}", columns.join(", "), there(table))).await;
            for row in cells {
                let row: Vec<String> = row.into_iter().map(|cell| cell.unwrap_or_else(|| "NULL".into())).collect();
                lines.push(format!("{table}: {}", row.join(" | ")));
            }
        }
        lines.sort();
        lines
    }

    /// The cells of a query that selects text.
    async fn cells(&self, query: &str) -> Vec<Vec<Option<String>>> {
        let query = sqlx::AssertSqlSafe(query.to_owned());
        if self.file.is_some() {
            let mut connection = sqlx::SqliteConnection::connect(self.url.expose_secret()).await.unwrap();
            let rows = sqlx::query(query).fetch_all(&mut connection).await.unwrap();
            return rows.iter().map(|row| (0..row.len()).map(|at| row.get(at)).collect()).collect();
        }
        let mut connection = sqlx::PgConnection::connect(self.url.expose_secret()).await.unwrap();
        let rows = sqlx::query(query).fetch_all(&mut connection).await.unwrap();
        rows.iter().map(|row| (0..row.len()).map(|at| row.get(at)).collect()).collect()
    }

    /// Changes the schema.
    async fn define(&self, sql: &str) {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        if self.file.is_some() {
            let mut connection = sqlx::SqliteConnection::connect(self.url.expose_secret()).await.unwrap();
            sqlx::query(sql).execute(&mut connection).await.unwrap();
            return;
        }
        let mut connection = sqlx::PgConnection::connect(self.url.expose_secret()).await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }

    /// Does to a row what no import does.
    async fn execute(&self, sql: &str) {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        if self.file.is_some() {
            let mut connection = sqlx::SqliteConnection::connect(self.url.expose_secret()).await.unwrap();
            assert!(sqlx::query(sql).execute(&mut connection).await.unwrap().rows_affected() > 0);
            return;
        }
        let mut connection = sqlx::PgConnection::connect(self.url.expose_secret()).await.unwrap();
        assert!(sqlx::query(sql).execute(&mut connection).await.unwrap().rows_affected() > 0);
    }

    /// The only column of a query, which is text.
    async fn texts(&self, query: &str) -> Vec<String> {
        self.cells(query).await.into_iter().flatten().map(Option::unwrap_or_default).collect()
    }

    async fn count(&self, table: &str) -> i64 {
        let overview = self.store.overview(self.source).await.unwrap();
        overview.into_iter().find(|(name, _)| *name == table).unwrap().1
    }
}

const TABLES: [(&str, &str); 14] = [
    ("gitlab_groups", "id parent_id name full_path visibility web_url created_at"),
    (
        "gitlab_projects",
        "id namespace_id name path_with_namespace default_branch visibility archived merge_requests_enabled forked_from_project_id",
    ),
    ("gitlab_labels", "kind holder_id id name color description"),
    ("gitlab_members", "kind holder_id user_id access_level created_at expires_at"),
    ("gitlab_users", "id username name bot public_email"),
    (
        "gitlab_merge_requests",
        "id iid project_id title description state draft author_id merge_user_id source_project_id source_branch \
         target_branch labels assignee_ids reviewer_ids additions deletions changed_files commit_count user_notes_count sha \
         merge_commit_sha web_url created_at updated_at prepared_at ready_at merged_at closed_at",
    ),
    (
        "gitlab_notes",
        "id merge_request_id project_id author_id system action internal note_type discussion_id resolvable resolved body requested_reviewers created_at updated_at",
    ),
    ("gitlab_approvals", "merge_request_id user_id approved_at"),
    (
        "gitlab_merge_request_commits",
        "merge_request_id sha title author_id author_name author_email authored_at committed_at",
    ),
    ("gitlab_environments", "id project_id name tier state external_url created_at updated_at"),
    (
        "gitlab_deployments",
        "id iid project_id environment_id ref tag sha status user_id pipeline_id job_id created_at updated_at finished_at",
    ),
    ("gitlab_deployment_merge_requests", "deployment_id merge_request_id"),
    (
        "gitlab_pipelines",
        "id iid project_id status started_by ref sha user_id merge_request_iid upstream_id created_at updated_at started_at \
         finished_at duration queued_duration coverage jobs_complete",
    ),
    (
        "gitlab_jobs",
        "id pipeline_id project_id kind name stage status allow_failure retried manual failure_reason runner_id runner \
         downstream_id coverage created_at queued_at started_at finished_at duration queued_duration",
    ),
];

/// A company, and a token that may read it.
fn company(seed: u64, size: Size) -> World {
    readable(World::generate(seed, size))
}

/// The same with a token that may read the group `acme`.
fn readable(world: World) -> World {
    world
        .with_group("acme", |group| group.member("reader", Role::Developer))
        .with_token(TOKEN, |token| token.user("reader").scopes(&[TokenScope::ReadApi]))
}

fn small() -> Size {
    Size { projects: 3, merge_requests: 12, ..Size::default() }
}

async fn serve(world: World) -> Simulator {
    Simulator::start(world, Options::default()).await.unwrap()
}

fn client_with(gitlab: &Simulator, secrets: &[&str]) -> Client {
    let tokens = secrets.iter().enumerate();
    let tokens = tokens.map(|(number, secret)| Token { name: format!("token-{number}"), secret: (*secret).into() });
    let url = format!("{}/", gitlab.url()).parse().unwrap();
    Client::new(&Instance::at(url), tokens.collect(), &Metrics::default()).unwrap()
}

fn client(gitlab: &Simulator) -> Client {
    client_with(gitlab, &[TOKEN])
}

async fn import(gitlab: &Simulator, place: &Place, settings: &Settings) -> Result<Summary, importer::Error> {
    let stop = CancellationToken::new();
    importer::run(&client(gitlab), &place.store, settings, &Progress::default(), stop).await
}

/// An import that reads everything again.
async fn whole(gitlab: &Simulator, place: &Place, key: &str) -> Summary {
    import(gitlab, place, &Settings { full: true, ..place.settings(key) }).await.unwrap()
}

/// An import that dies after the first answer, goes on, dies after the second, and so on until it lives to the end. How often
/// it lived.
async fn die_and_go_on(gitlab: &Simulator, place: &Place, settings: &Settings) -> usize {
    let mut lives = 0;
    loop {
        lives += 1;
        let before = gitlab.requests().len();
        let client = client(gitlab);
        let progress = Progress::default();
        let run = importer::run(&client, &place.store, settings, &progress, CancellationToken::new());
        let death = async {
            while gitlab.requests().len() < before + lives.min(4) {
                tokio::task::yield_now().await;
            }
            // Somewhere on the way of that answer into the database, which a busy machine makes longer.
            tokio::time::sleep(std::time::Duration::from_millis(fastrand::u64(0..12 + lives as u64))).await;
        };
        tokio::select! {
            done = run => {
                assert_eq!(done.unwrap().exit_code(), 0);
                return lives;
            }
            () = death => assert!(lives < 200, "it never gets to the end"),
        }
    }
}

/// All that a fresh import with such settings stores.
async fn fresh(gitlab: &Simulator, place: &Place, settings: fn(&Place, &str) -> Settings) -> Vec<String> {
    let place = place.another().await;
    import(gitlab, &place, &settings(&place, "fresh")).await.unwrap();
    place.rows().await
}

/// What is noted of the lists of projects.
async fn lists(place: &Place) -> Vec<String> {
    place
        .texts("select list || ' ' || state || ' ' || coalesce(reason, '') from connector_lists order by project_id")
        .await
}

/// The only project of a world, or its first.
fn shop_of(gitlab: &Simulator) -> i64 {
    gitlab.read(|world| world.projects().next().unwrap().id)
}

/// Two lists of rows that should be one; says where they are not.
fn assert_same(found: &[String], expected: &[String]) {
    let lacks: Vec<_> = expected.iter().filter(|row| !found.contains(row)).take(5).collect();
    let extra: Vec<_> = found.iter().filter(|row| !expected.contains(row)).take(5).collect();
    assert!(found == expected, "lacks {lacks:#?}\nhas {extra:#?}");
}
