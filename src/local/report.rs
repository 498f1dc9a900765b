//! From a pass to the status of the connection, as the cluster would show it.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{Pass, Stored, Work};
use crate::{
    api::{FailureStatus, GitLabConnectionStatus, ImportStatus, RunOutcome, RunStatus},
    connection::{FAILURES, bounded, credentials, instance, matrix},
    importer::{Summary, audit},
    status,
    store::Trouble,
};

/// What a pass came to, ready to be shown.
#[derive(Debug, Clone)]
pub struct Report {
    /// Namespace of the connection.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: GitLabConnectionStatus,
    /// The pass itself.
    pub pass: Pass,
    /// Rows per table.
    pub rows: Vec<(&'static str, i64)>,
}

/// What a pass comes to, with the rows that are there now.
pub async fn report(
    work: &Work<'_>,
    stored: Option<&Stored>,
    pass: &Pass,
    previous: &GitLabConnectionStatus,
    next_import: Option<Timestamp>,
) -> Report {
    let rows = match stored {
        // Counts are a courtesy: a database that is away has been reported already.
        Some(stored) => stored.store.overview(stored.registered.source).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let generation = work.given.connection.metadata.generation;
    let mut status = status(pass, previous, generation, Timestamp::now());
    if let Some(import) = &mut status.import {
        import.next = next_import.map(Time);
    }
    let (namespace, name) = (work.given.namespace.clone(), work.given.name.clone());
    Report { namespace, name, status: bounded(status), pass: pass.clone(), rows }
}

/// The status that a pass comes to.
fn status(
    pass: &Pass,
    previous: &GitLabConnectionStatus,
    generation: Option<i64>,
    now: Timestamp,
) -> GitLabConnectionStatus {
    let access = pass.access.as_ref();
    GitLabConnectionStatus {
        observed_generation: generation,
        conditions: status::conditions(&pass.verdicts, &previous.conditions, generation, now),
        instance: access.and_then(instance),
        credentials: access.map(credentials).unwrap_or_default(),
        access: access.map(matrix).unwrap_or_default(),
        webhooks: pass.hooks.status.clone(),
        import: Some(import(pass.summary.as_ref(), previous.import.as_ref())),
        last_handled_reconcile_at: None,
        last_handled_import_at: None,
    }
}

fn import(summary: Option<&Summary>, previous: Option<&ImportStatus>) -> ImportStatus {
    let mut import = previous.cloned().unwrap_or_default();
    let Some(summary) = summary else { return import };
    let (run, progress) = (&summary.run.run, &summary.run.progress);
    let outcome = if progress.has_failures() || !summary.missing.is_empty() {
        RunOutcome::PartiallyFailed
    } else {
        RunOutcome::Succeeded
    };
    let ended = RunStatus {
        key: run.key.clone(),
        outcome,
        reason: Some(summary.reason().to_owned()),
        message: None,
        asked: None,
        started_at: Some(Time(run.started_at)),
        finished_at: run.finished_at.map(Time),
        projects: progress.tasks,
        merge_requests: progress.merge_requests,
    };
    import.projects = Some(progress.tasks);
    if outcome == RunOutcome::Succeeded && run.finished_at.is_some() {
        import.last_success = Some(ended.clone());
    }
    import.last_run = Some(ended);
    import.audit = summary.audit.as_ref().map(|found| status::audit(audit::verdict(found))).or(import.audit);
    import.failures = summary.run.troubles.iter().take(FAILURES).map(failure).collect();
    import
}

fn failure(trouble: &Trouble) -> FailureStatus {
    FailureStatus {
        subject: format!("project {}", trouble.project_path),
        reason: if trouble.failed { "Failed" } else { "Skipped" }.to_owned(),
        message: trouble.reason.clone(),
    }
}

/// How long a run took, for people: `1.2 s`, `3 min 20 s`.
#[must_use]
pub fn spoken(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", duration.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
