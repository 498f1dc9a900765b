//! What a request asks for.

use axum::body::Bytes;
use serde_json::Value;

use super::incoming::Incoming;
use super::query;
use super::shared::Shared;
use crate::rest::{Matched, find};
use crate::world::Version;

/// What is asked for.
pub(super) enum Asked {
    /// A query, in JSON, with the name of its operation.
    GraphQl(Bytes, Option<String>),
    /// A path below `/api/v4`, and its route if there is one.
    Rest(String, Option<Matched>),
    /// Something outside the APIs.
    Page,
}

impl Asked {
    pub(super) fn route(&self) -> &str {
        match self {
            Asked::GraphQl(..) => "/graphql",
            Asked::Rest(_, Some(matched)) => matched.route.template,
            Asked::Rest(_, None) | Asked::Page => "",
        }
    }

    pub(super) fn operation(&self) -> Option<&str> {
        match self {
            Asked::GraphQl(_, operation) => operation.as_deref(),
            Asked::Rest(..) | Asked::Page => None,
        }
    }
}

/// What a request asks for, of a server that may have another version than the others.
pub(super) fn asked(shared: &Shared, incoming: &Incoming, version: Option<Version>) -> Asked {
    let Some(path) = incoming.path.strip_prefix(&shared.root) else {
        return Asked::Page;
    };
    if path.trim_end_matches('/') == "/api/graphql" {
        let query = query::of(incoming);
        let operation = operation(&query);
        return Asked::GraphQl(query, operation);
    }
    let Some(path) = path.strip_prefix("/api/v4") else {
        return Asked::Page;
    };
    let world = shared.read();
    let matched = match version {
        Some(version) => {
            let mut settings = world.settings.clone();
            settings.version = version;
            find(&settings, &incoming.method, path)
        }
        None => find(&world.settings, &incoming.method, path),
    };
    Asked::Rest(path.to_owned(), matched)
}

/// The name of a GraphQL operation, for faults and the log: sent along, or the first one in the text.
fn operation(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let named = body.get("operationName").and_then(Value::as_str).filter(|name| !name.is_empty());
    if let Some(name) = named {
        return Some(name.to_owned());
    }
    let text = body.get("query")?.as_str()?;
    let rest = text.split_once("query ").or_else(|| text.split_once("mutation "))?.1;
    let name: String = rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    (!name.is_empty()).then_some(name)
}
