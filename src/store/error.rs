//! What can go wrong between us and the database, by what to do about it.

/// A failed database operation. Never carries the URL or a password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is not one of a database that we know.
    #[error("the database URL is not usable: {0}")]
    Url(String),
    /// The server's certificate is none that we trust.
    #[error("the database's certificate cannot be checked: {0}")]
    Untrusted(String),
    /// The database keeps texts in another encoding than GitLab's.
    #[error(
        "the database's encoding is {0}, which cannot hold every text of GitLab: name one that was created with encoding 'UTF8' template template0"
    )]
    Encoding(String),
    /// Nobody answers, the connection broke, or the pool stayed empty.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// The server refuses the user, the password or the database.
    #[error("the database refuses access: {0}")]
    Refused(String),
    /// The database, or the file, may only be read.
    #[error("the database is read-only: {0}")]
    ReadOnly(String),
    /// The server only reads for now: it is a standby, or about to be replaced.
    #[error("the database server takes no writes for now: {0}")]
    Standby(String),
    /// There is no room left for the data.
    #[error("the database has no room left: {0}")]
    DiskFull(String),
    /// Tables are missing.
    #[error("the database schema is not up to date; run `gitlab-connector migrate`")]
    NotMigrated,
    /// A newer version of the program has changed the schema.
    #[error("the database schema has version {found}, this program knows {known}; use a newer program")]
    SchemaTooNew {
        /// The version in the database.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Something that is not ours reads our views, which a migration makes anew.
    #[error(
        "the schema cannot be brought up to date while these read the connector's views: {0}; drop them, run \
         `gitlab-connector migrate`, and create them again"
    )]
    ViewsInUse(String),
    /// The task was claimed by another worker. Nothing was written.
    #[error("the task was claimed by another worker")]
    ClaimLost,
    /// Others held locks for too long, or a deadlock was broken at our expense.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// Anything else the database said.
    #[error("the database answered: {0}")]
    Other(String),
}

impl Error {
    /// One word for metrics, logs and conditions.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Error::Url(_) => "DatabaseURLInvalid",
            Error::Untrusted(_) => "DatabaseUntrusted",
            Error::Encoding(_) => "DatabaseEncoding",
            Error::Unreachable(_) => "DatabaseUnreachable",
            Error::Refused(_) => "DatabaseRefused",
            Error::ReadOnly(_) | Error::Standby(_) => "DatabaseReadOnly",
            Error::DiskFull(_) => "DatabaseFull",
            Error::NotMigrated => "SchemaNotMigrated",
            Error::SchemaTooNew { .. } => "SchemaTooNew",
            Error::ViewsInUse(_) => "ViewsInUse",
            Error::ClaimLost => "ClaimLost",
            Error::Busy(_) => "DatabaseBusy",
            Error::Other(_) => "DatabaseError",
        }
    }

    /// Whether trying again later may help with nobody doing anything. A full disk counts: others may free it.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Error::Unreachable(_) | Error::Standby(_) | Error::DiskFull(_) | Error::Busy(_))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        match error {
            sqlx::Error::Database(answer) => answered(answer.as_ref()),
            sqlx::Error::Io(cause) if is_about_a_certificate(&cause) => Error::Untrusted(format!(
                "{cause}; name the CA that signed it in spec.store.caBundle, and the server as the certificate does"
            )),
            sqlx::Error::Io(cause) => match cause.kind() {
                std::io::ErrorKind::StorageFull => Error::DiskFull(cause.to_string()),
                std::io::ErrorKind::ReadOnlyFilesystem => Error::ReadOnly(cause.to_string()),
                _ => Error::Unreachable(cause.to_string()),
            },
            sqlx::Error::Tls(cause) => Error::Unreachable(cause.to_string()),
            sqlx::Error::PoolTimedOut => {
                Error::Unreachable("no connection came in time, or the server takes no writes for now".to_owned())
            }
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Error::Unreachable("the connection is closed".to_owned())
            }
            // Parsing errors may quote the URL, and with it the password.
            sqlx::Error::Configuration(_) => Error::Url("one of its parameters has a value that is none".to_owned()),
            other => Error::Other(other.to_string()),
        }
    }
}

fn is_about_a_certificate(cause: &std::io::Error) -> bool {
    let cause = cause.get_ref().and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(rustls::Error::InvalidCertificate(_)))
}

fn answered(answer: &dyn sqlx::error::DatabaseError) -> Error {
    let message = answer.message().to_owned();
    let code = answer.code().unwrap_or_default();
    match answer.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
        Some(_) => postgres(&code, message),
        None => sqlite(&code, message),
    }
}

/// By SQLSTATE, see appendix A of PostgreSQL's manual.
fn postgres(code: &str, message: String) -> Error {
    match code {
        "28000" | "28P01" | "3D000" | "42501" => Error::Refused(message),
        "25006" => Error::Standby(message),
        "53100" => Error::DiskFull(message),
        // Of a role, a database, or the whole server.
        "53300" => {
            Error::Unreachable(format!("{message}; spec.store.maxConnections lets the connector make do with fewer"))
        }
        "42P01" | "42703" => Error::NotMigrated,
        "2BP01" => Error::ViewsInUse(message),
        "40001" | "40P01" | "55P03" | "57014" => Error::Busy(message),
        _ if code.starts_with("08") || code.starts_with("57P") || code.starts_with("53") => Error::Unreachable(message),
        _ => Error::Other(message),
    }
}

/// By SQLite's primary result code, the low byte of the extended one.
fn sqlite(code: &str, message: String) -> Error {
    let extended: i64 = code.parse().unwrap_or_default();
    match extended & 0xff {
        1 if message.starts_with("no such table") || message.contains("no such column") => Error::NotMigrated,
        3 | 23 => Error::Refused(message),
        5 | 6 => Error::Busy(message),
        8 => Error::ReadOnly(message),
        13 => Error::DiskFull(message),
        10 | 14 => Error::Unreachable(message),
        _ => Error::Other(message),
    }
}
