//! Environments and deployments: how they are stored, what is gone, and which projects are to be asked again.

use std::collections::HashSet;

use jiff::Timestamp;

use super::commit::Writer;
use super::database::{Arg, Sql};
use super::gone::gone_by_id;
use super::merge::newest;
use super::tables::STATEMENTS;
use super::{Batch, Error, Source, Store};

const GONE_ENVIRONMENTS: Sql = gone_by_id!("gitlab_environments");
const GONE_DEPLOYMENTS: Sql = gone_by_id!("gitlab_deployments");

impl Writer<'_> {
    /// Environments before the deployments that go there.
    pub(super) async fn deployments(&mut self, batches: &[&Batch]) -> Result<(), Error> {
        let sql = &*STATEMENTS;
        let each = || batches.iter().copied();
        self.write_rows(sql.environments, &newest(each().flat_map(|batch| &batch.environments))).await?;
        self.write_rows(sql.deployments, &newest(each().flat_map(|batch| &batch.deployments))).await?;
        for batch in batches {
            self.write_rows(GONE_ENVIRONMENTS, &batch.gone_environments).await?;
            self.write_rows(GONE_DEPLOYMENTS, &batch.gone_deployments).await?;
        }
        Ok(())
    }
}

impl Store {
    /// The environments of a project that are stored and not gone.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn stored_environments(&self, source: Source, project: i64) -> Result<Vec<i64>, Error> {
        const STORED: Sql = Sql::both(
            "select id from gitlab_environments where source = $1 and project_id = $2 and gone_at is null order by id",
        );
        let rows = self.fetch(STORED, vec![Arg::Int(source.0), Arg::Int(project)]).await?;
        Ok(rows.iter().map(|row| row.int(0)).collect())
    }

    /// The deployments of a project that are stored and not gone, with ids from the one on and below the other.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn stored_deployments(
        &self,
        source: Source,
        project: i64,
        (from, below): (i64, i64),
    ) -> Result<Vec<i64>, Error> {
        const STORED: Sql = Sql::both(
            "select id from gitlab_deployments
             where source = $1 and project_id = $2 and id >= $3 and id < $4 and gone_at is null order by id",
        );
        let args = vec![Arg::Int(source.0), Arg::Int(project), Arg::Int(from), Arg::Int(below)];
        Ok(self.fetch(STORED, args).await?.iter().map(|row| row.int(0)).collect())
    }

    /// Projects of which any deployment is stored.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn projects_with_deployments(&self, source: Source) -> Result<HashSet<i64>, Error> {
        const PROJECTS: Sql = Sql::both("select distinct project_id from gitlab_deployments where source = $1");
        let rows = self.fetch(PROJECTS, vec![Arg::Int(source.0)]).await?;
        Ok(rows.iter().map(|row| row.int(0)).collect())
    }

    /// Projects with deployments since a time of which no pipeline tells that they changed: they have not ended, or were made
    /// through the API.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn restless_deployments(&self, source: Source, since: Timestamp) -> Result<HashSet<i64>, Error> {
        const RESTLESS: Sql = Sql::both(
            "select distinct project_id from gitlab_deployments
             where source = $1 and (job_id is null or status in ('created', 'running', 'blocked')) and updated_at >= $2
               and gone_at is null",
        );
        let rows = self.fetch(RESTLESS, vec![Arg::Int(source.0), Arg::Time(since)]).await?;
        Ok(rows.iter().map(|row| row.int(0)).collect())
    }
}
