//! Connections: pages of at most 100, with cursors that survive changes.
//!
//! A cursor is the Base64 of a JSON object: the sort key of a row and its id. The next page begins behind that place in the order,
//! wherever the row has gone meanwhile. Lists without an order of their own (commits) are numbered instead, as in GitLab.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::cost::PAGE_SIZE;
use super::plan::Arguments;
use super::value::{Object, Value};

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Connection<'w> {
    pub(crate) nodes: Vec<Object<'w>>,
    pub(crate) has_next: bool,
    pub(crate) has_previous: bool,
    /// All rows, of all pages; only reckoned when asked for.
    pub(crate) count: usize,
    /// Seconds from creation to merge, over all merged rows of a list of merge requests.
    pub(crate) time_to_merge: Option<f64>,
    order: Order,
    /// The number of the first node, in numbered lists.
    first: usize,
}

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
    fn column(self) -> &'static str {
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
        Order {
            by,
            descending: false,
        }
    }

    pub(crate) const fn descending(by: By) -> Order {
        Order {
            by,
            descending: true,
        }
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
        if self.descending {
            order.reverse()
        } else {
            order
        }
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

/// Which page is asked for.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) limit: usize,
    pub(crate) from_end: bool,
    pub(crate) after: Option<Json>,
    pub(crate) before: Option<Json>,
}

impl Window {
    /// Reads `first`, `last`, `after` and `before`.
    ///
    /// # Errors
    /// GitLab's words for a request that makes no sense.
    pub(crate) fn of(arguments: &Arguments) -> Result<Window, String> {
        let size = |name: &str| arguments.get(name).and_then(Json::as_i64);
        let (first, last) = (size("first"), size("last"));
        if first.is_some() && last.is_some() {
            return Err("Can only provide either `first` or `last`, not both".to_owned());
        }
        let limit = first.or(last).unwrap_or(PAGE_SIZE).clamp(0, PAGE_SIZE);
        Ok(Window {
            limit: usize::try_from(limit).unwrap_or_default(),
            from_end: last.is_some(),
            after: arguments.text("after").map(decode).transpose()?,
            before: arguments.text("before").map(decode).transpose()?,
        })
    }

    /// Whether the page is the one that comes first.
    pub(crate) fn is_forward(&self) -> bool {
        !self.from_end && self.before.is_none()
    }
}

impl<'w> Connection<'w> {
    /// Cuts a page out of a list that is in its order.
    ///
    /// # Errors
    /// GitLab's words when the cursor is not one of ours.
    pub(crate) fn cut(
        mut rows: Vec<Object<'w>>,
        order: Order,
        arguments: &Arguments,
    ) -> Result<Connection<'w>, String> {
        let window = Window::of(arguments)?;
        let count = rows.len();
        let start = match &window.after {
            Some(cursor) => order.position(&rows, cursor, Ordering::Greater)?,
            None => 0,
        };
        let end = match &window.before {
            Some(cursor) => order.position(&rows, cursor, Ordering::Equal)?,
            None => rows.len(),
        };
        let end = end.max(start);
        let fits = (end - start).min(window.limit);
        let cut = if window.from_end {
            end - fits..end
        } else {
            start..start + fits
        };

        let has_previous = window.after.is_some() || (window.from_end && cut.start > start);
        let has_next = window.before.is_some() || (!window.from_end && cut.end < end);
        rows.truncate(cut.end);
        if cut.start > 0 {
            rows.drain(..cut.start);
        }
        Ok(Connection {
            nodes: rows,
            has_next,
            has_previous,
            count,
            time_to_merge: None,
            order,
            first: cut.start,
        })
    }

    /// A page that was found without looking at the whole list.
    pub(crate) fn page(
        nodes: Vec<Object<'w>>,
        order: Order,
        has_next: bool,
        has_previous: bool,
    ) -> Connection<'w> {
        Connection {
            nodes,
            has_next,
            has_previous,
            count: 0,
            time_to_merge: None,
            order,
            first: 0,
        }
    }

    /// The cursor of a node.
    pub(crate) fn cursor(&self, index: usize) -> Value<'w> {
        let Some(node) = self.nodes.get(index) else {
            return Value::Null;
        };
        let text = if self.order.by == By::Place {
            (self.first + index + 1).to_string()
        } else {
            let Key(sort, id) = self.order.key(node);
            let sort = match sort {
                Sort::ById => None,
                Sort::At(at) => Some(json!(at.strftime("%Y-%m-%d %H:%M:%S.%9f UTC").to_string())),
                Sort::Text(text) => Some(json!(text)),
                Sort::Missing => Some(Json::Null),
            };
            let mut cursor = serde_json::Map::new();
            if let Some(sort) = sort {
                cursor.insert(self.order.by.column().to_owned(), sort);
            }
            cursor.insert("id".to_owned(), json!(id.to_string()));
            Json::Object(cursor).to_string()
        };
        Value::Text(URL_SAFE_NO_PAD.encode(text))
    }
}

impl Order {
    /// Puts rows in this order.
    pub(crate) fn sort(self, rows: &mut [Object<'_>]) {
        if self.by == By::Place {
            return;
        }
        rows.sort_by_cached_key(|row| Ordered(self, self.key(row)));
    }

    /// The first row that stands at least so far behind the cursor.
    fn position(
        self,
        rows: &[Object<'_>],
        cursor: &Json,
        least: Ordering,
    ) -> Result<usize, String> {
        if self.by == By::Place {
            let number = cursor
                .as_u64()
                .and_then(|number| usize::try_from(number).ok());
            let number = number.ok_or_else(invalid_cursor)?;
            return Ok(if least == Ordering::Greater {
                number
            } else {
                number.saturating_sub(1)
            }
            .min(rows.len()));
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
    fn key(self, row: &Object<'_>) -> Key {
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

fn decode(cursor: &str) -> Result<Json, String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor.trim_end_matches('='));
    let bytes = bytes.map_err(|_| invalid_cursor())?;
    serde_json::from_slice(&bytes).map_err(|_| invalid_cursor())
}

fn invalid_cursor() -> String {
    "Please provide a valid cursor".to_owned()
}
