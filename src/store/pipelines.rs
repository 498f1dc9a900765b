//! Pipelines and jobs: how they are stored, and which pipelines are gone.

use super::commit::Writer;
use super::database::{Arg, Sql};
use super::gone::gone_by_id;
use super::merge::newest;
use super::tables::STATEMENTS;
use super::{Batch, Error, Source, Store};

const GONE: Sql = gone_by_id!("gitlab_pipelines");

impl Writer<'_> {
    pub(super) async fn pipelines(&mut self, batches: &[&Batch]) -> Result<(), Error> {
        let sql = &*STATEMENTS;
        let each = || batches.iter().copied();
        self.write_rows(sql.pipelines, &newest(each().flat_map(|batch| &batch.pipelines))).await?;
        self.write_rows(sql.jobs, &newest(each().flat_map(|batch| &batch.jobs))).await?;
        for batch in batches {
            self.write_rows(GONE, &batch.gone_pipelines).await?;
        }
        Ok(())
    }
}

impl Store {
    /// The pipelines of a project that are stored and not gone, with ids from the one on and below the other: those that other
    /// pipelines started, or those that none did.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn stored_pipelines(
        &self,
        source: Source,
        project: i64,
        children: bool,
        (from, below): (i64, i64),
    ) -> Result<Vec<i64>, Error> {
        const STORED: Sql = Sql::both(
            "select id from gitlab_pipelines
             where source = $1 and project_id = $2 and id >= $3 and id < $4 and gone_at is null
               and coalesce(started_by = 'parent_pipeline', false) = $5 order by id",
        );
        let args = [source.0, project, from, below].map(Arg::Int).into_iter().chain([Arg::Flag(children)]);
        Ok(self.fetch(STORED, args.collect()).await?.iter().map(|row| row.int(0)).collect())
    }
}
