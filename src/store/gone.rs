//! What GitLab no longer has: absent from a complete set, or not met by a full pass.

use serde_json::json;

use super::commit::Writer;
use super::database::{Arg, Sql};
use super::merge::document;
use super::{Batch, Error, Source, Store, rows};

const STAMP: Sql = Sql {
    postgres: "update gitlab_merge_requests set synced_run = $3
        where source = $1 and id in (select value::bigint from json_array_elements_text($2::text::json))
          and coalesce(synced_run, 0) < $3",
    sqlite: "update gitlab_merge_requests set synced_run = $3
        where source = $1 and id in (select value from json_each($2)) and coalesce(synced_run, 0) < $3",
};

/// What was read after the run began may be new: the run need not have met it.
const SWEEP: Sql = Sql::both(
    "delete from gitlab_merge_requests where source = $1 and project_id = $2 and coalesce(synced_run, 0) < $3
       and synced_at < (select started_at from connector_runs where id = $3)
     returning id",
);

/// What [`SWEEP`] would remove.
const UNMET: Sql = Sql::both(
    "select 1 from gitlab_merge_requests where source = $1 and project_id = $2 and coalesce(synced_run, 0) < $3
       and synced_at < (select started_at from connector_runs where id = $3) limit 1",
);

const ORPHANS: [Sql; 3] = [
    Sql {
        postgres: "delete from gitlab_notes where source = $1
            and merge_request_id in (select value::bigint from json_array_elements_text($2::text::json))",
        sqlite: "delete from gitlab_notes where source = $1 and merge_request_id in (select value from json_each($2))",
    },
    Sql {
        postgres: "delete from gitlab_approvals where source = $1
            and merge_request_id in (select value::bigint from json_array_elements_text($2::text::json))",
        sqlite: "delete from gitlab_approvals where source = $1 and merge_request_id in (select value from json_each($2))",
    },
    Sql {
        postgres: "delete from gitlab_merge_request_commits where source = $1
            and merge_request_id in (select value::bigint from json_array_elements_text($2::text::json))",
        sqlite: "delete from gitlab_merge_request_commits where source = $1
            and merge_request_id in (select value from json_each($2))",
    },
];

const DROP_LABELS: Sql = Sql {
    postgres: "delete from gitlab_labels t
        using json_to_recordset($2::text::json) as c(project_id bigint, as_of timestamptz, keep bigint[])
        where t.source = $1 and t.project_id = c.project_id and t.synced_at <= c.as_of and t.id <> all (c.keep)",
    sqlite: "delete from gitlab_labels where source = $1 and (project_id, id) in (
        select t.project_id, t.id from json_each($2) c
        cross join gitlab_labels t on t.source = $1 and t.project_id = c.value->>'project_id'
        where t.synced_at <= c.value->>'as_of' and t.id not in (select value from json_each(c.value->'keep')))",
};

const DROP_MEMBERS: Sql = Sql {
    postgres: "delete from gitlab_members t
        using json_to_recordset($2::text::json) as c(kind text, holder_id bigint, as_of timestamptz, keep bigint[])
        where t.source = $1 and t.kind = c.kind and t.holder_id = c.holder_id and t.synced_at <= c.as_of
          and t.user_id <> all (c.keep)",
    sqlite: "delete from gitlab_members where source = $1 and (kind, holder_id, user_id) in (
        select t.kind, t.holder_id, t.user_id from json_each($2) c
        cross join gitlab_members t on t.source = $1 and t.kind = c.value->>'kind' and t.holder_id = c.value->>'holder_id'
        where t.synced_at <= c.value->>'as_of' and t.user_id not in (select value from json_each(c.value->'keep')))",
};

impl Store {
    /// Whether a project has merge requests that a run has not met, which a [`Sweep`](super::Sweep) would remove.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn has_unmet(&self, source: Source, project: i64, run: i64) -> Result<bool, Error> {
        let args = vec![Arg::Int(source.0), Arg::Int(project), Arg::Int(run)];
        Ok(!self.fetch(UNMET, args).await?.is_empty())
    }
}

impl Writer<'_> {
    /// Tells that a run saw merge requests, also those of which a newer version was stored already.
    pub(super) async fn stamp(&mut self, batches: &[&Batch]) -> Result<(), Error> {
        for (batch, run) in batches.iter().filter_map(|batch| Some((batch, batch.run_id?))) {
            let mut ids: Vec<i64> = batch.merge_requests.iter().map(|row| row.id).collect();
            ids.sort_unstable();
            let args = vec![Arg::Int(self.source.0), Arg::Text(document(&ids)?), Arg::Int(run)];
            self.tx.execute(STAMP, args).await?;
        }
        Ok(())
    }

    /// Removes labels and members that complete sets lack, and merge requests that a full pass did not meet.
    pub(super) async fn gone(&mut self, batches: &[&Batch]) -> Result<(), Error> {
        for batch in batches {
            self.drop_labels(batch).await?;
            self.drop_members(batch).await?;
            self.sweep(batch).await?;
        }
        Ok(())
    }

    async fn drop_labels(&mut self, batch: &Batch) -> Result<(), Error> {
        let as_of = rows::text(self.read_at);
        let set = |project: &i64| {
            let of_project = batch.labels.iter().filter(|row| row.project_id == *project);
            let keep: Vec<i64> = of_project.map(|row| row.id).collect();
            json!({"project_id": project, "as_of": as_of, "keep": keep})
        };
        let sets: Vec<_> = batch.complete_labels.iter().map(set).collect();
        self.with_document(DROP_LABELS, &sets).await
    }

    async fn drop_members(&mut self, batch: &Batch) -> Result<(), Error> {
        let as_of = rows::text(self.read_at);
        let set = |(kind, holder): &(rows::MemberKind, i64)| {
            let of_holder = batch.members.iter().filter(|row| row.kind == *kind && row.holder_id == *holder);
            let keep: Vec<i64> = of_holder.map(|row| row.user_id).collect();
            json!({"kind": kind, "holder_id": holder, "as_of": as_of, "keep": keep})
        };
        let sets: Vec<_> = batch.complete_members.iter().map(set).collect();
        self.with_document(DROP_MEMBERS, &sets).await
    }

    async fn sweep(&mut self, batch: &Batch) -> Result<(), Error> {
        let (Some(sweep), Some(run)) = (batch.sweep, batch.run_id) else {
            return Ok(());
        };
        let args = vec![Arg::Int(self.source.0), Arg::Int(sweep.project_id), Arg::Int(run)];
        let unseen: Vec<i64> = self.tx.fetch(SWEEP, args).await?.iter().map(|row| row.int(0)).collect();
        for sql in ORPHANS {
            self.with_document(sql, &unseen).await?;
        }
        Ok(())
    }
}
