//! Audits: what is to be compared, and what came of it.

use jiff::Timestamp;
use serde_json::json;

use super::database::{Arg, Sql};
use super::durability::Durability;
use super::merge::document;
use super::{Absent, Difference, Error, Finding, Source, Store};

/// Audits that are kept of a connection.
const KEPT: i64 = 100;
/// Differences that are kept of an audit.
const DIFFERENCES_KEPT: usize = 1_000;

/// A project to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// GitLab's id.
    pub id: i64,
    /// Path as last seen.
    pub path: String,
    /// Merge requests that are stored, of those asked for.
    pub count: i64,
    /// The least and the greatest number of any merge request that is stored.
    pub iids: Option<(i64, i64)>,
}

/// A project of which another number of merge requests is stored than GitLab counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miscount {
    /// The project.
    pub project_id: i64,
    /// Its path.
    pub path: String,
    /// Merge requests that are stored.
    pub stored: i64,
    /// Merge requests that GitLab counts.
    pub gitlab: i64,
}

/// A difference, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// The project.
    pub project_id: i64,
    /// Its path.
    pub path: String,
    /// Number of the merge request in its project.
    pub iid: i64,
    /// What differs.
    pub difference: Difference,
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Projects whose merge requests were counted.
    pub projects: i64,
    /// Merge requests that were read anew and compared.
    pub merge_requests: i64,
    /// Merge requests of those that changed after the last import began, and differ: the next import brings them.
    pub behind: i64,
    /// Projects and merge requests of which GitLab shows these tokens nothing, so that nothing can be said.
    pub unreadable: i64,
    /// Differences in all.
    pub differences: i64,
    /// Projects with another number of merge requests.
    pub miscounts: Vec<Miscount>,
    /// Rows and columns that differ, the first thousand.
    pub noted: Vec<Noted>,
}

impl Audit {
    /// One that has found nothing yet.
    #[must_use]
    pub fn begun(at: Timestamp) -> Audit {
        Audit {
            started_at: at,
            finished_at: at,
            projects: 0,
            merge_requests: 0,
            behind: 0,
            unreadable: 0,
            differences: 0,
            miscounts: Vec::new(),
            noted: Vec::new(),
        }
    }

    /// Remembers a project whose count differs.
    pub fn miscount(&mut self, miscount: Miscount) {
        self.differences += 1;
        if self.miscounts.len() < DIFFERENCES_KEPT {
            self.miscounts.push(miscount);
        }
    }

    /// Remembers some differences; of more than are kept, only the number.
    pub fn note(&mut self, noted: impl IntoIterator<Item = Noted>) {
        for one in noted {
            self.differences += 1;
            if self.noted.len() < DIFFERENCES_KEPT {
                self.noted.push(one);
            }
        }
    }
}

