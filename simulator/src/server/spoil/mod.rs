//! What faults do, layer by layer: to the connection, to HTTP, to JSON, to GraphQL, to the World.

mod graphql;
mod hooks;
mod http;
mod json;
mod odd;
mod poison;
mod request;
mod transport;
mod world;

pub(super) use graphql::{fail_fields, timeouts};
pub(super) use hooks::deliver;
pub(super) use http::{alter, headers, instead};
pub(super) use json::rewrite;
pub(super) use poison::poisoned;
pub(super) use request::rewritten;
pub(super) use transport::{before, send};
pub(super) use world::{happen, other_version};
