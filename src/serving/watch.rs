//! What the API server tells of: connections whole, Secrets and ConfigMaps as metadata. Their content is read by name.

use std::{fmt::Debug, pin::pin, time::Duration};

use futures::StreamExt as _;
use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{ConfigMap, Secret},
};
use kube::{
    Api, Client, Resource,
    core::{DeserializeGuard, PartialObjectMeta},
    runtime::watcher::{self, Event, watcher},
};
use serde::de::DeserializeOwned;
use tokio::{sync::mpsc, time::sleep};

use super::metrics::Metrics;
use crate::api::GitLabConnection;

/// Pauses between attempts while the API server is away.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Something that a watch brought.
#[derive(Debug)]
pub(super) enum Change {
    Connection(Box<Event<DeserializeGuard<GitLabConnection>>>),
    Secret(Event<PartialObjectMeta<Secret>>),
    ConfigMap(Event<PartialObjectMeta<ConfigMap>>),
}

/// Sends all changes of a namespace, or of all, for as long as somebody listens.
pub(super) fn all(
    client: &Client,
    namespace: Option<&str>,
    metrics: &Metrics,
    changes: &mpsc::Sender<Change>,
) -> impl Future<Output = ()> + use<> {
    let connections = follow(
        api(client, namespace),
        ("GitLabConnection", |event| Change::Connection(Box::new(event))),
        metrics,
        changes,
    );
    let secrets = follow(api(client, namespace), ("Secret", Change::Secret), metrics, changes);
    let config_maps = follow(api(client, namespace), ("ConfigMap", Change::ConfigMap), metrics, changes);
    async {
        tokio::join!(connections, secrets, config_maps);
    }
}

fn api<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

fn follow<K>(
    api: Api<K>,
    (kind, change): (&'static str, fn(Event<K>) -> Change),
    metrics: &Metrics,
    changes: &mpsc::Sender<Change>,
) -> impl Future<Output = ()> + use<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let (metrics, changes) = (metrics.clone(), changes.clone());
    async move {
        let mut events = pin!(watcher(api, watcher::Config::default()));
        let mut pause = FIRST_PAUSE;
        while let Some(event) = events.next().await {
            let event = match event {
                Ok(event) => event,
                Err(error) => {
                    metrics.kube.watched(kind, false);
                    tracing::warn!(%error, kind, "a watch broke, and begins again");
                    sleep(pause.mul_f64(0.75 + fastrand::f64() / 2.0)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    continue;
                }
            };
            metrics.kube.watched(kind, true);
            if !matches!(event, Event::Init | Event::InitApply(_)) {
                pause = FIRST_PAUSE;
            }
            if changes.send(change(event)).await.is_err() {
                return;
            }
        }
    }
}
