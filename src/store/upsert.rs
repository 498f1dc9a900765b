//! How a bulk statement is made: `insert … on conflict do update` in both dialects from one list of columns.
//!
//! Parameters are `$1` the source, `$2` the rows as one JSON document, `$3` when they were read.
//! One statement a batch is what makes SQLite fast, and one document keeps both dialects alike. Arrays with `unnest`
//! were measured too: PostgreSQL spends a third less on them, we spend more, and there would be two of everything.

use super::database::Sql;
use super::template::Dialect;

/// What a row that exists becomes, column by column, when a newer one arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// The new value, even if it is NULL.
    Replace,
    /// The new value unless it is NULL.
    Keep,
    /// The greater of both; NULL is less than everything.
    Greatest,
}

/// When a row that exists gives way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Newer {
    /// To a row of the same or a later `updated_at`; if it is the same, to the one read later.
    ByUpdate,
    /// To a row read later.
    ByReading,
    /// Always: its columns only ever grow.
    Always,
}

/// What happens to a row that says nothing new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unchanged {
    /// It is not written.
    Skipped,
    /// PostgreSQL does not even lock it: the row is one that many workers bring at once.
    Unlocked,
}

/// One table's bulk statement, as data.
pub(super) struct Upsert {
    pub(super) table: &'static str,
    pub(super) key: &'static [&'static str],
    pub(super) columns: &'static [&'static str],
    pub(super) rule: Rule,
    pub(super) newer: Newer,
    /// Columns that are parameters and not part of the document, with the parameter.
    pub(super) stamps: &'static [(&'static str, &'static str)],
    /// Whether to leave rows alone that say nothing new.
    pub(super) unchanged: Unchanged,
    /// Columns that tell since when a row is not there any more: what is seen again is there again.
    pub(super) absence: &'static [&'static str],
}

/// How a dialect reads the document and compares.
impl Dialect {
    /// The rows of a document, named `r`.
    fn rows(self, table: &str) -> String {
        match self {
            Dialect::Postgres => {
                format!("json_populate_recordset(null::{table}, $2::text::json) r")
            }
            // Binary elements: a text would be parsed again for every column.
            Dialect::Sqlite => "jsonb_each(jsonb($2)) r".to_owned(),
        }
    }

    fn column(self, name: &str) -> String {
        match self {
            Dialect::Postgres => format!("r.{name}"),
            Dialect::Sqlite => format!("r.value->>'{name}'"),
        }
    }

    fn greatest(self, name: &str) -> String {
        match self {
            Dialect::Postgres => format!("greatest(t.{name}, excluded.{name})"),
            // SQLite's max of several values is NULL when one of them is.
            Dialect::Sqlite => {
                format!("coalesce(max(t.{name}, excluded.{name}), t.{name}, excluded.{name})")
            }
        }
    }
}

impl Upsert {
    /// The statement in both dialects; made once for the life of the process.
    pub(super) fn sql(&self) -> Sql {
        Sql { postgres: self.text(Dialect::Postgres).leak(), sqlite: self.text(Dialect::Sqlite).leak() }
    }

    /// What the rows of the document would change: their keys, each as a column, whether the row is missing, and an object
    /// that gives for each other column NULL or the value that is stored and the new one.
    pub(super) fn changes(&self) -> Sql {
        Sql { postgres: self.changes_text(Dialect::Postgres).leak(), sqlite: self.changes_text(Dialect::Sqlite).leak() }
    }

    fn changes_text(&self, dialect: Dialect) -> String {
        let (object, array) = match dialect {
            Dialect::Postgres => ("json_build_object", "json_build_array"),
            Dialect::Sqlite => ("json_object", "json_array"),
        };
        let key = || self.key.iter().map(|name| dialect.column(name));
        let same: Vec<String> = self.key.iter().zip(key()).map(|(name, new)| format!("t.{name} = {new}")).collect();
        let alive: String = self.absence.iter().map(|name| format!(" and t.{name} is null")).collect();
        let news = |name: &&&str| news(&dialect.column(name), name, self.rule_of(name));
        let pair = |name: &&str| {
            let new = dialect.column(name);
            format!("'{name}', case when {} then {array}(t.{name}, {new}) end", news(&name))
        };
        let pairs: Vec<String> = self.columns.iter().map(pair).collect();
        let any: Vec<String> = self.columns.iter().map(|name| news(&name)).collect();
        let missing = format!("t.{} is null", self.key.first().unwrap_or(&"source"));
        format!(
            "select {keys}, {missing}, {changed}\nfrom {rows} left join {table} t on t.source = $1 and {same}{alive}\n\
             where {missing} or {any}",
            keys = key().map(|new| format!("cast({new} as text)")).collect::<Vec<_>>().join(", "),
            changed = format_args!("cast({object}({}) as text)", pairs.join(", ")),
            rows = dialect.rows(self.table),
            table = self.table,
            same = same.join(" and "),
            any = any.join(" or "),
        )
    }

