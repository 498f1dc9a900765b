//! Reads what a connection refers to: by name, and never more than it names.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1;
use kube::{Api, Client, ResourceExt as _, api::ListParams};
use secrecy::SecretString;

use super::timely;
use crate::{
    connection::Named,
    guard::{self, Consent, Offer},
    references::{References, Secret},
};

/// Requests in flight for one connection.
const AT_ONCE: usize = 8;

/// The Secrets and ConfigMaps that a connection refers to, as far as they exist.
///
/// # Errors
/// When the API server cannot be asked, or refuses. What does not exist is no error.
pub async fn fetch(
    client: &Client,
    namespace: &str,
    named: &Named,
    consent: Consent,
) -> Result<References, kube::Error> {
    let secrets: Api<v1::Secret> = Api::namespaced(client.clone(), namespace);
    let config_maps: Api<v1::ConfigMap> = Api::namespaced(client.clone(), namespace);
    let mut references = References::in_cluster(consent);

    let selector = named.selector.as_ref().filter(|selector| !selector.match_labels.is_empty());
    if let Some(selector) = selector {
        let labels: Vec<_> = selector.match_labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
        let list = ListParams::default().labels(&labels.join(","));
        for secret in timely(secrets.list(&list)).await? {
            references.add_secret(namespace, &secret.name_any(), as_read(secret));
        }
    }
    // Collected first: a stream that holds a closure could not move between threads.
    let requests: Vec<_> = named.secrets.iter().map(|name| timely(secrets.get_opt(name))).collect();
    let found: Vec<_> = stream::iter(requests).buffered(AT_ONCE).try_collect().await?;
    for (name, secret) in named.secrets.iter().zip(found) {
        if let Some(secret) = secret {
            references.add_secret(namespace, name, as_read(secret));
        }
    }
    for name in &named.config_maps {
        if let Some(config_map) = timely(config_maps.get_opt(name)).await? {
            references.add_config_map(namespace, name, config_map.data.unwrap_or_default());
        }
    }
    Ok(references)
}

fn as_read(secret: v1::Secret) -> Secret {
    let (mut data, mut not_text) = (BTreeMap::new(), BTreeSet::new());
    for (key, value) in secret.data.unwrap_or_default() {
        match String::from_utf8(value.0) {
            Ok(text) => drop(data.insert(key, SecretString::from(text))),
            Err(_) => drop(not_text.insert(key)),
        }
    }
    let annotations = secret.metadata.annotations.unwrap_or_default();
    let offer = Offer {
        kind: secret.type_.unwrap_or_default(),
        uses: annotations.get(guard::USE).cloned(),
        hosts: annotations.get(guard::HOSTS).cloned(),
    };
    Secret { labels: secret.metadata.labels.unwrap_or_default(), offer, data, not_text }
}
