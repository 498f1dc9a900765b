//! The steps of a request: who asks, what goes wrong, what is left of the budget, the answer, the log.

use std::io::Write as _;
use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::http::StatusCode;
use axum::http::header::DATE;
use axum::response::{IntoResponse as _, Response};

use super::api::{Server, answer_graphql, answer_rest};
use super::asked::{Asked, asked};
use super::auth::{Visitor, authenticate};
use super::budget;
use super::dress::Visit;
use super::faults::{FaultKind, Subject};
use super::incoming::Incoming;
use super::limits::{Budget, http_date};
use super::log::Logged;
use super::reply::{page, set};
use super::shared::Shared;
use super::spoil;

/// Answers a request.
pub(super) async fn answer(shared: &Arc<Shared>, incoming: &Incoming) -> Response {
    let visit = Visit::begin(shared.https);
    let was_asked = asked(shared, incoming, None);
    let visitor = authenticate(shared, incoming);
    let struck = strike(shared, incoming, &was_asked, &visitor);
    let broken = spoil::before(&struck, shared, incoming).await;
    if broken {
        log(shared, incoming, &was_asked, visitor.username, (0, 0));
        // Nobody hears it: the connection ends.
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    spoil::happen(&struck, shared, false);
    let (response, visitor) = match &struck[..] {
        [] => (limited(shared, incoming, &was_asked, &visitor, &struck).await, visitor),
        _ => spoilt(shared, incoming, &was_asked, &struck).await,
    };
    spoil::happen(&struck, shared, true);
    shared.tidy();
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let body = spoil::fail_fields(&struck, body);
    let body = spoil::rewrite(&struck, body, incoming.page());
    let body = spoil::alter(&struck, &mut parts, body);
    let body = visit.rails(incoming, &mut parts, body);
    log(shared, incoming, &was_asked, visitor.username, (parts.status.as_u16(), body.len()));
    let body: Bytes = visit.nginx(incoming, &mut parts, body);
    if !parts.headers.contains_key(DATE) {
        set(&mut parts.headers, "date", &http_date(shared.read().now().as_second()));
    }
    spoil::headers(&struck, &mut parts);
    spoil::send(&struck, parts, body)
}

/// The answer under faults: perhaps not GitLab's, perhaps to another request, perhaps of another version. Who asks is
/// found again, because what happened may have been to their token.
async fn spoilt(
    shared: &Arc<Shared>,
    incoming: &Incoming,
    was_asked: &Asked,
    struck: &[FaultKind],
) -> (Response, Visitor) {
    let visitor = authenticate(shared, incoming);
    if let Some(response) = struck.iter().find_map(|fault| spoil::instead(fault, shared, incoming, was_asked)) {
        return (response, visitor);
    }
    let other = spoil::rewritten(struck, incoming);
    let incoming = other.as_ref().unwrap_or(incoming);
    let asked = asked(shared, incoming, spoil::other_version(struck));
    (limited(shared, incoming, &asked, &visitor, struck).await, visitor)
}

/// What goes wrong with a request.
fn strike(shared: &Shared, incoming: &Incoming, asked: &Asked, visitor: &Visitor) -> Vec<FaultKind> {
    if shared.faults.is_empty() {
        return Vec::new();
    }
    let world = shared.read();
    let path = incoming.path.strip_prefix(&shared.root).unwrap_or(&incoming.path);
    let secret = visitor.secret.as_deref();
    let token = secret.and_then(|secret| world.token_by_secret(secret));
    let (project, text) = match asked {
        Asked::Rest(_, Some(matched)) if matched.route.template.starts_with("/projects/:id") => {
            let wanted = matched.params.first().map_or("", String::as_str);
            let by_id = wanted.parse().ok().and_then(|id| world.project(id));
            (by_id.or_else(|| world.project_by_path(wanted)), "")
        }
        Asked::GraphQl(query, _) => (None, std::str::from_utf8(query).unwrap_or_default()),
        Asked::Rest(..) | Asked::Page => (None, ""),
    };
    let subject = Subject {
        method: incoming.method.as_str(),
        route: asked.route(),
        path: path.strip_prefix("/api/v4").unwrap_or(path),
        operation: asked.operation(),
        user: visitor.username.as_deref(),
        token: [secret, token.map(|token| token.name.as_str())],
        project: project.map(|project| project.full_path.clone()),
        text,
    };
    shared.faults.strike(&subject, world.now())
}

/// Lets the limiters count, then answers. Rack::Attack's headers are on every answer.
async fn limited(
    shared: &Arc<Shared>,
    incoming: &Incoming,
    asked: &Asked,
    visitor: &Visitor,
    struck: &[FaultKind],
) -> Response {
    let server = Server { shared, version: spoil::other_version(struck) };
    let budgets = budget::count(shared, incoming, asked, visitor);
    let response = match (budgets.refusal(), asked) {
        (Some(refusal), _) => refusal,
        (None, Asked::GraphQl(query, _)) => answer_graphql(&server, query, &visitor.caller, &spoil::timeouts(struck)),
        (None, Asked::Rest(path, matched)) => {
            answer_rest(&server, incoming, path, matched.as_ref(), &visitor.caller).await
        }
        (None, Asked::Page) => page(),
    };
    let mut response = spoil::poisoned(struck, asked, response).await;
    for (name, value) in budgets.attack.iter().flat_map(Budget::headers) {
        set(response.headers_mut(), name, &value);
    }
    response
}

fn log(shared: &Shared, incoming: &Incoming, asked: &Asked, user: Option<String>, (status, bytes): (u16, usize)) {
    let absent = matches!(asked, Asked::Rest(_, None));
    let entry = Logged {
        method: incoming.method.to_string(),
        path: incoming.path.clone(),
        query: incoming.query.clone(),
        route: asked.route().to_owned(),
        user,
        status,
        operation: asked.operation().map(str::to_owned),
        bytes,
    };
    if absent && shared.log.push_absent(&entry) && shared.strict {
        drop(writeln!(std::io::stderr(), "gitlab-simulator: there is no {}", entry.endpoint()));
    }
    shared.log.push(entry);
}
