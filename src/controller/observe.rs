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
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) at: &'a ConnectionRef,
    pub(super) connection: &'a GitLabConnection,
    pub(super) observed: Observed,
    pub(super) client: Client,
    /// The Secret of its webhooks, where there is one.
    pub(super) state: Option<HookState>,
}

impl Seen<'_> {
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

    /// All that a question to GitLab depends on. Stays in this process: it is made of secrets.
    pub(super) fn asks_with(&self, state: Option<&HookState>, receiver: Option<&str>) -> String {
        let Observed { instance, tokens, hook_secret, missing, .. } = &self.observed;
        let generation = self.connection.metadata.generation.unwrap_or(0).to_string();
        let certificates = format!("{:?}", instance.ca_bundle);
        let text =
            |secret: &Option<SecretString>| secret.as_ref().map_or("", |secret| secret.expose_secret()).to_owned();
        let (proxy, hook_secret) = (text(&instance.proxy), text(hook_secret));
        let delivered = self.last_delivery().is_some().to_string();
        let mut parts =
            vec![generation.as_str(), receiver.unwrap_or_default(), &certificates, &proxy, &hook_secret, &delivered];
        parts.push(state.map_or("", |state| state.secret.expose_secret()));
        parts.extend(tokens.iter().flat_map(|token| [token.name.as_str(), token.secret.expose_secret()]));
        parts.extend(instance.headers.iter().flat_map(|(name, value)| [name.as_str(), value.expose_secret()]));
        parts.extend(missing.iter().map(|missing| missing.field.as_str()));
        digest::long(&parts)
    }
}

/// Reads the Secrets and ConfigMaps that a connection names, live.
///
/// # Errors
/// When Kubernetes cannot be asked; `Ok(Err(…))` where the connection cannot be used as it stands.
pub(super) async fn observe<'a>(
    at: &'a ConnectionRef,
    connection: &'a GitLabConnection,
    ctx: &Context,
) -> Result<Result<Seen<'a>, Unusable>, Error> {
    let named = connection::named(&connection.spec);
    let references = cluster::fetch(&ctx.kube.client, &at.namespace, &named).await?;
    let state = match HookState::read(&ctx.kube.client, at).await {
        // Whoever needs one is told when it cannot be made.
        Err(HookStateError::Foreign(_)) => None,
        state => state?,
    };
    let observed = match connection::observe(&at.namespace, &connection.spec, &references) {
        Ok(observed) => observed,
        Err(error) => return Ok(Err(error.into())),
    };
    Ok(observed.client(&ctx.gitlab).map(|client| Seen { at, connection, observed, client, state }))
}
