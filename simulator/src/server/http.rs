//! The wire: connections that are served, and requests that are read from them.

use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request as HttpRequest, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::serve::Listener;
use tokio::sync::watch;

use super::incoming::Incoming;
use super::shared::Shared;
use super::{control, steps};

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
        response = steps::answer(&shared, &incoming) => response,
        // Whoever stopped the server wants no answer; an empty 503 ends the connection.
        _ = context.stopped.wait_for(|stopped| *stopped) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
