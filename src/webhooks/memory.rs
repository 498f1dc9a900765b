//! What we remember of our hooks between two passes: which they are, and which secret they hold.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::gitlab::Target;

/// Our hooks as they were left. Losing it costs one PUT a hook and nothing else: hooks are found by their mark, and a hook
/// whose secret nobody knows gets it again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Memory {
    hooks: BTreeMap<String, Kept>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    hook: i64,
    secret: String,
}

impl Memory {
    /// Reads what [`Memory::to_text`] wrote; what cannot be read is forgotten.
    #[must_use]
    pub fn from_text(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// As text, for whoever keeps it. Holds no secret and nothing that a secret could be guessed from.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether GitLab was found to make the hook of this group and never to call it.
    pub(super) fn is_mute(&self, group: Target) -> bool {
        self.hooks.contains_key(&mute(group))
    }

    pub(super) fn mute(&mut self, group: Target) {
        self.hooks.insert(mute(group), Kept { hook: 0, secret: String::new() });
    }

    /// Forgets which groups were mute: whoever asks for another mode wants to know anew.
    pub(super) fn unmute(&mut self) {
        self.hooks.retain(|key, _| !key.starts_with(MUTE));
    }

    /// The targets that carry a hook of ours.
    pub fn targets(&self) -> impl Iterator<Item = Target> {
        self.hooks.keys().filter_map(|key| target(key))
    }

    /// The hook of a target that holds this secret.
    pub(super) fn up_to_date(&self, target: Target, digest: &str) -> Option<i64> {
        self.hooks.get(&key(target)).filter(|kept| kept.secret == digest).map(|kept| kept.hook)
    }

    pub(super) fn keep(&mut self, target: Target, hook: i64, digest: &str) {
        self.hooks.insert(key(target), Kept { hook, secret: digest.to_owned() });
    }

    pub(super) fn forget(&mut self, target: Target) {
        self.hooks.remove(&key(target));
    }
}

/// What the key of a group that is mute begins with: no target is called so.
const MUTE: &str = "mute-";

fn mute(group: Target) -> String {
    format!("{MUTE}{}", key(group))
}

fn key(target: Target) -> String {
    match target {
        Target::Group(id) => format!("group/{id}"),
        Target::Project(id) => format!("project/{id}"),
        Target::System => "system".to_owned(),
    }
}

fn target(key: &str) -> Option<Target> {
    match key.split_once('/') {
        Some(("group", id)) => id.parse().ok().map(Target::Group),
        Some(("project", id)) => id.parse().ok().map(Target::Project),
        None if key == "system" => Some(Target::System),
        _ => None,
    }
}

/// A digest by which a secret is recognised again.
///
/// A person may have chosen a weak secret, so whoever finds the digest must not be able to try secrets out: it is keyed with
/// something that is long, random, and kept elsewhere (a token). When that changes, each hook gets its secret once more.
pub(super) fn digest(key: &SecretString, secret: &SecretString) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()).ok()?;
    mac.update(b"gitlab-connector webhook secret\0");
    mac.update(secret.expose_secret().as_bytes());
    Some(BASE64_STANDARD_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_depends_on_secret_and_key_and_shows_neither() {
        let digest = |key: &str, secret: &str| digest(&key.into(), &secret.into()).unwrap();

        assert_eq!(digest("glpat-1", "hush"), digest("glpat-1", "hush"));
        assert_ne!(digest("glpat-1", "hush"), digest("glpat-1", "hush!"));
        assert_ne!(digest("glpat-1", "hush"), digest("glpat-2", "hush"));
        assert!(!digest("glpat-1", "hush").contains("hush"));
    }

    #[test]
    fn memory_survives_as_text_and_what_is_no_memory_is_forgotten() {
        let mut memory = Memory::default();
        for target in [Target::Group(1), Target::Project(2), Target::System] {
            memory.keep(target, 7, "digest");
        }

        let read = Memory::from_text(Some(&memory.to_text()));

        assert_eq!(read, memory);
        assert_eq!(read.targets().collect::<Vec<_>>(), [Target::Group(1), Target::Project(2), Target::System]);
        assert_eq!(read.up_to_date(Target::Group(1), "digest"), Some(7));
        assert_eq!(read.up_to_date(Target::Group(1), "another"), None);
        memory.mute(Target::Group(5));
        assert!(Memory::from_text(Some(&memory.to_text())).is_mute(Target::Group(5)));
        assert!(!memory.targets().any(|target| target == Target::Group(5)), "it carries no hook");
        memory.unmute();
        assert_eq!(memory, read);
        assert_eq!(Memory::from_text(Some("nonsense")), Memory::default());
    }
}
