//! The Secrets and ConfigMaps that a connection refers to.

use std::collections::BTreeSet;

use crate::api::{CredentialSelector, GitLabConnectionSpec};

/// The Secrets and ConfigMaps that a connection refers to: what to fetch for it, and what to watch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Names of Secrets.
    pub secrets: BTreeSet<String>,
    /// Names of ConfigMaps.
    pub config_maps: BTreeSet<String>,
    /// Picks more Secrets, by their labels.
    pub selector: Option<CredentialSelector>,
}

impl Named {
    /// Whether a Secret with this name and these labels is one of them.
    pub fn has_secret<'a>(&self, name: &str, labels: impl IntoIterator<Item = (&'a String, &'a String)>) -> bool {
        if self.secrets.contains(name) {
            return true;
        }
        let Some(selector) = self.selector.as_ref().filter(|selector| !selector.match_labels.is_empty()) else {
            return false;
        };
        let wanted = &selector.match_labels;
        labels.into_iter().filter(|(label, value)| wanted.get(*label) == Some(*value)).count() == wanted.len()
    }
}

/// What the spec refers to.
#[must_use]
pub fn named(spec: &GitLabConnectionSpec) -> Named {
    let bundles = [&spec.tls.ca_bundle].into_iter().chain(spec.store.iter().map(|store| &store.ca_bundle)).flatten();
    let readers = spec.credentials.iter().map(|credential| &credential.secret_ref);
    let secrets = readers
        .chain(&spec.webhooks.credential_ref)
        .chain(&spec.webhooks.secret_ref)
        .chain(spec.store.as_ref().map(|store| &store.secret_ref))
        .chain(spec.proxy.as_ref().and_then(|proxy| proxy.secret_ref.as_ref()))
        .chain(spec.headers.iter().filter_map(|header| header.secret_ref.as_ref()))
        .chain(bundles.clone().filter_map(|bundle| bundle.secret_ref.as_ref()));
    let config_maps = bundles.filter_map(|bundle| bundle.config_map_ref.as_ref());
    Named {
        secrets: secrets.map(|at| at.name.clone()).collect(),
        config_maps: config_maps.map(|at| at.name.clone()).collect(),
        selector: spec.credential_selector.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_reference_of_a_spec_is_named() {
        let at = |name: &str| json!({"name": name, "key": "k"});
        let spec = json!({
            "url": "https://gitlab.example/",
            "credentials": [{"name": "a", "secretRef": at("reader")}],
            "credentialSelector": {"matchLabels": {"team": "x", "use": "y"}},
            "tls": {"caBundle": {"secretRef": at("ca"), "configMapRef": at("ca-map")}},
            "proxy": {"secretRef": at("proxy")},
            "headers": [{"name": "X", "secretRef": at("header")}, {"name": "Y", "value": "v"}],
            "scope": {"groups": ["acme"]},
            "webhooks": {"credentialRef": at("manager"), "secretRef": at("hook")},
            "store": {"secretRef": at("db"), "caBundle": {"secretRef": at("db-ca"), "configMapRef": at("db-ca-map")}},
        });
        let spec: GitLabConnectionSpec = serde_json::from_value(spec).unwrap();

        let named = named(&spec);

        let secrets: Vec<&str> = named.secrets.iter().map(String::as_str).collect();
        assert_eq!(secrets, ["ca", "db", "db-ca", "header", "hook", "manager", "proxy", "reader"]);
        assert_eq!(named.config_maps, BTreeSet::from(["ca-map".to_owned(), "db-ca-map".to_owned()]));
        let labels = |pairs: &[(&str, &str)]| -> std::collections::BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        assert!(named.has_secret("reader", &labels(&[])));
        assert!(named.has_secret("any", &labels(&[("team", "x"), ("use", "y"), ("more", "z")])));
        assert!(!named.has_secret("any", &labels(&[("team", "x")])));
    }
}
