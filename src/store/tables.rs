//! The bulk statements: one per table and dialect, made once from a list of columns.
//!
//! Parameters are `$1` the source, `$2` the rows as one JSON document, `$3` when they were read, `$4` the run.
//! One statement a batch is what makes SQLite fast, and one document keeps both dialects alike.

use std::fmt::Write;
use std::sync::LazyLock;

use super::database::Sql;

/// What a row that exists becomes, column by column, when a newer one arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// The new value, even if it is NULL.
    Replace,
    /// The new value unless it is NULL.
    Keep,
    /// The greater of both; NULL is less than everything.
    Greatest,
}

/// When a row that exists gives way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Newer {
    /// To a row of the same or a later `updated_at`; if it is the same, to the one read later.
    ByUpdate,
    /// To a row read later.
    ByReading,
    /// Always: its columns only ever grow.
    Always,
}

struct Upsert {
    table: &'static str,
    key: &'static [&'static str],
    columns: &'static [&'static str],
    rule: Rule,
    newer: Newer,
    /// Columns that are parameters and not part of the document, with the parameter.
    stamps: &'static [(&'static str, &'static str)],
    /// Leaves rows alone that say nothing new: no lock, no write.
    skip_unchanged: bool,
}

/// The statements of all raw tables.
pub(super) struct Statements {
    pub(super) groups: Sql,
    pub(super) projects: Sql,
    pub(super) labels: Sql,
    pub(super) members: Sql,
    pub(super) users: Sql,
    pub(super) merge_requests: Sql,
    pub(super) merge_request_events: Sql,
    pub(super) notes: Sql,
    pub(super) approvals: Sql,
    pub(super) commits: Sql,
    pub(super) drop_notes: Sql,
    pub(super) drop_approvals: Sql,
    pub(super) drop_commits: Sql,
}

const READ: &[(&str, &str)] = &[("synced_at", "$3")];

pub(super) static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements {
    groups: Upsert {
        table: "gitlab_groups",
        key: &["id"],
        columns: &[
            "parent_id",
            "name",
            "full_path",
            "visibility",
            "archived",
            "web_url",
            "created_at",
        ],
        rule: Rule::Keep,
        newer: Newer::ByReading,
        stamps: READ,
        skip_unchanged: false,
    }
    .sql(),
    projects: Upsert {
        table: "gitlab_projects",
        key: &["id"],
        columns: &[
            "namespace_id",
            "name",
            "path_with_namespace",
            "default_branch",
            "visibility",
            "archived",
            "merge_requests_enabled",
            "forked_from_project_id",
            "web_url",
            "created_at",
            "last_activity_at",
        ],
        rule: Rule::Keep,
        newer: Newer::ByReading,
        stamps: READ,
        skip_unchanged: false,
    }
    .sql(),
    labels: Upsert {
        table: "gitlab_labels",
        key: &["project_id", "id"],
        columns: &["name", "color", "description", "is_project_label"],
        rule: Rule::Replace,
        newer: Newer::ByReading,
        stamps: READ,
        skip_unchanged: false,
    }
    .sql(),
    members: Upsert {
        table: "gitlab_members",
        key: &["kind", "holder_id", "user_id"],
        columns: &["access_level", "state", "created_at", "expires_at"],
        rule: Rule::Replace,
        newer: Newer::ByReading,
        stamps: READ,
        skip_unchanged: false,
    }
    .sql(),
    // The same few people are in nearly every batch: rows that say nothing new must not become a queue of locks.
    users: Upsert {
        table: "gitlab_users",
        key: &["id"],
        columns: &[
            "username",
            "name",
            "state",
            "bot",
            "web_url",
            "public_email",
            "created_at",
        ],
        rule: Rule::Keep,
        newer: Newer::ByReading,
        stamps: READ,
        skip_unchanged: true,
    }
    .sql(),
    merge_requests: merge_requests(Rule::Replace).sql(),
    merge_request_events: merge_requests(Rule::Keep).sql(),
    notes: Upsert {
        table: "gitlab_notes",
        key: &["merge_request_id", "id"],
        columns: &[
            "project_id",
            "author_id",
            "system",
            "action",
            "internal",
            "note_type",
            "discussion_id",
            "resolvable",
            "resolved",
            "body",
            "created_at",
            "updated_at",
        ],
        rule: Rule::Keep,
        newer: Newer::ByUpdate,
        stamps: READ,
        skip_unchanged: true,
    }
    .sql(),
    approvals: Upsert {
        table: "gitlab_approvals",
        key: &["merge_request_id", "user_id"],
        columns: &["approved_at"],
        rule: Rule::Greatest,
        newer: Newer::Always,
        stamps: &[],
        skip_unchanged: true,
    }
    .sql(),
    commits: Upsert {
        table: "gitlab_merge_request_commits",
        key: &["merge_request_id", "sha"],
        columns: &[
            "title",
            "author_id",
            "author_name",
            "author_email",
            "authored_at",
            "committed_at",
        ],
        rule: Rule::Keep,
        newer: Newer::Always,
        stamps: &[],
        skip_unchanged: true,
    }
    .sql(),
    drop_notes: drop_children("gitlab_notes", "id", "bigint", Some("updated_at")),
    drop_approvals: drop_children("gitlab_approvals", "user_id", "bigint", Some("approved_at")),
    drop_commits: drop_children("gitlab_merge_request_commits", "sha", "text", None),
});

