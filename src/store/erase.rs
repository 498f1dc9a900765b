//! Takes a fact out of a database so that nothing of it stays behind, also where nobody asks for it by SQL.

use super::database::{Arg, Sql, Sqlite};
use super::{Error, Source, Store};

impl Store {
    /// Forgets a small fact of a connection, with what is left of it in a SQLite file. That writes the whole file anew.
    ///
    /// # Errors
    /// Whatever the database says. A file that cannot be written anew is none: the fact itself is gone then.
    pub async fn erase_state(&self, source: Source, key: &str) -> Result<(), Error> {
        const ERASE: Sql = Sql::both("delete from connector_state where source = $1 and key = $2");
        let args = vec![Arg::Int(source.0), Arg::text(key)];
        let Store::Sqlite(Sqlite { writer, .. }) = self else {
            return self.execute(ERASE, args).await.map(drop);
        };
        // The only writing connection keeps to it until the file is closed.
        sqlx::query("pragma secure_delete = on").execute(writer).await?;
        self.execute(ERASE, args).await?;
        // Pages that were freed or moved before hold what was in them, and so does the write-ahead log.
        for clean in ["vacuum", "pragma wal_checkpoint(truncate)"] {
            if let Err(error) = sqlx::query(clean).execute(writer).await {
                tracing::warn!(%error, key, "free pages of the database may still hold what was erased: run 'vacuum'");
            }
        }
        Ok(())
    }
}
