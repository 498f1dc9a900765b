//! Repeats passes: on the connection's schedule with an import, on its interval without.

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Import, Pass, Report, Settings, Stored, Work, pass, report};
use crate::{
    access::{Outcome, Verdict},
    api::conditions::reason,
    importer::Progress,
    schedule,
    status::Standing,
};

/// How soon an import that failed is tried again; twice as late with each further failure.
const RETRY: SignedDuration = SignedDuration::from_mins(1);
/// The latest that it is tried again.
const LATEST_RETRY: SignedDuration = SignedDuration::from_mins(32);

/// Failures that may pass by themselves.
const PASSING: [&str; 5] =
    [reason::FAILED, reason::STORE_UNAVAILABLE, reason::RUNNING, reason::GITLAB_UNREACHABLE, reason::RATE_LIMITED];

/// What is due, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    at: Timestamp,
    import: bool,
}

/// Repeats passes over one connection until `stop`, and sends what each came to.
pub async fn watch(
    (work, stored): (&Work<'_>, &Stored),
    settings: &Settings,
    first: Report,
    reports: mpsc::Sender<Report>,
    stop: &CancellationToken,
) {
    let settings = Settings { full: false, walk: false, ..settings.clone() };
    let mut standing = Standing::default();
    let Report { mut status, pass: mut last, .. } = first;
    standing.settle(&mut last.verdicts, Timestamp::now());
    let mut failures = 0;
    let mut next_import = next_import(work, &last, failures, Timestamp::now());
    loop {
        let due = due(work, next_import, Timestamp::now());
        let wait = due.at.duration_since(Timestamp::now()).try_into().unwrap_or_default();
        if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return;
        }
        let progress = Progress::default();
        let import = if due.import { Import::Due(&progress) } else { Import::NotDue(&last) };
        let mut pass = pass(work, Ok(stored), &settings, import, stop).await;
        standing.settle(&mut pass.verdicts, Timestamp::now());
        if due.import {
            failures = if pass.verdicts.import.outcome == Outcome::Ok { 0 } else { failures + 1 };
            next_import = self::next_import(work, &pass, failures, Timestamp::now());
        }
        let report = report(work, Some(stored), &pass, &status, next_import).await;
        status.clone_from(&report.status);
        last = pass;
        if stop.is_cancelled() || reports.send(report).await.is_err() {
            return;
        }
    }
}

/// When to import next: soon after trouble that may pass, the later the more `failures` there were before, else on schedule;
/// `None` for never.
#[must_use]
pub fn next_import(work: &Work<'_>, last: &Pass, failures: u32, now: Timestamp) -> Option<Timestamp> {
    if work.spec().suspend {
        return None;
    }
    let scheduled = match schedule::next(&work.spec().import, &work.name(), now) {
        Ok(next) => next,
        Err(error) => {
            tracing::error!(connection = work.name(), %error, "no import is scheduled");
            None
        }
    };
    let Verdict { outcome, reason, .. } = last.verdicts.import;
    // What a person has to mend, or a project that fails again and again, waits for its turn.
    let passes = outcome == Outcome::Unknown || (outcome == Outcome::Denied && PASSING.contains(&reason));
    let pause = (RETRY * (1 << failures.min(5))).min(LATEST_RETRY);
    let retry = now.checked_add(pause).ok().filter(|_| passes);
    scheduled.map(|tick| retry.map_or(tick, |retry| retry.min(tick)))
}

/// The next pass: with an import if that comes first.
fn due(work: &Work<'_>, next_import: Option<Timestamp>, now: Timestamp) -> Due {
    let look = now.checked_add(work.spec().interval.get()).unwrap_or(now);
    match next_import {
        Some(at) if at <= look => Due { at: at.max(now), import: true },
        _ => Due { at: look, import: false },
    }
}
