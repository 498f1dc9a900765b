//! Sending webhooks: headers by version, signatures, the log, and the way of being disabled. Nothing is retried.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;

use super::faults::{FaultKind, Subject};
use super::shared::Shared;
use super::spoil;
use crate::world::{Hook, HookEvent, HookTarget, Outgoing, Settings, World};

/// GitLab keeps this much of an answer.
const KEPT_BODY: usize = 8 * 1024;

/// A delivery as it goes over the wire.
struct Prepared {
    url: String,
    headers: Vec<(String, String)>,
    body: Bytes,
    key: String,
    verify: bool,
    timeout: Duration,
}

/// Sends one delivery and writes it into the hook's log, unless a fault loses it. Tells the receiver's status and words,
/// or why none came; nothing when it was not sent.
pub(super) async fn deliver(
    shared: &Shared,
    outgoing: Outgoing,
    idempotency_key: Option<String>,
) -> Option<(Option<u16>, String)> {
    let struck = strike(shared, &outgoing);
    for fault in &struck {
        if let FaultKind::Latency { millis } = fault {
            tokio::time::sleep(Duration::from_millis(*millis)).await;
        }
    }
    if struck.contains(&FaultKind::Lost) {
        return None;
    }
    let key = idempotency_key.unwrap_or_else(uuid);
    if struck.contains(&FaultKind::Twice) {
        send(shared, outgoing.clone(), key.clone(), &struck).await;
    }
    send(shared, outgoing, key, &struck).await
}

/// What goes wrong with a delivery.
fn strike(shared: &Shared, outgoing: &Outgoing) -> Vec<FaultKind> {
    if shared.faults.is_empty() {
        return Vec::new();
    }
    let world = shared.read();
    let url = world.hook(outgoing.hook).map(Hook::interpolated_url).unwrap_or_default();
    let project = outgoing.body.pointer("/project/path_with_namespace").and_then(Value::as_str);
    let subject = Subject {
        method: "HOOK",
        route: outgoing.trigger,
        path: &url,
        project: project.map(str::to_owned),
        ..Subject::default()
    };
    shared.faults.strike(&subject, world.now())
}

async fn post(shared: &Shared, prepared: &Prepared) -> reqwest::Result<reqwest::Response> {
    let client = shared.clients.get(prepared.verify)?;
    let mut request = client.post(&prepared.url).timeout(prepared.timeout).body(prepared.body.clone());
    for (name, value) in &prepared.headers {
        request = request.header(name, value);
    }
    request.send().await
}

async fn send(shared: &Shared, outgoing: Outgoing, key: String, struck: &[FaultKind]) -> Option<(Option<u16>, String)> {
    let prepared = {
        let world = shared.read();
        prepare(&world, &outgoing, key, struck)?
    };
    let begin = Instant::now();
    let answered = post(shared, &prepared).await;
    let (status, headers, body, success, message) = match answered {
        Ok(response) => {
            let status = response.status();
            let named = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
                (name.to_string(), value.to_str().unwrap_or_default().to_owned())
            };
            let headers = response.headers().iter().take(50).map(named).collect();
            let mut body = response.text().await.unwrap_or_default();
            let message = body.clone();
            body.truncate(body.floor_char_boundary(KEPT_BODY));
            (Some(status.as_u16()), headers, body, status.is_success() || status.is_redirection(), message)
        }
        Err(error) => (None, Vec::new(), String::new(), false, words(&error, &prepared.url)),
    };
    let mut world = shared.write();
    let now = world.now();
    let id = world.next_id("hook_event");
    let event = HookEvent {
        id,
        at: now,
        url: prepared.url,
        trigger: outgoing.trigger,
        event: outgoing.event,
        request_headers: redacted(prepared.headers),
        request_data: outgoing.body,
        response_headers: headers,
        response_body: body,
        response_status: status.map_or_else(|| "internal error".to_owned(), |status| status.to_string()),
        execution_duration: begin.elapsed().as_secs_f64(),
        idempotency_key: prepared.key,
    };
    conclude(&mut world, outgoing.hook, event, success, now);
    Some((status, message))
}

