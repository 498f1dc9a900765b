//! What a connection refers to, as read: Secrets and ConfigMaps, and the look-up of a key in them.
//!
//! Files and clusters bring the same: whoever reads them puts what was found into [`References`].

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret, SecretString};

use crate::{
    api::{CredentialSelector, KeyRef, conditions::reason},
    guard::{Consent, Offer, Refusal, Use, Wanted},
};

/// Secrets and ConfigMaps by namespace and name.
///
/// There is no way to the value of a Secret but [`References::secret`], which asks whether it may be used.
#[derive(Debug, Default)]
pub struct References {
    /// `None` for files, which are their reader's own.
    consent: Option<Consent>,
    secrets: BTreeMap<(String, String), Secret>,
    config_maps: BTreeMap<(String, String), ConfigMap>,
}

/// A Secret. Its values cannot be printed.
#[derive(Debug, Default)]
pub struct Secret {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What it says of its use.
    pub offer: Offer,
    /// Its values that are text, by key.
    pub data: BTreeMap<String, SecretString>,
    /// Keys whose values are other bytes than text.
    pub not_text: BTreeSet<String>,
}

/// A ConfigMap: its values, by key.
pub type ConfigMap = BTreeMap<String, String>;

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
    /// No Secret has the labels that a selector wants.
    #[error("no Secret in namespace '{namespace}' has the labels {labels}: label one, or correct the selector")]
    NoneSelected {
        /// Where they were looked for.
        namespace: String,
        /// The labels.
        labels: String,
    },
    /// The Secret is there, and may not be used so.
    #[error("Secret '{name}' {refusal}")]
    NotOffered {
        /// Its name.
        name: String,
        /// Why not.
        refusal: Refusal,
    },
    /// Secrets have the labels that a selector wants, and may not be used so.
    #[error(
        "not all Secrets with the labels {labels} are offered as credential for this GitLab ({count} are not): their owner can say so with kubectl -n {namespace} annotate --overwrite secret -l {labels} gitlab-connector.dev/use=credential, and names its host where gitlab-connector.dev/hosts is set"
    )]
    NoneOffered {
        /// Where they are.
        namespace: String,
        /// The labels.
        labels: String,
        /// How many.
        count: usize,
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
    /// The key is there, and its value is no text.
    #[error("Secret '{name}' holds bytes under '{key}' that are no text: store the value as it is, encoded only once")]
    NotText {
        /// Its name.
        name: String,
        /// The key.
        key: String,
    },
    /// The key is there, and nothing under it.
    #[error("Secret '{name}' holds nothing under '{key}': store the value there")]
    Empty {
        /// Its name.
        name: String,
        /// The key.
        key: String,
    },
}

impl Lookup {
    /// The reason of the condition that reports this.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing { .. } | Self::NoneSelected { .. } => reason::SECRET_NOT_FOUND,
            Self::NotOffered { .. } | Self::NoneOffered { .. } => reason::SECRET_NOT_OFFERED,
            Self::NoKey { .. } | Self::NotText { .. } | Self::Empty { .. } => reason::SECRET_KEY_MISSING,
        }
    }
}

fn keys_there(keys: &[String]) -> String {
    if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
}

impl References {
    /// Those of a cluster, whose Secrets belong to others.
    #[must_use]
    pub fn in_cluster(consent: Consent) -> References {
        References { consent: Some(consent), ..References::default() }
    }

    /// Adds a Secret that was read.
    pub fn add_secret(&mut self, namespace: &str, name: &str, secret: Secret) {
        self.secrets.insert((namespace.to_owned(), name.to_owned()), secret);
    }

    /// Adds a ConfigMap that was read.
    pub fn add_config_map(&mut self, namespace: &str, name: &str, config_map: ConfigMap) {
        self.config_maps.insert((namespace.to_owned(), name.to_owned()), config_map);
    }

    /// The value of one key of a Secret, without line ends after it, if it may be used so.
    ///
    /// # Errors
    /// [`Lookup`], which names the Secret, or the key and the keys that exist.
    pub fn secret(&self, namespace: &str, at: &KeyRef, wanted: Wanted<'_>) -> Result<SecretString, Lookup> {
        let secret = look_up(&self.secrets, "Secret", namespace, at)?;
        let not_offered = |refusal| Lookup::NotOffered { name: at.name.clone(), refusal };
        if let Some(consent) = self.consent {
            secret.offer.allows((namespace, &at.name, &at.key), wanted, consent).map_err(not_offered)?;
        }
        if secret.not_text.contains(&at.key) {
            return Err(Lookup::NotText { name: at.name.clone(), key: at.key.clone() });
        }
        let value = key_of(&secret.data, "Secret", at)?.expose_secret().trim_end_matches(['\n', '\r']);
        if value.trim().is_empty() {
            return Err(Lookup::Empty { name: at.name.clone(), key: at.key.clone() });
        }
        if self.consent.is_some() {
            secret.offer.allows_itself(value, wanted.usage).map_err(not_offered)?;
        }
        Ok(value.to_owned().into())
    }

    /// The value of one key of a ConfigMap.
    ///
    /// # Errors
    /// As [`References::secret`].
    pub fn config(&self, namespace: &str, at: &KeyRef) -> Result<String, Lookup> {
        key_of(look_up(&self.config_maps, "ConfigMap", namespace, at)?, "ConfigMap", at).cloned()
    }

    /// Names of the Secrets of a namespace that a selector picks for their `key`: none of those that are never used.
    #[must_use]
    pub fn selected(&self, namespace: &str, selector: &CredentialSelector, key: &str) -> Vec<&str> {
        let never = |secret: &Secret| self.consent.is_some() && secret.offer.is_never_used(Use::Credential, key);
        let carries = |secret: &Secret| {
            !selector.match_labels.is_empty()
                && selector.match_labels.iter().all(|(label, value)| secret.labels.get(label) == Some(value))
        };
        let here = self.secrets.iter().filter(|((of, _), secret)| of == namespace && carries(secret) && !never(secret));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_nothing_under_it_is_missing() {
        let mut references = References::default();
        let data = [("good", "glpat-x\n"), ("empty", ""), ("blank", " \n")];
        let data = data.map(|(key, value)| (key.to_owned(), SecretString::from(value))).into();
        references.add_secret("metrics", "tokens", Secret { data, ..Secret::default() });
        let wanted = Wanted { usage: Use::Credential, sent_to: &[] };
        let look = |key: &str| references.secret("metrics", &KeyRef { name: "tokens".into(), key: key.into() }, wanted);

        assert_eq!(look("good").unwrap().expose_secret(), "glpat-x");
        for key in ["empty", "blank"] {
            assert_eq!(look(key).unwrap_err().reason(), reason::SECRET_KEY_MISSING);
        }
    }

    #[test]
    fn nothing_is_told_of_what_is_in_a_secret_that_is_not_offered() {
        let mut references = References::in_cluster(Consent::Required);
        let data = BTreeMap::from([("password".to_owned(), SecretString::from("hush"))]);
        let not_text = BTreeSet::from(["bytes".to_owned()]);
        references.add_secret("metrics", "theirs", Secret { data, not_text, ..Secret::default() });
        let wanted = Wanted { usage: Use::Header, sent_to: &[] };
        let look = |key: &str| {
            let at = KeyRef { name: "theirs".into(), key: key.into() };
            references.secret("metrics", &at, wanted).unwrap_err()
        };

        let there = look("password");

        assert_eq!(there.reason(), reason::SECRET_NOT_OFFERED);
        assert!(!there.to_string().contains("password"), "{there}");
        assert_eq!((&there, &there), (&look("bytes"), &look("absent")));
    }
}
