//! Notices that Secrets, ConfigMaps and Services of the cluster change.

use std::fmt::Debug;
use std::future::ready;
use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Service;
use kube::api::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::{self, store::Writer};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::node::{Change, Node};
use super::references::Name;

/// Tells of each change of an object of one kind; its content is read by those who need it. Never comes back.
pub(super) async fn follow<K>(node: Arc<Node>, name: fn(String) -> Name)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let api: Api<PartialObjectMeta<K>> = Api::all(node.client.clone());
    let mut events = pin!(watcher(api, watcher::Config::default()).default_backoff());
    while let Some(event) = events.next().await {
        let change = match event {
            Ok(Event::Apply(object) | Event::Delete(object)) => Change(Some(of(&object, name))),
            Ok(Event::InitDone) => Change(None),
            Ok(Event::Init | Event::InitApply(_)) => continue,
            Err(error) => {
                tracing::warn!(%error, "cannot watch what pods refer to");
                continue;
            }
        };
        // Nobody listens when no pod runs.
        let _ = node.changes.send(change);
    }
}

/// Keeps the Services, and the hosts files by them. Never comes back.
pub(super) async fn follow_services(node: Arc<Node>, writer: Writer<Service>) {
    let api: Api<Service> = Api::all(node.client.clone());
    let events = watcher(api, watcher::Config::default()).default_backoff();
    reflector::reflector(writer, events)
        .for_each(|event| {
            match event {
                Ok(Event::InitApply(_) | Event::Init) => {}
                Ok(_) => node.refresh_hosts(),
                Err(error) => tracing::warn!(%error, "cannot watch the Services"),
            }
            ready(())
        })
        .await;
}

fn of<K>(object: &PartialObjectMeta<K>, name: fn(String) -> Name) -> (String, Name)
where
    K: Resource<DynamicType = ()>,
{
    (object.namespace().unwrap_or_default(), name(object.name_any()))
}
