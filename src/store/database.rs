//! The two databases behind one small door: connect, begin, execute, fetch.
//!
//! Nearly all SQL of ours is valid in both, so the verbs are written once. Where the dialects part, [`Sql`] holds both.

use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow, Postgres};
use sqlx::sqlite::{
    Sqlite as SqliteDb, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{Column, Row as _, Transaction, TypeInfo, ValueRef};

use super::{Error, Store, rows};

/// How long a connection, a lock or a statement may keep us waiting before that is an error.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two attempts to open a SQLite file that others are opening.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// Enough for a worker's commits beside its heartbeat, few enough for many workers on one server.
const POSTGRES_CONNECTIONS: u32 = 6;
/// Readers of a SQLite file; the one writer has its own connection.
const SQLITE_READERS: u32 = 4;

/// A SQLite file: one connection writes, a few read.
#[derive(Clone)]
pub struct Sqlite {
    writer: SqlitePool,
    readers: SqlitePool,
}

/// One statement in both dialects. Parameters are `$1`, `$2` … in both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sql {
    pub(super) postgres: &'static str,
    pub(super) sqlite: &'static str,
}

impl Sql {
    /// A statement that both databases understand.
    pub(super) const fn both(text: &'static str) -> Sql {
        Sql {
            postgres: text,
            sqlite: text,
        }
    }
}

/// A parameter of a statement.
#[derive(Debug, Clone)]
pub(super) enum Arg {
    Int(i64),
    MaybeInt(Option<i64>),
    Real(f64),
    Flag(bool),
    Text(String),
    MaybeText(Option<String>),
    Time(Timestamp),
    MaybeTime(Option<Timestamp>),
}

impl Arg {
    pub(super) fn text(text: &str) -> Arg {
        Arg::Text(text.to_owned())
    }
}

/// A value that a database answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Unknown.
    Null,
    /// A number, or a truth value as 1 or 0.
    Int(i64),
    /// A number with a fraction.
    Real(f64),
    /// A text; in SQLite also an instant.
    Text(String),
    /// An instant.
    Time(Timestamp),
}

/// One row of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row(pub(super) Vec<Value>);

impl Row {
    pub(super) fn int(&self, column: usize) -> i64 {
        self.maybe_int(column).unwrap_or_default()
    }

