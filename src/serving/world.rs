//! What the watches have told so far, and what follows from it for each connection. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use kube::{
    Resource, ResourceExt as _,
    core::{DeserializeGuard, PartialObjectMeta},
    runtime::watcher::Event,
};

use super::watch::Change;
use crate::{
    api::{GitLabConnection, GitLabConnectionSpec, ProgressStatus},
    cluster::{ConnectionRef, HookState},
    connection::{Named, named, unfit_readers},
};

/// Namespace and name.
type Key = (String, String);

/// All that is known of the cluster.
#[derive(Debug, Default)]
pub(super) struct World {
    connections: Mirror<Connection>,
    secrets: Mirror<Meta>,
    config_maps: Mirror<Meta>,
}

/// A connection as far as the receiver is concerned.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) identity: ConnectionRef,
    pub(super) seen: Seen,
    spec: Arc<GitLabConnectionSpec>,
    named: Arc<Named>,
    hook_state: String,
}

/// What is to be served for a connection. When it changes, the connection is learnt anew.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    pub(super) spec: Arc<GitLabConnectionSpec>,
    pub(super) named: Arc<Named>,
    /// Versions of the objects that the connection refers to, by kind and name.
    versions: BTreeMap<(&'static str, String), String>,
}

/// What the status says that the facts of the receiver depend on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Key of the run that is under way.
    pub(super) running: Option<String>,
    /// The last delivery that was told of.
    pub(super) last_delivery: Option<Timestamp>,
    /// The progress that was told of.
    pub(super) progress: Option<ProgressStatus>,
    /// Tokens that cannot read all of the scope, as verification found.
    pub(super) unfit: BTreeSet<String>,
}

/// Labels and version of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Meta {
    version: String,
    labels: BTreeMap<String, String>,
}

/// Whom a change concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Concerns {
    Nobody,
    /// One connection, whether it is there or not.
    One(Key),
    /// Those of the connections in a namespace that refer to an object.
    Namespace(String),
    Everybody,
}

impl World {
    /// Takes in what a watch has brought.
    pub(super) fn take(&mut self, change: Change) -> Concerns {
        match change {
            Change::Connection(event) => {
                let before = &self.connections.items;
                let event = map(*event, |guarded| as_connection(guarded, before));
                self.connections.take(event, Concerns::One)
            }
            Change::Secret(event) => self
                .secrets
                .take(map(event, |secret| Some(meta(&secret))), |(namespace, _)| Concerns::Namespace(namespace)),
            Change::ConfigMap(event) => {
                let event = map(event, |config_map| Some(meta(&config_map)));
                self.config_maps.take(event, |(namespace, _)| Concerns::Namespace(namespace))
            }
        }
    }

    /// Whether enough is known to begin with: all connections, and the versions of all Secrets.
    pub(super) fn is_known(&self) -> bool {
        self.connections.listed && self.secrets.listed
    }

    /// The connections that a change concerns.
    pub(super) fn connections(&self, concerns: &Concerns) -> Vec<&Connection> {
        let all = self.connections.items.values();
        match concerns {
            Concerns::Nobody => Vec::new(),
            Concerns::One(key) => self.connections.items.get(key).into_iter().collect(),
            Concerns::Namespace(namespace) => all.filter(|one| one.identity.namespace == *namespace).collect(),
            Concerns::Everybody => all.collect(),
        }
    }

    /// Whether a connection is there, and not another one of its name.
    pub(super) fn has(&self, connection: &ConnectionRef) -> bool {
        let key = (connection.namespace.clone(), connection.name.clone());
        self.connections.items.get(&key).is_some_and(|known| known.identity == *connection)
    }

    /// What is to be served for a connection.
    pub(super) fn wanted(&self, connection: &Connection) -> Wanted {
        let Connection { identity, spec, named, hook_state, .. } = connection;
        let namespace = &identity.namespace;
        let mut versions = BTreeMap::new();
        for name in named.secrets.iter().chain([hook_state]) {
            if let Some(meta) = self.secrets.items.get(&(namespace.clone(), name.clone())) {
                versions.insert(("Secret", name.clone()), meta.version.clone());
            }
        }
        if named.selector.is_some() {
            let here = self.secrets.items.iter().filter(|((of, _), _)| of == namespace);
            for ((_, name), meta) in here.filter(|((_, name), meta)| named.has_secret(name, &meta.labels)) {
                versions.insert(("Secret", name.clone()), meta.version.clone());
            }
        }
        for name in &named.config_maps {
            if let Some(meta) = self.config_maps.items.get(&(namespace.clone(), name.clone())) {
                versions.insert(("ConfigMap", name.clone()), meta.version.clone());
            }
        }
        Wanted { spec: Arc::clone(spec), named: Arc::clone(named), versions }
    }
}

