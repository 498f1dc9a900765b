//! Keyset pagination, where GitLab has it: `paginate_with_strategies` of lib/api/helpers/pagination_strategies.rb.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;
use serde_json::{Map, Value, json};

use super::page::{link_to, per_page};
use super::params::{Param, text};
use super::{Failure, Reply, Request};
use crate::world::World;

/// What lists with cursors take beside `per_page`.
pub(super) static CURSOR: &[Param] = &[text("pagination"), text("cursor")];

/// A column that rows are sorted by, where that is not the id.
type Column<'k, T> = (&'k str, &'k dyn Fn(&T) -> String);

/// Whether keyset pagination is asked for.
pub(super) fn wished(request: &Request) -> bool {
    request.args.text("pagination").as_deref() == Some("keyset")
}

/// Refuses an order that has no keyset.
pub(super) fn refused() -> Failure {
    let error = "Keyset pagination is not yet available for this type of request";
    Failure::not_allowed(json!({ "error": error }))
}

/// The page whose rows come first in the order of ids. The place is a filter of the list itself, `id_after` or `id_before`.
///
/// Every page that has rows leads on, the last one too (lib/gitlab/pagination/keyset/pager.rb).
pub(super) fn by_id<T>(
    world: &World,
    request: &Request,
    mut rows: Vec<T>,
    id: impl Fn(&T) -> i64,
    show: impl Fn(&T) -> Value,
) -> Result<Reply, Failure> {
    let ascending = request.args.text("sort").as_deref() == Some("asc");
    rows.sort_by_key(|row| if ascending { id(row) } else { -id(row) });
    rows.truncate(per_page(request)?);
    let mut reply = Reply::ok(rows.iter().map(show).collect());
    if let Some(last) = rows.last() {
        let place = if ascending { "id_after" } else { "id_before" };
        reply.headers.push(("link", link_to(world, request, &[(place, id(last).to_string())], "next")));
    }
    Ok(reply)
}

/// The page behind a cursor, in the order of a column and of ids. The last page leads nowhere
/// (lib/gitlab/pagination/keyset/cursor_pager.rb).
pub(super) fn by_cursor<T>(
    world: &World,
    request: &Request,
    mut rows: Vec<T>,
    (column, id): (Option<Column<'_, T>>, impl Fn(&T) -> i64),
    show: impl Fn(&T) -> Value,
) -> Result<Reply, Failure> {
    let key = |row: &T| (column.map(|(_, key)| key(row)), id(row));
    let ascending = request.args.text("sort").as_deref() == Some("asc");
    rows.sort_by_key(|row| key(row));
    if !ascending {
        rows.reverse();
    }
    let (place, backwards) = cursor(request, column.map(|(name, _)| name))?;
    let begin = match &place {
        None => 0,
        Some(place) if backwards => rows.partition_point(|row| before(&key(row), place, ascending)),
        Some(place) => rows.partition_point(|row| before(&key(row), place, ascending) || key(row) == *place),
    };
    let per_page = per_page(request)?;
    let begin = if backwards { begin.saturating_sub(per_page) } else { begin };
    let end = begin.saturating_add(per_page).min(rows.len());
    let shown = &rows[begin..end];
    let written = |row: &T, direction: &str| {
        let mut place = Map::new();
        if let Some((name, key)) = column {
            place.insert(name.to_owned(), json!(key(row)));
        }
        place.insert("id".to_owned(), json!(id(row).to_string()));
        place.insert("_kd".to_owned(), json!(direction));
        BASE64_URL_SAFE.encode(Value::Object(place).to_string())
    };
    let next = shown.last().filter(|_| end < rows.len()).map(|row| written(row, "n"));
    let previous = shown.first().filter(|_| begin > 0).map(|row| written(row, "p"));
    let mut reply = Reply::ok(shown.iter().map(show).collect());
    reply.headers.push(("x-next-cursor", next.clone().unwrap_or_default()));
    reply.headers.push(("x-prev-cursor", previous.unwrap_or_default()));
    if let Some(cursor) = next {
        reply.headers.push(("link", link_to(world, request, &[("cursor", cursor)], "next")));
    }
    Ok(reply)
}

/// The place of a row in the order.
type Place = (Option<String>, i64);

fn before(row: &Place, place: &Place, ascending: bool) -> bool {
    if ascending { row < place } else { row > place }
}

/// The place that a cursor names, and whether it leads backwards. GitLab breaks over one that it cannot read.
fn cursor(request: &Request, column: Option<&str>) -> Result<(Option<Place>, bool), Failure> {
    let Some(cursor) = request.args.filled("cursor") else {
        return Ok((None, false));
    };
    let read = || -> Option<(Place, bool)> {
        let fields: Value = serde_json::from_slice(&BASE64_URL_SAFE.decode(&cursor).ok()?).ok()?;
        let key = match column {
            Some(name) => Some(fields.get(name)?.as_str()?.to_owned()),
            None => None,
        };
        Some(((key, fields.get("id")?.as_str()?.parse().ok()?), fields.get("_kd").is_some_and(|kind| kind == "p")))
    };
    let broken = json!({ "message": "500 Internal Server Error" });
    let (place, backwards) = read().ok_or_else(|| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, broken))?;
    Ok((Some(place), backwards))
}
