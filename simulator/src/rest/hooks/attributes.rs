//! A webhook's attributes: defaults, validation, and what a change takes along.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::rest::{Failure, Request};
use crate::world::{EVENTS, GROUP_EVENTS, Hook, HookTarget, Settings};

/// What is done to a hook; refusals sound different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Update,
}

/// A hook before anything was asked for.
pub(super) fn fresh(target: HookTarget, created_at: Timestamp) -> Hook {
    let on: &[&str] = match target {
        HookTarget::System => &["repository_update_events"],
        _ => &["push_events"],
    };
    Hook {
        id: 0,
        target,
        url: String::new(),
        name: None,
        description: None,
        token: None,
        signing_token: None,
        events: on.iter().copied().collect::<BTreeSet<_>>(),
        enable_ssl_verification: true,
        push_events_branch_filter: None,
        branch_filter_strategy: "wildcard".to_owned(),
        custom_webhook_template: None,
        custom_headers: Vec::new(),
        url_variables: Vec::new(),
        created_at,
        recent_failures: 0,
        disabled_until: None,
        disabled: false,
        log: VecDeque::new(),
    }
}

/// Applies what a request asks for. What this version does not know is ignored, as Grape ignores it.
pub(super) fn apply(settings: &Settings, request: &Request, hook: &mut Hook, verb: Verb) -> Result<(), Failure> {
    let args = &request.args;
    let before = hook.interpolated_url();
    let url_before = hook.url.clone();
    let sent = |name: &str| args.raw(name).is_some();
    if let Some(url) = args.text("url") {
        hook.url = url;
    }
    // Before the validation: a URL that changed takes the secret along, and the headers.
    if verb == Verb::Update && hook.url != url_before {
        hook.token = None;
    }
    if let Some(variables) = args.raw("url_variables") {
        merge(&mut hook.url_variables, pairs(variables).ok_or_else(|| invalid_pairs(verb))?);
    }
    if verb == Verb::Update && hook.interpolated_url() != before && !sent("custom_headers") {
        hook.custom_headers.clear();
    }
    if let Some(headers) = args.raw("custom_headers").filter(|_| settings.at_least(17, 1)) {
        let headers = pairs(headers).filter(|headers| headers.len() <= 20).ok_or_else(|| invalid_pairs(verb))?;
        merge(&mut hook.custom_headers, headers);
    }
    if sent("token") {
        hook.token = args.text("token").filter(|token| !token.is_empty());
        if hook.token.as_ref().is_some_and(|token| token.contains('\n')) {
            return Err(refused(verb, "token", "Token must not contain newlines"));
        }
    }
    if sent("signing_token") && settings.at_least(19, 0) {
        let token = args.text("signing_token").filter(|token| !token.is_empty());
        if token.as_ref().is_some_and(|token| !signs(token)) {
            return Err(refused(verb, "signing_token", "Signing token must be whsec_ and 32 bytes in Base64"));
        }
        hook.signing_token = token;
    }
    if settings.at_least(17, 1) {
        text(request, "name", 255, &mut hook.name, verb)?;
        text(request, "description", 2048, &mut hook.description, verb)?;
    }
    if settings.at_least(16, 10) {
        text(request, "custom_webhook_template", 4096, &mut hook.custom_webhook_template, verb)?;
    }
    text(request, "push_events_branch_filter", 5000, &mut hook.push_events_branch_filter, verb)?;
    if let Some(strategy) = args.text("branch_filter_strategy") {
        if !["wildcard", "regex", "all_branches"].contains(&strategy.as_str()) {
            return Err(Failure::param("branch_filter_strategy does not have a valid value"));
        }
        hook.branch_filter_strategy = strategy;
    }
    events(request, hook)?;
    if let Some(verify) = args.truth("enable_ssl_verification") {
        hook.enable_ssl_verification = verify;
    }
    if !callable(settings, hook) {
        return Err(Failure::unprocessable("Invalid url given"));
    }
    Ok(())
}

fn events(request: &Request, hook: &mut Hook) -> Result<(), Failure> {
    let group = matches!(hook.target, HookTarget::Group(_));
    let own = GROUP_EVENTS.iter().filter(|_| group);
    for event in EVENTS.iter().chain(own) {
        let Some(sent) = request.args.raw(event) else {
            continue;
        };
        match request.args.truth(event) {
            Some(true) => {
                hook.events.insert(event);
            }
            Some(false) => {
                hook.events.remove(event);
            }
            None if sent.is_null() => {}
            None => return Err(Failure::param(&format!("{event} is invalid"))),
        }
    }
    Ok(())
}

fn text(request: &Request, name: &str, most: usize, place: &mut Option<String>, verb: Verb) -> Result<(), Failure> {
    if request.args.raw(name).is_none() {
        return Ok(());
    }
    let value = request.args.text(name);
    if value.as_ref().is_some_and(|value| value.chars().count() > most) {
        return Err(refused(verb, name, &format!("{name} is too long (maximum is {most} characters)")));
    }
    *place = value;
    Ok(())
}

fn refused(verb: Verb, field: &str, message: &str) -> Failure {
    match verb {
        Verb::Create => Failure::unprocessable(message),
        Verb::Update => Failure::new(StatusCode::UNPROCESSABLE_ENTITY, json!({ "message": { field: [message] } })),
    }
}

fn invalid_pairs(verb: Verb) -> Failure {
    match verb {
        Verb::Create => Failure::unprocessable("Custom headers must be a valid json schema"),
        Verb::Update => Failure::unprocessable("Custom headers validation failed"),
    }
}

/// `[{key, value}]`.
fn pairs(value: &Value) -> Option<Vec<(String, String)>> {
    let pair = |entry: &Value| {
        let key = entry.get("key")?.as_str()?;
        let value = entry.get("value")?.as_str()?;
        Some((key.to_owned(), value.to_owned()))
    };
    value.as_array()?.iter().map(pair).collect()
}

/// Adds pairs and replaces those that are known; none goes.
pub(super) fn merge(into: &mut Vec<(String, String)>, pairs: Vec<(String, String)>) {
    for (key, value) in pairs {
        into.retain(|(known, _)| *known != key);
        into.push((key, value));
    }
}

/// `whsec_` and exactly 32 bytes.
fn signs(token: &str) -> bool {
    let encoded = token.strip_prefix("whsec_");
    encoded.and_then(|encoded| BASE64_STANDARD.decode(encoded).ok()).is_some_and(|bytes| bytes.len() == 32)
}

/// Whether GitLab would call this URL: HTTP, all variables known, and local only where that is allowed.
fn callable(settings: &Settings, hook: &Hook) -> bool {
    let url = hook.interpolated_url();
    if url.contains('{') || url.contains('}') {
        return false;
    }
    let Ok(url) = reqwest::Url::parse(&url) else {
        return false;
    };
    if !matches!(url.scheme(), "http" | "https") {
        return false;
    }
    let Some(host) = url.host_str() else {
        return false;
    };
    settings.allow_local_webhooks || hook.target == HookTarget::System || !local(host)
}

fn local(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    match host.parse() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unspecified(),
        Err(_) => host == "localhost" || host.ends_with(".local") || host.ends_with(".localhost"),
    }
}
