//! The hooks of a connection: what is wanted, what became of it, and whether deliveries arrive.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use url::Url;

use super::{Settings, Stored, Work};
use crate::{
    access::{Access, Verdict},
    api::{FailureStatus, Mode, WebhooksStatus, conditions::reason},
    store,
    webhooks::{self, Changes, Desired, Memory, Outcome, Place, Removed, State},
};

/// Key under which the hooks are remembered as they were left.
const MEMORY: &str = "webhooks";
/// Key under which the time of their last change is kept.
const CHANGED: &str = "webhooks-changed-at";
/// What is said of hooks that nobody wants.
const SWITCHED_OFF: &str = "webhooks are switched off in the spec";
/// Failures that a status carries.
const FAILURES: usize = 10;

/// How it stands with the hooks.
#[derive(Debug, Clone)]
pub struct Hooks {
    /// Whether they are in place.
    pub verdict: Verdict,
    /// Whether deliveries arrive; `None` where no hooks are asked for.
    pub deliveries: Option<Verdict>,
    /// Counts and failures.
    pub status: Option<WebhooksStatus>,
    /// What the hooks in force do not bring.
    pub notes: Vec<String>,
    /// Commands by which a person makes what we may not.
    pub commands: Vec<String>,
}

impl Hooks {
    pub(super) fn only(verdict: Verdict) -> Self {
        Self { verdict, deliveries: None, status: None, notes: Vec::new(), commands: Vec::new() }
    }
}

/// Makes sure of the hooks and says how it stands.
pub(super) async fn ensure(
    work: &Work<'_>,
    settings: &Settings,
    access: Option<&Access>,
    stored: Option<&Stored>,
) -> Hooks {
    let disabled = work.spec().webhooks.mode == Mode::Disabled;
    if disabled && (stored.is_none() || access.is_none()) {
        return Hooks::only(Verdict::good(SWITCHED_OFF));
    }
    let Some(stored) = stored else {
        return Hooks::only(Verdict::unknown(
            reason::WAITING,
            "waits for the database, which keeps the connection's identity",
        ));
    };
    let Some(access) = access else {
        return Hooks::only(Verdict::unknown(reason::WAITING, "waits for the Secrets and keys that are missing"));
    };
    if access.groups.is_empty() && access.projects.is_empty() {
        return Hooks::only(Verdict::unknown(reason::WAITING, "waits until a part of the scope can be read"));
    }
    match ensure_stored(work, settings, access, stored).await {
        Ok(hooks) => hooks,
        Err(error) => Hooks::only(Verdict::unknown(reason::STORE_UNAVAILABLE, error.to_string())),
    }
}

async fn ensure_stored(
    work: &Work<'_>,
    settings: &Settings,
    access: &Access,
    stored: &Stored,
) -> Result<Hooks, store::Error> {
    let Stored { store, registered, .. } = stored;
    let source = registered.source;
    let last_delivery = store.last_delivery(source).await?;
    let memory = Memory::from_text(store.state(source, MEMORY).await?.as_deref());
    let receiver = if work.spec().webhooks.mode == Mode::Disabled {
        if memory.targets().next().is_none() {
            return Ok(Hooks::only(Verdict::good(SWITCHED_OFF)));
        }
        // Hooks are there from before they were switched off, and go. They are found by their mark, not by this.
        Some(work.observed.instance.url.clone())
    } else {
        receiver_url(work, settings)
    };
    let Some(receiver) = receiver else {
        let message =
            "no URL is known under which GitLab reaches the receiver: set spec.webhooks.url, or run with --watch";
        return Ok(Hooks::only(Verdict::bad(reason::NO_RECEIVER_URL, message)));
    };
    let desired = desired(work, access, stored, receiver, last_delivery.is_some());
    let outcome = webhooks::ensure(&work.client, &desired, &memory).await;
    if outcome.memory != memory {
        store.set_state(source, MEMORY, &outcome.memory.to_text()).await?;
    }
    if outcome.changes != Changes::default() {
        store.set_state(source, CHANGED, &Timestamp::now().to_string()).await?;
    }
    let changed_at = store.state(source, CHANGED).await?.and_then(|text| text.parse().ok());
    Ok(told(outcome, last_delivery, changed_at))
}

