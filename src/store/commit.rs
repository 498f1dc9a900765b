//! Committing batches: one transaction, a fixed order of tables, each table one statement.
//!
//! The order is: deliveries first; then, for each source and moment of reading, task, the raw tables from users to commits,
//! refreshes and checkpoints; facts last, of all that is stored by then; rows are in the order of their keys. So two transactions that meet usually wait and do not
//! deadlock. They can: one with several moments goes through the tables once for each, and merge requests are met as rows, as
//! events and as parents. PostgreSQL then breaks one of the two off, and it is tried again a few times.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use serde_json::json;

use super::database::{Arg, Sql, Tx};
use super::durability::Durability;
use super::figures;
use super::merge::{Sets, document, folded, newest};
use super::progress;
use super::rows::Username;
use super::tables::STATEMENTS;
use super::{Batch, Committed, Error, Source, Store};

/// How often a transaction is tried that the database broke off in favour of another.
const ATTEMPTS: u32 = 4;

impl Store {
    /// Stores a batch in one transaction.
    ///
    /// # Errors
    /// [`Error::ClaimLost`] when the batch's progress was made under a claim that is no longer in force.
    pub async fn commit(&self, source: Source, batch: &Batch) -> Result<Committed, Error> {
        let committed = self.commit_pairs(&[(source, batch)]).await?;
        Ok(committed.first().copied().unwrap_or(Committed::Stored))
    }

    /// Stores many batches in one transaction: one wait for the disk serves them all.
    ///
    /// Answers in the order of the batches. A delivery that occurs twice among them counts once.
    ///
    /// # Errors
    /// As [`Store::commit`]; then none of the batches is stored.
    pub async fn commit_all(&self, batches: &[(Source, Batch)]) -> Result<Vec<Committed>, Error> {
        let pairs: Vec<(Source, &Batch)> = batches.iter().map(|(source, batch)| (*source, batch)).collect();
        self.commit_pairs(&pairs).await
    }

