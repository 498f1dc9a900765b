//! The hooks of a connection: what is wanted, and what is to be said of what became of it. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use secrecy::SecretString;
use url::Url;

use super::{FAILURES, Observed};
use crate::{
    access::{Access, Verdict},
    api::{FailureStatus, GitLabConnectionSpec, Mode, WebhooksStatus, conditions::reason},
    webhooks::{self, Desired, Outcome, Place, State},
};

/// What is said of hooks that nobody wants.
const SWITCHED_OFF: &str = "webhooks are switched off in the spec";

/// How GitLab is to call us.
#[derive(Debug, Clone)]
pub struct Callback {
    /// Identity of the connection, the last segment of the hooks' URLs.
    pub uid: String,
    /// Namespace and name of the connection.
    pub connection: String,
    /// URL of the receiver, which ends in `/webhooks/gitlab`.
    pub receiver: Url,
    /// The secret that GitLab sends along.
    pub secret: SecretString,
    /// When an authentic delivery last arrived.
    pub delivered_at: Option<Timestamp>,
}

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
    /// A verdict, and nothing more to tell.
    #[must_use]
    pub fn only(verdict: Verdict) -> Self {
        Self { verdict, deliveries: None, status: None, notes: Vec::new(), commands: Vec::new() }
    }

    /// Nobody wants hooks.
    #[must_use]
    pub fn switched_off() -> Self {
        Self::only(Verdict::good(SWITCHED_OFF))
    }
}

/// The URL under which GitLab reaches the receiver: the spec's, else `usual`, where it can be read.
#[must_use]
pub fn receiver_url(spec: &GitLabConnectionSpec, usual: Option<&str>) -> Option<Url> {
    Url::parse(spec.webhooks.url.as_deref().or(usual)?).ok()
}

/// What is said of the hooks while nothing can be done about them.
#[must_use]
pub fn not_yet(mode: Mode, access: Option<&Access>) -> Option<Hooks> {
    let waits = |message| Some(Hooks::only(Verdict::unknown(reason::WAITING, message)));
    match access {
        None if mode == Mode::Disabled => Some(Hooks::switched_off()),
        None => waits("waits for the Secrets and keys that are missing"),
        Some(access) if access.groups.is_empty() && access.projects.is_empty() => {
            waits("waits until a part of the scope can be read")
        }
        Some(_) => None,
    }
}

/// What is wanted of GitLab.
#[must_use]
pub fn desired(spec: &GitLabConnectionSpec, observed: &Observed, access: &Access, callback: Callback) -> Desired {
    let Callback { uid, connection, receiver, secret, delivered_at } = callback;
    let lacks_the_scope = |name: &&String| {
        let token = access.tokens.iter().find(|token| token.name == **name);
        // A server that tells no scopes may still let it.
        token.is_some_and(|token| !token.scopes.is_empty() && !token.scopes.iter().any(|scope| scope == "api"))
    };
    let (powerless, managers): (Vec<&String>, Vec<&String>) = observed.hook_managers.iter().partition(lacks_the_scope);
    let key = observed.tokens.iter().find(|token| observed.hook_managers.contains(&token.name));
    Desired {
        uid,
        connection,
        receiver,
        secret,
        digest_key: key.map(|token| token.secret.clone()).unwrap_or_default(),
        mode: spec.webhooks.mode,
        events: spec.webhooks.events,
        ssl_verification: spec.webhooks.ssl_verification,
        adopt: spec.webhooks.adopt,
        version: access.instance.as_ref().map(|instance| instance.version.clone()),
        managers: managers.into_iter().cloned().collect(),
        powerless: powerless.into_iter().cloned().collect(),
        groups: access.groups.iter().map(Place::from).collect(),
        projects: access.projects.iter().map(Place::from).collect(),
        scope: spec.scope.clone(),
        delivered_at,
    }
}

/// How it stands with the hooks, after a pass over them.
#[must_use]
pub fn told(outcome: Outcome, last_delivery: Option<Timestamp>, changed_at: Option<Timestamp>) -> Hooks {
    let Outcome { state, mode, desired, ready, failures, failing, notes, commands, .. } = outcome;
    let verdict = match state {
        State::InPlace => Verdict::good(format!("{ready} of {desired} in place ({mode:?})")),
        State::NotWanted => return Hooks::switched_off(),
        State::Incomplete { reason, message } => Verdict::bad(reason, message),
        State::Unknown { reason, message } => Verdict::unknown(reason, message),
    };
    // A status knows whole seconds.
    let seen =
        last_delivery.is_some_and(|last| changed_at.is_none_or(|changed| last.as_second() >= changed.as_second()));
    let deliveries = if seen {
        Verdict::good("authentic deliveries arrive")
    } else if failing {
        Verdict::bad(
            reason::DELIVERIES_FAILING,
            "GitLab calls the receiver and does not get through: make it reachable from GitLab, whose page of the webhook shows \
             why each call failed",
        )
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
        notes: notes.iter().take(FAILURES).cloned().collect(),
        commands: Vec::new(),
        last_delivery: last_delivery.map(Time),
    };
    Hooks { verdict, deliveries: Some(deliveries), status: Some(status), notes, commands }
}
