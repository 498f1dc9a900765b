//! Whether an import runs, is due, or has ended. Pure: no clock, no I/O.
//!
//! The status is the memory of runs, not the Jobs: those are collected. A run is known by its key, and keys are never used
//! again, so that whoever decides twice from the same facts starts one run. The database keeps the runs of a connection that
//! was deleted and made anew under its name: keys that are no ticks depend on the UID, or those runs would count as done.

use jiff::{SignedDuration, Timestamp};

use crate::{
    api::{Import, ImportStatus, RunOutcome, RunStatus, RunningStatus, ScheduleError, conditions::reason},
    connection::Withheld,
    schedule,
};

use super::{digest, outcome::Ended};

/// How soon a run that failed is tried again; twice as late with each further failure.
const RETRY: SignedDuration = SignedDuration::from_mins(1);
/// The latest that it is tried again.
const LATEST_RETRY: SignedDuration = SignedDuration::from_mins(32);
/// What stands between the key of a run and the number of its repetition.
const REPEATED: &str = "-retry-";
/// What stands between the key of a run that never began and the number of its replacement.
const REPLACED: &str = "-anew-";

/// Failures that may pass: by themselves, or once GitLab lets the tokens in again, which [`Facts::readable`] tells.
const PASSING: [&str; 10] = [
    reason::FAILED,
    reason::STORE_UNAVAILABLE,
    reason::RUNNING,
    reason::GITLAB_UNREACHABLE,
    reason::RATE_LIMITED,
    reason::TLS_FAILURE,
    reason::INVALID_CREDENTIALS,
    reason::INVALID_PERMISSIONS,
    reason::TOKEN_EXPIRED,
    reason::NO_RESOURCES,
];

/// All that a decision depends on, beside the time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    /// UID of the connection; its share of the jitter depends on it.
    pub(super) uid: &'a str,
    /// Generation of its spec.
    pub(super) generation: i64,
    /// What the spec says of imports.
    pub(super) import: &'a Import,
    /// Nothing may start, and what runs has to pause.
    pub(super) suspended: bool,
    /// Which Secrets of the spec may not be used: no pod may go on with one.
    pub(super) withheld: Withheld,
    /// It is known which tokens would read now.
    pub(super) known: bool,
    /// Digest of what a run is to read.
    pub(super) asked: &'a str,
    /// What the status says of imports.
    pub(super) before: &'a ImportStatus,
    /// A request that has not been answered yet.
    pub(super) requested: Option<&'a str>,
    /// The connection's Jobs that exist.
    pub(super) jobs: &'a [OwnedJob],
    /// The scope can be read at present.
    pub(super) readable: bool,
    /// Digest of what the pods of a Job made now would be made of.
    pub(super) made_of: &'a str,
}

/// An import Job of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnedJob {
    pub(super) name: String,
    /// Key of its run.
    pub(super) key: String,
    /// Digest of what it is to read.
    pub(super) asked: Option<String>,
    /// The request that it answers.
    pub(super) request: Option<String>,
    pub(super) started: Timestamp,
    /// It came to its end, good or bad. One without any condition has not.
    pub(super) ended: bool,
    /// It pauses.
    pub(super) suspended: bool,
    /// A queue decides when it runs, and pauses it.
    pub(super) queued: bool,
    /// Digest of what its pods are made of.
    pub(super) made_of: Option<String>,
    /// A pod of it runs, or did what it was to do.
    pub(super) begun: bool,
    /// Since when it may run: a pause begins that anew.
    pub(super) active_since: Timestamp,
}

