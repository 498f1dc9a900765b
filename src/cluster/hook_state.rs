//! What is known of a connection's webhooks, kept in a Secret that the connection owns and that goes with it.
//!
//! The controller writes it; the receiver reads from it which secrets to accept. It holds what must not be lost when the
//! controller dies between making a webhook and saying so.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use k8s_openapi::{
    ByteString,
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::{Api, Client, Resource as _, api::PostParams};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::{CONNECTION_UID, ConnectionRef, MANAGED_BY, MANAGER, timely};
use crate::api::GitLabConnection;

/// Type of the Secret: nobody takes it for a token.
const TYPE: &str = "gitlab-connector.dev/webhook";
/// Characters of the connection's name that its Secret's name has.
const NAME: usize = 200;

const SECRET: &str = "secret";
const PREVIOUS: &str = "previous";
const CHANGED_AT: &str = "changed-at";
const HOOKS: &str = "hooks";
const HOOKS_CHANGED_AT: &str = "hooks-changed-at";

/// How long a receiver may take to learn of a new secret. GitLab is not given it before.
pub const LEARNT: Duration = Duration::from_secs(2);

/// What is known of a connection's webhooks.
#[derive(Debug, Clone)]
pub struct HookState {
    /// What GitLab is to send along.
    pub secret: SecretString,
    /// What GitLab sent before, accepted for a while.
    pub previous: Option<SecretString>,
    /// When `secret` last changed.
    pub changed_at: Timestamp,
    /// The webhooks as they were left, as [`crate::webhooks::Memory`] writes it.
    pub hooks: String,
    /// When a webhook last changed.
    pub hooks_changed_at: Option<Timestamp>,
    /// The version that this was read from.
    version: Option<String>,
}

/// Why the state of webhooks cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody wrote it meanwhile: read it again.
    #[error("Secret '{0}' was changed meanwhile")]
    Conflict(String),
    /// A Secret of this name is not the connection's.
    #[error("Secret '{0}' is not this connection's: remove it, and it is made anew")]
    Foreign(String),
    /// The API server refuses, or cannot be asked.
    #[error(transparent)]
    Kube(#[from] kube::Error),
}

impl HookState {
    /// Name of the Secret.
    #[must_use]
    pub fn name(connection: &ConnectionRef) -> String {
        let start: String = connection.name.chars().take(NAME).collect();
        let digest = Sha256::digest(connection.uid.as_bytes());
        let digest = digest.iter().take(4).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        format!("{}-webhook-{digest}", start.trim_end_matches(['-', '.']))
    }

    /// The state, where there is one.
    ///
    /// # Errors
    /// When the API server cannot be asked, or the Secret is somebody else's.
    pub async fn read(client: &Client, connection: &ConnectionRef) -> Result<Option<HookState>, Error> {
        let name = Self::name(connection);
        let Some(secret) = timely(secrets(client, connection).get_opt(&name)).await? else { return Ok(None) };
        Self::of(&secret, connection).map(Some)
    }

