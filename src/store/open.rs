//! Opening a database by its URL, which is never printed.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::database::Sqlite;
use super::place::{PATIENCE, Place};
use super::postgres::Postgres;
use super::{Error, Store};

/// Between two attempts to open a SQLite file that others are opening.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// Readers of a SQLite file; the one writer has its own connection.
const SQLITE_READERS: u32 = 4;

impl Store {
    /// [`Store::open_at`] with nothing to be said but the URL.
    ///
    /// # Errors
    /// As there.
    pub async fn open(url: &SecretString) -> Result<Store, Error> {
        Store::open_at(&url.clone().into()).await
    }

    /// Connects to `postgres://…` or opens `sqlite:path`, which is created if missing.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Unreachable`], [`Error::Refused`] or [`Error::ReadOnly`]; none of them prints the URL.
    pub async fn open_at(place: &Place) -> Result<Store, Error> {
        let url = place.url.expose_secret();
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Store::Postgres(Postgres::open(place).await?));
        }
        if url.starts_with("sqlite:") {
            return open_sqlite(url).await;
        }
        Err(Error::Url("it must begin with postgres:// or sqlite:".to_owned()))
    }

    /// The file that it is, if it is one.
    pub fn file(&self) -> Option<PathBuf> {
        match self {
            Store::Postgres(_) => None,
            Store::Sqlite(Sqlite { writer, .. }) => {
                let file = writer.connect_options().get_filename().to_owned();
                file.is_file().then_some(file)
            }
        }
    }

    /// Waits for statements in flight and closes all connections.
    pub async fn close(&self) {
        match self {
            Store::Postgres(server) => server.close().await,
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
