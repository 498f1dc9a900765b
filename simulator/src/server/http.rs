//! One request, from the wire to the World and back.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::serve::Listener;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::auth::{Authenticated, authenticate};
use super::faults::{FaultKind, Subject};
use super::spoil::{broken, spoilt};
use super::{Shared, change, control, deliver};
use crate::graphql;
use crate::rest::{Args, Failure, Handler, Matched, Reply, Request, find, guard};
use crate::server::log::Logged;
use crate::world::{Caller, Scope, World};

/// The largest body that is read.
const MOST: usize = 10 * 1024 * 1024;

/// What handles requests.
#[derive(Clone)]
struct Context {
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
}

/// The server's one route: everything.
pub(super) fn service(shared: Arc<Shared>, stopped: watch::Receiver<bool>) -> Router {
    Router::new().fallback(handle).with_state(Context { shared, stopped })
}

/// Serves until the server is told to stop.
pub(super) async fn serve<L>(listener: L, service: Router, mut stopped: watch::Receiver<bool>)
where
    L: Listener,
    L::Addr: std::fmt::Debug,
{
    let stop = async move {
        drop(stopped.wait_for(|stopped| *stopped).await);
    };
    drop(axum::serve(listener, service).with_graceful_shutdown(stop).await);
}

/// A request that was read.
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

async fn handle(State(mut context): State<Context>, request: HttpRequest) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let incoming = Incoming {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    };
    if let Some(verb) = incoming.path.strip_prefix("/-/simulator") {
        return control::answer(&context.shared, &incoming.method, verb, &incoming.body).await;
    }
    let shared = Arc::clone(&context.shared);
    tokio::select! {
        response = answer(&shared, &incoming) => response,
        // Whoever stopped the server wants no answer; an empty 503 ends the connection.
        _ = context.stopped.wait_for(|stopped| *stopped) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// What is asked for.
enum Asked {
    GraphQl(Option<String>),
    Rest(String, Option<Matched>),
    Page,
}

impl Asked {
    fn route(&self) -> &str {
        match self {
            Asked::GraphQl(_) => "/graphql",
            Asked::Rest(_, Some(matched)) => matched.route.template,
            Asked::Rest(_, None) | Asked::Page => "",
        }
    }

    fn operation(&self) -> Option<&str> {
        match self {
            Asked::GraphQl(operation) => operation.as_deref(),
            _ => None,
        }
    }
}

async fn answer(shared: &Arc<Shared>, incoming: &Incoming) -> Response {
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

fn asked(shared: &Shared, incoming: &Incoming) -> Asked {
    let Some(path) = incoming.path.strip_prefix(&shared.root) else {
        return Asked::Page;
    };
    if path.trim_end_matches('/') == "/api/graphql" {
        return Asked::GraphQl(operation(&incoming.body));
    }
    match path.strip_prefix("/api/v4") {
        Some(path) => {
            let world = shared.read();
            Asked::Rest(path.to_owned(), find(&world.settings, &incoming.method, path))
        }
        None => Asked::Page,
    }
}

/// The name of a GraphQL operation, for faults and the log: sent along, or the first one in the text.
fn operation(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let named = body.get("operationName").and_then(Value::as_str).filter(|name| !name.is_empty());
    if let Some(name) = named {
        return Some(name.to_owned());
    }
    let text = body.get("query")?.as_str()?;
    let rest = text.split_once("query ").or_else(|| text.split_once("mutation "))?.1;
    let name: String = rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    (!name.is_empty()).then_some(name)
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
            Asked::GraphQl(_) => graphql(shared, incoming, caller, &timeouts),
            Asked::Rest(path, matched) => rest(shared, incoming, path, matched.as_ref(), caller).await,
            Asked::Page => page(),
        }
    };
    for (name, value) in budget.iter().flat_map(super::limits::Budget::headers) {
        set(response.headers_mut(), name, &value);
    }
    response
}

fn graphql(shared: &Shared, incoming: &Incoming, caller: &Authenticated, timeouts: &[String]) -> Response {
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

async fn rest(
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
            let request = Request {
                caller: caller.clone(),
                params: matched.params.clone(),
                path: path.to_owned(),
                args: Args::read(&incoming.query, content_type.unwrap_or_default(), &incoming.body),
            };
            dispatch(shared, matched, &request)
        }
    };
    let mut reply = match result {
        Ok(reply) => reply,
        Err(failure) => {
            Reply { status: failure.status, headers: failure.headers, body: Some(failure.body), deliver: None }
        }
    };
    if let Some(delivery) = reply.deliver.take() {
        let status = deliver::deliver(shared, delivery.outgoing, delivery.idempotency_key).await.unwrap_or_default();
        if delivery.resend {
            let code = status.parse::<u16>().map_or_else(|_| json!(status), |code| json!(code));
            reply.body = Some(json!({ "response_status": code }));
        }
    }
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

fn dispatch(shared: &Arc<Shared>, matched: &Matched, request: &Request) -> Result<Reply, Failure> {
    let check = |world: &World, reads| guard(world, matched.route, &request.caller, reads);
    match matched.route.handler {
        Handler::Read(read) => {
            let world = shared.read();
            check(&world, true)?;
            read(&world, request)
        }
        Handler::Write(write) => change(shared, &tokio::runtime::Handle::current(), |world| {
            check(world, false)?;
            write(world, request)
        }),
    }
}

/// What lies outside the APIs: GitLab's own pages.
fn page() -> Response {
    let body = "<!DOCTYPE html><html><head><title>GitLab</title></head><body>The page could not be found or you don't have permission to view it.</body></html>";
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response()
}

pub(super) fn json_response(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

pub(super) fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
