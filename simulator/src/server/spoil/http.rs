//! Answers that are not GitLab's, and headers that are wrong.

use axum::body::Bytes;
use axum::http::response::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::rest::Failure;
use crate::server::asked::Asked;
use crate::server::faults::{FaultKind, Tells};
use crate::server::incoming::Incoming;
use crate::server::limits::http_date;
use crate::server::reply::{json_response, set};
use crate::server::shared::Shared;

/// What a fault answers instead of GitLab.
pub(in crate::server) fn instead(
    fault: &FaultKind,
    shared: &Shared,
    incoming: &Incoming,
    asked: &Asked,
) -> Option<Response> {
    let response = match fault {
        FaultKind::RetryLater { seconds } => throttled(shared, *seconds, Tells::Everything),
        FaultKind::Throttled { seconds, tells } => throttled(shared, *seconds, *tells),
        FaultKind::TooManyRequests => {
            let failure = Failure::too_many_requests();
            json_response(failure.status, failure.body.to_string().into_bytes())
        }
        FaultKind::Status { status } => {
            let status = status_of(*status);
            json_response(status, json!({ "message": status.to_string() }).to_string().into_bytes())
        }
        FaultKind::Empty { status } => status_of(*status).into_response(),
        FaultKind::Html { status } => {
            let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            (status_of(*status), kind, page_of(*status)).into_response()
        }
        FaultKind::Redirect { status, to } => {
            let question = if incoming.query.is_empty() { "" } else { "?" };
            let own = format!("{}{question}{}", incoming.path, incoming.query);
            let mut response = status_of(*status).into_response();
            set(response.headers_mut(), "location", &to.replace("{self}", &own));
            response
        }
        FaultKind::Unauthorized => {
            let body = match asked {
                Asked::GraphQl(..) => json!({ "errors": [{ "message": "Invalid token" }] }),
                Asked::Rest(..) | Asked::Page => json!({ "message": "401 Unauthorized" }),
            };
            json_response(StatusCode::UNAUTHORIZED, body.to_string().into_bytes())
        }
        FaultKind::Body { text } => json_response(StatusCode::OK, text.clone().into_bytes()),
        FaultKind::Errors { message, status, data } => {
            let mut body = json!({ "errors": [{ "message": message }] });
            if *data {
                body["data"] = json!(null);
            }
            json_response(status_of(*status), body.to_string().into_bytes())
        }
        FaultKind::UnknownField { name } => {
            let (ty, field) = name.split_once('.').unwrap_or(("Query", name));
            let body = json!({ "errors": [{
                "message": format!("Field '{field}' doesn't exist on type '{ty}'"),
                "locations": [{ "line": 1, "column": 1 }],
                "path": ["query"],
                "extensions": { "code": "undefinedField", "typeName": ty, "fieldName": field },
            }] });
            json_response(StatusCode::OK, body.to_string().into_bytes())
        }
        _ => return None,
    };
    Some(response)
}

fn status_of(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Rack::Attack's refusal, as talkative as it is wanted.
fn throttled(shared: &Shared, seconds: u64, tells: Tells) -> Response {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX / 2);
    let late = if tells == Tells::WrongClock { 3600 } else { 0 };
    let reset = shared.read().now().as_second().saturating_add(seconds) - late;
    let mut response = (StatusCode::TOO_MANY_REQUESTS, "Retry later\n").into_response();
    let headers = response.headers_mut();
    match tells {
        Tells::Everything | Tells::WrongClock => set(headers, "retry-after", &seconds.to_string()),
        Tells::Date => set(headers, "retry-after", &http_date(reset)),
        Tells::ResetOnly | Tells::Nothing => {}
    }
    if tells == Tells::WrongClock {
        set(headers, "date", &http_date(reset - seconds));
    }
    if tells == Tells::Nothing {
        return response;
    }
    set(headers, "ratelimit-name", "throttle_authenticated_api");
    set(headers, "ratelimit-limit", "2000");
    set(headers, "ratelimit-observed", "2001");
    set(headers, "ratelimit-remaining", "0");
    set(headers, "ratelimit-reset", &reset.to_string());
    set(headers, "ratelimit-resettime", &http_date(reset));
    response
}

/// The pages that people see when something is in the way.
fn page_of(status: u16) -> String {
    let (title, text) = match status {
        200 => ("Sign in", "Corporate access proxy: sign in to go on"),
        403 => ("Just a moment...", "Checking your browser. Your address has been blocked after too many requests."),
        502 => ("GitLab is not responding", "Waiting for GitLab to boot"),
        503 => ("Deploy in progress", "Please try again in a few minutes."),
        _ => ("Error", "Whoops, something went wrong on our end."),
    };
    format!("<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{text}</h1></body></html>")
}

/// What faults do to a passing body and the words about it.
pub(in crate::server) fn alter(struck: &[FaultKind], parts: &mut Parts, mut body: Bytes) -> Bytes {
    for fault in struck {
        match fault {
            FaultKind::ContentType { value: Some(value) } => set(&mut parts.headers, "content-type", value),
            FaultKind::ContentType { value: None } => drop(parts.headers.remove(header::CONTENT_TYPE)),
            FaultKind::Utf16 => {
                set(&mut parts.headers, "content-type", "application/json; charset=utf-16");
                let text = String::from_utf8_lossy(&body);
                let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
                body = units.flat_map(u16::to_le_bytes).collect();
            }
            FaultKind::Truncate { at } => body.truncate(*at),
            _ => {}
        }
    }
    body
}

/// What faults do to the headers, last of all.
pub(in crate::server) fn headers(struck: &[FaultKind], parts: &mut Parts) {
    for fault in struck {
        match fault {
            FaultKind::DropHeaders { names } => {
                for name in names {
                    parts.headers.remove(name.as_str());
                }
            }
            FaultKind::SetHeader { name, value } => {
                if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
                    parts.headers.insert(name, value);
                }
            }
            FaultKind::LinkBase { base } => {
                for name in ["link", "location"] {
                    let text = parts.headers.get(name).and_then(|value| value.to_str().ok());
                    if let Some(text) = text.map(|text| with_base(text, base)) {
                        set(&mut parts.headers, name, &text);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The text with every address in it led to another base.
fn with_base(text: &str, base: &str) -> String {
    let mut parts = text.split("://");
    let mut moved = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let scheme = moved.rfind(|letter: char| !letter.is_ascii_alphabetic()).map_or(0, |place| place + 1);
        moved.truncate(scheme);
        moved.push_str(base.trim_end_matches('/'));
        moved.push_str(part.find('/').map_or("", |path| &part[path..]));
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_a_link_is_led_elsewhere() {
        let link = "<http://a:1/x?page=2>; rel=\"next\", <http://a:1/x?page=1>; rel=\"first\"";
        let moved = "<https://b/x?page=2>; rel=\"next\", <https://b/x?page=1>; rel=\"first\"";

        assert_eq!(with_base(link, "https://b/"), moved);
    }
}
