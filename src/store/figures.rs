//! What the figures of merge requests are made of, kept beside them.
//!
//! Facts are made from the rows that are stored, in the transaction that changes these: whoever brings a row, the facts are
//! those of all rows. `connector_participants` comes first, from notes and approvals, then `connector_facts` from that, from
//! commits and from the merge request. What nothing changes is not written.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::database::{Arg, Sql, Tx};
use super::durability::Durability;
use super::merge::document;
use super::template::{Dialect, render};
use super::{Batch, Error, Source, Store};

/// Merge requests whose facts are made in one transaction where they are made anew.
const CHUNK: usize = 500;

/// Stands in the place of a user where all facts of a connection are to be made anew.
const EVERYBODY: i64 = 0;

// Sub-queries below are scalars and no joins: while PostgreSQL believes a table to be empty, it would join it whole.

/// Who took part in the merge requests, by person and week. Reviews that are not stored to their end say nothing.
const EVENTS: &str = "
    select e.merge_request_id, e.user_id, e.week, e.project_id, e.author_id,
      sum(case when e.action = 'commented' then 1 else 0 end) as comments,
      sum(case when e.action = 'approved' then 1 else 0 end) as approvals,
      sum(case when e.in_time then 1 else 0 end) as reviews,
      max(case when e.in_time and e.action = 'approved' then 1 else 0 end) = 1 as approved,
      min(case when e.in_time then e.created_at end) as first_review_at,
      min(case when e.in_time and e.action = 'approved' then e.created_at end) as first_approval_at
    from (
      select m.id as merge_request_id, m.project_id, m.author_id, n.author_id as user_id, n.created_at,
        case when n.system then n.action else 'commented' end as action, {week(n.created_at)} as week,
        m.merged_at is null or n.created_at <= m.merged_at as in_time
      from {wanted} {of(gitlab_merge_requests, m, id, w.id)} {of(gitlab_notes, n, merge_request_id, m.id)}
      where m.reviews_complete and m.deleted_at is null and n.gone_at is null and n.author_id is not null
        and (not n.system or n.action in ('approved', 'requested_changes'))
      union all
      select m.id, m.project_id, m.author_id, a.user_id, a.approved_at, 'approved',
        {week(coalesce(a.approved_at, m.merged_at, m.created_at))},
        m.merged_at is null or a.approved_at is null or a.approved_at <= m.merged_at
      from {wanted} {of(gitlab_merge_requests, m, id, w.id)} {of(gitlab_approvals, a, merge_request_id, m.id)}
      where m.reviews_complete and m.deleted_at is null and a.gone_at is null
        and (select count(*) from gitlab_notes n where n.source = $1 and n.merge_request_id = m.id
          and n.action = 'approved' and n.author_id = a.user_id and n.gone_at is null) = 0
    ) e
    group by e.merge_request_id, e.user_id, e.week, e.project_id, e.author_id";

/// Who took part no more. Nearly always nobody, and the rows to delete are found by their whole key.
const LEFT: &str = "
    delete from connector_participants where source = $1 and (merge_request_id, user_id, week) in (
      select p.merge_request_id, p.user_id, p.week from {wanted} {of(connector_participants, p, merge_request_id, w.id)}
      where (p.merge_request_id, p.user_id, p.week) not in (select e.merge_request_id, e.user_id, e.week from ({events}) e))";

const PARTICIPANTS: &str = "
    insert into connector_participants as t (source, merge_request_id, user_id, week, {columns})
    select $1, e.merge_request_id, e.user_id, e.week, e.project_id, e.kind,
      coalesce(e.user_id = e.author_id and e.kind <> 'ghost', false),
      e.comments, e.approvals, e.reviews, e.approved, e.first_review_at, e.first_approval_at
    from (select e.*, coalesce((select u.kind from gitlab_users u where u.source = $1 and u.id = e.user_id), 'person') as kind
      from ({events}) e) e
    where true order by e.merge_request_id, e.user_id, e.week
    on conflict (source, merge_request_id, user_id, week) do update set {updates}";

const PARTICIPANT: &[&str] = &[
    "project_id",
    "kind",
    "is_own",
    "comments",
    "approvals",
    "reviews",
    "approved",
    "first_review_at",
    "first_approval_at",
];

