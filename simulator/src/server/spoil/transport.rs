//! Connections that are late, slow, cut, closed, reset or refused.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::http::response::Parts;
use axum::response::Response;
use futures::stream;

use crate::server::faults::FaultKind;
use crate::server::incoming::Incoming;
use crate::server::reply::set;
use crate::server::shared::Shared;

/// Lets happen what happens before a request is looked at. Tells whether there is nobody left to answer.
pub(in crate::server) async fn before(struck: &[FaultKind], shared: &Arc<Shared>, incoming: &Incoming) -> bool {
    let line = &incoming.line;
    for fault in struck {
        match fault {
            FaultKind::Latency { millis } => tokio::time::sleep(Duration::from_millis(*millis)).await,
            FaultKind::Hang => std::future::pending().await,
            FaultKind::SlowWire { millis } => line.slow_down(Duration::from_millis(*millis)),
            FaultKind::Close => line.close(),
            FaultKind::Reset => line.reset(),
            FaultKind::Refuse { seconds } => {
                refuse(shared, Duration::from_secs(*seconds));
                line.reset();
            }
            _ => {}
        }
    }
    line.is_broken()
}

/// Nobody is let in for a while.
fn refuse(shared: &Arc<Shared>, pause: Duration) {
    shared.gate.send_replace(false);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        tokio::time::sleep(pause).await;
        shared.gate.send_replace(true);
    });
}

/// The answer as it goes out: whole, dripping, hanging or cut.
pub(in crate::server) fn send(struck: &[FaultKind], mut parts: Parts, body: Bytes) -> Response {
    for fault in struck {
        let body = match fault {
            FaultKind::SlowBody { millis } => dripping(body.clone(), Duration::from_millis(*millis)),
            FaultKind::HangBody { at } => ending(body.slice(..body.len().min(*at)), End::Never),
            FaultKind::CutBody => ending(body.slice(..body.len() / 2), End::Broken),
            FaultKind::Cut { at, declared } => {
                if *declared {
                    set(&mut parts.headers, "content-length", &body.len().to_string());
                }
                ending(body.slice(..body.len().min(*at)), End::Broken)
            }
            _ => continue,
        };
        return Response::from_parts(parts, body);
    }
    if parts.headers.contains_key(header::CONTENT_ENCODING) {
        // nginx compresses as it sends, so it does not know the length.
        let body = Body::from_stream(stream::iter([Ok::<_, io::Error>(body)]));
        return Response::from_parts(parts, body);
    }
    Response::from_parts(parts, Body::from(body))
}

fn dripping(body: Bytes, pause: Duration) -> Body {
    let drops = stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let piece = rest.split_to(rest.len().min(16));
        Some((Ok::<_, io::Error>(piece), rest))
    });
    Body::from_stream(drops)
}

/// How a body ends that is not whole.
#[derive(Clone, Copy)]
enum End {
    /// With the connection.
    Broken,
    /// It does not.
    Never,
}

fn ending(begin: Bytes, end: End) -> Body {
    let begin = (!begin.is_empty()).then_some(begin);
    let pieces = stream::unfold((begin, false), move |(begin, ended)| async move {
        if let Some(begin) = begin {
            return Some((Ok(begin), (None, false)));
        }
        if ended {
            return None;
        }
        if matches!(end, End::Never) {
            std::future::pending::<()>().await;
        }
        // Headers and what there is of the body are on their way before the connection ends.
        tokio::time::sleep(Duration::from_millis(10)).await;
        Some((Err(io::Error::other("the connection ends here")), (None, true)))
    });
    Body::from_stream(pieces)
}
