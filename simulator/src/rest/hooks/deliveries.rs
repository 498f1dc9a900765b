//! Test deliveries, the log of deliveries, and resending.

use axum::http::StatusCode;
use serde_json::json;

use super::target::{named, target};
use crate::rest::page::{Paging, page};
use crate::rest::{Delivery, Failure, Outcome, Reply, Request, show};
use crate::world::{HookEvent, HookTarget, Outgoing, World};

/// Sends a made-up event from what is there, even to a disabled hook. A trigger that does not exist is told before
/// the limit counts, as Grape validates first; then the limit, then whether there is something to send.
pub(super) fn test(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (place, _) = target(world, request, false)?;
    let user = request.caller.user.unwrap_or_default();
    let made_up = world.test_payload(place, request.param(2), user);
    if made_up.as_ref().is_err_and(String::is_empty) {
        return Err(Failure::param("trigger does not have a valid value"));
    }
    let id = named(world, request, false)?.id;
    if !world.may_test("web_hook_test", &request.caller, place) {
        return Err(Failure::too_many_requests());
    }
    let (trigger, event, body) = made_up.map_err(|error| refused(&error))?;
    let outgoing = Outgoing { hook: id, trigger, event, body };
    let delivery = Delivery { outgoing, idempotency_key: None, conclude: tested };
    Ok(Reply { deliver: Some(delivery), ..Reply::default() })
}

/// A system hook's test has no trigger, no limit, and answers what it sent, whatever became of it.
pub(super) fn test_system(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = named(world, request, false)?.id;
    let (trigger, event, body) =
        world.test_payload(HookTarget::System, "system", 0).map_err(|error| refused(&error))?;
    let outgoing = Outgoing { hook: id, trigger, event, body };
    let conclude = |outcome: &Outcome| Ok(Reply::created(outcome.body.clone()));
    Ok(Reply { deliver: Some(Delivery { outgoing, idempotency_key: None, conclude }), ..Reply::default() })
}

/// A service that failed: its words, with 422.
fn refused(message: &str) -> Failure {
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, json!({ "message": message }))
}

/// A test succeeds with 200 to 299; else the receiver's words or the error are told (lib/api/hooks/trigger_test.rb).
fn tested(outcome: &Outcome) -> Result<Reply, Failure> {
    if outcome.status.is_some_and(|status| (200..300).contains(&status)) {
        return Ok(Reply::created(json!({ "message": "201 Created" })));
    }
    Err(refused(&outcome.message))
}

/// A resend succeeds when any answer came (app/services/web_hook_service.rb).
fn resent(outcome: &Outcome) -> Result<Reply, Failure> {
    let status = outcome.status.ok_or_else(|| refused(&outcome.message))?;
    Ok(Reply::created(json!({ "response_status": status })))
}

/// The log of the last seven days, twenty a page.
pub(super) fn events(world: &World, request: &Request) -> Result<Reply, Failure> {
    let hook = named(world, request, true)?;
    let week_ago = world.now().checked_sub(jiff::SignedDuration::from_hours(7 * 24)).unwrap_or_default();
    let wanted = request.args.list("status");
    let matches = |event: &&HookEvent| {
        event.at >= week_ago && (wanted.is_empty() || wanted.iter().any(|status| status_is(event, status)))
    };
    let events: Vec<&HookEvent> = hook.log.iter().filter(matches).collect();
    // lib/api/hooks/events.rb declares 1 to 20 and refuses more.
    if request.args.integer("per_page")?.is_some_and(|wished| !(1..=20).contains(&wished)) {
        return Err(Failure::param("per_page does not have a valid value"));
    }
    page(world, request, Paging::Offset, &events, |event| show::event(event))
}

fn status_is(event: &HookEvent, wanted: &str) -> bool {
    let code = event.response_status.parse::<u16>().ok();
    match wanted {
        "successful" => code.is_some_and(|code| (200..300).contains(&code)),
        "client_failure" => code.is_some_and(|code| (400..500).contains(&code)),
        "server_failure" => code.is_none_or(|code| code >= 500),
        other => event.response_status == other,
    }
}

/// Sends a logged delivery again, with its key.
pub(super) fn resend(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let hook = named(world, request, false)?;
    let (id, place) = (hook.id, hook.target);
    if !world.may_test("web_hook_event_resend", &request.caller, place) {
        return Err(Failure::too_many_requests());
    }
    let hook = world.hook(id).ok_or_else(Failure::no_row)?;
    let id = request.param(2).parse::<i64>().map_err(|_| Failure::param("hook_log_id is invalid"))?;
    let event = hook.log.iter().find(|event| event.id == id).ok_or_else(Failure::no_row)?;
    if event.url != hook.interpolated_url() {
        return Err(refused("The hook URL has changed, and this log entry cannot be retried"));
    }
    let outgoing =
        Outgoing { hook: hook.id, trigger: event.trigger, event: event.event, body: event.request_data.clone() };
    let delivery = Delivery { outgoing, idempotency_key: Some(event.idempotency_key.clone()), conclude: resent };
    Ok(Reply { deliver: Some(delivery), ..Reply::default() })
}