/// Objects of one kind as a watch tells of them. While it lists anew, what was known stays.
#[derive(Debug)]
struct Mirror<T> {
    items: BTreeMap<Key, T>,
    listing: BTreeMap<Key, T>,
    listed: bool,
}

impl<T> Default for Mirror<T> {
    fn default() -> Self {
        Self { items: BTreeMap::new(), listing: BTreeMap::new(), listed: false }
    }
}

impl<T> Mirror<T> {
    fn take(&mut self, event: Event<(Key, Option<T>)>, concerns: impl Fn(Key) -> Concerns) -> Concerns {
        match event {
            Event::Init => self.listing.clear(),
            Event::InitApply((key, Some(item))) => drop(self.listing.insert(key, item)),
            Event::InitDone => {
                self.items = std::mem::take(&mut self.listing);
                self.listed = true;
                return Concerns::Everybody;
            }
            Event::Apply((key, Some(item))) => {
                self.items.insert(key.clone(), item);
                return concerns(key);
            }
            Event::Delete((key, _)) => {
                self.items.remove(&key);
                return concerns(key);
            }
            Event::InitApply((_, None)) | Event::Apply((_, None)) => {}
        }
        Concerns::Nobody
    }
}

fn map<K: Resource, T>(event: Event<K>, mut read: impl FnMut(K) -> Option<T>) -> Event<(Key, Option<T>)> {
    let mut keyed = |object: K| {
        let key = (object.namespace().unwrap_or_default(), object.name_any());
        (key, read(object))
    };
    match event {
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
        Event::InitApply(object) => Event::InitApply(keyed(object)),
        Event::Apply(object) => Event::Apply(keyed(object)),
        Event::Delete(object) => Event::Delete(keyed(object)),
    }
}

fn meta<K>(object: &PartialObjectMeta<K>) -> Meta {
    let metadata = &object.metadata;
    Meta {
        version: metadata.resource_version.clone().unwrap_or_default(),
        labels: metadata.labels.clone().unwrap_or_default(),
    }
}

/// A connection that cannot be understood, because another version wrote it, is served as it was known before, if at all.
fn as_connection(
    guarded: DeserializeGuard<GitLabConnection>,
    before: &BTreeMap<Key, Connection>,
) -> Option<Connection> {
    match guarded.0 {
        Ok(connection) => {
            let identity = ConnectionRef::of(&connection)?;
            let known = before.get(&(identity.namespace.clone(), identity.name.clone()));
            let known = known.filter(|known| known.identity == identity && *known.spec == connection.spec);
            let seen = seen(&connection);
            Some(match known {
                Some(known) => Connection { seen, ..known.clone() },
                None => Connection {
                    seen,
                    named: Arc::new(named(&connection.spec)),
                    hook_state: HookState::name(&identity),
                    spec: Arc::new(connection.spec),
                    identity,
                },
            })
        }
        Err(invalid) => {
            let metadata = invalid.metadata;
            let key = (metadata.namespace.unwrap_or_default(), metadata.name.unwrap_or_default());
            let connection = format!("{}/{}", key.0, key.1);
            tracing::warn!(connection, error = invalid.error, "a connection cannot be understood, and is left out");
            before.get(&key).filter(|known| Some(&known.identity.uid) == metadata.uid.as_ref()).cloned()
        }
    }
}

