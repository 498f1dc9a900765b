//! Makes GitLab call us, and keeps the secret that GitLab sends along.
//!
//! The receiver accepts what the connection's own Secret holds, so a new secret is written there first, and GitLab gets it
//! once the receiver has learnt it. Those from before are accepted until every webhook holds the new one.

use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;

use super::{Context, Error, imports::is_refusal, observe::Seen};
use crate::{
    access::{Access, Verdict},
    api::{Mode, conditions::reason},
    cluster::{ConnectionRef, HookState, HookStateError, LEARNT},
    connection::{self, Callback, Hooks},
    webhooks::{self, Changes, Memory, Outcome, Progress, State},
};

/// What came of the last pass over the webhooks.
#[derive(Debug, Clone)]
pub(super) enum Kept {
    /// Nobody has looked at them yet.
    Pending,
    /// Nothing was to be done, or could be.
    Said(Hooks),
    /// Their Secret cannot be kept.
    Refused(Hooks),
    /// The receiver is learning a secret that has just changed: what came with it before `until` would be refused.
    Learning { until: Timestamp, before: Option<Box<Kept>> },
    /// GitLab was asked.
    Asked {
        outcome: Outcome,
        /// When they last changed.
        changed_at: Option<Timestamp>,
    },
}

impl Kept {
    /// How it stands with the webhooks, now that the last delivery arrived when it did.
    pub(super) fn told(&self, last_delivery: Option<Timestamp>) -> Hooks {
        match self {
            Self::Pending => Hooks::only(Verdict::unknown(reason::PROGRESSING, "the webhooks are looked at next")),
            Self::Said(hooks) | Self::Refused(hooks) => hooks.clone(),
            Self::Learning { before: Some(before), .. } => before.told(last_delivery),
            Self::Learning { before: None, .. } => {
                Hooks::only(Verdict::unknown(reason::WAITING, "waits until the receiver knows the webhooks' secret"))
            }
            Self::Asked { outcome, changed_at } => connection::told(outcome.clone(), last_delivery, *changed_at),
        }
    }

    /// What GitLab last told of them.
    fn found(&self) -> Option<Kept> {
        match self {
            Self::Asked { .. } => Some(self.clone()),
            Self::Learning { before, .. } => before.as_deref().cloned(),
            Self::Pending | Self::Said(_) | Self::Refused(_) => None,
        }
    }

    /// What of a pass is done that has not come to its end.
    pub(super) fn progress(&self) -> Option<&Progress> {
        match self {
            Self::Asked { outcome, .. } if matches!(outcome.state, State::Unknown { .. }) => Some(&outcome.progress),
            _ => None,
        }
    }

    /// What GitLab refused in the last pass.
    pub(super) fn refusals(&self) -> Option<Progress> {
        match self {
            Self::Asked { outcome, .. } => outcome.progress.refusals(),
            _ => None,
        }
    }

    /// Whether there is more to do at once, or in a moment.
    pub(super) fn goes_on(&self) -> bool {
        match self {
            Self::Learning { .. } => true,
            Self::Asked { outcome, .. } => outcome.waiting > 0,
            Self::Pending | Self::Said(_) | Self::Refused(_) => false,
        }
    }

    /// Whether nobody can tell at present, or do anything.
    pub(super) fn in_vain(&self) -> bool {
        match self {
            Self::Pending | Self::Said(_) | Self::Learning { .. } => false,
            Self::Refused(_) => true,
            Self::Asked { outcome, .. } => outcome.waiting == 0 && matches!(outcome.state, State::Unknown { .. }),
        }
    }
}

/// How it stands with the webhooks where nothing is to be done, or can be.
pub(super) fn at_once(seen: &Seen, access: Option<&Access>) -> Option<Hooks> {
    let mode = seen.spec().webhooks.mode;
    let none_left = || remembered(seen.state.as_ref()).targets().next().is_none();
    let switched_off = || (mode == Mode::Disabled && none_left()).then(Hooks::switched_off);
    connection::not_yet(mode, access).or_else(switched_off)
}

/// What is remembered of the webhooks.
pub(super) fn remembered(state: Option<&HookState>) -> Memory {
    state.map(|state| Memory::from_text(Some(&state.hooks))).unwrap_or_default()
}

