//! Writes a status by server-side apply: each writer owns the fields that it applies, and no others.

use kube::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams},
    core::ApiResource,
};
use serde::Serialize;

use super::{ConnectionRef, timely};
use crate::api::GitLabConnection;

/// An object of which only the status is spoken.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Applied<'a, S> {
    api_version: &'a str,
    kind: &'a str,
    metadata: Identity<'a>,
    status: &'a S,
}

/// With the UID: an object of the same name that came later is another one, and the API server refuses.
#[derive(Debug, Serialize)]
struct Identity<'a> {
    name: &'a str,
    uid: &'a str,
}

/// Makes `status` what this `manager` says of the connection. What it said before and does not say now goes.
///
/// # Errors
/// When the API server refuses or cannot be asked; [`super::is_gone`] and [`super::is_conflict`] mean that the connection is no longer.
pub async fn apply_status<S>(
    client: &Client,
    manager: &str,
    connection: &ConnectionRef,
    status: &S,
) -> Result<(), kube::Error>
where
    S: Serialize + std::fmt::Debug,
{
    let kind = ApiResource::erase::<GitLabConnection>(&());
    // The answer is not read as a connection: one that an older version stored may not parse as one.
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &connection.namespace, &kind);
    let applied = Applied {
        api_version: &kind.api_version,
        kind: &kind.kind,
        metadata: Identity { name: &connection.name, uid: &connection.uid },
        status,
    };
    let params = PatchParams::apply(manager).force();
    timely(api.patch_status(&connection.name, &params, &Patch::Apply(&applied))).await.map(drop)
}