/// What to do about the import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision<'a> {
    /// Nothing, until the plan says so or the facts change.
    Wait,
    /// Start a run.
    Start(Start),
    /// One is running; it has to be paused or resumed where `pause` says so.
    Running { job: &'a OwnedJob, pause: Option<bool> },
    /// One has not begun, pauses, or may not go on, and its pods would be made otherwise now: a Job of this key has to take
    /// its place.
    Replace { job: &'a OwnedJob, start: Start },
    /// One ended that has not been recorded yet.
    Ended(&'a OwnedJob),
    /// One was running, and its Job is no more.
    Gone(&'a RunningStatus),
}

/// A run to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) key: String,
    pub(super) trigger: Trigger,
}

/// Why a run is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// There was none before.
    First,
    /// The schedule.
    Schedule,
    /// Somebody asked for it.
    Request,
    /// The last one failed.
    Retry,
    /// The spec asks for other things than the last one read.
    Changed,
    /// The pods of the one before could not start, or may not go on, as they were made.
    Replaced,
}

impl Trigger {
    /// For logs.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Schedule => "schedule",
            Self::Request => "request",
            Self::Retry => "retry",
            Self::Changed => "changed",
            Self::Replaced => "replaced",
        }
    }
}

/// What to do about the import, now.
///
/// # Errors
/// When the schedule has no meaning and nothing else is to be done.
pub(super) fn decide<'a>(facts: &Facts<'a>, now: Timestamp) -> Result<Decision<'a>, ScheduleError> {
    let Facts { before, jobs, .. } = *facts;
    if let Some(job) = earliest(jobs, |job| job.ended && !is_recorded(job, before)) {
        return Ok(Decision::Ended(job));
    }
    if let Some(job) = earliest(jobs, |job| !job.ended) {
        let otherwise = job.made_of.as_deref() != Some(facts.made_of);
        // Its pods read their Secrets each time that they start, and one that is withheld may be among these.
        let (withheld, unclear) = match facts.withheld {
            Withheld::Nothing => (false, false),
            Withheld::Tokens => (otherwise && facts.known, !facts.known),
            Withheld::Common => (true, false),
        };
        // Nobody can mend the pods of a Job, and one that cannot start would stand in the way of all others for ever.
        if (!job.begun || job.suspended || withheld) && otherwise && !facts.suspended && facts.readable {
            let start = Start { key: replacement(&job.key), trigger: Trigger::Replaced };
            return Ok(Decision::Replace { job, start });
        }
        let pauses = facts.suspended || withheld;
        // What is unclear pauses nothing that runs, and lets nothing go on.
        let stays = job.queued || job.suspended == pauses || (unclear && !pauses);
        let pause = (!stays).then_some(pauses);
        return Ok(Decision::Running { job, pause });
    }
    if let Some(running) = &before.running {
        return Ok(Decision::Gone(running));
    }
    match plan(facts)? {
        Some((at, start)) if facts.readable && at.is_none_or(|at| at <= now) => Ok(Decision::Start(start)),
        _ => Ok(Decision::Wait),
    }
}

/// The next run, and when it is due: at once where there is no time. `None` for never, as things stand.
///
/// # Errors
/// When the schedule has no meaning.
pub(super) fn plan(facts: &Facts<'_>) -> Result<Option<(Option<Timestamp>, Start)>, ScheduleError> {
    let Facts { import, before, .. } = *facts;
    if facts.suspended || import.suspend {
        return Ok(None);
    }
    let on_request_only = import.schedule.is_empty();
    let last = before.last_run.as_ref();
    if let Some(value) = facts.requested.filter(|_| before.running.is_none()) {
        // A value may come again after another one; its run is another one then.
        let since = last.map_or("", |last| &last.key);
        let key = format!("request-{}", digest::short(&[facts.uid, value, since]));
        return Ok(Some((None, Start { key, trigger: Trigger::Request })));
    }
    let tick = |after| {
        let tick = schedule::next(import, facts.uid, after)?;
        Ok(tick.map(|at| (Some(at), Start { key: at.to_string(), trigger: Trigger::Schedule })))
    };
    if let Some(running) = &before.running {
        return tick(anchor(&running.key, running.started_at.as_ref().map(|at| at.0)));
    }
    let Some(last) = last else {
        let first = Start { key: format!("first-{}", digest::short(&[facts.uid])), trigger: Trigger::First };
        return Ok((!on_request_only).then_some((None, first)));
    };
    if !on_request_only && last.asked.as_deref().is_some_and(|asked| asked != facts.asked) {
        // With what it is to read: another version of this program may want other things for the same spec.
        let key = format!("spec-{}-{}", facts.generation, digest::short(&[facts.uid, facts.asked]));
        return Ok(Some((None, Start { key, trigger: Trigger::Changed })));
    }
    let tick = tick(anchor(&last.key, last.started_at.as_ref().or(last.finished_at.as_ref()).map(|at| at.0)))?;
    let Some(retry) = retry_at(last, before.failed_runs) else {
        return Ok(tick);
    };
    let base = base(&last.key);
    let key = format!("{base}{REPEATED}{}", before.failed_runs.max(1));
    let again = (Some(retry), Start { key, trigger: Trigger::Retry });
    Ok(Some(tick.filter(|(at, _)| *at <= again.0).unwrap_or(again)))
}

