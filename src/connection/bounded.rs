//! Keeps a status small, however large the scope is: etcd, watchers and people are all better off. Pure.

use crate::api::{AccessEntry, FailureStatus, GitLabConnectionStatus, WebhooksStatus};

/// The most that a status may take, serialized.
const LARGEST: usize = 8 * 1024;
/// Characters of a text in a list.
const LINE: usize = 160;
/// Characters of a condition's message, where there is room for it.
const MESSAGE: usize = 480;

/// Cuts texts, then shortens lists from their ends (trouble comes first), until the status fits.
#[must_use]
pub fn bounded(mut status: GitLabConnectionStatus) -> GitLabConnectionStatus {
    cut_lines(&mut status);
    cut_messages(&mut status, MESSAGE);
    while size(&status) > LARGEST && shorten(&mut status) {}
    for longest in [LINE, LINE / 2, LINE / 4] {
        if size(&status) > LARGEST {
            cut_messages(&mut status, longest);
        }
    }
    status
}

fn size(status: &GitLabConnectionStatus) -> usize {
    serde_json::to_vec(status).map_or(0, |text| text.len())
}

fn cut_lines(status: &mut GitLabConnectionStatus) {
    if let Some(instance) = &mut status.instance {
        instance.version.iter_mut().for_each(|version| cut(version, LINE));
    }
    for credential in &mut status.credentials {
        cut(&mut credential.name, LINE);
        credential.user.iter_mut().chain(&mut credential.scopes).for_each(|text| cut(text, LINE));
    }
    for AccessEntry { token, what, subject, remedy, .. } in &mut status.access {
        [token, what].into_iter().chain(subject).chain(remedy).for_each(|text| cut(text, LINE));
    }
    let import = status.import.iter_mut();
    let runs = import.flat_map(|import| {
        import.running.iter_mut().for_each(|run| cut(&mut run.key, LINE));
        for run in import.last_run.iter_mut().chain(&mut import.last_success) {
            [&mut run.reason, &mut run.message, &mut run.asked].into_iter().flatten().for_each(|text| cut(text, LINE));
            cut(&mut run.key, LINE);
        }
        import.audit.iter_mut().flat_map(|audit| &mut audit.examples).for_each(|text| cut(text, LINE));
        &mut import.failures
    });
    let hooks = status.webhooks.iter_mut().flat_map(|webhooks| {
        webhooks.notes.iter_mut().for_each(|note| cut(note, MESSAGE));
        &mut webhooks.failures
    });
    for FailureStatus { subject, message, .. } in runs.chain(hooks) {
        cut(subject, LINE);
        cut(message, LINE);
    }
}

/// Cuts the texts that are there however short the lists are.
fn cut_messages(status: &mut GitLabConnectionStatus, longest: usize) {
    status.conditions.iter_mut().for_each(|condition| cut(&mut condition.message, longest));
    let import = status.import.iter_mut();
    let runs = import.flat_map(|import| import.last_run.iter_mut().chain(&mut import.last_success));
    for run in runs {
        let optional = [&mut run.reason, &mut run.message, &mut run.asked].into_iter().flatten();
        optional.chain([&mut run.key]).for_each(|text| cut(text, longest));
    }
}

/// Cuts a text to so many characters, the last of which says that it was cut. What is invisible becomes a space.
fn cut(text: &mut String, longest: usize) {
    if text.contains(char::is_control) {
        *text = text.replace(char::is_control, " ");
    }
    if text.chars().count() > longest {
        *text = text.chars().take(longest - 1).chain(['…']).collect();
    }
}

