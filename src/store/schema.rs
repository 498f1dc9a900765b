//! The schema: versioned migrations, the same tables and columns in both databases.

use jiff::Timestamp;

use super::database::{Arg, Sql, Tx};
use super::document::comments;
use super::durability::Durability;
use super::{Error, Migrated, Source, Store};

pub(super) struct Migration {
    version: i64,
    pub(super) postgres: &'static str,
    pub(super) sqlite: &'static str,
}

/// A migration of `schema/postgres` and `schema/sqlite`.
macro_rules! migration {
    ($version:literal, $file:literal) => {
        Migration {
            version: $version,
            postgres: include_str!(concat!("schema/postgres/", $file)),
            sqlite: include_str!(concat!("schema/sqlite/", $file)),
        }
    };
}

pub(super) const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001_tables.sql"),
    migration!(2, "0002_bots.sql"),
    migration!(3, "0003_states.sql"),
    migration!(4, "0004_facts.sql"),
    migration!(5, "0005_audits.sql"),
    migration!(6, "0006_people.sql"),
    migration!(7, "0007_deployments.sql"),
    migration!(8, "0008_pipelines.sql"),
    migration!(9, "0009_carried.sql"),
];

/// Who holds this advisory lock migrates.
const MIGRATION_LOCK: i64 = 0x676c_636f_6e6e;

impl Store {
    /// Brings the schema up to date. Two processes may do so at once.
    ///
    /// # Errors
    /// [`Error::SchemaTooNew`] when a newer program was here, [`Error::ViewsInUse`] when somebody's views stand in the way.
    pub async fn migrate(&self) -> Result<Migrated, Error> {
        const LEDGER: &str =
            "create table if not exists connector_schema (version bigint primary key, applied_at text not null)";
        const VERSION: Sql = Sql::both("select max(version) from connector_schema");
        const APPLIED: Sql = Sql::both("insert into connector_schema (version, applied_at) values ($1, $2)");

        let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
        // Nearly always there is nothing to do: then nobody waits, and nobody needs the right to create tables.
        if self.fetch(VERSION, vec![]).await.is_ok_and(|rows| rows.first().is_some_and(|row| row.int(0) == known)) {
            self.catch_up().await?;
            return Ok(Migrated { from: known, to: known });
        }
        // Both databases can undo DDL, so an interrupted migration leaves nothing behind.
        let mut tx = self.begin(Durability::Disk).await?;
        if let Tx::Postgres(_) = &tx {
            tx.script("set local statement_timeout = 0".to_owned()).await?;
            tx.fetch(Sql::both("select pg_advisory_xact_lock($1)::text"), vec![Arg::Int(MIGRATION_LOCK)]).await?;
        }
        tx.script(LEDGER.to_owned()).await?;
        let from = tx.fetch(VERSION, vec![]).await?.first().map_or(0, |row| row.int(0));
        if from > known {
            return Err(Error::SchemaTooNew { found: from, known });
        }
        let rights = tx.drop_views().await?;
        for migration in MIGRATIONS.iter().filter(|migration| migration.version > from) {
            tx.create(migration.postgres, migration.sqlite).await?;
            tx.execute(APPLIED, vec![Arg::Int(migration.version), Arg::Text(Timestamp::now().to_string())]).await?;
        }
        tx.create_views(&rights).await?;
        tx.commit().await?;
        self.catch_up().await?;
        Ok(Migrated { from, to: known })
    }

    /// Makes facts of what was stored before there were facts. That may take minutes, so it holds no lock for long, and goes
    /// on where it was interrupted.
    async fn catch_up(&self) -> Result<(), Error> {
        const BEHIND: Sql = Sql::both("select distinct source from connector_recounts order by 1");
        for behind in self.fetch(BEHIND, vec![]).await? {
            self.recognise_bots(Source(behind.int(0))).await?;
        }
        Ok(())
    }
}

impl Tx {
    /// Tables, with their descriptions where the database keeps them beside.
    async fn create(&mut self, postgres: &str, sqlite: &str) -> Result<(), Error> {
        match self {
            Tx::Postgres(_) => self.script(format!("{postgres}\n{}", comments(postgres))).await,
            Tx::Sqlite(_) => self.script(sqlite.to_owned()).await,
        }
    }
}
