//! The schema: versioned migrations, the same tables and columns in both databases.

use jiff::Timestamp;

use super::database::{Arg, Durability, Sql, Tx};
use super::document::{comments, relations};
use super::{Error, Migrated, Store};

pub(super) struct Migration {
    version: i64,
    pub(super) postgres: &'static str,
    pub(super) sqlite: &'static str,
}

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        postgres: include_str!("schema/postgres/0001_tables.sql"),
        sqlite: include_str!("schema/sqlite/0001_tables.sql"),
    },
    Migration {
        version: 2,
        postgres: include_str!("schema/postgres/0002_bots.sql"),
        sqlite: include_str!("schema/sqlite/0002_bots.sql"),
    },
    Migration {
        version: 3,
        postgres: include_str!("schema/postgres/0003_states.sql"),
        sqlite: include_str!("schema/sqlite/0003_states.sql"),
    },
];

/// The views of the newest version. They hold nothing, so each migration makes all of them anew.
pub(super) const VIEWS: Views =
    Views { postgres: include_str!("schema/postgres/views.sql"), sqlite: include_str!("schema/sqlite/views.sql") };

pub(super) struct Views {
    pub(super) postgres: &'static str,
    pub(super) sqlite: &'static str,
}

/// Who holds this advisory lock migrates.
const MIGRATION_LOCK: i64 = 0x676c_636f_6e6e;

impl Store {
    /// Brings the schema up to date. Two processes may do so at once.
    ///
    /// # Errors
    /// [`Error::SchemaTooNew`] when a newer program was here.
    pub async fn migrate(&self) -> Result<Migrated, Error> {
        const LEDGER: &str =
            "create table if not exists connector_schema (version bigint primary key, applied_at text not null)";
        const VERSION: Sql = Sql::both("select max(version) from connector_schema");
        const APPLIED: Sql = Sql::both("insert into connector_schema (version, applied_at) values ($1, $2)");

        let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
        // Nearly always there is nothing to do: then nobody waits, and nobody needs the right to create tables.
        if self.fetch(VERSION, vec![]).await.is_ok_and(|rows| rows.first().is_some_and(|row| row.int(0) == known)) {
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
        tx.script(without_views()).await?;
        for migration in MIGRATIONS.iter().filter(|migration| migration.version > from) {
            tx.create(migration.postgres, migration.sqlite).await?;
            tx.execute(APPLIED, vec![Arg::Int(migration.version), Arg::Text(Timestamp::now().to_string())]).await?;
        }
        tx.create(VIEWS.postgres, VIEWS.sqlite).await?;
        tx.commit().await?;
        Ok(Migrated { from, to: known })
    }
}

impl Tx {
    /// Tables or views, with their descriptions where the database keeps them beside.
    async fn create(&mut self, postgres: &str, sqlite: &str) -> Result<(), Error> {
        match self {
            Tx::Postgres(_) => self.script(format!("{postgres}\n{}", comments(postgres))).await,
            Tx::Sqlite(_) => self.script(sqlite.to_owned()).await,
        }
    }
}

/// Views stand in the way of changes of what they read, those that read others first.
fn without_views() -> String {
    let views = relations(VIEWS.postgres);
    views.iter().rev().map(|view| format!("drop view if exists {};\n", view.name)).collect()
}
