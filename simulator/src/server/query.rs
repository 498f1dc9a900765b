//! GraphQL requests, however they are sent: as JSON, as a form, or in the address.

use axum::body::Bytes;
use axum::http::Method;
use serde_json::{Value, json};

use super::incoming::Incoming;
use crate::rest::Args;

/// The JSON of a GraphQL request. GitLab routes GET and POST alike, and Rails reads forms as it reads JSON.
pub(super) fn of(incoming: &Incoming) -> Bytes {
    let form = incoming.header("content-type").unwrap_or_default().starts_with("application/x-www-form-urlencoded");
    let sent = match (&incoming.method, form) {
        (&Method::GET, _) => incoming.query.clone(),
        (_, true) => String::from_utf8_lossy(&incoming.body).into_owned(),
        _ => return incoming.body.clone(),
    };
    let args = Args::of_query(&sent);
    let named = |name: &str| args.text(name).map_or(Value::Null, Value::from);
    let request = json!({
        "query": named("query"),
        "variables": named("variables"),
        "operationName": named("operationName"),
    });
    Bytes::from(request.to_string())
}