/// Shows a person in the cluster how to make what we may not, and where the secret is.
pub(super) fn with_commands(mut hooks: Hooks, at: &ConnectionRef) -> Hooks {
    if let Some(status) = hooks.status.as_mut().filter(|_| !hooks.commands.is_empty()) {
        status.commands = [HookState::shell(at)].into_iter().chain(hooks.commands.iter().cloned()).collect();
    }
    hooks
}

/// Makes sure of the webhooks, of which `before` was known, from where `progress` ends. Also says what their Secret holds then.
///
/// # Errors
/// When Kubernetes cannot keep what has to be kept now; a webhook that was made meanwhile is found by its mark.
pub(super) async fn ensure(
    seen: &Seen,
    access: &Access,
    before: Option<&Kept>,
    progress: Progress,
    ctx: &Context,
) -> Result<(Kept, Option<HookState>), Error> {
    match attempt(seen, access, before, progress, ctx).await {
        Err(error) => {
            // Without a status nobody would know, nor see what the tokens can do.
            let Some(sentence) = refusal(&error) else { return Err(error) };
            tracing::warn!(error = sentence, "the Secret of the webhooks cannot be kept");
            let verdict = Verdict::bad(reason::HOOK_SECRET_REFUSED, sentence);
            Ok((Kept::Refused(Hooks::only(verdict)), seen.state.clone()))
        }
        done => done,
    }
}

/// What keeps the Secret from being kept, where that lasts until somebody does something about it.
fn refusal(error: &Error) -> Option<String> {
    match error {
        Error::Kube(kube::Error::Api(status)) if is_refusal(status) => {
            Some(format!("the API server refuses the Secret of the webhooks: {}", status.message))
        }
        Error::HookState(foreign @ HookStateError::Foreign(_)) => Some(foreign.to_string()),
        _ => None,
    }
}

async fn attempt(
    seen: &Seen,
    access: &Access,
    before: Option<&Kept>,
    progress: Progress,
    ctx: &Context,
) -> Result<(Kept, Option<HookState>), Error> {
    let spec = seen.spec();
    let mode = spec.webhooks.mode;
    let state = seen.state.clone();
    let said = |hooks| Ok((Kept::Said(hooks), state.clone()));
    if let Some(hooks) = at_once(seen, Some(access)) {
        return said(hooks);
    }
    let remembered = remembered(state.as_ref());
    if spec.webhooks.secret_ref.is_some() && seen.observed.hook_secret.is_none() {
        return said(Hooks::only(Verdict::unknown(reason::WAITING, "waits for the Secrets and keys that are missing")));
    }
    let receiver = if mode == Mode::Disabled {
        // Those that are there go. They are found by their mark, not by where they point.
        Some(seen.observed.instance.url.clone())
    } else {
        connection::receiver_url(spec, ctx.settings.receiver_url.as_deref())
    };
    let Some(receiver) = receiver else {
        let message = "no URL is known under which GitLab reaches the receiver: set spec.webhooks.url, or the receiver URL of the installation";
        return said(Hooks::only(Verdict::bad(reason::NO_RECEIVER_URL, message)));
    };

    let mut state = secret(state, seen, ctx).await?;
    if let Some(until) = learnt_at(state.changed_at, Timestamp::now()) {
        return Ok((Kept::Learning { until, before: before.and_then(Kept::found).map(Box::new) }, Some(state)));
    }
    let callback = Callback {
        uid: seen.at.uid.clone(),
        connection: seen.at.to_string(),
        receiver,
        secret: state.secret.clone(),
        delivered_at: seen.last_delivery(),
    };
    let desired = connection::desired(spec, &seen.observed, access, callback);
    let outcome = webhooks::ensure(&seen.client, &desired, &remembered, progress).await;

    let now = Timestamp::now();
    let mut changed = outcome.memory != remembered;
    state.hooks = outcome.memory.to_text();
    if outcome.changes != Changes::default() {
        state.hooks_changed_at = Some(now);
        changed = true;
    }
    changed |= state.let_go(matches!(outcome.state, State::InPlace | State::NotWanted), now);
    if changed {
        state = keep(&state, seen, ctx).await?;
    }
    Ok((Kept::Asked { outcome, changed_at: state.hooks_changed_at }, Some(state)))
}

