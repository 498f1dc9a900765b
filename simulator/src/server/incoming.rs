//! A request as it was sent.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Version};

use super::wire::Line;

/// A request that was read.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The connection that brought it.
    pub(super) line: Arc<Line>,
}

impl Incoming {
    /// A header's text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    /// The number of the page that is asked for.
    pub(super) fn page(&self) -> usize {
        let mut pages = self.query.rsplit('&').filter_map(|pair| pair.strip_prefix("page="));
        pages.next().and_then(|page| page.parse().ok()).unwrap_or(1)
    }

    /// Whose address GitLab takes it for: as Rails does, the last one that local proxies were given from outside.
    pub(super) fn address(&self) -> IpAddr {
        let peer = self.line.peer();
        if !is_local(&peer) {
            return peer;
        }
        let forwarded = self.header("x-forwarded-for").unwrap_or_default();
        let addresses = forwarded.rsplit(',').filter_map(|part| part.trim().parse().ok());
        addresses.into_iter().find(|address| !is_local(address)).unwrap_or(peer)
    }
}

fn is_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}