    /// The state with this secret; where somebody else was quicker, theirs.
    ///
    /// # Errors
    /// As [`HookState::read`].
    pub async fn create(
        client: &Client,
        connection: &ConnectionRef,
        secret: SecretString,
        now: Timestamp,
    ) -> Result<HookState, Error> {
        let state = HookState {
            secret,
            previous: None,
            changed_at: now,
            hooks: String::new(),
            hooks_changed_at: None,
            version: None,
        };
        let (api, object) = (secrets(client, connection), state.object(connection));
        match timely(api.create(&PostParams::default(), &object)).await {
            Ok(secret) => Self::of(&secret, connection),
            Err(kube::Error::Api(status)) if status.code == 409 => {
                let theirs = Self::read(client, connection).await?;
                theirs.ok_or_else(|| Error::Conflict(Self::name(connection)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps this state in the place of the one that it was read from.
    ///
    /// # Errors
    /// [`Error::Conflict`] where somebody wrote meanwhile, or removed it.
    pub async fn replace(&self, client: &Client, connection: &ConnectionRef) -> Result<HookState, Error> {
        let name = Self::name(connection);
        let object = self.object(connection);
        let params = PostParams::default();
        match timely(secrets(client, connection).replace(&name, &params, &object)).await {
            Ok(secret) => Self::of(&secret, connection),
            Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => Err(Error::Conflict(name)),
            Err(error) => Err(error.into()),
        }
    }

    /// The secrets that authentic deliveries come with.
    #[must_use]
    pub fn accepted(&self) -> Vec<SecretString> {
        [Some(&self.secret), self.previous.as_ref()].into_iter().flatten().cloned().collect()
    }

    /// What a Secret says, if it is the connection's.
    fn of(secret: &Secret, connection: &ConnectionRef) -> Result<HookState, Error> {
        let owners = secret.metadata.owner_references.iter().flatten();
        if !owners.into_iter().any(|owner| owner.uid == connection.uid) {
            return Err(Error::Foreign(secret.metadata.name.clone().unwrap_or_default()));
        }
        let text = |key: &str| {
            let value = secret.data.as_ref()?.get(key)?;
            String::from_utf8(value.0.clone()).ok().filter(|text| !text.is_empty())
        };
        let time = |key: &str| text(key)?.parse().ok();
        Ok(HookState {
            secret: text(SECRET).unwrap_or_default().into(),
            previous: text(PREVIOUS).map(SecretString::from),
            // What cannot be read changed long ago: nobody waits for it.
            changed_at: time(CHANGED_AT).unwrap_or_default(),
            hooks: text(HOOKS).unwrap_or_default(),
            hooks_changed_at: time(HOOKS_CHANGED_AT),
            version: secret.metadata.resource_version.clone(),
        })
    }

    fn object(&self, connection: &ConnectionRef) -> Secret {
        let mut data = BTreeMap::new();
        let mut keep = |key: &str, text: &str| data.insert(key.to_owned(), ByteString(text.as_bytes().to_vec()));
        keep(SECRET, self.secret.expose_secret());
        if let Some(previous) = &self.previous {
            keep(PREVIOUS, previous.expose_secret());
        }
        keep(CHANGED_AT, &self.changed_at.to_string());
        keep(HOOKS, &self.hooks);
        if let Some(at) = self.hooks_changed_at {
            keep(HOOKS_CHANGED_AT, &at.to_string());
        }
        let labels = [(CONNECTION_UID, connection.uid.as_str()), (MANAGED_BY, MANAGER)];
        let owner = OwnerReference {
            api_version: GitLabConnection::api_version(&()).into_owned(),
            kind: GitLabConnection::kind(&()).into_owned(),
            name: connection.name.clone(),
            uid: connection.uid.clone(),
            controller: Some(true),
            ..OwnerReference::default()
        };
        Secret {
            metadata: ObjectMeta {
                name: Some(Self::name(connection)),
                namespace: Some(connection.namespace.clone()),
                labels: Some(labels.map(|(label, value)| (label.to_owned(), value.to_owned())).into()),
                owner_references: Some(vec![owner]),
                resource_version: self.version.clone(),
                ..ObjectMeta::default()
            },
            type_: Some(TYPE.to_owned()),
            data: Some(data),
            ..Secret::default()
        }
    }
}

fn secrets(client: &Client, connection: &ConnectionRef) -> Api<Secret> {
    Api::namespaced(client.clone(), &connection.namespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(name: &str) -> ConnectionRef {
        ConnectionRef { namespace: "metrics".into(), name: name.into(), uid: "1234".into() }
    }

    fn state() -> HookState {
        HookState {
            secret: "new".into(),
            previous: Some("old".into()),
            changed_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            hooks: "{}".into(),
            hooks_changed_at: "2026-01-02T00:00:00Z".parse().ok(),
            version: Some("7".into()),
        }
    }

    #[test]
    fn a_state_is_read_as_it_was_kept() {
        let kept = state().object(&connection("acme"));

        let read = HookState::of(&kept, &connection("acme")).unwrap();

        let facts = |state: &HookState| {
            let accepted: Vec<_> = state.accepted().iter().map(|secret| secret.expose_secret().to_owned()).collect();
            (accepted, state.changed_at, state.hooks.clone(), state.hooks_changed_at, state.version.clone())
        };
        assert_eq!(facts(&read), facts(&state()));
        assert!(!format!("{read:?}").contains("new"), "it cannot be printed");
    }

    #[test]
    fn the_secret_of_another_connection_is_not_ours() {
        let mut kept = state().object(&connection("acme"));
        kept.metadata.owner_references = None;

        assert!(matches!(HookState::of(&kept, &connection("acme")), Err(Error::Foreign(_))));
    }

    #[test]
    fn names_fit_whatever_the_connection_is_called() {
        let long = HookState::name(&connection(&"x.".repeat(126)));

        assert!(long.len() <= 253 && !long.contains(".-"), "{long}");
        assert_eq!(HookState::name(&connection("acme")), HookState::name(&connection("acme")));
        assert!(HookState::name(&connection("acme")).starts_with("acme-webhook-"));
    }
}
