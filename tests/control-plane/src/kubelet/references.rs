//! The Secrets and ConfigMaps that a pod names, as read at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use k8s_openapi::api::core::v1::{ConfigMap, EnvFromSource, EnvVar, PodSpec, Secret, Volume, VolumeProjection};
use kube::{Api, Client};

/// One object that a pod may name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Secret(String),
    ConfigMap(String),
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(name) => write!(formatter, "secret {name:?}"),
            Self::ConfigMap(name) => write!(formatter, "configmap {name:?}"),
        }
    }
}

/// The data of one object.
pub(super) type Data = BTreeMap<String, Vec<u8>>;

/// What was there; an object that was absent is absent here.
#[derive(Debug, Default)]
pub(super) struct References(pub(super) BTreeMap<Name, Data>);

impl References {
    /// Reads each by name, so that what was written before the pod is never missed.
    pub(super) async fn read(client: &Client, namespace: &str, names: BTreeSet<Name>) -> Result<Self, kube::Error> {
        let mut found = BTreeMap::new();
        for name in names {
            let data = match &name {
                Name::Secret(secret) => {
                    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
                    api.get_opt(secret).await?.map(secret_data)
                }
                Name::ConfigMap(map) => {
                    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
                    api.get_opt(map).await?.map(config_map_data)
                }
            };
            if let Some(data) = data {
                found.insert(name, data);
            }
        }
        Ok(Self(found))
    }

    /// All data of an object; nothing when it is absent and may be.
    pub(super) fn data(&self, name: &Name, optional: bool) -> Result<Option<&Data>, String> {
        match self.0.get(name) {
            None if !optional => Err(format!("{name} not found")),
            found => Ok(found),
        }
    }

    /// One key of an object; nothing when it is absent and may be.
    pub(super) fn key(&self, name: &Name, key: &str, optional: bool) -> Result<Option<&[u8]>, String> {
        let value = self.data(name, optional)?.and_then(|data| data.get(key));
        match value {
            None if !optional => Err(format!("couldn't find key {key} in {name}")),
            found => Ok(found.map(Vec::as_slice)),
        }
    }
}

fn secret_data(secret: Secret) -> Data {
    secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect()
}

fn config_map_data(map: ConfigMap) -> Data {
    let texts = map.data.unwrap_or_default().into_iter().map(|(key, text)| (key, text.into_bytes()));
    let binaries = map.binary_data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0));
    texts.chain(binaries).collect()
}

/// What the variables of all containers of a pod name.
pub(super) fn in_variables(pod: &PodSpec) -> BTreeSet<Name> {
    let containers = || pod.containers.iter().chain(pod.init_containers.iter().flatten());
    let single = containers().flat_map(|container| container.env.iter().flatten()).filter_map(variable);
    let whole = containers().flat_map(|container| container.env_from.iter().flatten()).filter_map(whole);
    single.chain(whole).collect()
}

/// What the volumes of a pod name.
pub(super) fn in_volumes(pod: &PodSpec) -> BTreeSet<Name> {
    pod.volumes.iter().flatten().flat_map(volume).collect()
}

fn variable(variable: &EnvVar) -> Option<Name> {
    let source = variable.value_from.as_ref()?;
    let secret = source.secret_key_ref.as_ref().map(|key| Name::Secret(key.name.clone()));
    secret.or_else(|| source.config_map_key_ref.as_ref().map(|key| Name::ConfigMap(key.name.clone())))
}

fn whole(source: &EnvFromSource) -> Option<Name> {
    let secret = source.secret_ref.as_ref().map(|secret| Name::Secret(secret.name.clone()));
    secret.or_else(|| source.config_map_ref.as_ref().map(|map| Name::ConfigMap(map.name.clone())))
}

fn volume(volume: &Volume) -> Vec<Name> {
    let secret = volume.secret.as_ref().and_then(|secret| secret.secret_name.clone()).map(Name::Secret);
    let map = volume.config_map.as_ref().map(|map| Name::ConfigMap(map.name.clone()));
    let projected = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
    secret.into_iter().chain(map).chain(projected.filter_map(projection)).collect()
}

fn projection(source: &VolumeProjection) -> Option<Name> {
    let secret = source.secret.as_ref().map(|secret| Name::Secret(secret.name.clone()));
    secret.or_else(|| source.config_map.as_ref().map(|map| Name::ConfigMap(map.name.clone())))
}