fn merge_requests(rule: Rule) -> Upsert {
    Upsert {
        table: "gitlab_merge_requests",
        key: &["id"],
        columns: &[
            "iid",
            "project_id",
            "title",
            "description",
            "state",
            "draft",
            "author_id",
            "merge_user_id",
            "source_project_id",
            "source_branch",
            "target_branch",
            "labels",
            "assignee_ids",
            "reviewer_ids",
            "additions",
            "deletions",
            "changed_files",
            "commit_count",
            "user_notes_count",
            "sha",
            "merge_commit_sha",
            "web_url",
            "created_at",
            "updated_at",
            "prepared_at",
            "ready_at",
            "merged_at",
            "closed_at",
        ],
        rule,
        newer: Newer::ByUpdate,
        stamps: &[("synced_at", "$3"), ("synced_run", "$4")],
        skip_unchanged: false,
    }
}

/// How a dialect reads the document and compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Postgres,
    Sqlite,
}

impl Dialect {
    /// The rows of a document, named `r`.
    fn rows(self, table: &str) -> String {
        match self {
            Dialect::Postgres => {
                format!("json_populate_recordset(null::{table}, $2::text::json) r")
            }
            Dialect::Sqlite => "json_each($2) r".to_owned(),
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
    fn sql(&self) -> Sql {
        Sql {
            postgres: self.text(Dialect::Postgres).leak(),
            sqlite: self.text(Dialect::Sqlite).leak(),
        }
    }

    fn text(&self, dialect: Dialect) -> String {
        let fields = || self.key.iter().chain(self.columns);
        let names: Vec<&str> = fields()
            .copied()
            .chain(self.stamps.iter().map(|(name, _)| *name))
            .collect();
        let values: Vec<String> = fields()
            .map(|name| dialect.column(name))
            .chain(
                self.stamps
                    .iter()
                    .map(|(_, parameter)| (*parameter).to_owned()),
            )
            .collect();
        let sets: Vec<String> = names
            .iter()
            .skip(self.key.len())
            .map(|name| self.assignment(name, dialect))
            .collect();
        let key = self.key.join(", ");

        let mut text = format!(
            "insert into {table} as t (source, {names})\nselect $1, {values}\nfrom {rows}\nwhere {filter}\norder by {order}\n\
             on conflict (source, {key}) do update set {sets}",
            table = self.table,
            names = names.join(", "),
            values = values.join(", "),
            rows = dialect.rows(self.table),
            filter = self.filter(dialect),
            order = self
                .key
                .iter()
                .map(|name| dialect.column(name))
                .collect::<Vec<_>>()
                .join(", "),
            sets = sets.join(", "),
        );
        let _ = write!(
            text,
            "{}",
            match self.newer {
                Newer::ByUpdate =>
                    "\nwhere (excluded.updated_at, excluded.synced_at) >= (t.updated_at, t.synced_at)",
                Newer::ByReading => "\nwhere excluded.synced_at >= t.synced_at",
                Newer::Always => "",
            }
        );
        text
    }

    fn assignment(&self, name: &str, dialect: Dialect) -> String {
        let rule = match name {
            // A refresh belongs to no run and must not hide that a run saw the row.
            "synced_run" => Rule::Greatest,
            // Text that the connection no longer asks for must go.
            "body" => Rule::Replace,
            _ => self.rule,
        };
        match rule {
            Rule::Replace => format!("{name} = excluded.{name}"),
            Rule::Keep => format!("{name} = coalesce(excluded.{name}, t.{name})"),
            Rule::Greatest => format!("{name} = {}", dialect.greatest(name)),
        }
    }

    fn filter(&self, dialect: Dialect) -> String {
        if !self.skip_unchanged {
            return "true".to_owned();
        }
        let same_key = self
            .key
            .iter()
            .map(|name| format!("k.{name} = {}", dialect.column(name)));
        let nothing_new = self.columns.iter().map(|name| {
            let new = dialect.column(name);
            match (*name, self.rule) {
                ("body", _) | (_, Rule::Replace) => format!("{new} is not distinct from k.{name}"),
                (_, Rule::Keep) => {
                    format!("({new} is null or {new} is not distinct from k.{name})")
                }
                (_, Rule::Greatest) => format!("({new} is null or {new} <= k.{name})"),
            }
        });
        let conditions: Vec<String> = same_key.chain(nothing_new).collect();
        format!(
            "not exists (select 1 from {} k where k.source = $1 and {})",
            self.table,
            conditions.join(" and ")
        )
    }
}

/// Removes children that are absent from a complete set: `$2` is `[{id, as_of, keep}]`, one entry a merge request.
///
/// `cross join` keeps SQLite from reading the whole table for every entry of the document.
fn drop_children(table: &str, key: &str, kind: &str, clock: Option<&str>) -> Sql {
    let postgres_clock = clock.map_or_else(String::new, |clock| {
        format!(" and (t.{clock} is null or t.{clock} <= c.as_of)")
    });
    let sqlite_clock = clock.map_or_else(String::new, |clock| {
        format!(" and (t.{clock} is null or t.{clock} <= c.value->>'as_of')")
    });
    let postgres = format!(
        "delete from {table} t using json_to_recordset($2::text::json) as c(id bigint, as_of timestamptz, keep {kind}[])\n\
         where t.source = $1 and t.merge_request_id = c.id{postgres_clock} and t.{key} <> all (c.keep)"
    );
    let sqlite = format!(
        "delete from {table} where source = $1 and (merge_request_id, {key}) in (\n\
         select t.merge_request_id, t.{key} from json_each($2) c\n\
         cross join {table} t on t.source = $1 and t.merge_request_id = c.value->>'id'\n\
         where t.{key} not in (select value from json_each(c.value->'keep')){sqlite_clock})"
    );
    Sql {
        postgres: postgres.leak(),
        sqlite: sqlite.leak(),
    }
}