fn receiver_url(work: &Work<'_>, settings: &Settings) -> Option<Url> {
    let url = work.spec().webhooks.url.as_ref().or(settings.receiver_url.as_ref())?;
    Url::parse(url).ok()
}

fn desired(work: &Work<'_>, access: &Access, stored: &Stored, receiver: Url, delivered: bool) -> Desired {
    let spec = work.spec();
    let key = work.observed.tokens.iter().find(|token| work.observed.hook_managers.contains(&token.name));
    Desired {
        uid: stored.registered.uid.clone(),
        connection: work.name(),
        receiver,
        secret: stored.hook_secret.clone(),
        digest_key: key.map(|token| token.secret.clone()).unwrap_or_default(),
        mode: spec.webhooks.mode,
        events: spec.webhooks.events,
        ssl_verification: spec.webhooks.ssl_verification,
        adopt: spec.webhooks.adopt,
        version: access.instance.as_ref().map(|instance| instance.version.clone()),
        managers: work.observed.hook_managers.clone(),
        groups: access.groups.iter().map(Place::from).collect(),
        projects: access.projects.iter().map(Place::from).collect(),
        scope: spec.scope.clone(),
        delivered,
    }
}

fn told(outcome: Outcome, last_delivery: Option<Timestamp>, changed_at: Option<Timestamp>) -> Hooks {
    let Outcome { state, mode, desired, ready, failures, notes, commands, changes: _, memory: _ } = outcome;
    let verdict = match state {
        State::InPlace => Verdict::good(format!("{ready} of {desired} in place ({mode:?})")),
        State::NotWanted => Verdict::good(SWITCHED_OFF),
        State::Incomplete { reason, message } => Verdict::bad(reason, message),
        State::Unknown { reason, message } => Verdict::unknown(reason, message),
    };
    let seen = last_delivery.is_some_and(|last| changed_at.is_none_or(|changed| last >= changed));
    let deliveries = if seen {
        Verdict::good("authentic deliveries arrive")
    } else {
        Verdict::unknown(
            reason::NO_DELIVERY_YET,
            "nothing has arrived since the webhooks last changed; a quiet project sends nothing",
        )
    };
    let failure = |failure: &webhooks::Failure| FailureStatus {
        subject: failure.subject.clone(),
        reason: failure.reason.to_owned(),
        message: failure.message.clone(),
    };
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let status = WebhooksStatus {
        mode: Some(mode),
        summary: Some(format!("{ready}/{desired} {mode:?}")),
        desired: count(desired),
        ready: count(ready),
        failures: failures.iter().take(FAILURES).map(failure).collect(),
        last_delivery: last_delivery.map(Time),
    };
    Hooks { verdict, deliveries: Some(deliveries), status: Some(status), notes, commands }
}

/// Takes the connection's hooks away, wherever they are.
///
/// # Errors
/// When the database cannot say which connection this is.
pub async fn remove_webhooks(work: &Work<'_>, access: &Access, stored: &Stored) -> Result<Removed, store::Error> {
    let source = stored.registered.source;
    let memory = Memory::from_text(stored.store.state(source, MEMORY).await?.as_deref());
    // Ours are found by their mark; where they point does not matter.
    let receiver = work.observed.instance.url.clone();
    let desired = desired(work, access, stored, receiver, false);
    let removed = webhooks::remove(&work.client, &desired, &memory).await;
    if removed.left.is_empty() {
        stored.store.set_state(source, MEMORY, &Memory::default().to_text()).await?;
    }
    Ok(removed)
}
