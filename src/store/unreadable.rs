//! What GitLab could not deliver while everything around it was read: which, why, and since when.

use serde_json::json;

use super::commit::Writer;
use super::database::{Arg, Sql};
use super::{Batch, Error, Source, Store};

impl Writer<'_> {
    /// Notes what could not be read, and forgets what could: trouble that was known keeps its beginning.
    pub(super) async fn unreadable(&mut self, batches: &[&Batch]) -> Result<(), Error> {
        const NOTE: Sql = Sql {
            postgres: "insert into connector_unreadable (source, project_id, iid, reason, since, tried_at)
                select $1, r.project_id, r.iid, r.reason, $3, $3
                from json_populate_recordset(null::connector_unreadable, $2::text::json) r order by r.project_id, r.iid
                on conflict (source, project_id, iid) do update set reason = excluded.reason, tried_at = excluded.tried_at",
            sqlite: "insert into connector_unreadable (source, project_id, iid, reason, since, tried_at)
                select $1, r.value->>'project_id', r.value->>'iid', r.value->>'reason', $3, $3 from json_each($2) r where true
                on conflict (source, project_id, iid) do update set reason = excluded.reason, tried_at = excluded.tried_at",
        };
        const FORGET: Sql = Sql {
            postgres: "delete from connector_unreadable t
                using json_to_recordset($2::text::json) as c(project_id bigint, iid bigint)
                where t.source = $1 and t.project_id = c.project_id and t.iid = c.iid",
            sqlite: "delete from connector_unreadable where source = $1 and (project_id, iid) in (
                select value->>'project_id', value->>'iid' from json_each($2))",
        };
        let troubles: Vec<_> = batches.iter().flat_map(|batch| &batch.unreadable).collect();
        self.write_rows(NOTE, &troubles).await?;
        let over = batches.iter().flat_map(|batch| &batch.readable);
        let over: Vec<_> = over.map(|(project, iid)| json!({"project_id": project, "iid": iid})).collect();
        self.write_rows(FORGET, &over).await
    }
}

impl Store {
    /// What GitLab could not deliver of a project: numbers of merge requests with its words, 0 for the project itself.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn unreadable(&self, source: Source, project: i64) -> Result<Vec<(i64, String)>, Error> {
        const OF_PROJECT: Sql = Sql::both(
            "select iid, reason from connector_unreadable where source = $1 and project_id = $2 order by iid",
        );
        let rows = self.fetch(OF_PROJECT, vec![Arg::Int(source.0), Arg::Int(project)]).await?;
        Ok(rows.iter().map(|row| (row.int(0), row.text(1))).collect())
    }
}
