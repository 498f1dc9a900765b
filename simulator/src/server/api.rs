//! What the APIs answer.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::auth::Authenticated;
use super::change::change;
use super::deliver;
use super::incoming::Incoming;
use super::reply::{json_response, set};
use super::shared::Shared;
use crate::graphql;
use crate::rest::{Args, Failure, Handler, Matched, Outcome, Reply, Request, guard};
use crate::world::{Caller, Scope, Version, World};

/// The server that answers: one of several, perhaps of another version than the rest.
pub(super) struct Server<'s> {
    pub(super) shared: &'s Arc<Shared>,
    pub(super) version: Option<Version>,
}

impl Server<'_> {
    /// Reads the World as a server of this version sees it.
    fn read<R>(&self, read: impl FnOnce(&World) -> R) -> R {
        let Some(version) = self.version else {
            return read(&self.shared.read());
        };
        let mut world = self.shared.write();
        let real = std::mem::replace(&mut world.settings.version, version);
        let result = read(&world);
        world.settings.version = real;
        result
    }

    /// Changes the World as a server of this version does.
    fn change<R>(&self, write: impl FnOnce(&mut World) -> R) -> R {
        change(self.shared, &tokio::runtime::Handle::current(), |world| {
            let real = world.settings.version;
            world.settings.version = self.version.unwrap_or(real);
            let result = write(world);
            world.settings.version = real;
            result
        })
    }
}

/// GraphQL's answer.
pub(super) fn answer_graphql(
    server: &Server<'_>,
    query: &[u8],
    caller: &Authenticated,
    timeouts: &[String],
) -> Response {
    let may = |caller: &Caller| caller.anonymous() || caller.has(&[Scope::Api, Scope::ReadApi, Scope::Granular]);
    let Some(caller) = caller.as_ref().ok().filter(|caller| may(caller)) else {
        let body = json!({ "errors": [{ "message": "Invalid token" }] });
        return json_response(StatusCode::UNAUTHORIZED, body.to_string().into_bytes());
    };
    let answer = server.read(|world| graphql::execute(world, caller, query, timeouts));
    let mut response = json_response(answer.status, answer.body);
    set(response.headers_mut(), "content-type", "application/json; charset=utf-8");
    response
}

/// REST's answer.
pub(super) async fn answer_rest(
    server: &Server<'_>,
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
            args.and_then(|args| dispatch(server, request(args)))
        }
    };
    let reply = match result {
        Ok(Reply { deliver: Some(delivery), .. }) => {
            let body = delivery.outgoing.body.clone();
            let sent = deliver::deliver(server.shared, delivery.outgoing, delivery.idempotency_key).await;
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

fn dispatch(server: &Server<'_>, mut request: Request) -> Result<Reply, Failure> {
    match request.route.handler {
        Handler::Read(read) => server.read(|world| {
            guard(world, &mut request, true)?;
            read(world, &request)
        }),
        Handler::Write(write) => server.change(|world| {
            if world.settings.maintenance {
                return Err(Failure::read_only());
            }
            guard(world, &mut request, false)?;
            write(world, &request)
        }),
    }
}