impl Store {
    /// The projects that a connection follows and can read, with their merge requests that were opened before `until` and,
    /// with `since`, changed since.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn audited_projects(
        &self,
        source: Source,
        (since, until): (Option<Timestamp>, Timestamp),
        archived: bool,
    ) -> Result<Vec<Audited>, Error> {
        const PROJECTS: Sql = Sql::both(
            "select p.id, p.path_with_namespace, coalesce(m.count, 0), m.least, m.greatest from gitlab_projects p
             left join (select project_id, min(iid) as least, max(iid) as greatest,
                 sum(case when created_at < $3 and (cast($2 as timestamptz) is null or updated_at >= $2) then 1 else 0 end)
                   as count
               from gitlab_merge_requests where source = $1 and deleted_at is null and unreadable_at is null
               group by project_id) m on m.project_id = p.id
             where p.source = $1 and p.deleted_at is null and p.out_of_scope_at is null and p.excluded_at is null
               and p.unreadable_at is null and ($4 or p.archived is not true)
             order by p.id",
        );
        let args = vec![Arg::Int(source.0), Arg::MaybeTime(since), Arg::Time(until), Arg::Flag(archived)];
        let rows = self.fetch(PROJECTS, args).await?;
        Ok(rows
            .iter()
            .map(|row| Audited {
                id: row.int(0),
                path: row.text(1),
                count: row.int(2),
                iids: row.maybe_int(3).zip(row.maybe_int(4)),
            })
            .collect())
    }

    /// Those of some numbers of a project of which a merge request is stored that is there and readable.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn stored_of(&self, source: Source, project: i64, iids: &[i64]) -> Result<Vec<Absent>, Error> {
        const STORED: Sql = Sql {
            postgres: "select id, iid, author_id from gitlab_merge_requests
                where source = $1 and project_id = $2 and deleted_at is null and unreadable_at is null
                  and iid in (select value::bigint from json_array_elements_text($3::text::json)) order by iid",
            sqlite: "select id, iid, author_id from gitlab_merge_requests
                where source = $1 and project_id = $2 and deleted_at is null and unreadable_at is null
                  and iid in (select value from json_each($3)) order by iid",
        };
        if iids.is_empty() {
            return Ok(Vec::new());
        }
        let args = vec![Arg::Int(source.0), Arg::Int(project), Arg::Text(document(iids)?)];
        let rows = self.fetch(STORED, args).await?;
        Ok(rows.iter().map(|row| Absent { id: row.int(0), iid: row.int(1), author_id: row.maybe_int(2) }).collect())
    }

    /// When the last import that ended began.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn last_import(&self, source: Source) -> Result<Option<Timestamp>, Error> {
        const LAST: Sql =
            Sql::both("select max(started_at) from connector_runs where source = $1 and finished_at is not null");
        Ok(self.fetch(LAST, vec![Arg::Int(source.0)]).await?.first().and_then(|row| row.time(0)))
    }

    /// Keeps what an audit found, and forgets the oldest.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn keep_audit(&self, source: Source, audit: &Audit) -> Result<(), Error> {
        const AUDIT: Sql = Sql::both(
            "insert into connector_audits
               (source, started_at, finished_at, projects, merge_requests, behind, unreadable, differences)
             values ($1, $2, $3, $4, $5, $6, $7, $8) returning id",
        );
        const DIFFERENCES: Sql = Sql {
            postgres: "insert into connector_audit_differences
                  (audit_id, place, project_id, iid, table_name, row_key, kind, column_name, stored, gitlab)
                select $1, r.place, r.project_id, r.iid, r.table_name, r.row_key, r.kind, r.column_name, r.stored, r.gitlab
                from json_populate_recordset(null::connector_audit_differences, $2::text::json) r",
            sqlite: "insert into connector_audit_differences
                  (audit_id, place, project_id, iid, table_name, row_key, kind, column_name, stored, gitlab)
                select $1, r.value->>'place', r.value->>'project_id', r.value->>'iid', r.value->>'table_name',
                  r.value->>'row_key', r.value->>'kind', r.value->>'column_name', r.value->>'stored', r.value->>'gitlab'
                from json_each($2) r",
        };
        const OLD_DIFFERENCES: Sql = Sql::both(
            "delete from connector_audit_differences where audit_id in (select id from connector_audits
             where source = $1 order by id desc limit 1000 offset $2)",
        );
        const OLD: Sql = Sql::both(
            "delete from connector_audits where id in (select id from connector_audits where source = $1
             order by id desc limit 1000 offset $2)",
        );
        let mut tx = self.begin(Durability::Process).await?;
        let args = vec![
            Arg::Int(source.0),
            Arg::Time(audit.started_at),
            Arg::Time(audit.finished_at),
            Arg::Int(audit.projects),
            Arg::Int(audit.merge_requests),
            Arg::Int(audit.behind),
            Arg::Int(audit.unreadable),
            Arg::Int(audit.differences),
        ];
        let id = tx.fetch(AUDIT, args).await?.first().map_or(0, |row| row.int(0));
        tx.execute(DIFFERENCES, vec![Arg::Int(id), Arg::Text(document(&rows(audit))?)]).await?;
        for sql in [OLD_DIFFERENCES, OLD] {
            tx.execute(sql, vec![Arg::Int(source.0), Arg::Int(KEPT)]).await?;
        }
        tx.commit().await
    }

    /// When the last audit ended.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn last_audit(&self, source: Source) -> Result<Option<Timestamp>, Error> {
        const LAST: Sql = Sql::both("select max(finished_at) from connector_audits where source = $1");
        Ok(self.fetch(LAST, vec![Arg::Int(source.0)]).await?.first().and_then(|row| row.time(0)))
    }
}

/// The differences as rows of their table.
fn rows(audit: &Audit) -> Vec<serde_json::Value> {
    let counts = audit.miscounts.iter().map(|one| {
        json!({
            "project_id": one.project_id, "table_name": "gitlab_merge_requests", "kind": "count",
            "stored": one.stored.to_string(), "gitlab": one.gitlab.to_string(),
        })
    });
    let noted = audit.noted.iter().map(|one| {
        let Difference { table, row, finding, .. } = &one.difference;
        let (column, stored, gitlab) = match finding {
            Finding::Missing | Finding::Extra => (None, None, None),
            Finding::Other { column, stored, gitlab } => (Some(column), stored.as_ref(), gitlab.as_ref()),
        };
        json!({
            "project_id": one.project_id, "iid": one.iid, "table_name": table, "row_key": row,
            "kind": finding.kind(),
            "column_name": column, "stored": stored, "gitlab": gitlab,
        })
    });
    let place = |(place, mut row): (usize, serde_json::Value)| {
        row["place"] = place.into();
        row
    };
    counts.chain(noted).take(DIFFERENCES_KEPT).enumerate().map(place).collect()
}
