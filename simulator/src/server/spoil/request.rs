//! Requests that are taken for others.

use axum::body::Bytes;
use serde_json::{Value, json};

use crate::server::faults::FaultKind;
use crate::server::incoming::Incoming;

/// The request as it is answered, where a fault takes it for another one.
pub(in crate::server) fn rewritten(struck: &[FaultKind], incoming: &Incoming) -> Option<Incoming> {
    let repeats = struck.contains(&FaultKind::RepeatPage);
    let refuses = struck.contains(&FaultKind::CursorRefused);
    if !repeats && !refuses {
        return None;
    }
    let mut other = incoming.clone();
    if repeats {
        other.query = page_before(&incoming.query);
    }
    let cursor = if refuses { json!("bm90LWEtY3Vyc29y") } else { Value::Null };
    if let Some(body) = with_cursors(&incoming.body, &cursor) {
        other.body = body;
    }
    Some(other)
}

/// The query of the page before; the first page stays.
fn page_before(query: &str) -> String {
    let before = |pair: &str| {
        let page = pair.strip_prefix("page=").and_then(|page| page.parse::<u64>().ok());
        page.map_or_else(|| pair.to_owned(), |page| format!("page={}", page.saturating_sub(1).max(1)))
    };
    query.split('&').map(before).collect::<Vec<_>>().join("&")
}

/// A GraphQL request with another value for each cursor that its variables carry.
fn with_cursors(body: &[u8], cursor: &Value) -> Option<Bytes> {
    let mut request: Value = serde_json::from_slice(body).ok()?;
    let variables = request.get_mut("variables")?.as_object_mut()?;
    for (name, value) in variables.iter_mut() {
        let name = name.to_ascii_lowercase();
        if value.is_string() && ["after", "before", "cursor"].iter().any(|known| name.ends_with(known)) {
            *value = cursor.clone();
        }
    }
    Some(Bytes::from(request.to_string()))
}