/// Why no answer came, in the words of Ruby's HTTP library.
fn words(error: &reqwest::Error, url: &str) -> String {
    if error.is_timeout() {
        return "Net::ReadTimeout with #<TCPSocket:(closed)>".to_owned();
    }
    let url = reqwest::Url::parse(url).ok();
    let place = url.as_ref().and_then(|url| Some((url.host_str()?, url.port_or_known_default()?)));
    match place {
        Some((host, port)) if error.is_connect() => format!(
            "Failed to open TCP connection to {host}:{port} (Connection refused - connect(2) for \"{host}\" port {port})"
        ),
        _ => "end of file reached".to_owned(),
    }
}

fn conclude(world: &mut World, hook: i64, event: HookEvent, success: bool, now: Timestamp) {
    let settings = world.settings.clone();
    let Some(hook) = world.hook_mut(hook) else {
        return;
    };
    hook.log.push_front(event);
    hook.log.truncate(2_000);
    if success {
        hook.succeeded();
    } else if settings.auto_disable_webhooks && hook.target != HookTarget::System {
        if settings.at_least(17, 11) {
            hook.failed(now);
        } else {
            hook.failed_before_17_11(now);
        }
    }
}

fn redacted(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    let hide = |(name, value): (String, String)| {
        let secret = name == "X-Gitlab-Token";
        let value = if secret { "[REDACTED]".to_owned() } else { value };
        (name, value)
    };
    headers.into_iter().map(hide).collect()
}

fn prepare(world: &World, outgoing: &Outgoing, key: String, struck: &[FaultKind]) -> Option<Prepared> {
    let hook = world.hook(outgoing.hook)?;
    let body = match &hook.custom_webhook_template {
        Some(template) if !template.is_empty() => template.clone().into_bytes(),
        _ => outgoing.body.to_string().into_bytes(),
    };
    let body = spoil::deliver(struck, body);
    let millis = u64::try_from(world.settings.webhook_timeout.as_millis()).unwrap_or(10_000);
    Some(Prepared {
        url: hook.interpolated_url(),
        headers: headers(&world.settings, hook, outgoing.event, (&key, world.now()), &body),
        body,
        key,
        verify: hook.enable_ssl_verification,
        timeout: Duration::from_millis(millis),
    })
}

fn headers(
    settings: &Settings,
    hook: &Hook,
    event: &str,
    (key, now): (&str, Timestamp),
    body: &[u8],
) -> Vec<(String, String)> {
    // The instance's address has no relative root.
    let instance = reqwest::Url::parse(&settings.url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let mut own: Vec<(&str, String)> = vec![
        ("Content-Type", "application/json".to_owned()),
        ("User-Agent", format!("GitLab/{}", settings.full_version())),
        ("X-Gitlab-Event", event.to_owned()),
        ("X-Gitlab-Event-UUID", uuid()),
        ("X-Gitlab-Instance", instance),
    ];
    if settings.at_least(16, 2) {
        own.push(("X-Gitlab-Webhook-UUID", uuid()));
    }
    if let Some(token) = &hook.token {
        own.push(("X-Gitlab-Token", token.replace('\n', "")));
    }
    if settings.at_least(17, 4) {
        own.push(("Idempotency-Key", key.to_owned()));
    }
    if settings.at_least(19, 0) {
        let timestamp = now.as_second().to_string();
        if let Some(token) = &hook.signing_token {
            own.push(("webhook-signature", signature(token, key, &timestamp, body)));
        }
        own.push(("webhook-id", key.to_owned()));
        own.push(("webhook-timestamp", timestamp));
    }
    let taken = |name: &str| own.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    let custom: Vec<(String, String)> = hook.custom_headers.iter().filter(|(name, _)| !taken(name)).cloned().collect();
    own.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(custom).collect()
}

/// `v1,` and the HMAC-SHA256 over id, timestamp and body.
fn signature(token: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let key = token.strip_prefix("whsec_").and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key.unwrap_or_default()) else {
        return String::new();
    };
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

fn uuid() -> String {
    let number = fastrand::u128(..);
    let hex = format!("{number:032x}");
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_gitlabs_test_vector() {
        let token = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let id = "f5e5f430-f57b-4e6e-9fac-d9128cd7232f";
        let signed = signature(token, id, "1744578123", br#"{"object_kind":"merge_request"}"#);

        assert_eq!(signed, "v1,9BHFx52Ly8/6TNGpOTc7FjFZDHeps5sLVh07VzDeYTo=");
    }
}
