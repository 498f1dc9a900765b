//! Takes our webhooks away before a connection goes. Never holds a deletion up for long: what cannot be removed is told of.

use jiff::Timestamp;
use kube::runtime::{controller::Action, events::EventType};
use secrecy::SecretString;

use super::{
    Context, Error,
    events::warn_or_tell,
    observe::{Seen, observe},
};
use crate::{
    access::{self, Access, Outcome},
    api::{DeletionPolicy, GitLabConnection, Mode, conditions::reason},
    cluster::ConnectionRef,
    connection::{Callback, desired, needs},
    gitlab::Patience,
    webhooks::{self, Left, Memory},
};

/// Reason of the Event that tells of webhooks that were left.
const ORPHANED: &str = "HooksOrphaned";

/// What keeps a webhook from being removed and may pass.
const PASSING: [&str; 4] = [reason::GITLAB_UNREACHABLE, reason::RATE_LIMITED, reason::TLS_FAILURE, reason::NOT_GITLAB];

/// What became of the webhooks.
enum Cleaned {
    /// None of ours is left, or they are to stay.
    Done,
    /// Some may be left, and waiting would not help.
    Left(String),
    /// Nobody can tell at present.
    Away(String),
}

/// Removes the webhooks of a connection that is being deleted.
///
/// # Errors
/// While GitLab is away and the time that a deletion may take is not over; and when Kubernetes cannot be asked.
pub(super) async fn cleanup(at: &ConnectionRef, connection: &GitLabConnection, ctx: &Context) -> Result<Action, Error> {
    let why = match remove(at, connection, ctx).await? {
        Cleaned::Done => None,
        Cleaned::Left(why) => Some(why),
        Cleaned::Away(why) if is_overdue(connection, ctx, Timestamp::now()) => Some(why),
        Cleaned::Away(why) => return Err(Error::GitLabAway(why)),
    };
    if let Some(why) = why {
        tell_of_orphans(at, &why, ctx).await;
    }
    ctx.memory.forget(&at.uid);
    Ok(Action::await_change())
}

/// Tells that webhooks may be left in GitLab.
pub(super) async fn tell_of_orphans(at: &ConnectionRef, why: &str, ctx: &Context) {
    tracing::warn!(why, "webhooks of ours may be left in GitLab");
    ctx.kube.metrics.orphaned();
    let note = format!("webhooks of this connection may be left in GitLab: {why}; remove them there by hand");
    // A namespace that goes takes no Events any more.
    ctx.kube.tell(at, &warn_or_tell(EventType::Warning, "Delete", ORPHANED, &note)).await;
}

async fn remove(at: &ConnectionRef, connection: &GitLabConnection, ctx: &Context) -> Result<Cleaned, Error> {
    let spec = &connection.spec;
    if spec.webhooks.deletion_policy == DeletionPolicy::Orphan {
        return Ok(Cleaned::Done);
    }
    let seen = match observe(at, connection, ctx).await? {
        Ok(seen) => seen,
        Err(unusable) => return Ok(leave(connection, unusable.to_string())),
    };
    let remembered = seen.state.as_ref().map(|state| Memory::from_text(Some(&state.hooks))).unwrap_or_default();
    let nothing = seen.state.is_none() && !has_had_hooks(connection);
    if nothing || (spec.webhooks.mode == Mode::Disabled && remembered.targets().next().is_none()) {
        return Ok(Cleaned::Done);
    }
    if !seen.observed.may_ask() || seen.observed.hook_managers.is_empty() {
        return Ok(Cleaned::Left("the Secrets and keys that it needs are gone".to_owned()));
    }
    let access = match ctx.memory.access(&at.uid) {
        Some(access) if access.credentials().outcome == Outcome::Ok => access,
        _ => access::verify(&seen.client, &spec.scope, &needs(spec, &seen.observed)).await,
    };
    Ok(cleaned(&take_away(&seen, &access, &remembered).await))
}

async fn take_away(seen: &Seen<'_>, access: &Access, remembered: &Memory) -> Vec<Left> {
    let callback = Callback {
        uid: seen.at.uid.clone(),
        connection: seen.at.to_string(),
        // Ours are found by their mark; neither where they point nor what they send matters.
        receiver: seen.observed.instance.url.clone(),
        secret: SecretString::default(),
        delivered: false,
    };
    let desired = desired(seen.spec(), &seen.observed, access, callback);
    // Another try comes anyway, and others wait for their turn meanwhile.
    let client = seen.client.with_patience(Patience::probing());
    let mut left = webhooks::remove(&client, &desired, remembered).await.left;
    let credentials = access.credentials();
    if desired.groups.is_empty() && desired.projects.is_empty() && credentials.outcome != Outcome::Ok {
        // What the scope comes to is not known, so there may be more than what is remembered.
        let Seen { at, .. } = seen;
        left.push(Left { subject: at.to_string(), reason: credentials.reason, message: credentials.message });
    }
    left
}

fn cleaned(left: &[Left]) -> Cleaned {
    let Some(first) = left.first() else { return Cleaned::Done };
    let away = left.iter().find(|left| PASSING.contains(&left.reason));
    let more = match left.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    match away {
        Some(away) => Cleaned::Away(format!("{}: {}{more}", away.subject, away.message)),
        None => Cleaned::Left(format!("{}: {}{more}", first.subject, first.message)),
    }
}

/// A connection that cannot be used: there is something to tell of only if it had webhooks.
fn leave(connection: &GitLabConnection, why: String) -> Cleaned {
    if has_had_hooks(connection) { Cleaned::Left(why) } else { Cleaned::Done }
}

fn has_had_hooks(connection: &GitLabConnection) -> bool {
    let webhooks = connection.status.as_ref().and_then(|status| status.webhooks.as_ref());
    webhooks.is_some_and(|webhooks| webhooks.desired > 0)
}

/// Whether the time that a deletion may take is over.
fn is_overdue(connection: &GitLabConnection, ctx: &Context, now: Timestamp) -> bool {
    let asked_at = connection.metadata.deletion_timestamp.as_ref().map_or(now, |at| at.0);
    asked_at.checked_add(ctx.settings.deletion_deadline).is_ok_and(|deadline| deadline <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(reason: &'static str) -> Left {
        Left { subject: "group acme".to_owned(), reason, message: "no".to_owned() }
    }

    #[test]
    fn only_what_may_pass_is_waited_for() {
        assert!(matches!(cleaned(&[]), Cleaned::Done));
        assert!(matches!(cleaned(&[left(reason::INVALID_CREDENTIALS)]), Cleaned::Left(_)));
        assert!(matches!(cleaned(&[left(reason::INSUFFICIENT_ROLE)]), Cleaned::Left(_)));
        assert!(matches!(
            cleaned(&[left(reason::INSUFFICIENT_ROLE), left(reason::GITLAB_UNREACHABLE)]),
            Cleaned::Away(_)
        ));
    }
}
