//! Holds what GitLab just said against what is stored. Nothing is written.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::answer::Row;
use super::database::{Arg, Sql};
use super::merge::{Keyed, Sets, document, newest};
use super::tables::COMPARED;
use super::{Batch, Error, Source, Store};

/// Something in which a stored row and GitLab differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Id (not iid) of the merge request.
    pub merge_request_id: i64,
    /// The table.
    pub table: &'static str,
    /// What tells the row apart among those of the merge request; `None` for the merge request itself.
    pub row: Option<String>,
    /// What differs.
    pub finding: Finding,
}

/// How a stored row and GitLab differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// GitLab has it; it is not stored, or marked as gone.
    Missing,
    /// It is stored; GitLab does not have it.
    Extra,
    /// One of its columns has another value.
    Other {
        /// Name of the column.
        column: String,
        /// The value in the database.
        stored: Option<String>,
        /// The value that GitLab gives.
        gitlab: Option<String>,
    },
}

impl Finding {
    /// Its name, as tables and programs spell it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Finding::Missing => "missing",
            Finding::Extra => "extra",
            Finding::Other { .. } => "other",
        }
    }
}

/// The statements that compare rows of one table.
pub(super) struct Compared {
    pub(super) table: &'static str,
    pub(super) changes: Sql,
}

impl Store {
    /// What storing a batch that was just read would change. Merge requests of its sets that are stored and have children
    /// beyond them are told too.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn differences(&self, source: Source, batch: &Batch) -> Result<Vec<Difference>, Error> {
        let (batches, fresh, sets) = (&[batch][..], HashSet::new(), Sets::new(&[batch]));
        let notes = sets.children(batches, |batch| &batch.notes, &fresh);
        let approvals = sets.children(batches, |batch| &batch.approvals, &fresh);
        let commits = sets.children(batches, |batch| &batch.commits, &fresh);
        let compared = &*COMPARED;

        let mut found = self.changes(source, &compared.merge_requests, &newest(batch.merge_requests.iter())).await?;
        found.extend(self.changes(source, &compared.notes, &notes).await?);
        found.extend(self.changes(source, &compared.approvals, &approvals).await?);
        found.extend(self.changes(source, &compared.commits, &commits).await?);
        for (table, absent, kept) in [
            (&compared.notes, compared.absent_notes, sets.kept(&notes, &fresh)),
            (&compared.approvals, compared.absent_approvals, sets.kept(&approvals, &fresh)),
            (&compared.commits, compared.absent_commits, sets.kept(&commits, &fresh)),
        ] {
            let rows = self.about(source, absent, &kept).await?;
            found.extend(rows.iter().map(|row| Difference {
                merge_request_id: row.int(0),
                table: table.table,
                row: row.maybe_text(1),
                finding: Finding::Extra,
            }));
        }
        Ok(found)
    }

    async fn changes<T: Keyed>(
        &self,
        source: Source,
        compared: &Compared,
        rows: &[&T],
    ) -> Result<Vec<Difference>, Error> {
        let rows = self.about(source, compared.changes, rows).await?;
        Ok(rows.iter().flat_map(|row| differences(compared.table, row)).collect())
    }

    async fn about<T: Serialize>(&self, source: Source, sql: Sql, rows: &[T]) -> Result<Vec<Row>, Error> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.fetch(sql, vec![Arg::Int(source.0), Arg::Text(document(rows)?)]).await
    }
}

/// What one row says: the key, whether it is missing, and the columns that differ.
fn differences(table: &'static str, row: &Row) -> Vec<Difference> {
    let keys = row.0.len().saturating_sub(2);
    let difference = |finding| Difference {
        merge_request_id: row.text(0).parse().unwrap_or_default(),
        table,
        row: (keys > 1).then(|| row.text(1)),
        finding,
    };
    if row.flag(keys) {
        return vec![difference(Finding::Missing)];
    }
    let columns: Map<String, Value> = serde_json::from_str(&row.text(keys + 1)).unwrap_or_default();
    let other = |(column, pair): (String, Value)| {
        let Value::Array(pair) = pair else { return None };
        let [stored, gitlab] = [0, 1].map(|at| pair.get(at).and_then(text));
        Some(difference(Finding::Other { column, stored, gitlab }))
    };
    columns.into_iter().filter_map(other).collect()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