    fn text(&self, dialect: Dialect) -> String {
        let fields = || self.key.iter().chain(self.columns);
        let names: Vec<&str> = fields().copied().chain(self.stamps.iter().map(|(name, _)| *name)).collect();
        let values: Vec<String> = fields()
            .map(|name| dialect.column(name))
            .chain(self.stamps.iter().map(|(_, parameter)| (*parameter).to_owned()))
            .collect();
        let alive = self.absence.iter().map(|name| format!("{name} = null"));
        let sets = names.iter().skip(self.key.len()).map(|name| self.assignment(name, dialect));
        let sets: Vec<String> = sets.chain(alive).collect();
        let key = self.key.join(", ");
        let answer = self.answer(dialect);

        let order = match dialect {
            Dialect::Postgres => format!("\norder by {}", self.key.join(", ")),
            Dialect::Sqlite => String::new(),
        };
        format!(
            "insert into {table} as t (source, {names})\nselect $1, {values}\nfrom {rows}\nwhere {filter}{order}\n\
             on conflict (source, {key}) do update set {sets}\nwhere {condition}{answer}",
            table = self.table,
            names = names.join(", "),
            values = values.join(", "),
            rows = dialect.rows(self.table),
            filter = self.filter(dialect),
            sets = sets.join(", "),
            condition = self.condition(),
        )
    }

    /// Children answer whose they are; merge requests which they are, and in PostgreSQL whether they are new.
    fn answer(&self, dialect: Dialect) -> &'static str {
        match (self.table, dialect) {
            ("gitlab_merge_requests", Dialect::Postgres) => "\nreturning id, xmax = 0",
            ("gitlab_merge_requests", Dialect::Sqlite) => "\nreturning id, true",
            _ if self.key.starts_with(&["merge_request_id"]) => "\nreturning merge_request_id",
            _ => "",
        }
    }

    /// When the row that exists gives way.
    fn condition(&self) -> String {
        let newer = match self.newer {
            Newer::ByUpdate => "(excluded.updated_at, excluded.synced_at) >= (t.updated_at, t.synced_at)",
            Newer::ByReading => "excluded.synced_at >= t.synced_at",
            Newer::Always => "true",
        };
        let news = self.columns.iter().map(|name| news(&format!("excluded.{name}"), name, self.rule_of(name)));
        let news: Vec<String> = news.chain(self.absence.iter().map(|name| format!("t.{name} is not null"))).collect();
        format!("{newer} and ({})", news.join(" or "))
    }

    fn assignment(&self, name: &str, dialect: Dialect) -> String {
        let rule = self.rule_of(name);
        match rule {
            Rule::Replace => format!("{name} = excluded.{name}"),
            Rule::Keep => format!("{name} = coalesce(excluded.{name}, t.{name})"),
            Rule::Greatest => format!("{name} = {}", dialect.greatest(name)),
        }
    }

    fn rule_of(&self, name: &str) -> Rule {
        match name {
            // Text that the connection no longer asks for must go.
            "body" => Rule::Replace,
            // Not every answer tells these, and they never change.
            "started_by" | "failure_reason" | "runner_id" | "runner" => Rule::Keep,
            _ => self.rule,
        }
    }

    /// Which rows of the document are worth a lock.
    fn filter(&self, dialect: Dialect) -> String {
        if self.unchanged != Unchanged::Unlocked || dialect == Dialect::Sqlite {
            return "true".to_owned();
        }
        let same = |name: &&str| format!("k.{name} = r.{name}");
        let known = |name: &&str| format!("(r.{name} is null or r.{name} is not distinct from k.{name})");
        let conditions: Vec<String> = self.key.iter().map(same).chain(self.columns.iter().map(known)).collect();
        let conditions = conditions.join(" and ");
        // A scalar: while PostgreSQL believes the table to be empty, it would join it whole.
        format!("(select count(*) from {} k where k.source = $1 and {conditions}) = 0", self.table)
    }
}

/// Whether a new value of a column would change it.
fn news(new: &str, name: &str, rule: Rule) -> String {
    match rule {
        Rule::Replace => format!("{new} is distinct from t.{name}"),
        Rule::Keep => format!("{new} is not null and {new} is distinct from t.{name}"),
        Rule::Greatest => format!("{new} is not null and (t.{name} is null or {new} > t.{name})"),
    }
}