/// From when on ticks count: those up to here are done with, however many they were.
fn anchor(key: &str, started: Option<Timestamp>) -> Timestamp {
    // The clock of the API server may be behind ours: the tick that was started must not come again.
    let tick = base(key).parse().ok();
    started.max(tick).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The key of the run that was first due.
fn base(key: &str) -> &str {
    let key = key.split_once(REPLACED).map_or(key, |(key, _)| key);
    key.split_once(REPEATED).map_or(key, |(key, _)| key)
}

/// The key of the run that takes the place of this one.
fn replacement(key: &str) -> String {
    let (key, times) = key.split_once(REPLACED).unwrap_or((key, "0"));
    format!("{key}{REPLACED}{}", times.parse().unwrap_or(0_u32).saturating_add(1))
}

/// When to try again what failed and may pass.
fn retry_at(last: &RunStatus, failed_runs: i32) -> Option<Timestamp> {
    let reason = last.reason.as_deref().unwrap_or(reason::FAILED);
    if last.outcome != RunOutcome::Failed || !PASSING.contains(&reason) {
        return None;
    }
    let doublings = u32::try_from(failed_runs.saturating_sub(1)).unwrap_or(0).min(5);
    let pause = (RETRY * 2_i32.pow(doublings)).min(LATEST_RETRY);
    last.finished_at.as_ref()?.0.checked_add(pause).ok()
}

fn earliest(jobs: &[OwnedJob], wanted: impl Fn(&OwnedJob) -> bool) -> Option<&OwnedJob> {
    jobs.iter().filter(|job| wanted(job)).min_by_key(|job| (job.started, &job.name))
}

/// A Job whose run the status tells of, or told of before the last one.
pub(super) fn is_recorded(job: &OwnedJob, before: &ImportStatus) -> bool {
    if before.running.as_ref().is_some_and(|running| running.key == job.key) {
        return false;
    }
    let Some(last) = &before.last_run else { return false };
    last.key == job.key || last.started_at.as_ref().is_none_or(|started| job.started <= started.0)
}

/// The imports' status once a run ended.
pub(super) fn recorded(before: &ImportStatus, ended: Ended) -> ImportStatus {
    let Ended { run, projects, failures, audit } = ended;
    let failed = run.outcome == RunOutcome::Failed;
    ImportStatus {
        projects: projects.or(before.projects),
        audit: audit.or_else(|| before.audit.clone()),
        running: None,
        progress: None,
        last_success: if run.outcome == RunOutcome::Succeeded {
            Some(run.clone())
        } else {
            before.last_success.clone()
        },
        last_run: Some(run),
        failed_runs: if failed { before.failed_runs.saturating_add(1) } else { 0 },
        next: None,
        failures,
    }
}

#[cfg(test)]
mod tests;
