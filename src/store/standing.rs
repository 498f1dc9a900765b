//! What became of groups and projects: archived, excluded, moved away, hidden, deleted. Each state has the time since when.

use std::sync::LazyLock;

use serde::Serialize;
use serde_json::json;

use super::commit::Writer;
use super::database::{Arg, Sql};
use super::{Batch, Error, Source, Store};

/// A group or project that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Path as last seen.
    pub path: String,
    /// What became of it.
    pub standing: Standing,
}

/// Group or project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A group or subgroup.
    Group,
    /// A project.
    Project,
}

/// What became of a group or project. All false: it is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the states are independent: what is excluded may be archived too")]
pub struct Standing {
    /// Group or project.
    pub kind: Kind,
    /// GitLab's id.
    pub id: i64,
    /// It is deleted, or waits for its deletion.
    pub deleted: bool,
    /// It is in nothing that the connection follows.
    pub out_of_scope: bool,
    /// The connection excludes it. Only projects are.
    pub excluded: bool,
    /// It is archived.
    pub archived: bool,
    /// No token may see it.
    pub unreadable: bool,
}

impl Standing {
    /// Something that is followed.
    #[must_use]
    pub fn followed(kind: Kind, id: i64) -> Standing {
        Standing { kind, id, deleted: false, out_of_scope: false, excluded: false, archived: false, unreadable: false }
    }
}

impl Store {
    /// The groups and projects that are stored, with what became of them.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn known(&self, source: Source) -> Result<Vec<Known>, Error> {
        const GROUPS: Sql = Sql::both(
            "select id, full_path, deleted_at is not null, out_of_scope_at is not null, false, archived_at is not null,
               unreadable_at is not null from gitlab_groups where source = $1 order by id",
        );
        const PROJECTS: Sql = Sql::both(
            "select id, path_with_namespace, deleted_at is not null, out_of_scope_at is not null,
               excluded_at is not null, archived_at is not null, unreadable_at is not null
             from gitlab_projects where source = $1 order by id",
        );
        let mut known = Vec::new();
        for (kind, sql) in [(Kind::Group, GROUPS), (Kind::Project, PROJECTS)] {
            let rows = self.fetch(sql, vec![Arg::Int(source.0)]).await?;
            known.extend(rows.iter().map(|row| Known {
                path: row.text(1),
                standing: Standing {
                    kind,
                    id: row.int(0),
                    deleted: row.flag(2),
                    out_of_scope: row.flag(3),
                    excluded: row.flag(4),
                    archived: row.flag(5),
                    unreadable: row.flag(6),
                },
            }));
        }
        Ok(known)
    }
}

struct Statements {
    groups: Sql,
    projects: Sql,
}

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| {
    let states = ["deleted", "out_of_scope", "archived", "unreadable"];
    Statements {
        groups: since_when("gitlab_groups", &states),
        projects: since_when("gitlab_projects", &[&states[..], &["excluded"]].concat()),
    }
});

/// Sets and clears the times of states. One that lasts keeps its beginning.
fn since_when(table: &str, states: &[&str]) -> Sql {
    let sets = |told: fn(&str) -> String| {
        let set = |state: &&str| format!("{state}_at = case when {} then coalesce(t.{state}_at, $3) end", told(state));
        states.iter().map(set).collect::<Vec<_>>().join(", ")
    };
    let columns: Vec<String> = states.iter().map(|state| format!("{state} boolean")).collect();
    let postgres = format!(
        "update {table} t set {} from json_to_recordset($2::text::json) as c(id bigint, {})
         where t.source = $1 and t.id = c.id",
        sets(|state| format!("c.{state}")),
        columns.join(", "),
    );
    let sqlite = format!(
        "update {table} as t set {} from json_each($2) c where t.source = $1 and t.id = c.value->>'id'",
        sets(|state| format!("c.value->>'{state}'")),
    );
    Sql { postgres: postgres.leak(), sqlite: sqlite.leak() }
}

impl Writer<'_> {
    /// Stores what became of groups and projects. What is not followed any more need not be refreshed.
    pub(super) async fn stand(&mut self, batches: &[&Batch]) -> Result<(), Error> {
        const LEFT: Sql = Sql {
            postgres: "delete from connector_refreshes where source = $1
                and project_id in (select value::bigint from json_array_elements_text($2::text::json))",
            sqlite: "delete from connector_refreshes where source = $1 and project_id in (select value from json_each($2))",
        };
        let of_kind = |kind: Kind| {
            let standings = batches.iter().flat_map(|batch| &batch.standings);
            standings.filter(|standing| standing.kind == kind).map(|standing| json!(standing)).collect::<Vec<_>>()
        };
        self.write_rows(STATEMENTS.groups, &of_kind(Kind::Group)).await?;
        self.write_rows(STATEMENTS.projects, &of_kind(Kind::Project)).await?;
        let left = batches.iter().flat_map(|batch| &batch.standings).filter(|standing| {
            standing.kind == Kind::Project && (standing.deleted || standing.out_of_scope || standing.excluded)
        });
        self.write_rows(LEFT, &left.map(|standing| standing.id).collect::<Vec<_>>()).await
    }
}
