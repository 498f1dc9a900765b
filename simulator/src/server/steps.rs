//! The steps of a request: who asks, what goes wrong, what is left of the budget, the answer, the log.

use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::api::{answer_graphql, answer_rest};
use super::asked::{Asked, asked};
use super::auth::{Authenticated, authenticate};
use super::faults::{FaultKind, Subject};
use super::incoming::Incoming;
use super::limits::Budget;
use super::log::Logged;
use super::reply::{json_response, page, set};
use super::shared::Shared;
use super::spoil::{broken, spoilt};
use crate::rest::Failure;

/// Answers a request.
pub(super) async fn answer(shared: &Arc<Shared>, incoming: &Incoming) -> Response {
    let asked = asked(shared, incoming);
    let (caller, user) = authenticate(shared, incoming);
    let path = incoming.path.strip_prefix(&shared.root).unwrap_or(&incoming.path);
    let subject = Subject {
        method: incoming.method.as_str(),
        route: asked.route(),
        path: path.strip_prefix("/api/v4").unwrap_or(path),
        operation: asked.operation(),
        user: user.as_deref(),
    };
    let faults = shared.faults.strike(&subject);
    for fault in &faults {
        match fault {
            FaultKind::Latency { millis } => {
                tokio::time::sleep(Duration::from_millis(*millis)).await;
            }
            FaultKind::Hang => std::future::pending().await,
            _ => {}
        }
    }
    let broken = faults.iter().find_map(|fault| broken(fault, shared));
    let response = match broken {
        Some(response) => response,
        None => limited(shared, incoming, asked_with(&asked, &faults), (&caller, user.as_deref())).await,
    };
    shared.tidy();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    shared.log.push(Logged {
        method: incoming.method.to_string(),
        path: incoming.path.clone(),
        query: incoming.query.clone(),
        route: asked.route().to_owned(),
        user,
        status: parts.status.as_u16(),
        operation: asked.operation().map(str::to_owned),
        bytes: body.len(),
    });
    Response::from_parts(parts, spoilt(&faults, body))
}

/// What is asked for, with the GraphQL fields that time out.
fn asked_with<'a>(asked: &'a Asked, faults: &[FaultKind]) -> (&'a Asked, Vec<String>) {
    let fields = faults.iter().filter_map(|fault| match fault {
        FaultKind::FieldTimeout { fields } => Some(fields.clone()),
        _ => None,
    });
    (asked, fields.flatten().collect())
}

/// Lets Rack::Attack count, then answers. Its headers are on every answer.
async fn limited(
    shared: &Arc<Shared>,
    incoming: &Incoming,
    (asked, timeouts): (&Asked, Vec<String>),
    (caller, user): (&Authenticated, Option<&str>),
) -> Response {
    let who = user.unwrap_or("anonymous");
    let (budget, endpoint) = {
        let world = shared.read();
        let (settings, now) = (&world.settings, world.now());
        let limit = settings.rate_limit.filter(|_| !matches!(asked, Asked::Page));
        let budget = limit.map(|limit| shared.limiter.count(who, (limit, settings.rate_period), now));
        let own = settings.endpoint_limits.iter().find(|(route, ..)| *route == asked.route());
        let count = |(route, limit, period): &(&str, u32, u32)| {
            shared.limiter.count(&format!("{who} {route}"), (*limit, *period), now)
        };
        (budget, own.map(count))
    };
    let mut response = if budget.is_some_and(|budget| budget.exceeded()) {
        (StatusCode::TOO_MANY_REQUESTS, "Retry later\n").into_response()
    } else if endpoint.is_some_and(|budget| budget.exceeded()) {
        // The application's limiter says nothing about time.
        let failure = Failure::too_many_requests();
        json_response(failure.status, failure.body.to_string().into_bytes())
    } else {
        match asked {
            Asked::GraphQl(_) => answer_graphql(shared, incoming, caller, &timeouts),
            Asked::Rest(path, matched) => answer_rest(shared, incoming, path, matched.as_ref(), caller).await,
            Asked::Page => page(),
        }
    };
    for (name, value) in budget.iter().flat_map(Budget::headers) {
        set(response.headers_mut(), name, &value);
    }
    response
}
