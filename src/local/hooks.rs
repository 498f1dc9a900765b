//! The hooks of a connection, with the database as their memory.

use jiff::Timestamp;
use url::Url;

use super::{Settings, Stored, Work};
use crate::{
    access::{Access, Verdict},
    api::{Mode, conditions::reason},
    connection::{self, Callback, Hooks, not_yet, told},
    store,
    webhooks::{self, Changes, Desired, Memory, Progress, Removed},
};

/// Key under which the hooks are remembered as they were left.
const MEMORY: &str = "webhooks";
/// Key under which the time of their last change is kept.
const CHANGED: &str = "webhooks-changed-at";

/// Makes sure of the hooks and says how it stands.
pub(super) async fn ensure(
    work: &Work<'_>,
    settings: &Settings,
    access: Option<&Access>,
    stored: Option<&Stored>,
) -> Hooks {
    let mode = work.spec().webhooks.mode;
    let Some(stored) = stored else {
        let message = "waits for the database, which keeps the connection's identity";
        return match mode {
            Mode::Disabled => Hooks::switched_off(),
            _ => Hooks::only(Verdict::unknown(reason::WAITING, message)),
        };
    };
    let access = match (not_yet(mode, access), access) {
        (Some(hooks), _) => return hooks,
        (None, None) => return Hooks::switched_off(),
        (None, Some(access)) => access,
    };
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
            return Ok(Hooks::switched_off());
        }
        // Hooks are there from before they were switched off, and go. They are found by their mark, not by this.
        Some(work.observed.instance.url.clone())
    } else {
        connection::receiver_url(work.spec(), settings.receiver_url.as_deref())
    };
    let Some(receiver) = receiver else {
        let message =
            "no URL is known under which GitLab reaches the receiver: set spec.webhooks.url, or run with --watch";
        return Ok(Hooks::only(Verdict::bad(reason::NO_RECEIVER_URL, message)));
    };
    if let Err(error) = &stored.hook_secret {
        return Ok(Hooks::only(Verdict::bad(reason::HOOK_SECRET_REFUSED, error.to_string())));
    }
    let desired = desired(work, access, stored, receiver, last_delivery);
    let outcome = webhooks::ensure(&work.client, &desired, &memory, Progress::default()).await;
    if outcome.memory != memory {
        store.set_state(source, MEMORY, &outcome.memory.to_text()).await?;
    }
    if outcome.changes != Changes::default() {
        store.set_state(source, CHANGED, &Timestamp::now().to_string()).await?;
    }
    let changed_at = store.state(source, CHANGED).await?.and_then(|text| text.parse().ok());
    Ok(told(outcome, last_delivery, changed_at))
}

fn desired(
    work: &Work<'_>,
    access: &Access,
    stored: &Stored,
    receiver: Url,
    delivered_at: Option<Timestamp>,
) -> Desired {
    let callback = Callback {
        uid: stored.registered.uid.clone(),
        connection: work.name(),
        receiver,
        // Without one, webhooks are only looked for, by their mark, and taken away.
        secret: stored.hook_secret.iter().flatten().next().cloned().unwrap_or_default(),
        delivered_at,
    };
    connection::desired(work.spec(), &work.observed, access, callback)
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
    let desired = desired(work, access, stored, receiver, None);
    let removed = webhooks::remove(&work.client, &desired, &memory).await;
    if removed.left.is_empty() {
        stored.store.set_state(source, MEMORY, &Memory::default().to_text()).await?;
    }
    Ok(removed)
}
