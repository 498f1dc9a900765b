//! Records that GitLab cannot show: whatever answer they are in fails as a whole.

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::server::asked::Asked;
use crate::server::faults::FaultKind;
use crate::server::reply::json_response;

/// The answer, unless a poisoned record is in it. What a write changed stays changed.
pub(in crate::server) async fn poisoned(struck: &[FaultKind], asked: &Asked, response: Response) -> Response {
    let poisons: Vec<(&str, u16)> = struck.iter().filter_map(poison).collect();
    if poisons.is_empty() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let told = String::from_utf8_lossy(&body);
    match poisons.into_iter().find(|(text, _)| told.contains(&in_json(text))) {
        Some((_, status)) => failed(asked, status),
        None => Response::from_parts(parts, Body::from(body)),
    }
}

fn poison(fault: &FaultKind) -> Option<(&str, u16)> {
    match fault {
        FaultKind::PoisonedBy { text, status } => Some((text, *status)),
        _ => None,
    }
}

/// The text as a string of JSON writes it, without the quotes around it.
fn in_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// GraphQL has words of its own for what nobody expected (`GraphqlController`, `rescue_from StandardError`).
fn failed(asked: &Asked, status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = match asked {
        Asked::GraphQl(..) => json!({ "errors": [{ "message": "Internal server error" }] }),
        Asked::Rest(..) | Asked::Page => json!({ "message": status.to_string() }),
    };
    json_response(status, body.to_string().into_bytes())
}
