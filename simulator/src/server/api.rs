//! What the APIs answer.

use std::sync::Arc;

use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::auth::Authenticated;
use super::change::change;
use super::deliver;
use super::incoming::Incoming;
use super::reply::{json_response, page, set};
use super::shared::Shared;
use crate::graphql;
use crate::rest::{Args, Failure, Handler, Matched, Outcome, Reply, Request, guard};
use crate::world::{Caller, Scope};

/// GraphQL's answer.
pub(super) fn answer_graphql(
    shared: &Shared,
    incoming: &Incoming,
    caller: &Authenticated,
    timeouts: &[String],
) -> Response {
    let may = |caller: &Caller| caller.anonymous() || caller.has(&[Scope::Api, Scope::ReadApi]);
    let Some(caller) = caller.as_ref().ok().filter(|caller| may(caller)) else {
        let body = json!({ "errors": [{ "message": "Invalid token" }] });
        return json_response(StatusCode::UNAUTHORIZED, body.to_string().into_bytes());
    };
    if incoming.method != Method::POST {
        return page();
    }
    let world = shared.read();
    let answer = graphql::execute(&world, caller, &incoming.body, timeouts);
    json_response(answer.status, answer.body)
}

/// REST's answer.
pub(super) async fn answer_rest(
    shared: &Arc<Shared>,
    incoming: &Incoming,
    path: &str,
    matched: Option<&Matched>,
    caller: &Authenticated,
) -> Response {
    let result = match (matched, caller) {
        (None, _) => Err(Failure::no_route()),
        (_, Err((error, dialect))) => Err(Failure::token(*error, *dialect)),
        (Some(matched), Ok(caller)) => {
            let content_type = incoming.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let content_type = content_type.unwrap_or_default();
            let args = Args::read(&incoming.method, &incoming.query, content_type, &incoming.body);
            let request = |args| Request {
                caller: caller.clone(),
                route: matched.route,
                params: matched.params.clone(),
                path: path.to_owned(),
                args,
            };
            args.and_then(|args| dispatch(shared, request(args)))
        }
    };
    let reply = match result {
        Ok(Reply { deliver: Some(delivery), .. }) => {
            let body = delivery.outgoing.body.clone();
            let sent = deliver::deliver(shared, delivery.outgoing, delivery.idempotency_key).await;
            let (status, message) = sent.unwrap_or_else(|| (None, "Hook disabled".to_owned()));
            (delivery.conclude)(&Outcome { status, message, body })
        }
        other => other,
    };
    let reply = reply.unwrap_or_else(|failure| Reply {
        status: failure.status,
        headers: failure.headers,
        body: Some(failure.body),
        deliver: None,
    });
    let body = reply.body.map(|body| body.to_string().into_bytes());
    let mut response = match body {
        Some(body) => json_response(reply.status, body),
        None => reply.status.into_response(),
    };
    for (name, value) in reply.headers {
        set(response.headers_mut(), name, &value);
    }
    response
}

fn dispatch(shared: &Arc<Shared>, mut request: Request) -> Result<Reply, Failure> {
    match request.route.handler {
        Handler::Read(read) => {
            let world = shared.read();
            guard(&world, &mut request, true)?;
            read(&world, &request)
        }
        Handler::Write(write) => change(shared, &tokio::runtime::Handle::current(), |world| {
            guard(world, &mut request, false)?;
            write(world, &request)
        }),
    }
}