/// Takes the last line of the longest list; false when all are empty.
fn shorten(status: &mut GitLabConnectionStatus) -> bool {
    let GitLabConnectionStatus { access, credentials, webhooks, import, .. } = status;
    // They are in the database too.
    if import.iter_mut().flat_map(|import| &mut import.audit).any(|audit| audit.examples.pop().is_some()) {
        return true;
    }
    if let Some(webhooks) = webhooks {
        let WebhooksStatus { commands, notes, .. } = webhooks;
        // A command is whole or not there; the first two are how to read the secret, and one to go by.
        if commands.len() > 2 || notes.len() > 1 {
            let list = if commands.len() > 2 { commands } else { notes };
            return list.pop().is_some();
        }
    }
    let hooks = webhooks.as_mut().map(|webhooks| &mut webhooks.failures);
    let projects = import.as_mut().map(|import| &mut import.failures);
    let failures = [hooks, projects].into_iter().flatten().max_by_key(|list| list.len());
    let most = failures.as_ref().map_or(0, |list| list.len());
    let shorter = match failures {
        _ if access.len() >= most.max(credentials.len()) => access.pop().is_some(),
        Some(failures) if most >= credentials.len() => failures.pop().is_some(),
        _ => credentials.pop().is_some(),
    };
    shorter || webhooks.as_mut().is_some_and(|webhooks| webhooks.commands.pop().or(webhooks.notes.pop()).is_some())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

    use super::*;
    use crate::api::{
        AccessOutcome, AuditStatus, CredentialStatus, ImportStatus, InstanceStatus, RunOutcome, RunStatus,
    };

    /// A status in which each text is `text`, each list has `lines` lines, and everything is there.
    fn status(text: &str, lines: usize) -> GitLabConnectionStatus {
        let now = Time(Timestamp::UNIX_EPOCH);
        let text = || text.to_owned();
        let failure = || FailureStatus { subject: text(), reason: "HookDisabled".into(), message: text() };
        let condition = |kind: &str| Condition {
            type_: kind.into(),
            status: "Unknown".into(),
            reason: "GroupHooksUnavailable".into(),
            message: text(),
            observed_generation: Some(1),
            last_transition_time: now.clone(),
        };
        let entry = || AccessEntry {
            token: text(),
            what: text(),
            subject: Some(text()),
            outcome: AccessOutcome::Denied,
            reason: Some("invalid_permissions".into()),
            remedy: Some(text()),
        };
        let credential = || CredentialStatus {
            name: text(),
            user: Some(text()),
            scopes: (0..3).map(|_| text()).collect(),
            expires_at: Some(now.clone()),
            valid: Some(true),
            rate_limit: None,
        };
        let run = || RunStatus {
            key: text(),
            outcome: RunOutcome::Succeeded,
            reason: Some(text()),
            message: Some(text()),
            asked: Some(text()),
            started_at: Some(now.clone()),
            finished_at: Some(now.clone()),
            projects: i64::MAX,
            merge_requests: i64::MAX,
        };
        let kinds =
            ["CredentialsValid", "AccessVerified", "WebhooksReady", "DeliveriesSeen", "ImportSucceeded", "Ready"];
        GitLabConnectionStatus {
            observed_generation: Some(i64::MAX),
            conditions: kinds.into_iter().chain(["CredentialsExpiring"]).map(condition).collect(),
            instance: Some(InstanceStatus { version: Some(text()), edition: Some("Enterprise".into()) }),
            credentials: (0..lines).map(|_| credential()).collect(),
            access: (0..lines).map(|_| entry()).collect(),
            webhooks: Some(WebhooksStatus {
                failures: (0..lines).map(|_| failure()).collect(),
                notes: (0..lines.min(10)).map(|_| text()).collect(),
                commands: (0..lines.min(12)).map(|_| text()).collect(),
                ..Default::default()
            }),
            import: Some(ImportStatus {
                last_run: Some(run()),
                last_success: Some(run()),
                next: Some(now.clone()),
                audit: Some(AuditStatus {
                    examples: (0..lines.min(5)).map(|_| text()).collect(),
                    ..Default::default()
                }),
                failures: (0..lines).map(|_| failure()).collect(),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    #[test]
    fn no_scope_is_so_large_that_its_status_takes_more_than_8_kib() {
        for letter in ["x", "ä", "\"", "\u{1}", "🦀"] {
            for (length, lines) in [(0, 100), (10, 40), (200, 5), (5000, 1), (5000, 16)] {
                let bounded = bounded(status(&letter.repeat(length), lines));

                assert!(size(&bounded) <= LARGEST, "{letter:?} × {length}, {lines} lines: {}", size(&bounded));
                assert_eq!(bounded.conditions.len(), 7);
            }
        }
    }

    #[test]
    fn a_small_status_stays_as_it_is_and_a_large_one_is_cut_once() {
        let small = status("group acme", 2);
        let large = bounded(status(&"ä".repeat(5000), 16));

        assert_eq!(bounded(small.clone()), small);
        assert_eq!(bounded(large.clone()), large);
        assert!(large.conditions.iter().all(|condition| condition.message.ends_with("ä…")));
    }
}
