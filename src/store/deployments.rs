//! Environments and deployments: how they are stored, what is gone, and which projects are to be asked again.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;
use serde_json::json;

use super::commit::Writer;
use super::database::{Arg, Sql};
use super::durability::Durability;
use super::gone::gone_by_id;
use super::merge::newest;
use super::tables::STATEMENTS;
use super::{Batch, Error, Source, Store};

/// Of deployments to environments in folders, which review apps are, GitLab never tells what they brought.
const NEVER: Sql = Sql {
    postgres: "update gitlab_deployments d set carries = 'never'
        from json_array_elements_text($2::text::json) w, gitlab_environments e
        where d.source = $1 and d.id = w.value::bigint and d.status = 'success' and d.carries is null
          and e.source = $1 and e.id = d.environment_id and e.name like '%/%'",
    sqlite: "update gitlab_deployments set carries = 'never'
        where source = $1 and id in (select value from json_each($2)) and status = 'success' and carries is null
          and (select name from gitlab_environments e where e.source = $1 and e.id = environment_id) like '%/%'",
};

const CARRIED: Sql = Sql {
    postgres: "insert into gitlab_deployment_merge_requests (source, deployment_id, merge_request_id)
        select $1, r.deployment_id, r.merge_request_id
        from json_populate_recordset(null::gitlab_deployment_merge_requests, $2::text::json) r
        order by r.deployment_id, r.merge_request_id on conflict do nothing",
    sqlite: "insert into gitlab_deployment_merge_requests (source, deployment_id, merge_request_id)
        select $1, r.value->>'deployment_id', r.value->>'merge_request_id' from json_each($2) r where true
        on conflict do nothing",
};

const TOLD: Sql = Sql {
    postgres: "update gitlab_deployments d set carries = 'told' where d.ctid = any (array(
        select s.row from json_array_elements_text($2::text::json) w cross join lateral (
          select x.ctid as row from gitlab_deployments x
          where x.source = $1 and x.id = w.value::bigint and x.carries is null offset 0) s order by w.value::bigint))
        and d.carries is null",
    sqlite: "update gitlab_deployments set carries = 'told'
        where source = $1 and id in (select value from json_each($2)) and carries is null",
};

const GONE_ENVIRONMENTS: Sql = gone_by_id!("gitlab_environments");
const GONE_DEPLOYMENTS: Sql = gone_by_id!("gitlab_deployments");

impl Writer<'_> {
    /// Environments before the deployments that go there.
    pub(super) async fn deployments(&mut self, batches: &[&Batch]) -> Result<(), Error> {
        let sql = &*STATEMENTS;
        let each = || batches.iter().copied();
        self.write_rows(sql.environments, &newest(each().flat_map(|batch| &batch.environments))).await?;
        self.write_rows(sql.deployments, &newest(each().flat_map(|batch| &batch.deployments))).await?;
        let succeeded =
            each().flat_map(|batch| &batch.deployments).filter(|one| one.status.as_deref() == Some("success"));
        self.write_rows(NEVER, &succeeded.map(|one| one.id).collect::<Vec<_>>()).await?;
        self.carried(batches).await?;
        for batch in batches {
            self.write_rows(GONE_ENVIRONMENTS, &batch.gone_environments).await?;
            self.write_rows(GONE_DEPLOYMENTS, &batch.gone_deployments).await?;
        }
        Ok(())
    }

    async fn carried(&mut self, batches: &[&Batch]) -> Result<(), Error> {
        let each = || batches.iter().flat_map(|batch| &batch.carried);
        let row = |deployment: i64, merge_request: i64| json!({ "deployment_id": deployment, "merge_request_id": merge_request });
        let rows = each().flat_map(|one| one.merge_requests.iter().map(|id| row(one.deployment_id, *id)));
        self.write_rows(CARRIED, &rows.collect::<Vec<_>>()).await?;
        let told: BTreeSet<i64> = each().filter(|one| one.told).map(|one| one.deployment_id).collect();
        self.write_rows(TOLD, &Vec::from_iter(told)).await
    }
}

/// A deployment of which nobody knows yet what it brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Untold {
    /// GitLab's id.
    pub id: i64,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

impl Store {
    /// Deployments of a project that succeeded and are to be asked about, with ids below the one, the newest first.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn untold_deployments(
        &self,
        source: Source,
        project: i64,
        below: i64,
        limit: i64,
    ) -> Result<Vec<Untold>, Error> {
        const UNTOLD: Sql = Sql::both(
            "select id, coalesce(finished_at, updated_at) from gitlab_deployments
             where source = $1 and project_id = $2 and id < $3 and status = 'success' and carries is null
               and gone_at is null order by id desc limit $4",
        );
        let args = [source.0, project, below, limit].map(Arg::Int);
        let rows = self.fetch(UNTOLD, args.to_vec()).await?;
        Ok(rows.iter().map(|row| Untold { id: row.int(0), ended: row.time(1) }).collect())
    }

    /// Projects with any such deployment, and with merge requests to tell of.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn projects_untold(&self, source: Source) -> Result<HashSet<i64>, Error> {
        const UNTOLD: Sql = Sql::both(
            "select distinct d.project_id from gitlab_deployments d
             join gitlab_projects p on p.source = d.source and p.id = d.project_id
             where d.source = $1 and d.status = 'success' and d.carries is null and d.gone_at is null
               and p.merge_requests_enabled is not false",
        );
        let rows = self.fetch(UNTOLD, vec![Arg::Int(source.0)]).await?;
        Ok(rows.iter().map(|row| row.int(0)).collect())
    }

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

    /// Says which environments count as production beside GitLab's tier, by globs on their names: `*` stands for anything.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn set_production_environments(&self, source: Source, globs: &[String]) -> Result<(), Error> {
        const KNOWN: Sql =
            Sql::both("select pattern from connector_production_environments where source = $1 order by pattern");
        const GONE: Sql = Sql::both("delete from connector_production_environments where source = $1 and pattern = $2");
        const NEW: Sql = Sql::both(
            "insert into connector_production_environments (source, pattern) values ($1, $2) on conflict do nothing",
        );
        let known: BTreeSet<String> =
            self.fetch(KNOWN, vec![Arg::Int(source.0)]).await?.iter().map(|row| row.text(0)).collect();
        let wanted: BTreeSet<String> = globs.iter().map(|glob| like(glob)).collect();
        if known == wanted {
            return Ok(());
        }
        let mut tx = self.begin(Durability::Process).await?;
        for (sql, patterns) in [(GONE, known.difference(&wanted)), (NEW, wanted.difference(&known))] {
            for pattern in patterns {
                tx.execute(sql, vec![Arg::Int(source.0), Arg::text(pattern)]).await?;
            }
        }
        tx.commit().await
    }
}

/// The LIKE pattern of a glob, on lower-case names, with `!` to escape.
fn like(glob: &str) -> String {
    let mut pattern = String::with_capacity(glob.len());
    for letter in glob.to_lowercase().chars() {
        match letter {
            '*' => pattern.push('%'),
            '%' | '_' | '!' => pattern.extend(['!', letter]),
            letter => pattern.push(letter),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_means_what_it_says_and_nothing_more() {
        assert_eq!(like("Live_EU/*"), "live!_eu/%");
        assert_eq!(like("100%!"), "100!%!!");
    }
}
