//! What the controller watches, and which connections a change concerns.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Debug,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Mutex, PoisonError},
};

use futures::{Stream, StreamExt as _, future::ready};
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ConfigMap, Secret},
};
use kube::{
    Api, Client, Resource, ResourceExt as _,
    core::PartialObjectMeta,
    runtime::{
        PredicateConfig, WatchStreamExt as _,
        reflector::{self, ObjectRef, Store, store::Writer},
        watcher::{self, watcher},
    },
};
use serde::de::DeserializeOwned;

use super::{import_job, metrics::Metrics, reconcile::Guarded};
use crate::connection::{Named, named};

pub(super) type Watched<K> = Result<K, watcher::Error>;

/// The API of a kind, in one namespace or in all.
fn api<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<Scope = kube::core::NamespaceResourceScope>,
    K::DynamicType: Default,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// What a watch brings, well or ill. A watch that breaks begins again by itself, later and later; its errors go to the log
/// and no further, so that one kind that cannot be watched holds up none of the others.
fn events<K>(
    api: Api<K>,
    config: watcher::Config,
    kind: &'static str,
    metrics: Metrics,
) -> impl Stream<Item = Watched<watcher::Event<K>>> + Send + use<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    watcher(api, config)
        .default_backoff()
        .inspect(move |event| {
            metrics.kube.watched(kind, event.is_ok());
            if let Err(error) = event {
                tracing::warn!(kind, %error, "a watch broke, and begins again");
            }
        })
        .filter(|event| ready(event.is_ok()))
}

/// The connections, each time something of them changed that may matter here.
pub(super) fn connections(
    client: &Client,
    namespace: Option<&str>,
    metrics: Metrics,
    writer: Writer<Guarded>,
) -> impl Stream<Item = Watched<Guarded>> + Send + use<> {
    events(api(client, namespace), watcher::Config::default(), "GitLabConnection", metrics)
        .modify(|connection: &mut Guarded| connection.managed_fields_mut().clear())
        .reflect(writer)
        .applied_objects()
        .predicate_filter(matters, PredicateConfig::default())
}

/// A number that changes when something of a connection changes that may matter here: neither what we say of it ourselves,
/// nor how far an import is.
fn matters(object: &Guarded) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    let meta = object.meta();
    (meta.generation, meta.annotations.as_ref(), meta.finalizers.as_ref()).hash(&mut hasher);
    meta.deletion_timestamp.is_some().hash(&mut hasher);
    match &object.0 {
        Ok(connection) => {
            let webhooks = connection.status.as_ref().and_then(|status| status.webhooks.as_ref());
            let last_delivery = webhooks.and_then(|webhooks| webhooks.last_delivery.as_ref());
            last_delivery.map(|at| at.0.as_second()).hash(&mut hasher);
        }
        Err(unreadable) => unreadable.error.hash(&mut hasher),
    }
    Some(hasher.finish())
}

/// The import Jobs, as they come, change and go.
pub(super) fn jobs(
    client: &Client,
    namespace: Option<&str>,
    metrics: Metrics,
) -> (Store<Job>, impl Stream<Item = Watched<Job>> + Send + use<>) {
    let (store, writer) = reflector::store();
    let config = watcher::Config::default().labels(import_job::IMPORTS);
    let stream = events(api(client, namespace), config, "Job", metrics)
        .modify(|job: &mut Job| {
            // What it runs is known; there are many, and each names all groups and projects.
            job.managed_fields_mut().clear();
            if let Some(spec) = &mut job.spec {
                spec.template = k8s_openapi::api::core::v1::PodTemplateSpec::default();
            }
        })
        .reflect(writer)
        .touched_objects();
    (store, stream)
}

/// The Secrets by their metadata: their content is read when it is needed.
pub(super) fn secrets(
    client: &Client,
    namespace: Option<&str>,
    metrics: Metrics,
) -> impl Stream<Item = Watched<PartialObjectMeta<Secret>>> + Send + use<> {
    events(api(client, namespace), watcher::Config::default(), "Secret", metrics).touched_objects()
}

/// The ConfigMaps by their metadata.
pub(super) fn config_maps(
    client: &Client,
    namespace: Option<&str>,
    metrics: Metrics,
) -> impl Stream<Item = Watched<PartialObjectMeta<ConfigMap>>> + Send + use<> {
    events(api(client, namespace), watcher::Config::default(), "ConfigMap", metrics).touched_objects()
}

/// Which connections a Secret or ConfigMap concerns: those that name it, those that select it, those that selected it
/// before its labels changed, and the one that owns it.
pub(super) struct Concerned {
    connections: Store<Guarded>,
    /// Objects that were selected by their labels, and by whom.
    selected: Mutex<HashMap<(String, String), BTreeSet<String>>>,
}

impl Concerned {
    pub(super) fn new(connections: Store<Guarded>) -> Self {
        Self { connections, selected: Mutex::default() }
    }