/// The Secret with the secret that GitLab is to send: made where there is none, changed where the spec names another one.
async fn secret(state: Option<HookState>, seen: &Seen, ctx: &Context) -> Result<HookState, Error> {
    let named = seen.observed.hook_secret.as_ref();
    let Some(mut state) = state else {
        let secret = named.cloned().or_else(webhooks::new_secret).ok_or(Error::NoRandomness)?;
        let (at, now) = (&seen.at, Timestamp::now());
        let state = HookState::create(&ctx.kube.client, at, secret, named.is_some(), now).await?;
        ctx.kube.metrics.kube.wrote("Secret", "create");
        tracing::info!("made the Secret of the webhooks");
        return Ok(state);
    };
    let wanted = match named {
        Some(named) => named.clone(),
        // The spec named the Secret that this is a copy of, and its owner may have offered it for one receiver alone; or
        // somebody blanked it, and GitLab would send nothing along.
        None if state.copied || state.secret.expose_secret().is_empty() => {
            webhooks::new_secret().ok_or(Error::NoRandomness)?
        }
        None => return Ok(state),
    };
    let changes = wanted.expose_secret() != state.secret.expose_secret();
    if !changes && state.copied == named.is_some() {
        return Ok(state);
    }
    state.copied = named.is_some();
    if changes {
        state.change(wanted, Timestamp::now());
        tracing::info!("the secret of the webhooks changes");
    }
    keep(&state, seen, ctx).await
}

async fn keep(state: &HookState, seen: &Seen, ctx: &Context) -> Result<HookState, Error> {
    let state = state.replace(&ctx.kube.client, &seen.at).await?;
    ctx.kube.metrics.kube.wrote("Secret", "update");
    Ok(state)
}

/// When the receiver will know a secret that has just changed; `None` once it does. A change that a clock has far ahead of
/// us is one that nobody can wait for.
fn learnt_at(changed_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let learning = SignedDuration::try_from(LEARNT).ok()?;
    let just_now = now.duration_since(changed_at).abs() < learning;
    changed_at.checked_add(learning).ok().filter(|_| just_now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access;

    #[test]
    fn gitlab_is_given_a_secret_once_the_receiver_knows_it_and_nothing_flaps_until_then() {
        let changed_at = Timestamp::UNIX_EPOCH;
        let after = |millis| learnt_at(changed_at, changed_at + SignedDuration::from_millis(millis));
        let until = changed_at + SignedDuration::from_secs(2);

        assert_eq!([after(0), after(1999), after(2000)], [Some(until), Some(until), None]);
        assert_eq!(after(-3_600_000), None, "another clock");

        let first = Kept::Learning { until, before: None };
        assert_eq!(first.told(None).verdict.outcome, access::Outcome::Unknown);
        assert!(first.found().is_none() && !first.in_vain());
        let outcome = webhooks::Outcome {
            state: State::InPlace,
            mode: Mode::Group,
            desired: 1,
            ready: 1,
            waiting: 0,
            failures: Vec::new(),
            failing: false,
            notes: Vec::new(),
            commands: Vec::new(),
            changes: Changes::default(),
            memory: Memory::default(),
            progress: Progress::default(),
        };
        let asked = Kept::Asked { outcome, changed_at: None };
        let again = Kept::Learning { until, before: asked.found().map(Box::new) };
        let told = |kept: &Kept| (kept.told(Some(until)).verdict, kept.told(Some(until)).deliveries);
        assert_eq!(told(&again), told(&asked));
        assert_eq!(told(&Kept::Learning { until, before: again.found().map(Box::new) }), told(&asked));
    }

    #[test]
    fn what_will_be_said_again_becomes_a_condition_and_what_may_pass_an_error() {
        let said = |code, message: &str| {
            let status = kube::core::Status { code, message: message.to_owned(), ..kube::core::Status::default() };
            refusal(&Error::Kube(kube::Error::Api(Box::new(status))))
        };

        let sentence = said(403, "exceeded quota: few").unwrap();
        assert!(sentence.contains("exceeded quota: few"), "{sentence}");
        assert!(said(422, "").is_some());
        assert_eq!(said(500, ""), None);
        assert!(refusal(&Error::HookState(HookStateError::Foreign("x".to_owned()))).is_some());
        assert_eq!(refusal(&Error::HookState(HookStateError::Conflict("x".to_owned()))), None);
    }
}