fn seen(connection: &GitLabConnection) -> Seen {
    let Some(status) = &connection.status else { return Seen::default() };
    let import = status.import.as_ref();
    Seen {
        running: import.and_then(|import| Some(import.running.as_ref()?.key.clone())),
        last_delivery: status.webhooks.as_ref().and_then(|webhooks| Some(webhooks.last_delivery.as_ref()?.0)),
        progress: import.and_then(|import| import.progress.clone()),
        unfit: unfit_readers(&status.access),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use kube::core::PartialObjectMetaExt as _;
    use serde_json::{Value, json};

    use super::*;

    fn connection(name: &str, more: &Value) -> DeserializeGuard<GitLabConnection> {
        let mut object = json!({
            "apiVersion": "gitlab-connector.dev/v1alpha1", "kind": "GitLabConnection",
            "metadata": {"namespace": "metrics", "name": name, "uid": format!("uid-of-{name}")},
            "spec": {
                "url": "https://gitlab.example/",
                "credentials": [{"name": "a", "secretRef": {"name": "reader", "key": "token"}}],
                "credentialSelector": {"matchLabels": {"join": "yes"}},
                "scope": {"groups": ["acme"]},
            },
        });
        for (field, value) in more.as_object().unwrap() {
            object[field] = value.clone();
        }
        serde_json::from_value(object).unwrap()
    }

    fn secret(
        namespace: &str,
        name: &str,
        version: &str,
        label: &str,
    ) -> Event<PartialObjectMeta<k8s_openapi::api::core::v1::Secret>> {
        let metadata = ObjectMeta {
            namespace: Some(namespace.into()),
            name: Some(name.into()),
            resource_version: Some(version.into()),
            labels: Some([("join".to_owned(), label.to_owned())].into()),
            ..ObjectMeta::default()
        };
        Event::Apply(metadata.into_response_partial())
    }

    /// A world with one connection and no Secret.
    fn world() -> World {
        let mut world = World::default();
        world.take(Change::Secret(Event::Init));
        world.take(Change::Secret(Event::InitDone));
        world.take(Change::Connection(Box::new(Event::Init)));
        world.take(Change::Connection(Box::new(Event::InitApply(connection("acme", &json!({}))))));
        assert!(!world.is_known());
        assert_eq!(world.take(Change::Connection(Box::new(Event::InitDone))), Concerns::Everybody);
        assert!(world.is_known());
        world
    }

    fn only(world: &World) -> Connection {
        let all = world.connections(&Concerns::Everybody);
        assert_eq!(all.len(), 1);
        all[0].clone()
    }

    #[test]
    fn what_a_connection_refers_to_makes_it_be_learnt_anew_and_nothing_else_does() {
        let mut world = world();
        let hook_state = HookState::name(&only(&world).identity);
        let cases = [
            ("metrics", "reader", "no", true),
            ("metrics", hook_state.as_str(), "no", true),
            ("metrics", "stranger", "yes", true),
            ("metrics", "stranger", "no", true),
            ("metrics", "nobody", "no", false),
            ("other", "reader", "yes", false),
        ];
        for (version, (namespace, name, label, changes)) in cases.into_iter().enumerate() {
            let before = world.wanted(&only(&world));

            let concerns = world.take(Change::Secret(secret(namespace, name, &version.to_string(), label)));

            assert_eq!(concerns, Concerns::Namespace(namespace.to_owned()));
            let after = world.wanted(&only(&world));
            assert_eq!(before != after, changes, "{namespace}/{name} {label}");
        }
    }

    #[test]
    fn tokens_that_cannot_read_all_of_the_scope_are_told_apart() {
        let mut world = world();
        let line = |token: &str, what: &str, outcome: &str| json!({"token": token, "what": what, "outcome": outcome});
        let status = json!({"status": {"access": [
            line("dead", "use the token", "Denied"),
            line("small", "read merge requests", "Denied"),
            line("unlucky", "read the group", "Unknown"),
            line("reader", "manage group webhooks", "Denied"),
            line("reader", "read merge requests", "Ok"),
        ]}});

        world.take(Change::Connection(Box::new(Event::Apply(connection("acme", &status)))));

        assert_eq!(only(&world).seen.unfit.into_iter().collect::<Vec<_>>(), ["dead", "small"]);
    }

    #[test]
    fn a_status_that_changes_changes_what_is_seen_and_not_what_is_wanted() {
        let mut world = world();
        let before = world.wanted(&only(&world));
        let status = json!({"status": {
            "webhooks": {"lastDelivery": "2026-01-01T00:00:00Z"},
            "import": {"running": {"key": "tick"}},
        }});

        let concerns = world.take(Change::Connection(Box::new(Event::Apply(connection("acme", &status)))));

        assert_eq!(concerns, Concerns::One(("metrics".into(), "acme".into())));
        let seen = only(&world).seen;
        assert!(seen.running.as_deref() == Some("tick") && seen.last_delivery.is_some());
        assert_eq!(world.wanted(&only(&world)), before);
    }

    #[test]
    fn a_connection_that_cannot_be_understood_stops_nobody_and_stays_as_it_was_known() {
        let mut world = world();
        let known = only(&world);

        world.take(Change::Connection(Box::new(Event::Apply(connection("acme", &json!({"spec": {"url": 5}}))))));
        world.take(Change::Connection(Box::new(Event::Apply(connection("other", &json!({"spec": {}}))))));

        assert_eq!(world.wanted(&only(&world)), world.wanted(&known));
    }

    #[test]
    fn a_list_that_begins_anew_forgets_only_what_is_not_in_it() {
        let mut world = world();
        let acme = only(&world).identity;
        world.take(Change::Connection(Box::new(Event::Apply(connection("gone", &json!({}))))));

        world.take(Change::Connection(Box::new(Event::Init)));
        world.take(Change::Connection(Box::new(Event::InitApply(connection("acme", &json!({}))))));
        assert_eq!(world.connections(&Concerns::Everybody).len(), 2, "until the list is whole");
        world.take(Change::Connection(Box::new(Event::InitDone)));

        assert_eq!(only(&world).identity, acme);
        assert!(world.has(&acme));
        assert!(!world.has(&ConnectionRef { uid: "another".into(), ..acme }));
    }
}
