//! Where rows stand in an order.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::order::{By, Key, Order, Sort, invalid_cursor};
use super::value::Object;

impl Order {
    /// Puts rows in this order.
    pub(crate) fn sort(self, rows: &mut [Object<'_>]) {
        match self.by {
            By::Place => {}
            // Text keys are made, so they are made once.
            By::Title | By::Name | By::Path => {
                rows.sort_by_cached_key(|row| Ordered(self, self.key(row)));
            }
            _ => rows.sort_by(|left, right| self.compare(&self.key(left), &self.key(right))),
        }
    }

    /// The first row that stands at least so far behind the cursor.
    pub(crate) fn position(self, rows: &[Object<'_>], cursor: &Json, least: Ordering) -> Result<usize, String> {
        if self.by == By::Place {
            let number = cursor.as_u64().and_then(|number| usize::try_from(number).ok());
            let number = number.ok_or_else(invalid_cursor)?;
            return Ok(if least == Ordering::Greater { number } else { number.saturating_sub(1) }.min(rows.len()));
        }
        let key = self.read(cursor)?;
        Ok(rows.partition_point(|row| self.compare(&self.key(row), &key) < least))
    }

    /// The place of a row.
    pub(crate) fn key(self, row: &Object<'_>) -> Key {
        let id = row_id(row);
        let at = |at: Option<Timestamp>| at.map_or(Sort::Missing, Sort::At);
        let sort = match (self.by, row) {
            (By::CreatedAt, Object::MergeRequest(row)) => Sort::At(row.created_at),
            (By::UpdatedAt, Object::MergeRequest(row)) => Sort::At(row.updated_at),
            (By::MergedAt, Object::MergeRequest(row)) => at(row.merged_at),
            (By::ClosedAt, Object::MergeRequest(row)) => at(row.closed_at),
            (By::Title, Object::MergeRequest(row)) => Sort::Text(row.full_title().to_lowercase()),
            (By::CreatedAt, Object::Note(note, _)) => Sort::At(note.created_at),
            (By::CreatedAt, Object::Project(row)) => Sort::At(row.created_at),
            (By::UpdatedAt, Object::Project(row)) => Sort::At(row.updated_at),
            (By::LastActivityAt, Object::Project(row)) => Sort::At(row.last_activity_at),
            (By::Name, Object::Project(row)) => Sort::Text(row.name.to_lowercase()),
            (By::Path, Object::Project(row)) => Sort::Text(row.path.to_lowercase()),
            (By::CreatedAt, Object::Group(row)) => Sort::At(row.created_at),
            (By::Name, Object::Group(row)) => Sort::Text(row.name.to_lowercase()),
            (By::Path, Object::Group(row)) => Sort::Text(row.path.to_lowercase()),
            (By::CreatedAt, Object::User(row)) => Sort::At(row.user.created_at),
            (By::Title, Object::Label(row)) => Sort::Text(row.title.to_lowercase()),
            _ => Sort::ById,
        };
        Key(sort, id)
    }
}

/// A key that is compared in its order.
struct Ordered(Order, Key);

impl PartialEq for Ordered {
    fn eq(&self, other: &Ordered) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Ordered) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Ordered) -> Ordering {
        self.0.compare(&self.1, &other.1)
    }
}

fn row_id(row: &Object<'_>) -> i64 {
    match row {
        Object::Project(row) => row.id,
        Object::Group(row) => row.id,
        Object::MergeRequest(row) => row.id,
        Object::User(row) => row.user.id,
        Object::Note(note, _) => note.id,
        Object::Label(row) => row.id,
        Object::Pipeline(row) => row.id,
        Object::Job(job, _) => job.id,
        Object::Member(row) => row.id(),
        _ => 0,
    }
}
