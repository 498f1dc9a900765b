//! A request as it was sent.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};

/// A request that was read.
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}
