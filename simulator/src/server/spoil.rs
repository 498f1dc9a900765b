//! What faults do to answers.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::faults::FaultKind;
use super::reply::{json_response, set};
use super::shared::Shared;
use crate::rest::Failure;

/// What a fault answers instead of GitLab.
pub(super) fn broken(fault: &FaultKind, shared: &Shared) -> Option<Response> {
    match fault {
        FaultKind::RetryLater { seconds } => {
            let mut response = (StatusCode::TOO_MANY_REQUESTS, "Retry later\n").into_response();
            let reset = shared.read().now().as_second() + i64::try_from(*seconds).unwrap_or_default();
            let headers = response.headers_mut();
            set(headers, "retry-after", &seconds.to_string());
            set(headers, "ratelimit-name", "throttle_authenticated_api");
            set(headers, "ratelimit-limit", "2000");
            set(headers, "ratelimit-observed", "2001");
            set(headers, "ratelimit-remaining", "0");
            set(headers, "ratelimit-reset", &reset.to_string());
            Some(response)
        }
        FaultKind::TooManyRequests => {
            let failure = Failure::too_many_requests();
            Some(json_response(failure.status, failure.body.to_string().into_bytes()))
        }
        FaultKind::Status { status } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let body = json!({ "message": status.to_string() });
            Some(json_response(status, body.to_string().into_bytes()))
        }
        FaultKind::Html { status } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
            let body = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Corporate access proxy</h1></body></html>";
            Some((status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response())
        }
        _ => None,
    }
}

/// The body as it goes out: whole, dripping, or cut.
pub(super) fn spoilt(faults: &[FaultKind], body: Bytes) -> Body {
    let drip = faults.iter().find_map(|fault| match fault {
        FaultKind::SlowBody { millis } => Some(Duration::from_millis(*millis)),
        _ => None,
    });
    if let Some(pause) = drip {
        let drops = futures::stream::unfold(body, move |mut rest| async move {
            if rest.is_empty() {
                return None;
            }
            tokio::time::sleep(pause).await;
            let piece = rest.split_to(rest.len().min(16));
            Some((Ok::<_, std::io::Error>(piece), rest))
        });
        return Body::from_stream(drops);
    }
    if faults.contains(&FaultKind::CutBody) {
        let half = body.slice(..body.len() / 2);
        let pieces = futures::stream::unfold(Some(half), |half| async move {
            match half {
                Some(half) if !half.is_empty() => Some((Ok(half), Some(Bytes::new()))),
                Some(_) => {
                    // Headers and the first half are on their way before the connection ends.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    Some((Err(std::io::Error::other("the connection ends here")), None))
                }
                None => None,
            }
        });
        return Body::from_stream(pieces);
    }
    Body::from(body)
}