const FACTS: &str = "
    insert into connector_facts as t (source, merge_request_id, {columns})
    select $1, m.id, m.project_id, m.author_id,
      case when m.author_id is not null then
        coalesce((select u.kind from gitlab_users u where u.source = $1 and u.id = m.author_id), 'person') end,
      m.created_at, {week(m.created_at)},
      case when m.draft then null else coalesce(m.ready_at, (select max(n.created_at) from gitlab_notes n
        where n.source = $1 and n.merge_request_id = m.id and n.action = 'ready' and n.gone_at is null), m.created_at) end,
      m.merged_at, {week(m.merged_at)}, case when m.merged_at is null then {week(m.closed_at)} end,
      case when m.commits_complete then (select min(c.authored_at) from gitlab_merge_request_commits c
        where c.source = $1 and c.merge_request_id = m.id and c.gone_at is null) end,
      p.first_review_at, p.first_approval_at,
      case when m.reviews_complete then coalesce(p.reviews, 0) end,
      case when m.reviews_complete then coalesce(p.reviewers, 0) end,
      case when m.reviews_complete then coalesce(p.approvers, 0) end,
      case when m.reviews_complete then coalesce(p.comments, 0) end,
      m.additions + m.deletions, m.changed_files
    from {wanted} {of(gitlab_merge_requests, m, id, w.id)}
    left join (
      select p.merge_request_id,
        min(case when not p.is_own then p.first_review_at end) as first_review_at,
        min(case when not p.is_own then p.first_approval_at end) as first_approval_at,
        sum(case when not p.is_own then p.reviews else 0 end) as reviews,
        count(distinct case when not p.is_own and p.reviews > 0 then p.user_id end) as reviewers,
        count(distinct case when not p.is_own and p.approved then p.user_id end) as approvers,
        sum(p.comments) as comments
      from {wanted} {of(connector_participants, p, merge_request_id, w.id)}
      where p.kind = 'person' group by p.merge_request_id
    ) p on p.merge_request_id = m.id
    where m.deleted_at is null order by m.id
    on conflict (source, merge_request_id) do update set {updates}";

const FACT: &[&str] = &[
    "project_id",
    "author_id",
    "author_kind",
    "created_at",
    "created_week",
    "ready_at",
    "merged_at",
    "merged_week",
    "closed_week",
    "first_commit_at",
    "first_review_at",
    "first_approval_at",
    "review_count",
    "reviewer_count",
    "approval_count",
    "comment_count",
    "lines",
    "files",
];

/// Facts of what is deleted.
const DELETED: &str = "
    delete from connector_facts where source = $1 and merge_request_id in (
      select m.id from {wanted} {of(gitlab_merge_requests, m, id, w.id)} where m.deleted_at is not null)";

/// The statements, made once for the life of the process.
struct Statements {
    left: Sql,
    participants: Sql,
    facts: Sql,
    deleted: Sql,
}

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements {
    left: sql(LEFT, &[]),
    participants: sql(PARTICIPANTS, PARTICIPANT),
    facts: sql(FACTS, FACT),
    deleted: sql(DELETED, &[]),
});

fn sql(template: &str, columns: &[&str]) -> Sql {
    let updates: Vec<String> = columns.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let news: Vec<String> = columns.iter().map(|name| format!("t.{name} is distinct from excluded.{name}")).collect();
    let text = template
        .replace("{events}", EVENTS)
        .replace("{columns}", &columns.join(", "))
        .replace("{updates}", &format!("{} where {}", updates.join(", "), news.join(" or ")));
    Sql { postgres: render(&text, Dialect::Postgres).leak(), sqlite: render(&text, Dialect::Sqlite).leak() }
}

/// The merge requests that a batch says anything of.
pub(super) fn named(batch: &Batch) -> impl Iterator<Item = i64> {
    let rows = batch.merge_requests.iter().chain(&batch.merge_request_events).map(|row| row.id);
    let notes = batch.notes.iter().map(|row| row.merge_request_id);
    let approvals = batch.approvals.iter().map(|row| row.merge_request_id);
    let commits = batch.commits.iter().map(|row| row.merge_request_id);
    let sets = batch.complete.iter().map(|set| set.merge_request_id);
    rows.chain(notes).chain(approvals).chain(commits).chain(sets).chain(batch.deleted.iter().copied())
}

