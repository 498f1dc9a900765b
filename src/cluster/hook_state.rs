//! What is known of a connection's webhooks, kept in a Secret that the connection owns and that goes with it.
//!
//! The controller writes it; the receiver reads from it which secrets to accept. It holds what must not be lost when the
//! controller dies between making a webhook and saying so.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    ByteString,
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::{Api, Client, Resource as _, api::PostParams};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};

use super::{CONNECTION_UID, ConnectionRef, MANAGED_BY, MANAGER, timely};
use crate::api::GitLabConnection;

/// Type of the Secret: nobody takes it for a token.
const TYPE: &str = "gitlab-connector.dev/webhook";
/// Characters of the connection's name that its Secret's name has.
const NAME: usize = 200;

const SECRET: &str = "secret";
const COPIED: &str = "copied";
/// Says that the secret was made here.
const MADE: &str = "no";
const PREVIOUS: &str = "previous";
const CHANGED_AT: &str = "changed-at";
const HOOKS: &str = "hooks";
const HOOKS_CHANGED_AT: &str = "hooks-changed-at";

/// How long a receiver may take to learn of a new secret. GitLab is not given it before.
pub const LEARNT: Duration = Duration::from_secs(2);

/// How many secrets from before are accepted beside the one in force.
const MOST_PREVIOUS: usize = 5;
/// How long deliveries may be on their way with a secret from before.
const ON_THE_WAY: SignedDuration = SignedDuration::from_mins(10);

/// What is known of a connection's webhooks.
#[derive(Debug, Clone)]
pub struct HookState {
    /// What GitLab is to send along.
    pub secret: SecretString,
    /// Whether it is a copy of a Secret that the spec named, whose owner may have offered it for one host alone. Where nobody
    /// wrote that down, it may be.
    pub copied: bool,
    /// What GitLab sent before, the newest first, accepted for a while: a webhook may hold any of them.
    pub previous: Vec<SecretString>,
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

    /// How a shell reads what GitLab is to send along, for whoever may read the Secret.
    #[must_use]
    pub fn shell(connection: &ConnectionRef) -> String {
        let (namespace, name) = (&connection.namespace, Self::name(connection));
        format!(
            "WEBHOOK_SECRET=$(kubectl get secret {name} --namespace {namespace} --output jsonpath='{{.data.{SECRET}}}' | base64 \
             --decode)"
        )
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

    /// The state with this secret, a copy of one that the spec names or not; where somebody else was quicker, theirs.
    ///
    /// # Errors
    /// As [`HookState::read`].
    pub async fn create(
        client: &Client,
        connection: &ConnectionRef,
        secret: SecretString,
        copied: bool,
        now: Timestamp,
    ) -> Result<HookState, Error> {
        let state = HookState {
            secret,
            copied,
            previous: Vec::new(),
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
        let all = [&self.secret].into_iter().chain(&self.previous);
        all.filter(|secret| !secret.expose_secret().is_empty()).cloned().collect()
    }

    /// Has GitLab send another secret from now on. Those from before are accepted until [`HookState::let_go`].
    pub fn change(&mut self, secret: SecretString, now: Timestamp) {
        let old = std::mem::replace(&mut self.secret, secret);
        self.previous.insert(0, old);
        let kept = |old: &str| !old.is_empty() && old != self.secret.expose_secret();
        self.previous.retain(|old| kept(old.expose_secret()));
        self.previous.truncate(MOST_PREVIOUS);
        self.changed_at = now;
    }

    /// Forgets the secrets from before once none is needed: no webhook holds one, and nothing is on its way with one. However
    /// long that takes: GitLab switches off webhooks whose deliveries are refused. Says whether there were any.
    pub fn let_go(&mut self, all_in_place: bool, now: Timestamp) -> bool {
        let nothing_on_the_way = self.changed_at.checked_add(ON_THE_WAY).is_ok_and(|end| end <= now);
        all_in_place && nothing_on_the_way && !std::mem::take(&mut self.previous).is_empty()
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
            copied: text(COPIED).as_deref() != Some(MADE),
            previous: text(PREVIOUS).map(|text| previous(&text)).unwrap_or_default(),
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
        keep(COPIED, if self.copied { "yes" } else { MADE });
        if !self.previous.is_empty() {
            let previous: Vec<_> = self.previous.iter().map(ExposeSecret::expose_secret).collect();
            keep(PREVIOUS, &serde_json::json!(previous).to_string());
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

/// The secrets from before as they are kept: a JSON array, because a secret may hold any character.
fn previous(text: &str) -> Vec<SecretString> {
    let previous: Vec<String> = serde_json::from_str(text).unwrap_or_else(|_| vec![text.to_owned()]);
    previous.into_iter().map(SecretString::from).collect()
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
            copied: false,
            previous: vec!["old\nand \"odd\"".into(), "older".into()],
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

    fn previous(state: &HookState) -> Vec<&str> {
        state.previous.iter().map(ExposeSecret::expose_secret).collect()
    }

    #[test]
    fn each_secret_that_a_webhook_may_still_hold_is_accepted() {
        let now = Timestamp::UNIX_EPOCH;
        let mut state = HookState { secret: "1".into(), previous: Vec::new(), ..state() };

        state.change("2".into(), now);
        state.change("3".into(), now);
        assert_eq!(previous(&state), ["2", "1"]);
        state.change("1".into(), now);
        assert_eq!(previous(&state), ["3", "2"]);
        for secret in ["4", "5", "6", "7"] {
            state.change(secret.into(), now);
        }
        assert_eq!(previous(&state), ["6", "5", "4", "1", "3"]);
    }

    #[test]
    fn a_secret_that_somebody_blanked_is_neither_accepted_nor_kept() {
        let mut state = HookState { secret: "".into(), previous: Vec::new(), ..state() };

        assert!(state.accepted().is_empty());
        state.change("new".into(), Timestamp::UNIX_EPOCH);
        assert!(previous(&state).is_empty());
    }

    #[test]
    fn secrets_from_before_go_once_nothing_needs_them_and_not_before() {
        let gone = |all_in_place, minutes| {
            let mut state = state();
            let now = state.changed_at + SignedDuration::from_mins(minutes);
            (state.let_go(all_in_place, now), state.previous.is_empty())
        };

        let table = [(true, 9, false), (true, 10, true), (false, 10, false), (false, 1_000_000, false)];
        for (all_in_place, minutes, goes) in table {
            assert_eq!(gone(all_in_place, minutes), (goes, goes), "{all_in_place} {minutes}");
        }
        let mut none = HookState { previous: Vec::new(), ..state() };
        assert!(!none.let_go(true, Timestamp::MAX), "there is nothing to write");
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
