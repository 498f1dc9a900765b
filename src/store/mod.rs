//! The database: PostgreSQL or SQLite, one schema, one verb.
//!
//! [`Store::commit`] takes a [`Batch`]: rows, and the progress that they make, in one transaction. It is idempotent and
//! the newest `updated_at` wins, so importer, refresher and receiver need not know of each other.

mod batch;
mod error;
mod paths;
pub mod rows;
mod run;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

pub use batch::{Batch, Complete, Delivery, Mark, NewTask, Progress, Refresh, Sweep, TaskState};
pub use error::Error;
pub use run::{
    Committed, Connection, KnownProject, Migrated, PlanClaim, Registered, Run, RunProgress,
    RunSummary, Source, Task, Trouble,
};

/// A database. Cheap to clone: clones share their connections.
#[derive(Debug, Clone)]
pub enum Store {
    /// A PostgreSQL server.
    Postgres(()),
    /// A SQLite file in this process.
    Sqlite(()),
}

fn soon<T>() -> Result<T, Error> {
    Err(Error::Other("not there yet".to_owned()))
}

impl Store {
    /// Connects to `postgres://…` or opens `sqlite:path`, which is created if missing.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Unreachable`], [`Error::Refused`] or [`Error::ReadOnly`]; none of them prints the URL.
    pub async fn open(_url: &SecretString) -> Result<Store, Error> {
        soon()
    }

    /// Brings the schema up to date. Two processes may do so at once.
    ///
    /// # Errors
    /// [`Error::SchemaTooNew`] when a newer program was here.
    pub async fn migrate(&self) -> Result<Migrated, Error> {
        soon()
    }

    /// Finds or makes the row of a connection.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn register(&self, _connection: &Connection) -> Result<Registered, Error> {
        soon()
    }

    /// Removes everything that is stored for a connection, and the connection itself.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn forget(&self, _source: Source) -> Result<(), Error> {
        soon()
    }

    /// A small fact kept for a connection.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn state(&self, _source: Source, _key: &str) -> Result<Option<String>, Error> {
        soon()
    }

    /// Keeps a small fact for a connection.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn set_state(&self, _source: Source, _key: &str, _value: &str) -> Result<(), Error> {
        soon()
    }

    /// Keeps a small fact unless there is one already, and returns the one in force: all callers agree on it.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn set_state_if_absent(
        &self,
        _source: Source,
        _key: &str,
        _value: &str,
    ) -> Result<String, Error> {
        soon()
    }

    /// Stores a batch in one transaction.
    ///
    /// # Errors
    /// [`Error::ClaimLost`] when the batch's progress was made under a claim that is no longer in force.
    pub async fn commit(&self, _source: Source, _batch: &Batch) -> Result<Committed, Error> {
        soon()
    }

    /// Stores many batches in one transaction: one wait for the disk serves them all.
    ///
    /// Answers in the order of the batches. A delivery that occurs twice among them counts once.
    ///
    /// # Errors
    /// As [`Store::commit`]; then none of the batches is stored.
    pub async fn commit_all(&self, _batches: &[(Source, Batch)]) -> Result<Vec<Committed>, Error> {
        soon()
    }

    /// The run with this key, made if there is none.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn open_run(&self, _source: Source, _key: &str, _full: bool) -> Result<Run, Error> {
        soon()
    }

    /// The latest run that has not ended.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn unfinished_run(&self, _source: Source) -> Result<Option<Run>, Error> {
        soon()
    }

    /// The latest run, ended or not, and how it went.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn last_run(&self, _source: Source) -> Result<Option<RunSummary>, Error> {
        soon()
    }

    /// Asks to be the one who plans the run.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn claim_plan(
        &self,
        _run: i64,
        _worker: &str,
        _lease: SignedDuration,
    ) -> Result<PlanClaim, Error> {
        soon()
    }

    /// Frees what this worker held before it died. Called when a worker starts.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn release_worker(&self, _run: i64, _worker: &str) -> Result<(), Error> {
        soon()
    }

    /// Claims the largest open task that nobody holds, or whose lease ran out.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn claim_task(
        &self,
        _run: i64,
        _worker: &str,
        _lease: SignedDuration,
    ) -> Result<Option<Task>, Error> {
        soon()
    }

    /// Keeps a claim alive while no batch is ready. Every commit of progress does the same.
    ///
    /// # Errors
    /// [`Error::ClaimLost`] when another worker has the task.
    pub async fn extend_lease(
        &self,
        _task: i64,
        _claim: i64,
        _lease: SignedDuration,
    ) -> Result<(), Error> {
        soon()
    }

    /// Ends the run if all of its tasks ended; `run.finished_at` in the answer tells.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn finish_run(&self, _run: i64) -> Result<RunSummary, Error> {
        soon()
    }

    /// How far a run got.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn run_progress(&self, _run: i64) -> Result<RunProgress, Error> {
        soon()
    }

    /// Merge requests to read again, the longest waiting first.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn pending_refreshes(
        &self,
        _source: Source,
        _limit: i64,
    ) -> Result<Vec<Refresh>, Error> {
        soon()
    }

    /// The projects stored, with their checkpoints, in the order of their ids.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn known_projects(&self, _source: Source) -> Result<Vec<KnownProject>, Error> {
        soon()
    }

    /// Rows per raw table.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn overview(&self, _source: Source) -> Result<Vec<(&'static str, i64)>, Error> {
        soon()
    }

    /// When the last authentic delivery arrived.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn last_delivery(&self, _source: Source) -> Result<Option<Timestamp>, Error> {
        soon()
    }
}
