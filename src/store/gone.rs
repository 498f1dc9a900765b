//! What is not there any more. Nothing is deleted: a mark says since when, and goes when GitLab shows the row again.
//!
//! A label or membership is marked that a whole list lacks, unless the list is empty: then GitLab may only be silent. A merge
//! request is marked once somebody has asked for it by itself; see [`Batch::deleted`].

use jiff::Timestamp;
use serde_json::json;

use super::commit::Writer;
use super::database::{Arg, Sql};
use super::{Absent, Batch, Error, Source, Store, rows};

/// Marks rows of a table as gone by their ids, but for those read later.
macro_rules! gone_by_id {
    ($table:literal) => {
        Sql {
            postgres: concat!(
                "update ",
                $table,
                " set gone_at = $3
                where source = $1 and id in (select value::bigint from json_array_elements_text($2::text::json))
                  and synced_at <= $3 and gone_at is null"
            ),
            sqlite: concat!(
                "update ",
                $table,
                " set gone_at = $3
                where source = $1 and id in (select value from json_each($2)) and synced_at <= $3 and gone_at is null"
            ),
        }
    };
}
pub(super) use gone_by_id;

const MEET: Sql = Sql {
    postgres: "insert into connector_met (task_id, merge_request_id)
        select $1, value::bigint from json_array_elements_text($2::text::json) on conflict do nothing",
    sqlite: "insert into connector_met (task_id, merge_request_id)
        select $1, value from json_each($2) where true on conflict do nothing",
};

const GONE_LABELS: Sql = Sql {
    // By their places: while PostgreSQL believes the table to be empty, it would compare all of its rows.
    postgres: "update gitlab_labels t set gone_at = $3 where t.ctid = any (array(
        select l.row from json_to_recordset($2::text::json) as c(kind text, holder_id bigint, keep bigint[])
        cross join lateral (select x.ctid as row, x.id from gitlab_labels x
          where x.source = $1 and x.kind = c.kind and x.holder_id = c.holder_id offset 0) l
        where l.id <> all (c.keep))) and t.gone_at is null and t.synced_at <= $3",
    sqlite: "update gitlab_labels set gone_at = $3 where source = $1 and (kind, holder_id, id) in (
        select t.kind, t.holder_id, t.id from json_each($2) c
        cross join gitlab_labels t on t.source = $1 and t.kind = c.value->>'kind' and t.holder_id = c.value->>'holder_id'
          and t.gone_at is null
        where t.synced_at <= $3 and t.id not in (select value from json_each(c.value->'keep')))",
};

const GONE_MEMBERS: Sql = Sql {
    postgres: "update gitlab_members t set gone_at = $3 where t.ctid = any (array(
        select m.row from json_to_recordset($2::text::json) as c(kind text, holder_id bigint, keep bigint[])
        cross join lateral (select x.ctid as row, x.user_id from gitlab_members x
          where x.source = $1 and x.kind = c.kind and x.holder_id = c.holder_id offset 0) m
        where m.user_id <> all (c.keep))) and t.gone_at is null and t.synced_at <= $3",
    sqlite: "update gitlab_members set gone_at = $3 where source = $1 and (kind, holder_id, user_id) in (
        select t.kind, t.holder_id, t.user_id from json_each($2) c
        cross join gitlab_members t on t.source = $1 and t.kind = c.value->>'kind' and t.holder_id = c.value->>'holder_id'
          and t.gone_at is null
        where t.synced_at <= $3 and t.user_id not in (select value from json_each(c.value->'keep')))",
};

const DELETED: Sql = Sql {
    postgres: "update gitlab_merge_requests set deleted_at = $3, unreadable_at = null
        where source = $1 and id in (select value::bigint from json_array_elements_text($2::text::json))
          and synced_at <= $3 and deleted_at is null",
    sqlite: "update gitlab_merge_requests set deleted_at = $3, unreadable_at = null
        where source = $1 and id in (select value from json_each($2)) and synced_at <= $3 and deleted_at is null",
};

