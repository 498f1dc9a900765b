//! Orders of lists, and places in them.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::value::Object;

/// What a list is sorted by. The id breaks ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) by: By,
    pub(crate) descending: bool,
}

/// A sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Not sorted: numbered.
    Place,
    Id,
    CreatedAt,
    UpdatedAt,
    MergedAt,
    ClosedAt,
    LastActivityAt,
    Title,
    Name,
    Path,
}

impl By {
    pub(crate) fn column(self) -> &'static str {
        match self {
            By::Place => "place",
            By::Id => "id",
            By::CreatedAt => "created_at",
            By::UpdatedAt => "updated_at",
            By::MergedAt => "merged_at",
            By::ClosedAt => "closed_at",
            By::LastActivityAt => "last_activity_at",
            By::Title => "title",
            By::Name => "name",
            By::Path => "path",
        }
    }
}

impl Order {
    pub(crate) const NUMBERED: Order = Order::ascending(By::Place);

    pub(crate) const fn ascending(by: By) -> Order {
        Order { by, descending: false }
    }

    pub(crate) const fn descending(by: By) -> Order {
        Order { by, descending: true }
    }

    /// How two rows stand to each other.
    fn compare(self, left: &Key, right: &Key) -> Ordering {
        // Rows without the key come last in either direction, as `NULLS LAST`.
        let keys = match (&left.0, &right.0) {
            (Sort::Missing, Sort::Missing) => Ordering::Equal,
            (Sort::Missing, _) => return Ordering::Greater,
            (_, Sort::Missing) => return Ordering::Less,
            (left, right) => left.cmp(right),
        };
        let order = keys.then(left.1.cmp(&right.1));
        if self.descending { order.reverse() } else { order }
    }
}

/// A place in an order: the sort key of a row, and its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) Sort, pub(crate) i64);

/// The sort key of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sort {
    /// The id alone decides.
    ById,
    /// A time.
    At(Timestamp),
    /// A text.
    Text(String),
    /// Null in the database.
    Missing,
}

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

    /// The place that a cursor names.
    pub(crate) fn read(self, cursor: &Json) -> Result<Key, String> {
        let id = match cursor.get("id") {
            Some(Json::String(text)) => text.parse().ok(),
            Some(number) => number.as_i64(),
            None => None,
        };
        let id = id.ok_or_else(invalid_cursor)?;
        if self.by == By::Id {
            return Ok(Key(Sort::ById, id));
        }
        let sort = match (self.by, cursor.get(self.by.column())) {
            (_, None) => return Err(invalid_cursor()),
            (_, Some(Json::Null)) => Sort::Missing,
            (By::Title | By::Name | By::Path, Some(Json::String(text))) => Sort::Text(text.clone()),
            (_, Some(Json::String(text))) => {
                let text = text.trim_end_matches(" UTC").replacen(' ', "T", 1);
                let at = format!("{text}Z").parse().map_err(|_| invalid_cursor())?;
                Sort::At(at)
            }
            _ => return Err(invalid_cursor()),
        };
        Ok(Key(sort, id))
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

/// GitLab's words for a cursor that is not one of its own.
pub(crate) fn invalid_cursor() -> String {
    "Please provide a valid cursor".to_owned()
}
