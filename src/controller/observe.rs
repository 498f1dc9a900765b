//! Reads what a connection refers to; writes nothing, and asks GitLab nothing.

use jiff::Timestamp;
use kube::ResourceExt;
use secrecy::{ExposeSecret, SecretString};

use super::{Context, Error, digest};
use crate::{
    api::{GitLabConnection, GitLabConnectionSpec, GitLabConnectionStatus},
    cluster::{self, ConnectionRef, HookState, HookStateError},
    connection::{self, Observed, Unusable},
    gitlab::Client,
};

/// A connection and what its references hold.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) at: ConnectionRef,
    pub(super) connection: GitLabConnection,
    pub(super) observed: Observed,
    pub(super) client: Client,
    /// The Secret of its webhooks, where there is one.
    pub(super) state: Option<HookState>,
}

impl Seen {
    pub(super) fn spec(&self) -> &GitLabConnectionSpec {
        &self.connection.spec
    }

    pub(super) fn status(&self) -> Option<&GitLabConnectionStatus> {
        self.connection.status.as_ref()
    }

    /// When an authentic delivery last arrived, as the receiver says.
    pub(super) fn last_delivery(&self) -> Option<Timestamp> {
        self.status()?.webhooks.as_ref()?.last_delivery.as_ref().map(|at| at.0)
    }

    /// The value of an annotation, unless it was answered already.
    pub(super) fn requested(&self, annotation: &str, handled: Option<&String>) -> Option<&str> {
        let value = self.connection.annotations().get(annotation)?;
        (handled != Some(value)).then_some(value)
    }

    /// All of the connection that a question to GitLab depends on. Stays in this process: it is made of secrets.
    pub(super) fn asks_for(&self, receiver: Option<&str>) -> String {
        let Observed { instance, tokens, hook_secret, missing, .. } = &self.observed;
        let generation = self.connection.metadata.generation.unwrap_or(0).to_string();
        let certificates = format!("{:?}", instance.ca_bundle);
        let (proxy, hook_secret) = (exposed(instance.proxy.as_ref()), exposed(hook_secret.as_ref()));
        let mut parts = vec![generation.as_str(), receiver.unwrap_or_default(), &certificates, proxy, hook_secret];
        parts.extend(tokens.iter().flat_map(|token| [token.name.as_str(), token.secret.expose_secret()]));
        parts.extend(instance.headers.iter().flat_map(|(name, value)| [name.as_str(), value.expose_secret()]));
        parts.extend(missing.iter().map(|missing| missing.field.as_str()));
        digest::long(&parts)
    }

    /// The same, and what may come to be while GitLab is asked: the secret of the webhooks, and deliveries.
    pub(super) fn asks_with(&self, state: Option<&HookState>, receiver: Option<&str>) -> String {
        let secret = exposed(state.map(|state| &state.secret));
        digest::long(&[&self.asks_for(receiver), secret, &self.last_delivery().is_some().to_string()])
    }

    /// Where its questions queue up: with those of the same user, on the same instance, by the same way.
    pub(super) fn lane(&self) -> String {
        let Observed { instance, tokens, .. } = &self.observed;
        let user = exposed(tokens.first().map(|token| &token.secret));
        digest::long(&[instance.url.as_str(), exposed(instance.proxy.as_ref()), user])
    }
}

fn exposed(secret: Option<&SecretString>) -> &str {
    secret.map_or("", ExposeSecret::expose_secret)
}

/// Reads the Secrets and ConfigMaps that a connection names, live.
///
/// # Errors
/// When Kubernetes cannot be asked; `Ok(Err(…))` where the connection cannot be used as it stands.
pub(super) async fn observe(
    at: &ConnectionRef,
    connection: GitLabConnection,
    ctx: &Context,
) -> Result<Result<Seen, Unusable>, Error> {
    let named = connection::named(&connection.spec);
    let references = cluster::fetch(&ctx.kube.client, &at.namespace, &named, ctx.settings.guard.secret_consent).await?;
    let state = match HookState::read(&ctx.kube.client, at).await {
        // Whoever needs one is told when it cannot be made.
        Err(HookStateError::Foreign(_)) => None,
        state => state?,
    };
    let observed = match connection::observe(&at.namespace, &connection.spec, &references) {
        Ok(observed) => observed,
        Err(error) => return Ok(Err(error.into())),
    };
    let client = observed.client(&ctx.gitlab);
    Ok(client.map(|client| Seen { at: at.clone(), connection, observed, client, state }))
}
