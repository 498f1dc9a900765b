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

pub(crate) fn version(world: &World, _: &Request) -> Result<Reply, Failure> {
    Ok(Reply::ok(json!({ "version": world.settings.full_version(), "revision": "b1ca5ade000" })))
}

pub(crate) fn metadata(world: &World, _: &Request) -> Result<Reply, Failure> {
    let mut body = json!({
        "version": world.settings.full_version(),
        "revision": "b1ca5ade000",
        "kas": { "enabled": false, "externalUrl": null, "externalK8sProxyUrl": null, "version": null },
    });
    if world.settings.at_least(15, 6) {
        body["enterprise"] = json!(world.settings.edition.enterprise());
    }
    Ok(Reply::ok(body))
}
