//! Deliveries of webhooks that are not what they should be.

use axum::body::Bytes;

use super::json::rewrite;
use crate::server::faults::FaultKind;

/// The body of a delivery as it goes out. It is signed as it is, so that its reader finds it genuine.
pub(in crate::server) fn deliver(struck: &[FaultKind], body: Vec<u8>) -> Bytes {
    let mut body = rewrite(struck, Bytes::from(body), 1);
    for fault in struck {
        match fault {
            FaultKind::CutBody => body.truncate(body.len() / 2),
            FaultKind::Truncate { at } => body.truncate(*at),
            FaultKind::Body { text } => body = Bytes::from(text.clone()),
            _ => {}
        }
    }
    body
}
