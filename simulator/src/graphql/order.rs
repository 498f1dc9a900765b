//! Orders of lists, and places in them.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::Value as Json;

/// What a list is sorted by. The id breaks ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) by: By,
    pub(crate) descending: bool,
    /// Whether ties are broken the other way round: the newest come first in either direction.
    newest_first: bool,
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
        Order { by, descending: false, newest_first: false }
    }

    pub(crate) const fn descending(by: By) -> Order {
        Order { by, descending: true, newest_first: true }
    }

    /// In either direction, but with the newest first among equals.
    pub(crate) const fn newest_first(by: By, descending: bool) -> Order {
        Order { by, descending, newest_first: true }
    }

    /// How two rows stand to each other.
    pub(crate) fn compare(self, left: &Key, right: &Key) -> Ordering {
        // Rows without the key come last in either direction, as `NULLS LAST`.
        let keys = match (&left.0, &right.0) {
            (Sort::Missing, Sort::Missing) => Ordering::Equal,
            (Sort::Missing, _) => return Ordering::Greater,
            (_, Sort::Missing) => return Ordering::Less,
            (left, right) if self.descending => right.cmp(left),
            (left, right) => left.cmp(right),
        };
        let ids = left.1.cmp(&right.1);
        keys.then(if self.newest_first { ids.reverse() } else { ids })
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

    /// The cursor that names a place.
    pub(crate) fn write(self, Key(sort, id): &Key) -> String {
        let column = self.by.column();
        match sort {
            Sort::ById => format!(r#"{{"id":"{id}"}}"#),
            Sort::At(at) => format!(r#"{{"{column}":"{}","id":"{id}"}}"#, as_in_database(*at)),
            Sort::Text(text) => format!(r#"{{"{column}":{},"id":"{id}"}}"#, Json::from(text.as_str())),
            Sort::Missing => format!(r#"{{"{column}":null,"id":"{id}"}}"#),
        }
    }
}

/// A time as PostgreSQL spells it.
fn as_in_database(at: Timestamp) -> String {
    let at = Offset::UTC.to_datetime(at);
    let (year, month, day) = (at.year(), at.month(), at.day());
    let (hour, minute, second, nanoseconds) = (at.hour(), at.minute(), at.second(), at.subsec_nanosecond());
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{nanoseconds:09} UTC")
}

/// GitLab's words for a cursor that is not one of its own.
pub(crate) fn invalid_cursor() -> String {
    "Please provide a valid cursor".to_owned()
}
