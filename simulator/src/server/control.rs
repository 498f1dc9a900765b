//! `/-/simulator/…`: the World, the faults and the log for other processes, such as the demo, benchmarks and scripts.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::change::change;
use super::faults::Fault;
use super::reply::json_response;
use super::shared::Shared;
use crate::world::World;

/// Answers a control request. No token is asked for: whoever reaches the simulator owns it.
pub(super) async fn answer(shared: &Arc<Shared>, method: &Method, verb: &str, body: &[u8]) -> Response {
    let sent: Value = serde_json::from_slice(body).unwrap_or_default();
    let verb = verb.trim_matches('/');
    let (status, body) = match (method.as_str(), verb) {
        ("GET", "") => (StatusCode::OK, overview(&shared.read())),
        ("GET", "requests") => (StatusCode::OK, json!(shared.log.entries())),
        ("GET", "counts") => (StatusCode::OK, json!(shared.log.counts())),
        ("DELETE", "requests") => {
            shared.log.clear();
            (StatusCode::NO_CONTENT, Value::Null)
        }
        ("GET", "faults") => (StatusCode::OK, json!(shared.faults.list())),
        ("POST", "faults") => match serde_json::from_value::<Fault>(sent) {
            Ok(fault) => {
                shared.faults.add(fault);
                (StatusCode::CREATED, json!(shared.faults.list()))
            }
            Err(error) => (StatusCode::BAD_REQUEST, json!({ "error": error.to_string() })),
        },
        ("DELETE", "faults") => {
            shared.faults.clear();
            (StatusCode::NO_CONTENT, Value::Null)
        }
        ("POST", verb) => {
            let runtime = tokio::runtime::Handle::current();
            match change(shared, &runtime, |world| act(world, verb, &sent)) {
                Some(done) => (StatusCode::OK, done),
                None => {
                    let error = format!("nothing done: no such verb as {verb:?}, or what it names does not exist");
                    (StatusCode::BAD_REQUEST, json!({ "error": error }))
                }
            }
        }
        _ => (StatusCode::NOT_FOUND, json!({ "error": "no such control" })),
    };
    json_response(status, body.to_string().into_bytes())
}

fn overview(world: &World) -> Value {
    json!({
        "version": world.settings.full_version(),
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
    })
}

/// `{"project": "acme/web", "iid": 7, "user": "ann", …}`: one thing happens.
fn act(world: &mut World, verb: &str, sent: &Value) -> Option<Value> {
    let text = |name: &str| sent.get(name).and_then(Value::as_str);
    let user = text("user").unwrap_or("root");
    let words = text("body").or_else(|| text("title")).unwrap_or("Changed from outside");
    if verb == "live" {
        let happened = world.live(&mut fastrand::Rng::new())?;
        return Some(
            json!({ "project": happened.project, "iid": happened.iid, "user": happened.user, "what": happened.what }),
        );
    }
    if verb == "revoke" {
        let id = world.token_by_secret(text("token")?)?.id;
        world.token_mut(id)?.revoked = true;
        return Some(json!({ "token": id }));
    }
    if verb == "delete-note" {
        let note = world.delete_note(sent.get("note")?.as_i64()?)?;
        return Some(json!({ "note": note.id }));
    }
    if verb == "add-project" {
        let group = world.group_by_path(text("group")?)?.id;
        let id = world.add_project(group, text("path")?);
        return Some(json!({ "project": id }));
    }
    let project = world.project_by_path(text("project")?)?.id;
    if verb == "open" {
        let id = world.open_merge_request(project, user, words)?;
        return Some(json!({ "iid": world.merge_request(id)?.iid }));
    }
    let id = world.merge_request_by_iid(project, sent.get("iid")?.as_i64()?)?.id;
    let mut done = json!({ "merge_request": id });
    match verb {
        "comment" => done["note"] = json!(world.comment(id, user, words)?),
        "diff-comment" => done["note"] = json!(world.diff_comment(id, user, words)?),
        "internal-comment" => done["note"] = json!(world.internal_comment(id, user, words)?),
        "approve" => world.approve(id, user)?,
        "unapprove" => world.unapprove(id, user)?,
        "request-review" => world.request_review(id, user, text("reviewer")?)?,
        "merge" => world.merge(id, user)?,
        "close" => world.close(id, user)?,
        "reopen" => world.reopen(id, user)?,
        "ready" => world.mark_ready(id, user)?,
        "draft" => world.mark_draft(id, user)?,
        "retitle" => world.retitle(id, user, words)?,
        "label" => world.add_label(id, user, text("label")?)?,
        "push" => world.push_commits(id, user, 1)?,
        "delete" => drop(world.delete_merge_request(id)?),
        _ => return None,
    }
    Some(done)
}