    async fn commit_pairs(&self, batches: &[(Source, &Batch)]) -> Result<Vec<Committed>, Error> {
        let now = Timestamp::now();
        let mut attempt = 1;
        loop {
            match self.try_commit(batches, now).await {
                Err(Error::Busy(_)) if attempt < ATTEMPTS && matches!(self, Store::Postgres(_)) => {
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_commit(&self, batches: &[(Source, &Batch)], now: Timestamp) -> Result<Vec<Committed>, Error> {
        let carries_deliveries = batches.iter().any(|(_, batch)| !batch.deliveries.is_empty());
        let durability = if carries_deliveries { Durability::Disk } else { Durability::Process };
        let mut tx = self.begin(durability).await?;
        let committed = note_deliveries(&mut tx, batches, now).await?;

        // Batches that were read at one moment become one statement a table. Deliveries of one second are.
        let mut moments: BTreeMap<(Source, Timestamp), Vec<&Batch>> = BTreeMap::new();
        for ((source, batch), committed) in batches.iter().zip(&committed) {
            if *committed == Committed::Stored {
                // GitLab's clock may be ahead of ours: a row from the future would turn away what is read after it.
                let read_at = batch.as_of.map_or(now, |as_of| as_of.min(now));
                moments.entry((*source, read_at)).or_default().push(batch);
            }
        }
        let mut concerned: BTreeMap<Source, figures::Concerned> = BTreeMap::new();
        let mut recounts: BTreeSet<Source> = BTreeSet::new();
        for ((source, read_at), batches) in moments {
            let concerned = concerned.entry(source).or_default();
            concerned.ids.extend(batches.iter().flat_map(|batch| figures::named(batch)));
            let mut writer = Writer { tx: &mut tx, source, read_at, now, written: Written::default() };
            if writer.write(&batches).await? {
                recounts.insert(source);
            }
            concerned.held.extend(writer.written.ids);
            concerned.new.extend(writer.written.new);
        }
        for (source, concerned) in &concerned {
            tx.make_facts(*source, concerned).await?;
        }
        tx.commit().await?;
        for source in recounts {
            // The batch is stored; what is due stays on a list until somebody is through with it.
            let _ =
                self.recount(source).await.inspect_err(|error| tracing::warn!(%error, "some figures are old for now"));
        }
        Ok(committed)
    }
}

/// Records the deliveries and tells which batches bring a new one.
async fn note_deliveries(tx: &mut Tx, batches: &[(Source, &Batch)], now: Timestamp) -> Result<Vec<Committed>, Error> {
    const INSERT: Sql = Sql {
        postgres: "insert into connector_deliveries (source, id, event, project_id, iid, outcome, received_at)
            select r.source, r.id, r.event, r.project_id, r.iid, r.outcome, $2
            from json_populate_recordset(null::connector_deliveries, $1::text::json) r order by r.source, r.id
            on conflict do nothing returning source, id",
        sqlite: "insert into connector_deliveries (source, id, event, project_id, iid, outcome, received_at)
            select r.value->>'source', r.value->>'id', r.value->>'event', r.value->>'project_id', r.value->>'iid',
              r.value->>'outcome', $2
            from json_each($1) r where true
            on conflict do nothing returning source, id",
    };
    let delivered =
        || batches.iter().flat_map(|(source, batch)| batch.deliveries.iter().map(|delivery| (source.0, delivery)));
    if delivered().next().is_none() {
        return Ok(vec![Committed::Stored; batches.len()]);
    }

    let mut listed: HashSet<(i64, &str)> = HashSet::new();
    let facts: Vec<_> = delivered()
        .filter(|(source, delivery)| listed.insert((*source, &delivery.id)))
        .map(|(source, delivery)| {
            json!({
                "source": source, "id": delivery.id, "event": delivery.event, "project_id": delivery.project_id,
                "iid": delivery.iid, "outcome": delivery.outcome,
            })
        })
        .collect();
    let answer = tx.fetch(INSERT, vec![Arg::Text(document(&facts)?), Arg::Time(now)]).await?;
    let mut new: HashSet<(i64, String)> = answer.iter().map(|row| (row.int(0), row.text(1))).collect();

    // Taking an id out as it is met makes the second of two equal deliveries in this call a duplicate.
    let verdict = |(source, batch): &(Source, &Batch)| {
        let brought =
            batch.deliveries.iter().filter(|delivery| new.remove(&(source.0, without_nul(&delivery.id)))).count();
        if batch.deliveries.is_empty() || brought > 0 { Committed::Stored } else { Committed::Duplicate }
    };
    Ok(batches.iter().map(verdict).collect())
}

fn without_nul(id: &str) -> String {
    id.replace('\0', "")
}

/// The merge requests whose rows one moment wrote. On a first import nearly all are new: with nothing stored there is nothing to
/// compare, which would be half of all statements.
#[derive(Default)]
struct Written {
    /// All of them.
    ids: HashSet<i64>,
    /// Those of which nothing was stored before.
    new: HashSet<i64>,
}

/// Writes the batches of one source and one moment within a transaction.
pub(super) struct Writer<'t> {
    pub(super) tx: &'t mut Tx,
    pub(super) source: Source,
    /// When the rows were read from GitLab.
    pub(super) read_at: Timestamp,
    now: Timestamp,
    written: Written,
}

/// Remembers names. Those that are known are not even locked: the same few people are in nearly every batch.
const NAMES: Sql = Sql {
    postgres: "insert into gitlab_usernames (source, username, user_id, first_seen_at)
        select $1, r.username, r.user_id, $3 from json_populate_recordset(null::gitlab_usernames, $2::text::json) r
        order by r.username, r.user_id on conflict do nothing",
    sqlite:
        "insert into gitlab_usernames (source, username, user_id, first_seen_at)
        select $1, r.value->>'username', r.value->>'user_id', $3 from json_each($2) r where true on conflict do nothing",
};

impl Writer<'_> {
    /// Answers whether facts of other merge requests are to be made anew.
    async fn write(&mut self, batches: &[&Batch]) -> Result<bool, Error> {
        for advance in batches.iter().filter_map(|batch| batch.progress.as_ref()) {
            progress::advance(self.tx, advance).await?;
        }
        self.rows(batches).await?;
        let recount = self.look_at_users(batches).await?;
        self.children(batches).await?;
        self.deployments(batches).await?;
        self.pipelines(batches).await?;
        self.meet(batches).await?;
        self.gone(batches).await?;
        self.stand(batches).await?;
        self.lists(batches).await?;
        self.unreadable(batches).await?;
        progress::refreshes(self.tx, self.source, batches, self.now).await?;
        for batch in batches {
            progress::plan(self.tx, self.source, batch, self.now).await?;
            progress::checkpoint(self.tx, batch, self.now).await?;
        }
        Ok(recount)
    }

    async fn rows(&mut self, batches: &[&Batch]) -> Result<(), Error> {
        let sql = &*STATEMENTS;
        let each = || batches.iter().copied();
        self.write_rows(sql.users, &folded(each().flat_map(|batch| &batch.users))?).await?;
        let names = each().flat_map(|batch| &batch.users);
        let names: Vec<_> = names.map(|user| Username { username: user.username.clone(), user_id: user.id }).collect();
        self.write_rows(NAMES, &newest(names.iter())).await?;
        self.write_rows(sql.groups, &folded(each().flat_map(|batch| &batch.groups))?).await?;
        self.write_rows(sql.projects, &folded(each().flat_map(|batch| &batch.projects))?).await?;
        self.write_rows(sql.labels, &newest(each().flat_map(|batch| &batch.labels))).await?;
        self.write_rows(sql.members, &newest(each().flat_map(|batch| &batch.members))).await?;
        let known = self.known(batches).await?;
        let (anew, usual): (Vec<&Batch>, Vec<&Batch>) = each().partition(|batch| batch.meets);
        let anew = newest(anew.iter().flat_map(|batch| &batch.merge_requests));
        self.write_merge_requests(sql.merge_requests_anew, &anew, &known).await?;
        let usual = newest(usual.iter().flat_map(|batch| &batch.merge_requests));
        self.write_merge_requests(sql.merge_requests, &usual, &known).await?;
        let events = folded(each().flat_map(|batch| &batch.merge_request_events))?;
        self.write_merge_requests(sql.merge_request_events, &events, &known).await
    }

    /// The merge requests that SQLite has already: it writes for one at a time, so nobody else adds any meanwhile.
    /// PostgreSQL tells of each row that it writes whether it was there.
    async fn known(&mut self, batches: &[&Batch]) -> Result<HashSet<i64>, Error> {
        const KNOWN: Sql = Sql::both(
            "select m.id from json_each($2) c cross join gitlab_merge_requests m on m.source = $1 and m.id = c.value",
        );
        let rows = batches.iter().flat_map(|batch| batch.merge_requests.iter().chain(&batch.merge_request_events));
        let ids: BTreeSet<i64> = rows.map(|row| row.id).collect();
        match self.tx {
            Tx::Sqlite(_) => Ok(self.ids_of_document(KNOWN, &Vec::from_iter(ids)).await?.into_iter().collect()),
            Tx::Postgres(_) => Ok(HashSet::new()),
        }
    }

    async fn write_merge_requests<T: serde::Serialize>(
        &mut self,
        sql: Sql,
        rows: &[T],
        known: &HashSet<i64>,
    ) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        for row in self.tx.fetch(sql, self.arguments(sql, rows)?).await? {
            let (id, inserted) = (row.int(0), row.flag(1));
            if self.written.ids.insert(id) && inserted && !known.contains(&id) {
                self.written.new.insert(id);
            }
        }
        Ok(())
    }

    async fn children(&mut self, batches: &[&Batch]) -> Result<(), Error> {
        let sql = &*STATEMENTS;
        let sets = Sets::new(batches);
        let stale = self.stale(&sets).await?;

        let notes = sets.children(batches, |batch| &batch.notes, &stale);
        let approvals = sets.children(batches, |batch| &batch.approvals, &stale);
        let commits = sets.children(batches, |batch| &batch.commits, &stale);
        let mut touched = BTreeSet::new();
        touched.extend(self.ids_of_document(sql.notes, &notes).await?);
        touched.extend(self.ids_of_document(sql.approvals, &approvals).await?);
        touched.extend(self.ids_of_document(sql.commits, &commits).await?);
        let passed: HashSet<i64> = stale.union(&self.written.new).copied().collect();
        touched.extend(self.ids_of_document(sql.gone_notes, &sets.kept(&notes, &passed)).await?);
        touched.extend(self.ids_of_document(sql.gone_approvals, &sets.kept(&approvals, &passed)).await?);
        touched.extend(self.ids_of_document(sql.gone_commits, &sets.kept(&commits, &passed)).await?);
        touched.retain(|id| sets.contains(*id) && !self.written.ids.contains(id));
        self.touch(touched).await
    }

    /// Tells when merge requests were read of which only the children are news: sets that were read before are stale now.
    async fn touch(&mut self, ids: BTreeSet<i64>) -> Result<(), Error> {
        const TOUCH: Sql = Sql {
            // By their places: while PostgreSQL believes the table to be empty, it would compare all of its rows.
            postgres: "update gitlab_merge_requests t set synced_at = $3 where t.ctid = any (array(
                select s.row from json_array_elements_text($2::text::json) w cross join lateral (
                  select x.ctid as row from gitlab_merge_requests x
                  where x.source = $1 and x.id = w.value::bigint offset 0) s)) and t.synced_at < $3",
            sqlite: "update gitlab_merge_requests set synced_at = $3
                where source = $1 and id in (select value from json_each($2)) and synced_at < $3",
        };
        self.write_rows(TOUCH, &Vec::from_iter(ids)).await
    }

    /// Merge requests of which a newer version is stored than the set that we bring, or the same one read later. Locks
    /// them against others.
    async fn stale(&mut self, sets: &Sets<'_>) -> Result<HashSet<i64>, Error> {
        const STALE: Sql = Sql {
            // One look-up by key for each, in the order of the ids: while a table that grows quickly has no statistics, a
            // plain join is planned as a scan of all rows of the source.
            postgres: "select m.id from json_to_recordset($2::text::json) as c(id bigint, as_of timestamptz)
                cross join lateral (select s.id from gitlab_merge_requests s
                  where s.source = $1 and s.id = c.id and (s.updated_at, s.synced_at) > (c.as_of, $3) for no key update) m",
            sqlite: "select m.id from json_each($2) c
                cross join gitlab_merge_requests m on m.source = $1 and m.id = c.value->>'id'
                where (m.updated_at, m.synced_at) > (c.value->>'as_of', $3)",
        };
        let ages = sets.ages(&self.written.new);
        if ages.is_empty() {
            return Ok(HashSet::new());
        }
        let args = vec![Arg::Int(self.source.0), Arg::Text(document(&ages)?), Arg::Time(self.read_at)];
        let rows = self.tx.fetch(STALE, args).await?;
        Ok(rows.iter().map(|row| row.int(0)).collect())
    }

    /// A statement about the rows of a document, unless there are none.
    pub(super) async fn write_rows<T: serde::Serialize>(&mut self, sql: Sql, rows: &[T]) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        self.tx.execute(sql, self.arguments(sql, rows)?).await.map(drop)
    }

    /// The same, for a statement that answers with ids.
    async fn ids_of_document<T: serde::Serialize>(&mut self, sql: Sql, rows: &[T]) -> Result<Vec<i64>, Error> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.tx.fetch(sql, self.arguments(sql, rows)?).await?;
        Ok(rows.iter().map(|row| row.int(0)).collect())
    }

    /// The source, the document, and when it was read where the statement asks for that.
    fn arguments<T: serde::Serialize>(&self, sql: Sql, rows: &[T]) -> Result<Vec<Arg>, Error> {
        let mut args = vec![Arg::Int(self.source.0), Arg::Text(document(rows)?)];
        if sql.sqlite.contains("$3") {
            args.push(Arg::Time(self.read_at));
        }
        Ok(args)
    }
}
