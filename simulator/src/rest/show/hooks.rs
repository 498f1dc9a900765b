//! Webhooks and their log. Secrets never come back.

use serde_json::{Value, json};

use super::time;
use crate::world::{EVENTS, GROUP_EVENTS, Hook, HookEvent, HookTarget, World};

/// A webhook.
pub(crate) fn hook(world: &World, hook: &Hook) -> Value {
    let settings = &world.settings;
    let keys = |pairs: &[(String, String)]| pairs.iter().map(|(key, _)| json!({ "key": key })).collect::<Value>();
    let mut shown = json!({
        "id": hook.id,
        "url": hook.url,
        "created_at": time(hook.created_at),
        "push_events": hook.events.contains("push_events"),
        "tag_push_events": hook.events.contains("tag_push_events"),
        "merge_requests_events": hook.events.contains("merge_requests_events"),
        "repository_update_events": hook.events.contains("repository_update_events"),
        "enable_ssl_verification": hook.enable_ssl_verification,
        "url_variables": keys(&hook.url_variables),
    });
    if settings.at_least(17, 1) {
        shown["name"] = json!(hook.name);
        shown["description"] = json!(hook.description);
    }
    if settings.at_least(19, 0) {
        shown["token_present"] = json!(hook.token.is_some());
        shown["signing_token_present"] = json!(hook.signing_token.is_some());
    }
    let group = match hook.target {
        HookTarget::System => return shown,
        HookTarget::Project(id) => {
            shown["project_id"] = json!(id);
            false
        }
        HookTarget::Group(id) => {
            shown["group_id"] = json!(id);
            true
        }
    };
    let own = GROUP_EVENTS.iter().filter(|_| group);
    for event in EVENTS.iter().chain(own) {
        shown[*event] = json!(hook.events.contains(event));
    }
    shown["push_events_branch_filter"] = json!(hook.push_events_branch_filter);
    shown["branch_filter_strategy"] = json!(hook.branch_filter_strategy);
    let now = world.now();
    shown["alert_status"] = json!(hook.alert_status(now));
    shown["disabled_until"] = json!(hook.disabled_until.filter(|until| *until > now).map(time));
    if settings.at_least(16, 10) {
        shown["custom_webhook_template"] = json!(hook.custom_webhook_template);
    }
    if settings.at_least(17, 1) {
        shown["custom_headers"] = keys(&hook.custom_headers);
    }
    shown
}

/// A delivery in a webhook's log.
pub(crate) fn event(event: &HookEvent) -> Value {
    let headers = |pairs: &[(String, String)]| {
        pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<serde_json::Map<_, _>>()
    };
    json!({
        "id": event.id,
        "url": event.url,
        "trigger": event.trigger,
        "request_headers": headers(&event.request_headers),
        "request_data": event.request_data,
        "response_headers": headers(&event.response_headers),
        "response_body": event.response_body,
        "execution_duration": event.execution_duration,
        "response_status": event.response_status,
        "created_at": time(event.at),
    })
}
