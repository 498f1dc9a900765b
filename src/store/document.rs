//! What the migrations say of themselves: comments for PostgreSQL's catalogue, and a page for people.
//!
//! Comment lines above a table or column describe it. Above a view, lines of the form `name: text` describe columns.

use std::fmt::Write;

use super::schema::MIGRATIONS;
use super::views::VIEWS;

/// A table or view as a migration describes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) comment: String,
    pub(super) columns: Vec<Column>,
}

/// A column as a migration describes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// Empty for columns of views.
    pub(super) kind: String,
    pub(super) comment: String,
}

/// Every table and view with the meaning of its columns, as Markdown. `docs/schema.md` is this text.
#[must_use]
pub fn schema_document() -> String {
    let relations = newest(MIGRATIONS.iter().map(|migration| migration.postgres).chain([VIEWS]));
    let mut page = String::from(
        "# The schema\n\n\
         PostgreSQL and SQLite hold the same tables, columns and views. In SQLite an instant is a UTC text such as\n\
         `2026-01-16T05:56:22.000Z`, a truth value is 1 or 0, and JSON is text. What is unknown is NULL, never 0.\n\
         The first column of every key, `source`, is the connection. This page is generated from the migrations.\n",
    );
    page.push_str(STATES);
    let parts = [
        ("Views", "view", ""),
        ("Raw tables", "table", "gitlab_"),
        ("The connector's own tables", "table", "connector_"),
    ];
    for (title, kind, prefix) in parts {
        let _ = writeln!(page, "\n## {title}");
        for relation in relations.iter().filter(|relation| relation.kind == kind && relation.name.starts_with(prefix)) {
            describe(relation, &mut page);
        }
    }
    page
}

/// What marks on rows mean, and what is behind a NULL.
const STATES: &str = "
## What became of a row

Nothing is deleted because GitLab is silent about it. Rows keep what became of them and since when; what is seen again loses
these marks. `DELETE` is said by `forget` and by retention alone.

| mark | on | set when | in the views |
|---|---|---|---|
| `deleted_at` | merge requests | the project was readable, and asked for by its number the merge request was not there | left out |
| `deleted_at` | groups, projects | they wait for their deletion | left out, with their merge requests |
| `unreadable_at` | merge requests | GitLab hides it while its project is readable: its author is banned | stays |
| `unreadable_at` | groups, projects | no token may see it; it may be hidden or deleted | stays |
| `out_of_scope_at` | groups, projects | it is in nothing that the connection follows, as after a move | left out |
| `excluded_at` | projects | `excludeProjects` names it; its deliveries change nothing any more | left out |
| `archived_at` | groups, projects | it is archived | stays |
| `gone_at` | notes, approvals, commits | a whole list of the merge request lacks it | left out |
| `gone_at` | labels | a whole list lacks it; an empty list proves nothing | left out |
| `gone_at` | members | a whole list lacks it; an empty list proves nothing | in none |
| `gone_at` | environments, deployments, pipelines | a list that could be read lacks it, and asked for by its id it was not there | left out |

What GitLab could not deliver while everything around it was read is in `connector_unreadable`: which, why, and since when.
`connector_lists` tells of each project's deployments and pipelines whether they are stored (`read`), switched off or hidden from the tokens
(`off`), or could not be delivered (`failed`), with GitLab's words and since when.
`carries` of `gitlab_deployments` tells whether it is known which merge requests a deployment brought: where not, that
`gitlab_deployment_merge_requests` has none says nothing.
`reviews_complete` and `commits_complete` tell whether a merge request's lists are stored to their ends: where not, what is
missing is unknown. An address of `gitlab_users` is empty where its owner shows none, and NULL where no answer told. That a
project is no fork and that nobody knows are both NULL. A review of somebody who was not asked counts from the creation.

Whether all this is as GitLab has it, `gitlab-connector audit` tells: `connector_audits` has the counts of each audit, and
`connector_audit_differences` what it found to differ, both values beside each other.
";

/// What the texts make one after the other: later ones may add columns, take some away, and make a table anew.
fn newest<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Relation> {
    let mut all: Vec<Relation> = Vec::new();
    for text in texts {
        for relation in relations(text) {
            match all.iter_mut().find(|known| known.name == relation.name) {
                Some(known) if relation.comment.is_empty() => known.columns.extend(relation.columns),
                Some(known) => *known = relation,
                None => all.push(relation),
            }
        }
        for (table, column) in dropped(text) {
            let of_table = all.iter_mut().filter(|known| known.name == table);
            of_table.for_each(|known| known.columns.retain(|known| known.name != column));
        }
    }
    all
}

/// Columns that a migration drops, with their tables.
fn dropped(migration: &str) -> impl Iterator<Item = (&str, &str)> {
    let altered = migration.lines().filter_map(|line| line.strip_prefix("alter table ")?.strip_suffix(';'));
    altered.filter_map(|rest| rest.split_once(" drop column "))
}

