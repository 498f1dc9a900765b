//! Opening a database by its URL, which is never printed.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use url::Url;

use super::database::Sqlite;
use super::{Error, Store};

/// How long a connection, a lock or a statement may keep us waiting before that is an error.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a PostgreSQL server may take to give a connection. Whoever calls decides how often to try.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// Between two attempts to open a SQLite file that others are opening.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// Enough for a worker's commits beside its heartbeat, few enough for many workers on one server.
const POSTGRES_CONNECTIONS: u32 = 6;
/// Readers of a SQLite file; the one writer has its own connection.
const SQLITE_READERS: u32 = 4;

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
        Err(Error::Url("it must begin with postgres:// or sqlite:".to_owned()))
    }

    /// Waits for statements in flight and closes all connections.
    pub async fn close(&self) {
        match self {
            Store::Postgres(pool) => pool.close().await,
            Store::Sqlite(Sqlite { writer, readers }) => {
                readers.close().await;
                // Whoever copies the file finds all in it, and nothing beside it.
                let whole = sqlx::query("pragma wal_checkpoint(truncate)").execute(writer).await;
                if let Err(error) = whole {
                    tracing::debug!(%error, "the write-ahead log stays beside the database");
                }
                writer.close().await;
            }
        }
    }
}

async fn open_postgres(url: &str) -> Result<Store, Error> {
    let url = without_unknown(url);
    // Connection poolers refuse start-up options that they do not know.
    let options = PgConnectOptions::from_str(&url)?.application_name("gitlab-connector").extra_float_digits(None);
    // A pool tries for as long as its patience lasts. Whoever opens a database wants to hear at once what is wrong.
    let first = tokio::time::timeout(PATIENCE, PgConnection::connect_with(&options));
    let answer = first.await.map_err(|_| Error::Unreachable("no answer in time".to_owned()))?;
    let mut first = answer?;
    if !takes_writes(&mut first).await? {
        return Err(standby());
    }
    first.close().await?;

    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(ANSWERS_WITHIN)
        // Set after connecting and not as start-up options, which connection poolers refuse. All our statements find
        // rows by key; without the three of plans, such as are made while the tables are empty read them whole ever after.
        // They make what has to be read whole look dear, and what looks dear would be compiled, which takes half a second.
        // A server may stop taking writes, or be replaced by another, while sessions live on.
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(takes_writes(connection)))
        .after_connect(|connection, _| {
            Box::pin(async move {
                if !takes_writes(connection).await? {
                    return Err(sqlx::Error::Io(std::io::Error::other(standby().to_string())));
                }
                let limits = "set statement_timeout = '60s'; set lock_timeout = '30s'; \
                              set idle_in_transaction_session_timeout = '60s'; \
                              set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set jit = off";
                sqlx::raw_sql(limits).execute(connection).await.map(drop)
            })
        })
        .connect_lazy_with(options);
    Ok(Store::Postgres(pool))
}

/// Whether a session may write: not where the server is a standby, or the database is set to read only.
async fn takes_writes(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let question = "select current_setting('transaction_read_only') = 'off' and not pg_is_in_recovery()";
    sqlx::query_scalar(question).fetch_one(connection).await
}

fn standby() -> Error {
    Error::Standby("it is a standby, or the database is set to read only".to_owned())
}

/// The URL without parameters that the driver does not know. It would leave them out too, and log their values.
fn without_unknown(url: &str) -> String {
    const KNOWN: [&str; 18] = [
        "sslmode",
        "ssl-mode",
        "sslrootcert",
        "ssl-root-cert",
        "ssl-ca",
        "sslcert",
        "ssl-cert",
        "sslkey",
        "ssl-key",
        "statement-cache-capacity",
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "password",
        "application_name",
        "options",
    ];
    // What cannot be parsed is said by the driver.
    let Ok(mut parsed) = Url::parse(url) else { return url.to_owned() };
    let given: Vec<(String, String)> =
        parsed.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let (known, unknown): (Vec<_>, Vec<_>) =
        given.iter().partition(|(name, _)| KNOWN.contains(&name.as_str()) || name.starts_with("options["));
    if unknown.is_empty() {
        return url.to_owned();
    }
    let names: Vec<&str> = unknown.iter().map(|(name, _)| name.as_str()).collect();
    tracing::warn!(parameters = names.join(", "), "parameters of the database URL are not known and left out");
    parsed.query_pairs_mut().clear().extend_pairs(known);
    parsed.into()
}

async fn open_sqlite(url: &str) -> Result<Store, Error> {
    let options = SqliteConnectOptions::from_str(url)?;
    let in_memory =
        options.get_filename().as_os_str().is_empty() || url.contains(":memory:") || url.contains("mode=memory");
    if !in_memory {
        make_own(options.get_filename());
    }
    let options = options
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

    let writer = open_writer(&lasting(1), &options).await.map_err(|error| explain(error, options.get_filename()))?;
    if in_memory {
        return Ok(Store::Sqlite(Sqlite { readers: writer.clone(), writer }));
    }
    let readers = lasting(SQLITE_READERS).connect_lazy_with(options.create_if_missing(false));
    Ok(Store::Sqlite(Sqlite { writer, readers }))
}

/// The switch to WAL is refused at once, without SQLite's own patience, while another process makes it too.
async fn open_writer(pool: &SqlitePoolOptions, options: &SqliteConnectOptions) -> Result<SqlitePool, Error> {
    let mut attempts = PATIENCE.as_millis() / BUSY_PAUSE.as_millis();
    loop {
        match pool.clone().connect_with(options.clone()).await.map_err(Error::from) {
            Err(Error::Busy(_)) if attempts > 0 => attempts -= 1,
            outcome => return outcome,
        }
        tokio::time::sleep(BUSY_PAUSE).await;
    }
}

/// A new file belongs to its owner alone; SQLite gives what it writes beside it the same rights.
fn make_own(file: &Path) {
    // Where this fails, opening it fails too, and says why.
    let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
}

/// SQLite says of many things that it cannot open the file; the system says why.
fn explain(error: Error, file: &Path) -> Error {
    if !matches!(error, Error::Unreachable(_)) {
        return error;
    }
    match OpenOptions::new().write(true).open(file) {
        Err(cause) if matches!(cause.kind(), ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied) => {
            Error::ReadOnly(format!("{}: {cause}", file.display()))
        }
        Err(cause) => Error::Unreachable(format!("{}: {cause}", file.display())),
        Ok(_) => error,
    }
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
        let Store::Sqlite(Sqlite { writer, .. }) = &store else { panic!("not SQLite") };
        // A limit in pages does to SQLite what a full disk does.
        sqlx::query("pragma max_page_count = 1").execute(writer).await.unwrap();
        let row = |id| MergeRequest { id, title: Some("x".repeat(1_000)), ..MergeRequest::default() };
        let batch = Batch { merge_requests: (0..100).map(row).collect(), ..Batch::default() };

        let error = store.commit(Source(1), &batch).await.unwrap_err();

        assert!(matches!(error, Error::DiskFull(_)), "{error:?}");
        assert!(error.is_transient());
        assert!(store.overview(Source(1)).await.unwrap().contains(&("gitlab_merge_requests", 0)));
    }
}