    pub(super) fn maybe_int(&self, column: usize) -> Option<i64> {
        match self.0.get(column) {
            Some(Value::Int(number)) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn flag(&self, column: usize) -> bool {
        self.int(column) != 0
    }

    pub(super) fn text(&self, column: usize) -> String {
        self.maybe_text(column).unwrap_or_default()
    }

    pub(super) fn maybe_text(&self, column: usize) -> Option<String> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    pub(super) fn time(&self, column: usize) -> Option<Timestamp> {
        match self.0.get(column) {
            Some(Value::Time(at)) => Some(*at),
            Some(Value::Text(text)) => text.parse().ok(),
            _ => None,
        }
    }
}

/// A transaction; rolled back unless committed.
pub(super) enum Tx {
    Postgres(Transaction<'static, Postgres>),
    Sqlite(Transaction<'static, SqliteDb>),
}

/// How sure a commit must be of the disk before it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// Survives a crash of the process. A power cut may undo the latest commits, rows and progress alike.
    Process,
    /// Survives a power cut: GitLab never sends a delivery again that we acknowledged.
    Disk,
}

impl Store {
    /// Connects to `postgres://…` or opens `sqlite:path`, which is created if missing.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Unreachable`], [`Error::Refused`] or [`Error::ReadOnly`]; none of them prints the URL.
    pub async fn open(url: &SecretString) -> Result<Store, Error> {
        let url = url.expose_secret();
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return open_postgres(url).await;
        }
        if url.starts_with("sqlite:") {
            return open_sqlite(url).await;
        }
        Err(Error::Url("it must begin with postgres:// or sqlite:"))
    }

    /// Waits for statements in flight and closes all connections.
    pub async fn close(&self) {
        match self {
            Store::Postgres(pool) => pool.close().await,
            Store::Sqlite(Sqlite { writer, readers }) => {
                readers.close().await;
                writer.close().await;
            }
        }
    }

    pub(super) async fn begin(&self, durability: Durability) -> Result<Tx, Error> {
        match self {
            Store::Postgres(pool) => Ok(Tx::Postgres(pool.begin().await?)),
            Store::Sqlite(Sqlite { writer, .. }) => {
                let mut connection = writer.acquire().await?;
                // The pragma has no effect inside a transaction, and the connection serves both kinds of commits.
                let pragma = match durability {
                    Durability::Process => "pragma synchronous = normal",
                    Durability::Disk => "pragma synchronous = full",
                };
                sqlx::query(pragma).execute(&mut *connection).await?;
                let begin = Transaction::begin(
                    connection,
                    Some(sqlx::SqlSafeStr::into_sql_str("begin immediate")),
                );
                Ok(Tx::Sqlite(begin.await?))
            }
        }
    }

    /// One statement in a transaction of its own.
    pub(super) async fn execute(&self, sql: Sql, args: Vec<Arg>) -> Result<u64, Error> {
        if let Store::Postgres(pool) = self {
            return Ok(bind_postgres(sql, args)
                .execute(pool)
                .await?
                .rows_affected());
        }
        // Few and small, and some hold secrets that must outlive a power cut.
        let mut tx = self.begin(Durability::Disk).await?;
        let rows = tx.execute(sql, args).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// Like [`Store::execute`], for statements that answer.
    pub(super) async fn execute_returning(
        &self,
        sql: Sql,
        args: Vec<Arg>,
    ) -> Result<Vec<Row>, Error> {
        if let Store::Postgres(_) = self {
            return self.fetch(sql, args).await;
        }
        let mut tx = self.begin(Durability::Disk).await?;
        let rows = tx.fetch(sql, args).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// Reads without a lock.
    pub(super) async fn fetch(&self, sql: Sql, args: Vec<Arg>) -> Result<Vec<Row>, Error> {
        match self {
            Store::Postgres(pool) => {
                let rows = bind_postgres(sql, args).fetch_all(pool).await?;
                rows.iter().map(read_postgres).collect()
            }
            Store::Sqlite(Sqlite { readers, .. }) => {
                let rows = bind_sqlite(sql, args).fetch_all(readers).await?;
                rows.iter().map(read_sqlite).collect()
            }
        }
    }
}

impl Tx {
    pub(super) async fn execute(&mut self, sql: Sql, args: Vec<Arg>) -> Result<u64, Error> {
        Ok(match self {
            Tx::Postgres(tx) => bind_postgres(sql, args)
                .execute(&mut **tx)
                .await?
                .rows_affected(),
            Tx::Sqlite(tx) => bind_sqlite(sql, args)
                .execute(&mut **tx)
                .await?
                .rows_affected(),
        })
    }

    pub(super) async fn fetch(&mut self, sql: Sql, args: Vec<Arg>) -> Result<Vec<Row>, Error> {
        match self {
            Tx::Postgres(tx) => {
                let rows = bind_postgres(sql, args).fetch_all(&mut **tx).await?;
                rows.iter().map(read_postgres).collect()
            }
            Tx::Sqlite(tx) => {
                let rows = bind_sqlite(sql, args).fetch_all(&mut **tx).await?;
                rows.iter().map(read_sqlite).collect()
            }
        }
    }

    /// Lets PostgreSQL plan as it likes: questions read whole tables, unlike everything else here.
    pub(super) async fn plan_freely(&mut self) -> Result<(), Error> {
        if let Tx::Postgres(tx) = self {
            let free = "set local enable_seqscan = on; set local enable_hashjoin = on; set local enable_mergejoin = on";
            sqlx::raw_sql(free).execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// Several statements without parameters, as a migration has them.
    pub(super) async fn script(&mut self, text: String) -> Result<(), Error> {
        let script = sqlx::raw_sql(sqlx::AssertSqlSafe(text));
        match self {
            Tx::Postgres(tx) => script.execute(&mut **tx).await.map(drop)?,
            Tx::Sqlite(tx) => script.execute(&mut **tx).await.map(drop)?,
        }
        Ok(())
    }

    pub(super) async fn commit(self) -> Result<(), Error> {
        match self {
            Tx::Postgres(tx) => tx.commit().await?,
            Tx::Sqlite(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

async fn open_postgres(url: &str) -> Result<Store, Error> {
    let options = PgConnectOptions::from_str(url)?.application_name("gitlab-connector");
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        // Set after connecting and not as start-up options, which connection poolers refuse. All our statements find
        // rows by key; without the last three, plans made while the tables are empty read them whole ever after.
        .after_connect(|connection, _| {
            Box::pin(async move {
                let limits = "set statement_timeout = '60s'; set lock_timeout = '30s'; \
                              set idle_in_transaction_session_timeout = '60s'; \
                              set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off";
                sqlx::raw_sql(limits).execute(connection).await.map(drop)
            })
        })
        .connect_with(options)
        .await?;
    Ok(Store::Postgres(pool))
}

async fn open_sqlite(url: &str) -> Result<Store, Error> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(false)
        .busy_timeout(PATIENCE);
    let lasting = |most| {
        SqlitePoolOptions::new()
            .max_connections(most)
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
    };
    let in_memory = options.get_filename().as_os_str().is_empty()
        || url.contains(":memory:")
        || url.contains("mode=memory");

    let writer = open_writer(&lasting(1), &options).await?;
    if in_memory {
        return Ok(Store::Sqlite(Sqlite {
            readers: writer.clone(),
            writer,
        }));
    }
    let readers = lasting(SQLITE_READERS).connect_lazy_with(options.create_if_missing(false));
    Ok(Store::Sqlite(Sqlite { writer, readers }))
}

/// The switch to WAL is refused at once, without SQLite's own patience, while another process makes it too.
async fn open_writer(
    pool: &SqlitePoolOptions,
    options: &SqliteConnectOptions,
) -> Result<SqlitePool, Error> {
    let mut attempts = PATIENCE.as_millis() / BUSY_PAUSE.as_millis();
    loop {
        match pool
            .clone()
            .connect_with(options.clone())
            .await
            .map_err(Error::from)
        {
            Err(Error::Busy(_)) if attempts > 0 => attempts -= 1,
            outcome => return outcome,
        }
        tokio::time::sleep(BUSY_PAUSE).await;
    }
}

fn bind_postgres(
    sql: Sql,
    args: Vec<Arg>,
) -> sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments> {
    args.into_iter()
        .fold(sqlx::query(sql.postgres), |query, arg| match arg {
            Arg::Int(number) => query.bind(number),
            Arg::MaybeInt(number) => query.bind(number),
            Arg::Real(number) => query.bind(number),
            Arg::Flag(flag) => query.bind(flag),
            Arg::Text(text) => query.bind(text),
            Arg::MaybeText(text) => query.bind(text),
            Arg::Time(at) => query.bind(whole_milliseconds(at).to_sqlx()),
            Arg::MaybeTime(at) => query.bind(at.map(|at| whole_milliseconds(at).to_sqlx())),
        })
}

/// As precise as the texts of instants in documents, or a row would seem newer than itself.
fn whole_milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

fn bind_sqlite(
    sql: Sql,
    args: Vec<Arg>,
) -> sqlx::query::Query<'static, SqliteDb, sqlx::sqlite::SqliteArguments> {
    args.into_iter()
        .fold(sqlx::query(sql.sqlite), |query, arg| match arg {
            Arg::Int(number) => query.bind(number),
            Arg::MaybeInt(number) => query.bind(number),
            Arg::Real(number) => query.bind(number),
            Arg::Flag(flag) => query.bind(flag),
            Arg::Text(text) => query.bind(text),
            Arg::MaybeText(text) => query.bind(text),
            Arg::Time(at) => query.bind(rows::text(at)),
            Arg::MaybeTime(at) => query.bind(at.map(rows::text)),
        })
}

fn read_postgres(row: &PgRow) -> Result<Row, Error> {
    let cell = |index: usize| -> Result<Value, Error> {
        if row.try_get_raw(index)?.is_null() {
            return Ok(Value::Null);
        }
        Ok(match row.column(index).type_info().name() {
            "INT8" => Value::Int(row.try_get(index)?),
            "INT4" => Value::Int(row.try_get::<i32, _>(index)?.into()),
            "BOOL" => Value::Int(row.try_get::<bool, _>(index)?.into()),
            "FLOAT8" => Value::Real(row.try_get(index)?),
            "TIMESTAMPTZ" => Value::Time(row.try_get::<jiff_sqlx::Timestamp, _>(index)?.to_jiff()),
            "DATE" => Value::Text(
                row.try_get::<jiff_sqlx::Date, _>(index)?
                    .to_jiff()
                    .to_string(),
            ),
            "JSONB" => Value::Text(row.try_get::<serde_json::Value, _>(index)?.to_string()),
            _ => Value::Text(row.try_get(index)?),
        })
    };
    (0..row.len()).map(cell).collect::<Result<_, _>>().map(Row)
}

fn read_sqlite(row: &SqliteRow) -> Result<Row, Error> {
    let cell = |index: usize| -> Result<Value, Error> {
        let raw = row.try_get_raw(index)?;
        let kind = raw.type_info().name().to_owned();
        Ok(match kind.as_str() {
            _ if raw.is_null() => Value::Null,
            "INTEGER" | "BOOLEAN" => Value::Int(row.try_get_unchecked(index)?),
            "REAL" => Value::Real(row.try_get_unchecked(index)?),
            _ => Value::Text(row.try_get_unchecked(index)?),
        })
    };
    (0..row.len()).map(cell).collect::<Result<_, _>>().map(Row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::rows::MergeRequest;
    use crate::store::{Batch, Source};

    #[tokio::test]
    async fn a_full_disk_says_so_and_leaves_nothing_behind() {
        let store = Store::open(&"sqlite::memory:".into()).await.unwrap();
        store.migrate().await.unwrap();
        let Store::Sqlite(Sqlite { writer, .. }) = &store else {
            panic!("not SQLite")
        };
        // A limit in pages does to SQLite what a full disk does.
        sqlx::query("pragma max_page_count = 1")
            .execute(writer)
            .await
            .unwrap();
        let row = |id| MergeRequest {
            id,
            title: Some("x".repeat(1_000)),
            ..MergeRequest::default()
        };
        let batch = Batch {
            merge_requests: (0..100).map(row).collect(),
            ..Batch::default()
        };

        let error = store.commit(Source(1), &batch).await.unwrap_err();

        assert!(matches!(error, Error::DiskFull(_)), "{error:?}");
        assert!(error.is_transient());
        assert!(
            store
                .overview(Source(1))
                .await
                .unwrap()
                .contains(&("gitlab_merge_requests", 0))
        );
    }
}