fn describe(relation: &Relation, page: &mut String) {
    let _ = writeln!(page, "\n### {}\n\n{}\n", relation.name, relation.comment);
    let typed = relation.kind == "table";
    let _ = writeln!(
        page,
        "{}",
        if typed { "| column | type | meaning |\n|---|---|---|" } else { "| column | meaning |\n|---|---|" }
    );
    for Column { name, kind, comment } in &relation.columns {
        let _ = match typed {
            true => writeln!(page, "| `{name}` | {kind} | {comment} |"),
            false => writeln!(page, "| `{name}` | {comment} |"),
        };
    }
}

/// `comment on` statements for all that a migration creates.
pub(super) fn comments(migration: &str) -> String {
    let mut statements = String::new();
    for Relation { kind, name, comment, columns } in relations(migration) {
        // A table that is only added to has its comment already.
        if !comment.is_empty() {
            let _ = writeln!(statements, "comment on {kind} {name} is '{}';", comment.replace('\'', "''"));
        }
        for column in columns {
            let text = column.comment.replace('\'', "''");
            let _ = writeln!(statements, "comment on column {name}.{} is '{text}';", column.name);
        }
    }
    statements
}

/// Reads a migration as it is laid out here: one column a line, comments above what they describe.
pub(super) fn relations(migration: &str) -> Vec<Relation> {
    let mut relations: Vec<Relation> = Vec::new();
    let mut notes: Vec<&str> = Vec::new();
    let mut inside = false;
    for line in migration.lines() {
        let text = line.trim();
        if let Some(note) = text.strip_prefix("--") {
            notes.push(note.trim());
            continue;
        }
        let notes = std::mem::take(&mut notes);
        if let Some(name) = text.strip_prefix("create table ").and_then(|rest| rest.strip_suffix(" (")) {
            inside = true;
            relations.push(Relation {
                kind: "table",
                name: name.to_owned(),
                comment: notes.join(" "),
                columns: Vec::new(),
            });
        } else if let Some(name) = text.strip_prefix("create view ").and_then(|rest| rest.strip_suffix(" as")) {
            relations.push(view(name, &notes));
        } else if let Some((table, added)) =
            text.strip_prefix("alter table ").and_then(|rest| rest.split_once(" add column "))
        {
            let column = column(added.trim_end_matches(';'), &notes);
            match relations.last_mut().filter(|relation| relation.name == table) {
                Some(relation) => relation.columns.push(column),
                None => relations.push(Relation {
                    kind: "table",
                    name: table.to_owned(),
                    comment: String::new(),
                    columns: vec![column],
                }),
            }
        } else if text.starts_with(')') {
            inside = false;
        } else if inside && !notes.is_empty() {
            relations.last_mut().into_iter().for_each(|relation| relation.columns.push(column(text, &notes)));
        }
    }
    relations
}

fn column(line: &str, notes: &[&str]) -> Column {
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    let kind: Vec<&str> = rest
        .trim_end_matches(',')
        .split(' ')
        .take_while(|word| !["not", "generated", "default", "primary"].contains(word))
        .collect();
    Column { name: name.to_owned(), kind: kind.join(" "), comment: notes.join(" ") }
}

fn view(name: &str, notes: &[&str]) -> Relation {
    let mut view = Relation { kind: "view", name: name.to_owned(), comment: String::new(), columns: Vec::new() };
    for note in notes {
        let named = note.split_once(": ").filter(|(name, _)| {
            name.chars().all(|letter| letter == '_' || letter.is_ascii_lowercase() || letter.is_ascii_digit())
        });
        match (named, view.columns.last_mut()) {
            (Some((name, text)), _) => {
                view.columns.push(Column { name: name.to_owned(), kind: String::new(), comment: text.to_owned() });
            }
            (None, Some(column)) => column.comment = format!("{} {note}", column.comment),
            (None, None) => view.comment = format!("{} {note}", view.comment).trim().to_owned(),
        }
    }
    view
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name and comments of everything, without the types, which differ.
    fn outline(text: &str) -> Vec<Vec<(String, String)>> {
        let outline = |relation: Relation| {
            let columns = relation.columns.into_iter().map(|column| (column.name, column.comment));
            std::iter::once((relation.name, relation.comment)).chain(columns).collect()
        };
        relations(text).into_iter().map(outline).collect()
    }

    #[test]
    fn both_dialects_describe_the_same_tables_and_columns() {
        for migration in MIGRATIONS {
            assert_eq!(outline(migration.postgres), outline(migration.sqlite));
        }
    }

    #[test]
    fn nothing_is_without_a_description() {
        for relation in newest(MIGRATIONS.iter().map(|migration| migration.postgres).chain([VIEWS])) {
            assert!(!relation.comment.is_empty(), "{}", relation.name);
            assert!(!relation.columns.is_empty(), "{}", relation.name);
            assert!(relation.columns.iter().all(|column| !column.comment.is_empty()), "{}", relation.name);
        }
    }
}
