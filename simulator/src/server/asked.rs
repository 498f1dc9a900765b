//! What a request asks for.

use serde_json::Value;

use super::incoming::Incoming;
use super::shared::Shared;
use crate::rest::{Matched, find};

/// What is asked for.
pub(super) enum Asked {
    GraphQl(Option<String>),
    Rest(String, Option<Matched>),
    Page,
}

impl Asked {
    pub(super) fn route(&self) -> &str {
        match self {
            Asked::GraphQl(_) => "/graphql",
            Asked::Rest(_, Some(matched)) => matched.route.template,
            Asked::Rest(_, None) | Asked::Page => "",
        }
    }

    pub(super) fn operation(&self) -> Option<&str> {
        match self {
            Asked::GraphQl(operation) => operation.as_deref(),
            _ => None,
        }
    }
}

/// What a request asks for.
pub(super) fn asked(shared: &Shared, incoming: &Incoming) -> Asked {
    let Some(path) = incoming.path.strip_prefix(&shared.root) else {
        return Asked::Page;
    };
    if path.trim_end_matches('/') == "/api/graphql" {
        return Asked::GraphQl(operation(&incoming.body));
    }
    match path.strip_prefix("/api/v4") {
        Some(path) => {
            let world = shared.read();
            Asked::Rest(path.to_owned(), find(&world.settings, &incoming.method, path))
        }
        None => Asked::Page,
    }
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
