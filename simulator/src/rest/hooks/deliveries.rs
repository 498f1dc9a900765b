//! Test deliveries, the log of deliveries, and resending.

use axum::http::StatusCode;
use serde_json::json;

use super::{Failure, Reply, Request, named, target};
use crate::rest::page::Paging;
use crate::rest::page::page;
use crate::rest::{Delivery, show};
use crate::world::{HookEvent, HookTarget, Outgoing, World};

/// Sends a made-up event from what is there, even to a disabled hook.
pub(crate) fn test(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let hook = named(world, request, false)?;
    let (id, target) = (hook.id, hook.target);
    if target != HookTarget::System && !world.may_test(&request.caller, target) {
        return Err(Failure::too_many_requests());
    }
    let trigger = if target == HookTarget::System { "system" } else { request.param(2) };
    let user = request.caller.user.unwrap_or_default();
    let (trigger, event, body) = world.test_payload(target, trigger, user).map_err(|error| {
        if error.is_empty() {
            return Failure::param("trigger does not have a valid value");
        }
        Failure::new(StatusCode::UNPROCESSABLE_ENTITY, json!({ "message": error }))
    })?;
    let outgoing = Outgoing { hook: id, trigger, event, body };
    let delivery = Delivery { outgoing, idempotency_key: None, resend: false };
    Ok(Reply { deliver: Some(delivery), ..Reply::created(json!({ "message": "201 Created" })) })
}

/// The log of the last seven days, twenty a page.
pub(crate) fn events(world: &World, request: &Request) -> Result<Reply, Failure> {
    let hook = named(world, request, true)?;
    let week_ago = world.now().checked_sub(jiff::SignedDuration::from_hours(7 * 24)).unwrap_or_default();
    let wanted = request.args.list("status");
    let matches = |event: &&HookEvent| {
        event.at >= week_ago && (wanted.is_empty() || wanted.iter().any(|status| status_is(event, status)))
    };
    let events: Vec<&HookEvent> = hook.log.iter().filter(matches).collect();
    let mut request_of_twenty = Request {
        caller: request.caller.clone(),
        params: request.params.clone(),
        path: request.path.clone(),
        args: request.args.clone(),
    };
    request_of_twenty.args.clamp("per_page", 20);
    page(world, &request_of_twenty, Paging::Offset, &events, |event| show::event(event))
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
pub(crate) fn resend(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (place, _) = target(world, request, false)?;
    if !world.may_test(&request.caller, place) {
        return Err(Failure::too_many_requests());
    }
    let hook = named(world, request, false)?;
    let id = request.param(2).parse::<i64>().map_err(|_| Failure::param("hook_log_id is invalid"))?;
    let event = hook.log.iter().find(|event| event.id == id).ok_or_else(Failure::no_row)?;
    if event.url != hook.interpolated_url() {
        let message = "The hook URL has changed. Unable to resend the request.";
        return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, json!({ "message": message })));
    }
    let outgoing =
        Outgoing { hook: hook.id, trigger: event.trigger, event: event.event, body: event.request_data.clone() };
    let delivery = Delivery { outgoing, idempotency_key: Some(event.idempotency_key.clone()), resend: true };
    Ok(Reply { deliver: Some(delivery), ..Reply::created(json!({})) })
}
