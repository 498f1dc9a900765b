//! Who is a person, who is a bot, and who is GitLab's ghost, which stands for all accounts that are deleted.
//!
//! It is kept with the user, because figures leave bots out: where it changes, the facts that name the user are made anew.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::commit::Writer;
use super::database::{Arg, Sql, Tx};
use super::durability::Durability;
use super::merge::document;
use super::template::{Dialect, render};
use super::{Batch, Error, Source, Store};

/// An exception wins over GitLab's flag, and that over a pattern.
const KIND: &str = "case
    when lower(u.username) = 'ghost' then 'ghost'
    when exists (select 1 from connector_bot_patterns p
      where not p.is_bot and lower(u.username) like p.pattern escape '!') then 'person'
    when u.bot then 'bot'
    when exists (select 1 from connector_bot_patterns p
      where p.is_bot and lower(u.username) like p.pattern escape '!') then 'bot'
    else 'person' end";

struct Statements {
    /// Users of a document who are not what they are said to be.
    changed: Sql,
    /// The same of all users.
    all_changed: Sql,
    set: Sql,
    /// Users of a document whom facts name.
    due: Sql,
}

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements {
    changed: sql("select u.id from {wanted} {of(gitlab_users, u, id, w.id)} where u.kind is distinct from {kind}"),
    all_changed: sql("select u.id from gitlab_users u where u.source = $1 and u.kind is distinct from {kind}"),
    set: sql("update gitlab_users as u set kind = {kind} where u.source = $1 and u.id in (select w.id from {wanted})"),
    due: sql("insert into connector_recounts as t (source, user_id) select $1, w.id from {wanted}
        where exists (select 1 from connector_participants p where p.source = $1 and p.user_id = w.id)
           or exists (select 1 from connector_facts f where f.source = $1 and f.author_id = w.id)
        on conflict (source, user_id) do update set mark = t.mark + 1"),
});

fn sql(template: &str) -> Sql {
    let text = template.replace("{kind}", KIND);
    Sql { postgres: render(&text, Dialect::Postgres).leak(), sqlite: render(&text, Dialect::Sqlite).leak() }
}

impl Writer<'_> {
    /// Looks at the users of some batches. Answers whether facts of other merge requests are to be made anew.
    pub(super) async fn look_at_users(&mut self, batches: &[&Batch]) -> Result<bool, Error> {
        // Each once: one statement may not count a user twice.
        let users: BTreeSet<i64> = batches.iter().flat_map(|batch| &batch.users).map(|user| user.id).collect();
        if users.is_empty() {
            return Ok(false);
        }
        let args = vec![Arg::Int(self.source.0), Arg::Text(document(&Vec::from_iter(users))?)];
        let changed = self.tx.fetch(STATEMENTS.changed, args).await?;
        self.tx.set_kinds(self.source, &changed.iter().map(|row| row.int(0)).collect::<Vec<_>>()).await
    }
}

impl Tx {
    async fn set_kinds(&mut self, source: Source, users: &[i64]) -> Result<bool, Error> {
        if users.is_empty() {
            return Ok(false);
        }
        let args = vec![Arg::Int(source.0), Arg::Text(document(users)?)];
        self.execute(STATEMENTS.set, args.clone()).await?;
        Ok(self.execute(STATEMENTS.due, args).await? > 0)
    }
}

impl Store {
    /// Looks at all users of a connection again, as `connector_bot_patterns` may have changed, and makes the facts anew that
    /// name whoever is something else now.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn recognise_bots(&self, source: Source) -> Result<(), Error> {
        let changed = self.fetch(STATEMENTS.all_changed, vec![Arg::Int(source.0)]).await?;
        if !changed.is_empty() {
            let mut tx = self.begin(Durability::Process).await?;
            tx.set_kinds(source, &changed.iter().map(|row| row.int(0)).collect::<Vec<_>>()).await?;
            tx.commit().await?;
        }
        self.recount(source).await
    }
}