    pub(super) fn by_secret(&self, secret: &PartialObjectMeta<Secret>) -> Vec<ObjectRef<Guarded>> {
        let names = |named: &Named| named.has_secret(&secret.name_any(), secret.labels());
        let namespace = secret.namespace().unwrap_or_default();
        let mut concerned = self.of_namespace(&namespace, names);
        let place = (namespace.clone(), secret.name_any());
        let mut selected = self.selected.lock().unwrap_or_else(PoisonError::into_inner);
        let before =
            if concerned.is_empty() { selected.remove(&place) } else { selected.insert(place, concerned.clone()) };
        concerned.extend(before.into_iter().flatten());
        let owner = secret.owner_references().iter().find(|owner| owner.kind == "GitLabConnection");
        concerned.extend(owner.map(|owner| owner.name.clone()));
        references(concerned, &namespace)
    }

    pub(super) fn by_config_map(&self, config_map: &PartialObjectMeta<ConfigMap>) -> Vec<ObjectRef<Guarded>> {
        let names = |named: &Named| named.config_maps.contains(&config_map.name_any());
        let namespace = config_map.namespace().unwrap_or_default();
        references(self.of_namespace(&namespace, names), &namespace)
    }

    fn of_namespace(&self, namespace: &str, concerns: impl Fn(&Named) -> bool) -> BTreeSet<String> {
        let connections = self.connections.state();
        let here = connections.iter().filter(|connection| connection.meta().namespace.as_deref() == Some(namespace));
        let concerned =
            here.filter(|connection| connection.0.as_ref().is_ok_and(|connection| concerns(&named(&connection.spec))));
        concerned.map(|connection| connection.name_any()).collect()
    }
}

fn references(names: BTreeSet<String>, namespace: &str) -> Vec<ObjectRef<Guarded>> {
    names.into_iter().map(|name| ObjectRef::new(&name).within(namespace)).collect()
}

#[cfg(test)]
mod tests {
    use kube::runtime::watcher::Event;
    use serde_json::{Value, json};

    use super::*;

    fn connection(name: &str, spec: &Value, status: &Value) -> Guarded {
        let mut full = json!({"url": "https://gitlab.example/", "scope": {"groups": ["acme"]}});
        full.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        serde_json::from_value(json!({
            "apiVersion": "gitlab-connector.dev/v1alpha1", "kind": "GitLabConnection",
            "metadata": {"name": name, "namespace": "metrics", "generation": 1}, "spec": full, "status": status,
        }))
        .unwrap()
    }

    fn secret(namespace: &str, name: &str, labels: &Value) -> PartialObjectMeta<Secret> {
        serde_json::from_value(json!({
            "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
        }))
        .unwrap()
    }

    fn concerned() -> Concerned {
        let (store, mut writer) = reflector::store();
        let naming = json!({"credentials": [{"name": "a", "secretRef": {"name": "tokens", "key": "k"}}]});
        let selecting = json!({"credentialSelector": {"matchLabels": {"team": "x"}}});
        for (name, spec) in [("naming", naming), ("selecting", selecting), ("neither", json!({}))] {
            writer.apply_watcher_event(&Event::Apply(connection(name, &spec, &json!({}))));
        }
        Concerned::new(store)
    }

    fn names(concerned: &Concerned, secret: &PartialObjectMeta<Secret>) -> Vec<String> {
        concerned.by_secret(secret).into_iter().map(|reference| reference.name).collect()
    }

    #[test]
    fn a_secret_concerns_those_that_name_or_select_it_in_its_namespace() {
        let concerned = concerned();

        assert_eq!(names(&concerned, &secret("metrics", "tokens", &json!({}))), ["naming"]);
        assert_eq!(names(&concerned, &secret("metrics", "any", &json!({"team": "x"}))), ["selecting"]);
        assert!(names(&concerned, &secret("other", "tokens", &json!({"team": "x"}))).is_empty());
    }

    #[test]
    fn a_secret_that_loses_its_label_concerns_those_that_had_selected_it_once_more() {
        let concerned = concerned();
        names(&concerned, &secret("metrics", "any", &json!({"team": "x"})));

        assert_eq!(names(&concerned, &secret("metrics", "any", &json!({}))), ["selecting"]);
        assert!(names(&concerned, &secret("metrics", "any", &json!({}))).is_empty());
    }

    #[test]
    fn what_we_say_ourselves_concerns_nobody_and_a_delivery_does() {
        let matters = |status: Value| matters(&connection("acme", &json!({}), &status));

        let before = matters(json!({"import": {"projects": 1}}));

        assert_eq!(before, matters(json!({"import": {"projects": 1, "progress": {"run": "first", "percent": 3}}})));
        assert_ne!(before, matters(json!({"webhooks": {"lastDelivery": "2026-01-01T00:00:00Z"}})));
    }
}
