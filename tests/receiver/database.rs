//! Databases to throw away: a SQLite file, or a database in the PostgreSQL of the test run.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use secrecy::ExposeSecret;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection, Row, SqliteConnection};

use crate::support::postgres;

/// A database of its own for one test.
pub(super) struct Database {
    pub(super) url: String,
    directory: Option<PathBuf>,
}

impl Database {
    pub(super) fn sqlite() -> Database {
        let directory = scratch();
        let url = format!("sqlite:{}", directory.join("store.db").display());
        Database { url, directory: Some(directory) }
    }

    pub(super) async fn postgres() -> Database {
        let url = postgres::database().await;
        Database { url: url.expose_secret().to_owned(), directory: None }
    }

    pub(super) fn is_sqlite(&self) -> bool {
        self.directory.is_some()
    }

    /// The rows of a query as JSON objects, read over a connection of our own: what is seen here is committed.
    pub(super) async fn rows(&self, columns: &str, rest: &str) -> Vec<Value> {
        let pairs: Vec<String> = columns.split(", ").map(|column| format!("'{column}', {column}")).collect();
        let pairs = pairs.join(", ");
        if self.is_sqlite() {
            let sql = sqlx::AssertSqlSafe(format!("select json_object({pairs}) {rest}"));
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
            return rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect();
        }
        let sql = sqlx::AssertSqlSafe(format!("select json_build_object({pairs})::text {rest}"));
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
        rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect()
    }

    pub(super) async fn count(&self, rest: &str) -> i64 {
        self.rows("1", rest).await.len().try_into().unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(directory) = &self.directory {
            let _ = fs::remove_dir_all(directory);
        }
    }
}

fn scratch() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("gitlab-connector-receiver-{}-{number}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir_all(&directory).unwrap();
    directory
}
