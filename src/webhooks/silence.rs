//! What it means that a group's webhook has brought nothing yet.
//!
//! An Enterprise build without a licence makes group webhooks and never calls them (`ee/lib/api/group_hooks.rb` asks for no
//! licence, the delivery does). That nothing arrives means little where nothing happens; where merge requests are opened it
//! means much. A test delivery would prove nothing: it may be sent past what holds back the others.

use jiff::{SignedDuration, Timestamp};

use super::Place;
use crate::gitlab::{Client, Error, MergeRequestFilter, Target, model::HookEvent};

/// How long GitLab may take to call, with its queues full.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// How far back GitLab's log of calls reaches, less a day.
const LOGGED: SignedDuration = SignedDuration::from_hours(6 * 24);
/// Merge requests to look at: one that was opened is enough.
const FEW: u32 = 5;

/// What a webhook that has brought nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nothing has happened that it would tell of, or not long ago; or nobody can tell.
    Quiet,
    /// GitLab calls, and does not get through.
    Failing,
    /// GitLab calls nobody.
    Mute,
}

/// Finds out why the hook of a group, made at that time, has brought nothing.
pub(super) async fn listen(client: &Client, group: &Place, hook: i64, made_at: Timestamp) -> Silence {
    match found(client, group, hook, made_at).await {
        Ok(silence) => silence,
        Err(error) => {
            tracing::debug!(subject = %group, %error, "nobody can tell why nothing arrives");
            Silence::Quiet
        }
    }
}

async fn found(client: &Client, group: &Place, hook: i64, made_at: Timestamp) -> Result<Silence, Error> {
    let (Target::Group(id), now) = (group.target, client.server_now()) else { return Ok(Silence::Quiet) };
    if now.duration_since(made_at) < PATIENCE {
        return Ok(Silence::Quiet);
    }
    let filter = MergeRequestFilter {
        // What happened before the log begins may have been called for.
        created_after: Some(made_at.max(now.checked_sub(LOGGED).unwrap_or(made_at))),
        order_by: Some("created_at"),
        sort: Some("asc"),
        per_page: Some(FEW),
        ..MergeRequestFilter::default()
    };
    let opened = client.group_merge_requests(id, &filter).page().await?.items;
    let tells = |at: Timestamp| at > made_at && now.duration_since(at) >= PATIENCE;
    if !opened.iter().any(|one| one.created_at.is_some_and(tells)) {
        return Ok(Silence::Quiet);
    }
    match client.hook_events(group.target, hook).page().await {
        Ok(calls) => Ok(judged(&calls.items)),
        // The log of calls came with GitLab 17.3. Without it a receiver that cannot be reached looks the same.
        Err(Error::NotFound { .. }) => Ok(Silence::Quiet),
        Err(error) => Err(error),
    }
}

fn judged(calls: &[HookEvent]) -> Silence {
    if calls.is_empty() {
        Silence::Mute
    } else if calls.iter().any(HookEvent::is_received) {
        Silence::Quiet
    } else {
        Silence::Failing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_failed_are_no_silence() {
        let calls = |statuses: &[&str]| {
            let call = |status: &&str| HookEvent { response_status: Some((*status).to_owned()) };
            statuses.iter().map(call).collect::<Vec<_>>()
        };

        assert_eq!(judged(&calls(&[])), Silence::Mute);
        assert_eq!(judged(&calls(&["internal error", "502"])), Silence::Failing);
        assert_eq!(judged(&calls(&["502", "201"])), Silence::Quiet);
    }
}
