//! `/version` and `/metadata`.

use serde_json::json;

use super::route::Needs::User;
use super::route::{Route, read, since};
use super::{Failure, Reply, Request};
use crate::world::World;

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/version", User, version),
    since(15, 2, read("/metadata", User, metadata)),
];

/// Since there is `/metadata`, both say the same (lib/api/metadata.rb).
pub(crate) fn version(world: &World, request: &Request) -> Result<Reply, Failure> {
    if world.settings.at_least(15, 2) {
        return metadata(world, request);
    }
    let settings = &world.settings;
    Ok(Reply::ok(json!({ "version": settings.full_version(), "revision": settings.revision() })))
}

pub(crate) fn metadata(world: &World, _: &Request) -> Result<Reply, Failure> {
    let settings = &world.settings;
    let mut body = json!({
        "version": settings.full_version(),
        "revision": settings.revision(),
        "kas": { "enabled": false, "externalUrl": null, "externalK8sProxyUrl": null, "version": null },
    });
    if settings.at_least(15, 6) {
        body["enterprise"] = json!(settings.edition.enterprise());
    }
    Ok(Reply::ok(body))
}