/// Rows that belong to a merge request, and come as whole sets.
pub(super) struct Children {
    pub(super) table: &'static str,
    /// What tells them apart within the merge request, and its type.
    pub(super) key: &'static str,
    pub(super) kind: &'static str,
    /// A row whose clock is later than the set's is no part of what the set tells.
    pub(super) clock: Option<&'static str>,
    /// Some rows are internal: a set that shows none may have been read by somebody who sees none.
    pub(super) internal: bool,
}

impl Children {
    /// Marks children that are absent from a complete set as gone: `$2` is `[{id, as_of, keep, count}]`, one entry a merge
    /// request, and `$3` when they were read. Answers the merge requests concerned.
    ///
    /// Counting first saves comparing, because nearly always nothing is gone. `cross join` keeps SQLite from reading the whole
    /// table for every entry of the document, and the array of places keeps PostgreSQL from asking the document for every
    /// row of the table, which it likes to while it believes that the table is empty.
    pub(super) fn marked(&self) -> Sql {
        let Children { table, key, .. } = self;
        let stored = |id: &str| {
            format!(
                "(select count(*) from {table} n where n.source = $1 and n.merge_request_id = {id} and n.gone_at is null)"
            )
        };
        let postgres = format!(
            "update {table} t set gone_at = $3 where t.ctid = any (array(\n\
             select t.row from {sets} cross join lateral (select x.ctid as row, x.* from {table} x\n\
             where x.source = $1 and x.merge_request_id = c.id and x.gone_at is null offset 0) t\n\
             where {stored} <> c.count{unkept})) and t.gone_at is null\n\
             returning t.merge_request_id",
            sets = self.sets(Dialect::Postgres),
            stored = stored("c.id"),
            unkept = self.unkept(Dialect::Postgres),
        );
        let sqlite = format!(
            "update {table} set gone_at = $3 where source = $1 and (merge_request_id, {key}) in (\n\
             select t.merge_request_id, t.{key} from {sets}\n\
             cross join {table} t on t.source = $1 and t.merge_request_id = c.value->>'id' and t.gone_at is null\n\
             where {stored} <> c.value->>'count'{unkept})\n\
             returning merge_request_id",
            sets = self.sets(Dialect::Sqlite),
            stored = stored("c.value->>'id'"),
            unkept = self.unkept(Dialect::Sqlite),
        );
        Sql { postgres: postgres.leak(), sqlite: sqlite.leak() }
    }

    /// Which children are stored and absent from complete sets: `$2` as above. Answers the merge request and the key.
    pub(super) fn absent(&self) -> Sql {
        let Children { table, key, .. } = self;
        let postgres = format!(
            "select t.merge_request_id, t.{key}::text from {sets}\n\
             cross join lateral (select * from {table} x where x.source = $1 and x.merge_request_id = c.id\n\
             and x.gone_at is null offset 0) t where true{unkept}",
            sets = self.sets(Dialect::Postgres),
            unkept = self.unkept(Dialect::Postgres),
        );
        let sqlite = format!(
            "select t.merge_request_id, cast(t.{key} as text) from {sets}\n\
             cross join {table} t on t.source = $1 and t.merge_request_id = c.value->>'id' and t.gone_at is null\n\
             where true{unkept}",
            sets = self.sets(Dialect::Sqlite),
            unkept = self.unkept(Dialect::Sqlite),
        );
        Sql { postgres: postgres.leak(), sqlite: sqlite.leak() }
    }

    /// The sets of a document, named `c`.
    fn sets(&self, dialect: Dialect) -> String {
        match dialect {
            Dialect::Postgres => {
                let columns = format!("id bigint, as_of timestamptz, keep {}[], count bigint", self.kind);
                format!("json_to_recordset($2::text::json) as c({columns})")
            }
            Dialect::Sqlite => "json_each($2) c".to_owned(),
        }
    }

    /// That a child `t` is no part of the set `c`, and would be if it still existed.
    fn unkept(&self, dialect: Dialect) -> String {
        let Children { table, key, .. } = self;
        let (as_of, kept, keep) = match dialect {
            Dialect::Postgres => ("c.as_of", "<> all (c.keep)".to_owned(), "select unnest(c.keep)"),
            Dialect::Sqlite => {
                let keep = "select value from json_each(c.value->'keep')";
                ("c.value->>'as_of'", format!("not in ({keep})"), keep)
            }
        };
        let clock = match self.clock {
            Some(clock) => format!(" and (t.{clock} is null or t.{clock} <= {as_of})"),
            None => String::new(),
        };
        let seen = match self.internal {
            true => format!(
                " and (t.internal is not true or exists (select 1 from {table} k where k.source = $1\n\
                 and k.merge_request_id = t.merge_request_id and k.internal and k.{key} in ({keep})))"
            ),
            false => String::new(),
        };
        format!(" and t.{key} {kept}{clock}{seen}")
    }
}