const HIDDEN: Sql = Sql {
    postgres: "update gitlab_merge_requests set unreadable_at = $3
        where source = $1 and id in (select value::bigint from json_array_elements_text($2::text::json))
          and synced_at <= $3 and unreadable_at is null and deleted_at is null",
    sqlite: "update gitlab_merge_requests set unreadable_at = $3
        where source = $1 and id in (select value from json_each($2))
          and synced_at <= $3 and unreadable_at is null and deleted_at is null",
};

impl Store {
    /// Merge requests of a task's project that its full pass has not met, at most 100, in the order of their ids and behind
    /// the id `after`; with `since`, only those that the pass was to meet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn unmet(
        &self,
        source: Source,
        (task, project): (i64, i64),
        since: Option<Timestamp>,
        after: i64,
    ) -> Result<Vec<Absent>, Error> {
        const UNMET: Sql = Sql::both(
            "select m.id, m.iid, m.author_id from gitlab_merge_requests m
             where m.source = $1 and m.project_id = $2 and m.id > $3 and m.deleted_at is null
               and m.updated_at >= coalesce($5, m.updated_at)
               and not exists (select 1 from connector_met t where t.task_id = $4 and t.merge_request_id = m.id)
             order by m.id limit 100",
        );
        let args = vec![Arg::Int(source.0), Arg::Int(project), Arg::Int(after), Arg::Int(task), Arg::MaybeTime(since)];
        let rows = self.fetch(UNMET, args).await?;
        Ok(rows.iter().map(|row| Absent { id: row.int(0), iid: row.int(1), author_id: row.maybe_int(2) }).collect())
    }
}

impl Writer<'_> {
    /// Tells which merge requests a full pass has met, also those of which a newer version is stored.
    pub(super) async fn meet(&mut self, batches: &[&Batch]) -> Result<(), Error> {
        for batch in batches.iter().filter(|batch| batch.meets && !batch.merge_requests.is_empty()) {
            let Some(progress) = &batch.progress else { continue };
            let ids: Vec<i64> = batch.merge_requests.iter().map(|row| row.id).collect();
            self.tx.execute(MEET, vec![Arg::Int(progress.task), Arg::Text(super::merge::document(&ids)?)]).await?;
        }
        Ok(())
    }

    /// Marks what is not there any more.
    pub(super) async fn gone(&mut self, batches: &[&Batch]) -> Result<(), Error> {
        for batch in batches {
            self.gone_labels(batch).await?;
            self.gone_members(batch).await?;
            self.write_rows(DELETED, &batch.deleted).await?;
            self.write_rows(HIDDEN, &batch.hidden).await?;
        }
        Ok(())
    }

    async fn gone_labels(&mut self, batch: &Batch) -> Result<(), Error> {
        let set = |(kind, holder): &(rows::HolderKind, i64)| {
            let of_holder = batch.labels.iter().filter(|row| row.kind == *kind && row.holder_id == *holder);
            let keep: Vec<i64> = of_holder.map(|row| row.id).collect();
            (!keep.is_empty()).then(|| json!({"kind": kind, "holder_id": holder, "keep": keep}))
        };
        let sets: Vec<_> = batch.complete_labels.iter().filter_map(set).collect();
        self.write_rows(GONE_LABELS, &sets).await
    }

    async fn gone_members(&mut self, batch: &Batch) -> Result<(), Error> {
        let set = |(kind, holder): &(rows::HolderKind, i64)| {
            let of_holder = batch.members.iter().filter(|row| row.kind == *kind && row.holder_id == *holder);
            let keep: Vec<i64> = of_holder.map(|row| row.user_id).collect();
            (!keep.is_empty()).then(|| json!({"kind": kind, "holder_id": holder, "keep": keep}))
        };
        let sets: Vec<_> = batch.complete_members.iter().filter_map(set).collect();
        self.write_rows(GONE_MEMBERS, &sets).await
    }
}