/// The merge requests that a transaction concerns.
#[derive(Default)]
pub(super) struct Concerned {
    /// All of them.
    pub(super) ids: BTreeSet<i64>,
    /// Those whose rows the transaction wrote, and so holds against others.
    pub(super) held: BTreeSet<i64>,
    /// Those of which nothing was stored before, facts neither.
    pub(super) new: BTreeSet<i64>,
}

impl Tx {
    /// Makes the facts of some merge requests from what is stored of them.
    pub(super) async fn make_facts(&mut self, source: Source, concerned: &Concerned) -> Result<(), Error> {
        // Two who bring comments on one merge request do not see each other's: the second one waits, and counts both.
        const LOCK: Sql = Sql::both(
            "select m.id from json_array_elements_text($2::text::json) w cross join lateral (
               select s.id from gitlab_merge_requests s where s.source = $1 and s.id = w.value::bigint
               for no key update) m",
        );
        let Concerned { ids, held, new } = concerned;
        let known: Vec<&i64> = ids.difference(new).collect();
        if let Tx::Postgres(_) = self {
            self.on_ids(LOCK, source, &ids.difference(held).collect::<Vec<_>>()).await?;
        }
        self.on_ids(STATEMENTS.left, source, &known).await?;
        let all: Vec<&i64> = ids.iter().collect();
        self.on_ids(STATEMENTS.participants, source, &all).await?;
        self.on_ids(STATEMENTS.facts, source, &all).await?;
        self.on_ids(STATEMENTS.deleted, source, &known).await
    }

    /// A statement about some merge requests, unless there are none.
    async fn on_ids(&mut self, sql: Sql, source: Source, ids: &[&i64]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        self.execute(sql, vec![Arg::Int(source.0), Arg::Text(document(ids)?)]).await.map(drop)
    }
}

impl Store {
    /// Makes facts anew where users became bots or people since they were made, or a new version makes others.
    ///
    /// Goes on where somebody else was interrupted.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn recount(&self, source: Source) -> Result<(), Error> {
        const DUE: Sql = Sql::both("select user_id, mark from connector_recounts where source = $1 order by user_id");
        const DONE: Sql = Sql::both("delete from connector_recounts where source = $1 and user_id = $2 and mark = $3");
        const NAMING: Sql = Sql::both(
            "select merge_request_id from connector_participants where source = $1 and user_id = $2
             union select merge_request_id from connector_facts where source = $1 and author_id = $2 order by 1",
        );
        const ALL: Sql = Sql::both(
            "select id from gitlab_merge_requests where source = $1 and id > $2 and deleted_at is null order by id limit 500",
        );
        for due in self.fetch(DUE, vec![Arg::Int(source.0)]).await? {
            let (user, mark) = (due.int(0), due.int(1));
            if user == EVERYBODY {
                let mut last = 0;
                loop {
                    let rows = self.fetch(ALL, vec![Arg::Int(source.0), Arg::Int(last)]).await?;
                    let Some(end) = rows.last() else { break };
                    last = end.int(0);
                    self.make_chunk(source, rows.iter().map(|row| row.int(0)).collect()).await?;
                }
            } else {
                let rows = self.fetch(NAMING, vec![Arg::Int(source.0), Arg::Int(user)]).await?;
                for chunk in rows.chunks(CHUNK) {
                    self.make_chunk(source, chunk.iter().map(|row| row.int(0)).collect()).await?;
                }
            }
            self.execute(DONE, vec![Arg::Int(source.0), Arg::Int(user), Arg::Int(mark)]).await?;
        }
        Ok(())
    }

    async fn make_chunk(&self, source: Source, ids: BTreeSet<i64>) -> Result<(), Error> {
        let mut tx = self.begin(Durability::Process).await?;
        tx.make_facts(source, &Concerned { ids, ..Concerned::default() }).await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_macro_of_the_statements_is_known() {
        let Statements { left, participants, facts, deleted } = &*STATEMENTS;
        for sql in [left, participants, facts, deleted] {
            assert!(!sql.postgres.contains(['{', '}']), "{}", sql.postgres);
            assert!(!sql.sqlite.contains(['{', '}']), "{}", sql.sqlite);
        }
    }
}
