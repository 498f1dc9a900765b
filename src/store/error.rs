//! What can go wrong between us and the database, by what to do about it.

/// A failed database operation. Never carries the URL or a password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is not one of a database that we know.
    #[error("the database URL is not usable: {0}")]
    Url(&'static str),
    /// Nobody answers, the connection broke, or the pool stayed empty.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// The server refuses the user, the password or the database.
    #[error("the database refuses access: {0}")]
    Refused(String),
    /// The database, or the file, may only be read.
    #[error("the database is read-only: {0}")]
    ReadOnly(String),
    /// There is no room left for the data.
    #[error("the database has no room left: {0}")]
    DiskFull(String),
    /// Tables are missing.
    #[error("the database schema is not up to date; run `gitlab-connector migrate`")]
    NotMigrated,
    /// A newer version of the program has changed the schema.
    #[error(
        "the database schema has version {found}, this program knows {known}; use a newer program"
    )]
    SchemaTooNew {
        /// The version in the database.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
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
            Error::Unreachable(_) => "DatabaseUnreachable",
            Error::Refused(_) => "DatabaseRefused",
            Error::ReadOnly(_) => "DatabaseReadOnly",
            Error::DiskFull(_) => "DatabaseFull",
            Error::NotMigrated => "SchemaNotMigrated",
            Error::SchemaTooNew { .. } => "SchemaTooNew",
            Error::ClaimLost => "ClaimLost",
            Error::Busy(_) => "DatabaseBusy",
            Error::Other(_) => "DatabaseError",
        }
    }

    /// Whether trying again later may help with nobody doing anything. A full disk counts: others may free it.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Error::Unreachable(_) | Error::DiskFull(_) | Error::Busy(_)
        )
    }
}
