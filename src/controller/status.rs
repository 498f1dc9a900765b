//! From what was found to the status of a connection, and its publication: only where it differs.

use jiff::Timestamp;
use serde_json::Value;

use super::{Context, Error, events, imports::Imports, judge::Judged, observe::Seen};
use crate::{
    access::{Access, Outcome},
    api::{GitLabConnectionStatus, RECONCILE_REQUESTED_AT, WebhooksStatus},
    cluster::{self, ConnectionRef, MANAGER},
    connection::{self, Hooks, bounded},
    status::cluster_conditions,
};

/// What a status is made of.
pub(super) struct Found<'a> {
    pub(super) judged: Judged,
    pub(super) access: Option<&'a Access>,
    pub(super) hooks: Hooks,
    pub(super) imports: Imports,
    /// What GitLab says of the spec as it is now is known.
    pub(super) current: bool,
    /// The look did all that somebody may have asked for.
    pub(super) whole: bool,
}

/// The status of a connection, without what the receiver says. Pure.
pub(super) fn compute(seen: &Seen, found: Found<'_>, now: Timestamp) -> GitLabConnectionStatus {
    let Found { judged, access, hooks, imports, current, whole } = found;
    let before = seen.status().cloned().unwrap_or_default();
    // Whoever waits for a change of the spec must not take what was said of it before for the answer.
    let generation = if current || before.conditions.is_empty() {
        seen.connection.metadata.generation
    } else {
        before.observed_generation
    };
    let (instance, credentials, matrix) = if judged.access_stands {
        (before.instance, before.credentials, before.access)
    } else {
        let credentials = access.map(connection::credentials).unwrap_or_default();
        (access.and_then(connection::instance), credentials, access.map(connection::matrix).unwrap_or_default())
    };
    let annotation = |name: &str| seen.connection.metadata.annotations.as_ref()?.get(name).cloned();
    bounded(ours(GitLabConnectionStatus {
        observed_generation: generation,
        conditions: cluster_conditions(&judged.verdicts, &before.conditions, generation, now),
        instance,
        credentials,
        access: matrix,
        // What is in GitLab stays there while nothing can be done about it: a deletion has to know.
        webhooks: if judged.hooks_stand || (hooks.status.is_none() && hooks.verdict.outcome != Outcome::Ok) {
            before.webhooks
        } else {
            hooks.status
        },
        import: Some(imports.status),
        last_handled_reconcile_at: annotation(RECONCILE_REQUESTED_AT)
            .filter(|_| whole)
            .or(before.last_handled_reconcile_at),
        last_handled_import_at: imports.handled.or(before.last_handled_import_at),
    }))
}

/// What of a status is ours to say: the receiver tells of deliveries and of progress.
pub(super) fn ours(mut status: GitLabConnectionStatus) -> GitLabConnectionStatus {
    if let Some(webhooks) = &mut status.webhooks {
        webhooks.last_delivery = None;
    }
    // Where only the receiver says something of webhooks, the defaults beside it are the API server's.
    status.webhooks = status.webhooks.filter(|webhooks| *webhooks != WebhooksStatus::default());
    if let Some(import) = &mut status.import {
        import.progress = None;
    }
    status
}

/// Whether two statuses say different things, as a server would keep them.
pub(super) fn differ(before: Option<&GitLabConnectionStatus>, after: &GitLabConnectionStatus) -> bool {
    let kept = |status: GitLabConnectionStatus| {
        let mut status = ours(status);
        status.conditions.sort_by(|one, other| one.type_.cmp(&other.type_));
        serde_json::to_value(status).unwrap_or(Value::Null)
    };
    kept(before.cloned().unwrap_or_default()) != kept(after.clone())
}

/// Writes the status where it differs, and tells of transitions. Says whether it wrote.
///
/// # Errors
/// When the API server does not take it.
pub(super) async fn publish(
    at: &ConnectionRef,
    before: Option<&GitLabConnectionStatus>,
    after: &GitLabConnectionStatus,
    ctx: &Context,
) -> Result<bool, Error> {
    if !differ(before, after) {
        return Ok(false);
    }
    cluster::apply_status(&ctx.kube.client, MANAGER, at, after).await?;
    ctx.kube.metrics.kube.wrote("GitLabConnection", "apply");
    let conditions = before.map(|status| status.conditions.as_slice()).unwrap_or_default();
    for event in events::transitions(conditions, &after.conditions) {
        ctx.kube.tell(at, &event).await;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::{ImportStatus, ProgressStatus};

    fn status(kinds: &[&str]) -> GitLabConnectionStatus {
        let verdict = |kind: &str| {
            json!({"type": kind, "status": "True", "reason": "Succeeded", "message": "",
                   "lastTransitionTime": "2026-01-01T00:00:00Z"})
        };
        let conditions: Vec<_> = kinds.iter().map(|kind| verdict(kind)).collect();
        serde_json::from_value(json!({ "conditions": conditions })).unwrap()
    }

    #[test]
    fn the_order_in_which_a_server_keeps_conditions_is_no_difference() {
        let (one, other) = (status(&["CredentialsValid", "Ready"]), status(&["Ready", "CredentialsValid"]));

        assert!(!differ(Some(&one), &other));
        assert!(differ(Some(&one), &status(&["Ready"])));
        assert!(differ(None, &one));
    }

    #[test]
    fn what_the_receiver_says_is_no_difference_and_is_not_said_by_us() {
        let ours = status(&["Ready"]);
        let mut theirs = ours.clone();
        let progress = ProgressStatus { run: "first".to_owned(), ..ProgressStatus::default() };
        theirs.import = Some(ImportStatus { progress: Some(progress), ..ImportStatus::default() });
        let before = GitLabConnectionStatus { import: Some(ImportStatus::default()), ..ours.clone() };

        assert!(!differ(Some(&theirs), &before));
        assert_eq!(super::ours(theirs).import.unwrap().progress, None);
    }
}
