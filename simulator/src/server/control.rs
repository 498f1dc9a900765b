//! `/-/simulator/…`: the World, the faults and the log for other processes, such as the demo, benchmarks and scripts.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::change::change;
use super::faults::Fault;
use super::reply::json_response;
use super::shared::Shared;
use super::verbs;
use crate::world::World;

/// An answer.
type Answered = (StatusCode, Value);

/// Answers a control request. No token is asked for: whoever reaches the simulator owns it.
pub(super) fn answer(shared: &Arc<Shared>, method: &Method, path: &str, body: &[u8]) -> Response {
    let (status, body) = match serde_json::from_slice::<Value>(body) {
        Ok(sent) => asked(shared, method, path.trim_matches('/'), &sent),
        Err(_) if body.is_empty() => asked(shared, method, path.trim_matches('/'), &json!({})),
        Err(error) => refused(&format!("the body is no JSON: {error}")),
    };
    json_response(status, body.to_string().into_bytes())
}

fn asked(shared: &Arc<Shared>, method: &Method, path: &str, sent: &Value) -> Answered {
    match (method.as_str(), path.split_once('/').unwrap_or((path, ""))) {
        ("GET", ("", "")) => (StatusCode::OK, overview(&shared.read())),
        ("GET", ("verbs", "")) => (StatusCode::OK, verbs::list()),
        ("GET", ("requests", "")) => (StatusCode::OK, json!(shared.log.entries())),
        ("GET", ("counts", "")) => (StatusCode::OK, json!(shared.log.counts())),
        ("GET", ("absent", "")) => (StatusCode::OK, json!(shared.log.absent())),
        ("DELETE", ("requests", "")) => {
            shared.log.clear();
            (StatusCode::NO_CONTENT, Value::Null)
        }
        ("GET", ("faults", "")) => (StatusCode::OK, json!(shared.faults.list())),
        ("POST", ("faults", "")) => add_fault(shared, sent),
        ("DELETE", ("faults", "")) => {
            shared.faults.clear();
            (StatusCode::NO_CONTENT, Value::Null)
        }
        ("DELETE", ("faults", id)) if id.parse().is_ok_and(|id| shared.faults.remove(id)) => {
            (StatusCode::NO_CONTENT, Value::Null)
        }
        ("POST", (verb, "")) => {
            let runtime = tokio::runtime::Handle::current();
            match change(shared, &runtime, |world| verbs::act(world, verb, sent)) {
                Ok(done) => (StatusCode::OK, done),
                Err(error) => refused(&error),
            }
        }
        _ => (StatusCode::NOT_FOUND, json!({ "error": "no such control" })),
    }
}

fn refused(error: &str) -> Answered {
    (StatusCode::BAD_REQUEST, json!({ "error": error }))
}

/// Switches a fault on. A word that no fault knows is refused, so that no misspelt fault seems to pass.
fn add_fault(shared: &Shared, sent: &Value) -> Answered {
    let fault = match serde_json::from_value::<Fault>(sent.clone()) {
        Ok(fault) => fault,
        Err(error) => return refused(&error.to_string()),
    };
    let known = json!(fault);
    let unknown = sent.as_object().into_iter().flatten().find(|(name, _)| known.get(name.as_str()).is_none());
    if let Some((name, _)) = unknown {
        return refused(&format!("this fault knows no {name:?}"));
    }
    shared.faults.add(fault);
    (StatusCode::CREATED, json!(shared.faults.list()))
}

fn overview(world: &World) -> Value {
    json!({
        "version": world.settings.full_version(),
        "now": world.now(),
        "groups": world.groups().map(|group| &group.full_path).collect::<Vec<_>>(),
        "projects": world.projects().map(|project| &project.full_path).collect::<Vec<_>>(),
        "users": world.users().count(),
        "merge_requests": world.merge_request_count(),
        "hooks": world.hooks().map(|hook| json!({
            "id": hook.id,
            "url": hook.url,
            "deliveries": hook.log.len(),
            "status": hook.alert_status(world.now()),
        })).collect::<Vec<_>>(),
        "verbs": verbs::list(),
    })
}
