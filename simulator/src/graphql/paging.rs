//! Connections: pages of at most 100, with cursors that survive changes.
//!
//! A cursor is the Base64 of a JSON object: the sort key of a row and its id. The next page begins behind that place in the order,
//! wherever the row has gone meanwhile. Lists without an order of their own (commits) are numbered instead, as in GitLab.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value as Json;

use super::arguments::Arguments;
use super::order::{By, Order, invalid_cursor};
use super::value::{Connection, Object, Value};

/// The most that one page holds.
pub(crate) const PAGE_SIZE: i64 = 100;

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
        let most = arguments.page_size;
        let limit = first.or(last).unwrap_or(most).clamp(0, most);
        Ok(Window {
            limit: usize::try_from(limit).unwrap_or_default(),
            from_end: last.is_some(),
            after: arguments.text("after").map(decode).transpose()?,
            before: arguments.text("before").map(decode).transpose()?,
        })
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
        let cut = if window.from_end { end - fits..end } else { start..start + fits };

        let has_previous = window.after.is_some() || (window.from_end && cut.start > start);
        let has_next = window.before.is_some() || (!window.from_end && cut.end < end);
        rows.truncate(cut.end);
        if cut.start > 0 {
            rows.drain(..cut.start);
        }
        Ok(Connection { nodes: rows, has_next, has_previous, count, time_to_merge: None, order, first: cut.start })
    }

    /// A page of nothing.
    pub(crate) fn empty() -> Connection<'w> {
        Connection::page(Vec::new(), Order::NUMBERED, false, false)
    }

    /// A page that was found without looking at the whole list.
    pub(crate) fn page(nodes: Vec<Object<'w>>, order: Order, has_next: bool, has_previous: bool) -> Connection<'w> {
        Connection { nodes, has_next, has_previous, count: 0, time_to_merge: None, order, first: 0 }
    }

    /// The cursor of a node.
    pub(crate) fn cursor(&self, index: usize) -> Value<'w> {
        let Some(node) = self.nodes.get(index) else {
            return Value::Null;
        };
        let text = match self.order.by {
            By::Place => (self.first + index + 1).to_string(),
            _ => self.order.write(&self.order.key(node)),
        };
        Value::Text(URL_SAFE_NO_PAD.encode(text))
    }
}

fn decode(cursor: &str) -> Result<Json, String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor.trim_end_matches('='));
    let bytes = bytes.map_err(|_| invalid_cursor())?;
    serde_json::from_slice(&bytes).map_err(|_| invalid_cursor())
}
