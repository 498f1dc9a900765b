//! The two databases behind one small door: begin, execute, fetch.
//!
//! Nearly all SQL of ours is valid in both, so the verbs are written once. Where the dialects part, [`Sql`] holds both.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::postgres::{PgArguments, Postgres as PostgresDb};
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite as SqliteDb, SqlitePool};
use sqlx::{Connection as _, Transaction};

use super::answer::{Row, read_postgres, read_sqlite};
use super::durability::Durability;
use super::postgres::Begun;
use super::{Error, Store, rows};

/// A SQLite file: one connection writes, a few read.
#[derive(Clone)]
pub struct Sqlite {
    pub(super) writer: SqlitePool,
    pub(super) readers: SqlitePool,
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
        Sql { postgres: text, sqlite: text }
    }
}

/// A parameter of a statement.
#[derive(Debug, Clone)]
pub(super) enum Arg {
    Int(i64),
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

/// A transaction; rolled back unless committed.
pub(super) enum Tx {
    Postgres(Begun),
    Sqlite(Transaction<'static, SqliteDb>),
}

impl Store {
    pub(super) async fn begin(&self, durability: Durability) -> Result<Tx, Error> {
        match self {
            Store::Postgres(server) => Ok(Tx::Postgres(server.begin(durability).await?)),
            Store::Sqlite(Sqlite { writer, .. }) => {
                let mut connection = writer.acquire().await?;
                while connection.is_in_transaction() {
                    // The rollback of whoever had it before may only be queued.
                    connection.ping().await?;
                    if !connection.is_in_transaction() {
                        break;
                    }
                    // A full disk ends a transaction inside SQLite, which the driver does not notice: take another.
                    connection.close().await?;
                    connection = writer.acquire().await?;
                }
                // The pragma has no effect inside a transaction, and the connection serves both kinds of commits.
                let pragma = match durability {
                    Durability::Process => "pragma synchronous = normal",
                    Durability::Disk => "pragma synchronous = full",
                };
                sqlx::query(pragma).execute(&mut *connection).await?;
                let begin = Transaction::begin(connection, Some(sqlx::SqlSafeStr::into_sql_str("begin immediate")));
                Ok(Tx::Sqlite(begin.await?))
            }
        }
    }

    /// One statement in a transaction of its own.
    pub(super) async fn execute(&self, sql: Sql, args: Vec<Arg>) -> Result<u64, Error> {
        if let Store::Postgres(server) = self
            && !server.lent()
        {
            let mut turn = server.session().await?;
            return Ok(bind_postgres(sql, args, true).execute(&mut *turn.session).await?.rows_affected());
        }
        // Few and small, and some hold secrets that must outlive a power cut.
        let mut tx = self.begin(Durability::Disk).await?;
        let rows = tx.execute(sql, args).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// Like [`Store::execute`], for statements that answer.
    pub(super) async fn execute_returning(&self, sql: Sql, args: Vec<Arg>) -> Result<Vec<Row>, Error> {
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
            Store::Postgres(server) if server.lent() => {
                // Some of these statements write.
                let mut tx = self.begin(Durability::Disk).await?;
                let rows = tx.fetch(sql, args).await?;
                tx.commit().await?;
                Ok(rows)
            }
            Store::Postgres(server) => {
                let mut turn = server.session().await?;
                let rows = bind_postgres(sql, args, true).fetch_all(&mut *turn.session).await?;
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
            Tx::Postgres(begun) => {
                let query = bind_postgres(sql, args, begun.prepares);
                query.execute(&mut *begun.transaction).await?.rows_affected()
            }
            Tx::Sqlite(tx) => bind_sqlite(sql, args).execute(&mut **tx).await?.rows_affected(),
        })
    }

    pub(super) async fn fetch(&mut self, sql: Sql, args: Vec<Arg>) -> Result<Vec<Row>, Error> {
        match self {
            Tx::Postgres(begun) => {
                let rows = bind_postgres(sql, args, begun.prepares).fetch_all(&mut *begun.transaction).await?;
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
        if let Tx::Postgres(begun) = self {
            let free = "set local enable_seqscan = on; set local enable_hashjoin = on; set local enable_mergejoin = on";
            sqlx::raw_sql(free).execute(&mut *begun.transaction).await?;
        }
        Ok(())
    }

    /// Several statements without parameters, as a migration has them.
    pub(super) async fn script(&mut self, text: String) -> Result<(), Error> {
        let script = sqlx::raw_sql(sqlx::AssertSqlSafe(text));
        match self {
            Tx::Postgres(begun) => script.execute(&mut *begun.transaction).await.map(drop)?,
            Tx::Sqlite(tx) => script.execute(&mut **tx).await.map(drop)?,
        }
        Ok(())
    }

    pub(super) async fn commit(self) -> Result<(), Error> {
        match self {
            Tx::Postgres(begun) => begun.transaction.commit().await?,
            Tx::Sqlite(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

/// `prepares`: the session keeps the statement prepared for the next time.
fn bind_postgres(sql: Sql, args: Vec<Arg>, prepares: bool) -> Query<'static, PostgresDb, PgArguments> {
    args.into_iter().fold(sqlx::query(sql.postgres).persistent(prepares), |query, arg| match arg {
        Arg::Int(number) => query.bind(number),
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

fn bind_sqlite(sql: Sql, args: Vec<Arg>) -> Query<'static, SqliteDb, sqlx::sqlite::SqliteArguments> {
    args.into_iter().fold(sqlx::query(sql.sqlite), |query, arg| match arg {
        Arg::Int(number) => query.bind(number),
        Arg::Real(number) => query.bind(number),
        Arg::Flag(flag) => query.bind(flag),
        Arg::Text(text) => query.bind(text),
        Arg::MaybeText(text) => query.bind(text),
        Arg::Time(at) => query.bind(rows::text(at)),
        Arg::MaybeTime(at) => query.bind(at.map(rows::text)),
    })
}
