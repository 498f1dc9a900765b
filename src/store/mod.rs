//! The database: PostgreSQL or SQLite, one schema, one verb.
//!
//! [`Store::commit`] takes a [`Batch`]: rows, and the progress that they make, in one transaction. It is idempotent and
//! the newest `updated_at` wins, so importer, refresher and receiver need not know of each other.
//!
//! Reading order: [`rows`] (what is stored), `batch` (what is committed), `commit` (how), `tables` and `upsert` (the
//! statements), `figures` (what views read), `runs` (the queue that workers share), `compare` (what is stored against what GitLab says), `schema` (migrations), `database` (the two drivers).

mod answer;
mod audits;
mod batch;
mod commit;
mod compare;
mod database;
mod deployments;
mod document;
mod durability;
mod erase;
mod error;
mod facts;
mod figures;
mod gone;
mod lists;
mod merge;
mod open;
mod people;
mod pipelines;
mod place;
mod postgres;
mod progress;
mod questions;
pub mod rows;
mod run;
mod runs;
mod schema;
mod standing;
mod tables;
mod template;
mod tidy;
mod unreadable;
mod upsert;
mod url;
mod views;

pub use answer::Value;
pub use audits::{Audit, Audited, Miscount, Noted};
pub use batch::{Absent, Batch, Complete, Delivery, Mark, NewTask, Progress, Refresh, TaskState, Unreadable};
pub use compare::{Difference, Finding};
pub use database::Sqlite;
pub use deployments::Untold;
pub use document::schema_document;
pub use error::Error;
pub use lists::{KnownList, List, ListStanding, ListState};
pub use place::Place;
pub use postgres::Postgres;
pub use questions::{Answer, Question};
pub use run::{
    Committed, Connection, KnownProject, Migrated, PlanClaim, Registered, Run, RunProgress, RunSummary, Source, Task,
    Trouble,
};
pub use standing::{Kind, Known, Standing};

/// A database. Cheap to clone: clones share their connections.
#[derive(Clone)]
pub enum Store {
    /// A PostgreSQL server.
    Postgres(Postgres),
    /// A SQLite file in this process.
    Sqlite(Sqlite),
}

impl std::fmt::Debug for Store {
    /// Only the kind: what the drivers print of themselves may hold the password.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Store::Postgres(_) => "Store::Postgres",
            Store::Sqlite(_) => "Store::Sqlite",
        })
    }
}
