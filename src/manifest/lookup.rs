//! What the files hold, and the look-up of what a connection names in it.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use super::{Given, Origin};
use crate::api::{self, CredentialSelector, KeyRef};

/// All that the files hold.
#[derive(Debug, Default)]
pub struct Manifests {
    /// The connections, in the order of the files.
    pub connections: Vec<Given>,
    pub(super) secrets: BTreeMap<(String, String), Secret>,
    pub(super) config_maps: BTreeMap<(String, String), ConfigMap>,
}

/// A Secret. Its values cannot be printed.
#[derive(Debug)]
pub struct Secret {
    /// Where it is.
    pub origin: Origin,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its values, by key.
    pub data: BTreeMap<String, SecretString>,
}

/// A ConfigMap.
#[derive(Debug)]
pub struct ConfigMap {
    /// Where it is.
    pub origin: Origin,
    /// Its values, by key.
    pub data: BTreeMap<String, String>,
}

/// A Secret or ConfigMap that is not there, or lacks a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lookup {
    /// No such object.
    #[error("{kind} '{name}' is not in namespace '{namespace}': add it, or correct the name")]
    Missing {
        /// `Secret` or `ConfigMap`.
        kind: &'static str,
        /// Where it was looked for.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The object has no such key.
    #[error("{kind} '{name}' has no key '{key}': it has {}", keys_there(.keys))]
    NoKey {
        /// `Secret` or `ConfigMap`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// The key that was looked for.
        key: String,
        /// The keys that exist.
        keys: Vec<String>,
    },
}

impl Lookup {
    /// The reason of the condition that reports this.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing { .. } => api::conditions::reason::SECRET_NOT_FOUND,
            Self::NoKey { .. } => api::conditions::reason::SECRET_KEY_MISSING,
        }
    }
}

fn keys_there(keys: &[String]) -> String {
    if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
}

impl Manifests {
    /// The value of one key of a Secret, without line ends after it.
    ///
    /// # Errors
    /// [`Lookup`], which names the Secret, or the key and the keys that exist.
    pub fn secret(&self, namespace: &str, at: &KeyRef) -> Result<SecretString, Lookup> {
        let secret = look_up(&self.secrets, "Secret", namespace, at)?;
        let value = key_of(&secret.data, "Secret", at)?;
        Ok(value.expose_secret().trim_end_matches(['\n', '\r']).to_owned().into())
    }

    /// The value of one key of a ConfigMap.
    ///
    /// # Errors
    /// As [`Manifests::secret`].
    pub fn config(&self, namespace: &str, at: &KeyRef) -> Result<String, Lookup> {
        let config_map = look_up(&self.config_maps, "ConfigMap", namespace, at)?;
        key_of(&config_map.data, "ConfigMap", at).cloned()
    }

    /// Names of the Secrets of a namespace that a selector picks.
    #[must_use]
    pub fn selected(&self, namespace: &str, selector: &CredentialSelector) -> Vec<&str> {
        let carries = |secret: &Secret| {
            !selector.match_labels.is_empty()
                && selector.match_labels.iter().all(|(label, value)| secret.labels.get(label) == Some(value))
        };
        let here = self.secrets.iter().filter(|((of, _), secret)| of == namespace && carries(secret));
        here.map(|((_, name), _)| name.as_str()).collect()
    }
}

fn look_up<'a, T>(
    objects: &'a BTreeMap<(String, String), T>,
    kind: &'static str,
    namespace: &str,
    at: &KeyRef,
) -> Result<&'a T, Lookup> {
    objects.get(&(namespace.to_owned(), at.name.clone())).ok_or_else(|| Lookup::Missing {
        kind,
        namespace: namespace.to_owned(),
        name: at.name.clone(),
    })
}

fn key_of<'a, T>(data: &'a BTreeMap<String, T>, kind: &'static str, at: &KeyRef) -> Result<&'a T, Lookup> {
    data.get(&at.key).ok_or_else(|| Lookup::NoKey {
        kind,
        name: at.name.clone(),
        key: at.key.clone(),
        keys: data.keys().cloned().collect(),
    })
}
