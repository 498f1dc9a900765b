//! The wire: connections that are served, and requests that are read from them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::watch;

use super::incoming::Incoming;
use super::shared::Shared;
use super::wire::{Connection, Door};
use super::{control, steps};

/// The largest body that is read.
const MOST: usize = 10 * 1024 * 1024;

/// What handles requests.
#[derive(Clone)]
struct Context {
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
}

/// Serves what comes through the door, until the server is told to stop.
pub(super) async fn serve(door: Door, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let context = Context { shared, stopped: stopped.clone() };
    let service = Router::new().fallback(handle).with_state(context);
    let service = service.into_make_service_with_connect_info::<Connection>();
    let stop = async move {
        drop(stopped.wait_for(|stopped| *stopped).await);
    };
    drop(axum::serve(door, service).with_graceful_shutdown(stop).await);
}

async fn handle(
    State(mut context): State<Context>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: HttpRequest,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let incoming = Incoming {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        version: parts.version,
        headers: parts.headers,
        body,
        line: connection.0,
    };
    if let Some(verb) = incoming.path.strip_prefix("/-/simulator") {
        return control::answer(&context.shared, &incoming.method, verb, &incoming.body);
    }
    let shared = Arc::clone(&context.shared);
    incoming.line.slow_down(Duration::ZERO);
    if !*shared.gate.borrow() {
        incoming.line.reset();
    }
    tokio::select! {
        response = steps::answer(&shared, &incoming) => response,
        // Whoever stopped the server wants no answer; an empty 503 ends the connection.
        _ = context.stopped.wait_for(|stopped| *stopped) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
