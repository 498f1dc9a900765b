//! Whether an import runs, is due, or has ended. Pure: no clock, no I/O.
//!
//! The status is the memory of runs, not the Jobs: those are collected. A run is known by its key, and keys are never used
//! again, so that whoever decides twice from the same facts starts one run. The database keeps the runs of a connection that
//! was deleted and made anew under its name: keys that are no ticks depend on the UID, or those runs would count as done.

use jiff::{SignedDuration, Timestamp};

use crate::{
    api::{Import, ImportStatus, RunOutcome, RunStatus, RunningStatus, ScheduleError, conditions::reason},
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
    /// One has not begun, and its pods would be made otherwise now: a Job of this key has to take its place.
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
    /// The pods of the one before could not start as they were made.
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
        // Nobody can mend the pods of a Job, and one that cannot start would stand in the way of all others for ever.
        if !job.begun && !facts.suspended && facts.readable && job.made_of.as_deref() != Some(facts.made_of) {
            let start = Start { key: replacement(&job.key), trigger: Trigger::Replaced };
            return Ok(Decision::Replace { job, start });
        }
        let pause = (!job.queued && job.suspended != facts.suspended).then_some(facts.suspended);
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
fn is_recorded(job: &OwnedJob, before: &ImportStatus) -> bool {
    if before.running.as_ref().is_some_and(|running| running.key == job.key) {
        return false;
    }
    let Some(last) = &before.last_run else { return false };
    last.key == job.key || last.started_at.as_ref().is_none_or(|started| job.started <= started.0)
}

/// The imports' status once a run ended.
pub(super) fn recorded(before: &ImportStatus, ended: Ended) -> ImportStatus {
    let Ended { run, projects, failures } = ended;
    let failed = run.outcome == RunOutcome::Failed;
    ImportStatus {
        projects: projects.or(before.projects),
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
mod tests {
    use std::collections::BTreeSet;

    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};

    use super::*;
    use crate::api::HumanDuration;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn half_hourly() -> Import {
        Import { jitter: HumanDuration::minutes(0), ..Import::default() }
    }

    fn ended(key: &str, outcome: RunOutcome, reason: &str, started: &str) -> RunStatus {
        RunStatus {
            key: key.to_owned(),
            outcome,
            reason: Some(reason.to_owned()),
            message: None,
            asked: Some("a".to_owned()),
            started_at: Some(Time(at(started))),
            finished_at: Some(Time(at(started) + SignedDuration::from_mins(2))),
            projects: 0,
            merge_requests: 0,
        }
    }

    fn after(run: RunStatus, failed_runs: i32) -> ImportStatus {
        ImportStatus { last_run: Some(run), failed_runs, ..ImportStatus::default() }
    }

    fn facts<'a>(import: &'a Import, before: &'a ImportStatus, jobs: &'a [OwnedJob]) -> Facts<'a> {
        Facts {
            uid: "uid",
            generation: 1,
            import,
            suspended: false,
            asked: "a",
            before,
            requested: None,
            jobs,
            readable: true,
            made_of: "m",
        }
    }

    fn job(key: &str, started: &str, ended: bool) -> OwnedJob {
        OwnedJob {
            name: format!("acme-import-{key}"),
            key: key.to_owned(),
            asked: Some("a".to_owned()),
            request: None,
            started: at(started),
            ended,
            suspended: false,
            queued: false,
            made_of: Some("m".to_owned()),
            begun: false,
            active_since: at(started),
        }
    }

    fn started<'a>(decision: &'a Decision<'_>) -> Option<(&'a str, Trigger)> {
        match decision {
            Decision::Start(Start { key, trigger }) => Some((key, *trigger)),
            _ => None,
        }
    }

    #[test]
    fn the_first_import_starts_at_once_where_there_is_a_schedule() {
        let (import, nothing) = (half_hourly(), ImportStatus::default());
        let on_request = Import { schedule: String::new(), ..half_hourly() };
        let now = at("2026-01-01T00:10:00Z");

        let first = decide(&facts(&import, &nothing, &[]), now).unwrap();
        assert_eq!(started(&first).map(|(_, trigger)| trigger), Some(Trigger::First));
        assert_eq!(decide(&facts(&on_request, &nothing, &[]), now).unwrap(), Decision::Wait);
        let unreadable = Facts { readable: false, ..facts(&import, &nothing, &[]) };
        assert_eq!(decide(&unreadable, now).unwrap(), Decision::Wait);
    }

    #[test]
    fn many_missed_ticks_make_one_run_with_the_key_of_the_first() {
        let import = half_hourly();
        let good = after(ended("first", RunOutcome::Succeeded, "Succeeded", "2026-01-01T00:10:00Z"), 0);

        let early = decide(&facts(&import, &good, &[]), at("2026-01-01T00:29:59Z")).unwrap();
        let late = decide(&facts(&import, &good, &[]), at("2026-01-03T07:00:00Z")).unwrap();
        let caught_up =
            after(ended("2026-01-01T00:30:00Z", RunOutcome::Succeeded, "Succeeded", "2026-01-03T07:00:00Z"), 0);
        let then = decide(&facts(&import, &caught_up, &[]), at("2026-01-03T07:29:00Z")).unwrap();

        assert_eq!(early, Decision::Wait);
        assert_eq!(started(&late), Some(("2026-01-01T00:30:00Z", Trigger::Schedule)));
        assert_eq!(then, Decision::Wait);
    }

    #[test]
    fn what_may_pass_is_tried_again_later_and_later_but_not_later_than_the_schedule() {
        let daily = Import { schedule: "@daily".to_owned(), ..half_hourly() };
        let failed = |reason| ended("2026-01-01T00:00:00Z", RunOutcome::Failed, reason, "2026-01-01T00:00:00Z");
        let due = |reason, failures| {
            let before = after(failed(reason), failures);
            plan(&facts(&daily, &before, &[])).unwrap().unwrap()
        };

        for (failures, minutes) in [(1, 3), (2, 4), (3, 6), (6, 34), (40, 34)] {
            let (at, start) = due(reason::STORE_UNAVAILABLE, failures);
            assert_eq!(at, Some(self::at("2026-01-01T00:00:00Z") + SignedDuration::from_mins(minutes)));
            assert_eq!(start.key, format!("2026-01-01T00:00:00Z-retry-{failures}"));
        }
        assert_eq!(due(reason::INVALID_CREDENTIALS, 1).1.trigger, Trigger::Retry);
        assert_eq!(due(reason::INVALID_SPEC, 1).0, Some(at("2026-01-02T00:00:00Z")));

        let import = half_hourly();
        let before = after(failed(reason::FAILED), 6);
        let (next, start) = plan(&facts(&import, &before, &[])).unwrap().unwrap();
        assert_eq!((next, start.trigger), (Some(at("2026-01-01T00:30:00Z")), Trigger::Schedule));
    }

    #[test]
    fn another_scope_makes_a_run_due_at_once() {
        let import = half_hourly();
        let before = after(ended("first", RunOutcome::Succeeded, "Succeeded", "2026-01-01T00:10:00Z"), 0);
        let changed = Facts { asked: "b", generation: 7, ..facts(&import, &before, &[]) };

        let decision = decide(&changed, at("2026-01-01T00:12:00Z")).unwrap();

        let (key, trigger) = started(&decision).unwrap();
        assert!(key.starts_with("spec-7-") && trigger == Trigger::Changed, "{key}");
        let newer = Facts { asked: "c", ..changed };
        assert_ne!(decide(&newer, at("2026-01-01T00:12:00Z")).unwrap(), decision, "another program, the same spec");
    }

    #[test]
    fn a_connection_made_anew_under_its_name_takes_no_run_of_the_old_one_for_its_own() {
        let (import, nothing) = (half_hourly(), ImportStatus::default());
        let before = after(ended("any", RunOutcome::Succeeded, "Succeeded", "2026-01-01T00:10:00Z"), 0);
        let first = facts(&import, &nothing, &[]);
        let changed = Facts { asked: "b", ..facts(&import, &before, &[]) };
        let requested = Facts { requested: Some("now"), ..first };

        for old in [first, changed, requested] {
            let key = |facts: &Facts<'_>| plan(facts).unwrap().unwrap().1.key;
            assert_ne!(key(&old), key(&Facts { uid: "another", ..old }));
        }
    }

    #[test]
    fn a_request_needs_no_schedule_and_waits_while_imports_are_suspended() {
        let import = Import { schedule: String::new(), ..half_hourly() };
        let before = after(ended("first", RunOutcome::Succeeded, "Succeeded", "2026-01-01T00:10:00Z"), 0);
        let asked = Facts { requested: Some("now"), ..facts(&import, &before, &[]) };
        let suspended = Facts { suspended: true, ..asked };
        let now = at("2026-01-01T00:12:00Z");

        let decision = decide(&asked, now).unwrap();

        assert_eq!(started(&decision).map(|(_, trigger)| trigger), Some(Trigger::Request));
        assert_eq!(decide(&asked, now).unwrap(), decision);
        assert_eq!(decide(&suspended, now).unwrap(), Decision::Wait);
        assert_eq!(plan(&suspended).unwrap(), None);
    }

    #[test]
    fn a_job_without_any_condition_runs_and_nothing_starts_beside_it() {
        let (import, nothing) = (half_hourly(), ImportStatus::default());
        let jobs = [job("first", "2026-01-01T00:10:00Z", false)];
        let asked = Facts { requested: Some("now"), asked: "b", ..facts(&import, &nothing, &jobs) };

        let decision = decide(&asked, at("2026-01-02T00:12:00Z")).unwrap();

        assert_eq!(decision, Decision::Running { job: &jobs[0], pause: None });
    }

    #[test]
    fn a_job_that_cannot_start_is_replaced_once_its_pods_would_be_made_otherwise() {
        let (import, nothing) = (half_hourly(), ImportStatus::default());
        let made = |key: &str, made_of: &str, begun| {
            let made_of = Some(made_of.to_owned());
            [OwnedJob { made_of, begun, ..job(key, "2026-01-01T00:10:00Z", false) }]
        };
        let replaced = |jobs: &[OwnedJob], suspended, readable| {
            let facts = Facts { suspended, readable, ..facts(&import, &nothing, jobs) };
            match decide(&facts, at("2026-01-01T00:12:00Z")).unwrap() {
                Decision::Replace { start, .. } => Some(start.key),
                Decision::Running { .. } => None,
                other => panic!("{other:?}"),
            }
        };

        assert_eq!(replaced(&made("first", "old", false), false, true).as_deref(), Some("first-anew-1"));
        assert_eq!(replaced(&made("first-anew-1", "old", false), false, true).as_deref(), Some("first-anew-2"));
        assert_eq!(replaced(&made("first", "m", false), false, true), None, "nothing would be otherwise");
        assert_eq!(replaced(&made("first", "old", true), false, true), None, "what runs comes to its end");
        assert_eq!(replaced(&made("first", "old", false), true, true), None, "nothing may start");
        assert_eq!(replaced(&made("first", "old", false), false, false), None, "nobody knows what it would be made of");
    }

    #[test]
    fn a_replaced_run_counts_as_the_one_that_was_due() {
        let import = half_hourly();
        let failed = ended("2026-01-01T00:30:00Z-retry-1-anew-2", RunOutcome::Failed, "Failed", "2026-01-01T00:29:59Z");
        let before = after(failed, 2);

        let (_, start) = plan(&facts(&import, &before, &[])).unwrap().unwrap();

        assert_eq!(start.key, "2026-01-01T00:30:00Z-retry-2");
    }

    #[test]
    fn suspending_pauses_what_runs_but_for_what_a_queue_rules() {
        let (import, nothing) = (half_hourly(), ImportStatus::default());
        let pause = |suspended, job: OwnedJob| {
            let jobs = [job];
            match decide(&Facts { suspended, ..facts(&import, &nothing, &jobs) }, at("2026-01-01T00:12:00Z")).unwrap() {
                Decision::Running { pause, .. } => pause,
                other => panic!("{other:?}"),
            }
        };
        let running = || job("first", "2026-01-01T00:10:00Z", false);

        assert_eq!(pause(true, running()), Some(true));
        assert_eq!(pause(true, OwnedJob { suspended: true, ..running() }), None);
        assert_eq!(pause(false, OwnedJob { suspended: true, ..running() }), Some(false));
        assert_eq!(pause(true, OwnedJob { queued: true, ..running() }), None);
    }

    #[test]
    fn a_run_in_the_status_is_not_repeated_when_its_job_is_collected() {
        let import = half_hourly();
        let before = after(ended("first", RunOutcome::Succeeded, "Succeeded", "2026-01-01T00:10:00Z"), 0);
        let jobs = [job("first", "2026-01-01T00:10:00Z", true)];
        let now = at("2026-01-01T00:12:00Z");

        assert_eq!(decide(&facts(&import, &before, &jobs), now).unwrap(), Decision::Wait);
        assert_eq!(decide(&facts(&import, &before, &[]), now).unwrap(), Decision::Wait);
    }

    #[test]
    fn a_running_import_whose_job_is_gone_is_noticed() {
        let import = half_hourly();
        let running = RunningStatus { key: "first".into(), started_at: None, job: Some("acme-import-first".into()) };
        let before = ImportStatus { running: Some(running.clone()), ..ImportStatus::default() };

        let decision = decide(&facts(&import, &before, &[]), at("2026-01-01T00:12:00Z")).unwrap();

        assert_eq!(decision, Decision::Gone(&running));
    }

    /// What may happen to a connection.
    #[derive(Debug, Clone, Copy)]
    enum Happens {
        /// Time passes, and the controller looks at the connection each half a minute, unless it is down.
        Minutes {
            minutes: i64,
            down: bool,
        },
        JobEnds(RunOutcome),
        JobsAreCollected,
        Suspend(bool),
        Readable(bool),
        Requested(u8),
        Changed(u8),
        /// Whether pods can start from here on.
        PodsStart(bool),
        /// The controller dies between making the next Job and saying so.
        CrashNext,
    }

    fn happens() -> impl Strategy<Value = Happens> {
        use RunOutcome::{Failed, PartiallyFailed, Succeeded};
        prop_oneof![
            (1..200_i64, proptest::bool::ANY).prop_map(|(minutes, down)| Happens::Minutes { minutes, down }),
            prop_oneof![Just(Succeeded), Just(Failed), Just(PartiallyFailed)].prop_map(Happens::JobEnds),
            Just(Happens::JobEnds(Succeeded)),
            Just(Happens::JobsAreCollected),
            proptest::bool::ANY.prop_map(Happens::Suspend),
            proptest::bool::ANY.prop_map(Happens::Readable),
            (0..3_u8).prop_map(Happens::Requested),
            (0..2_u8).prop_map(Happens::Changed),
            proptest::bool::ANY.prop_map(Happens::PodsStart),
            Just(Happens::CrashNext),
        ]
    }

    /// One connection, its Jobs and its controller.
    struct Scene {
        now: Timestamp,
        import: Import,
        generation: i64,
        asked: String,
        suspended: bool,
        readable: bool,
        annotation: Option<String>,
        handled: Option<String>,
        before: ImportStatus,
        jobs: Vec<OwnedJob>,
        crash: bool,
        pods_start: bool,
        keys: BTreeSet<String>,
        last_start: Option<Timestamp>,
    }

    impl Scene {
        fn happens(&mut self, what: Happens) {
            match what {
                Happens::Minutes { minutes, down: true } => self.now += SignedDuration::from_mins(minutes),
                Happens::Minutes { minutes, down: false } => {
                    for _ in 0..2 * minutes {
                        self.now += SignedDuration::from_secs(30);
                        self.act();
                    }
                }
                Happens::JobEnds(outcome) => {
                    // No pod starts and ends within the second that a status can tell apart.
                    self.now += SignedDuration::from_secs(1);
                    for job in &mut self.jobs {
                        job.ended = true;
                        job.asked = Some(format!("{outcome:?}"));
                    }
                    self.act();
                }
                Happens::JobsAreCollected => self.jobs.retain(|job| !job.ended),
                Happens::Suspend(suspended) => self.suspended = suspended,
                Happens::Readable(readable) => self.readable = readable,
                Happens::Requested(value) => self.annotation = Some(value.to_string()),
                Happens::Changed(asked) => {
                    self.generation += 1;
                    self.asked = asked.to_string();
                }
                Happens::PodsStart(start) => self.pods_start = start,
                Happens::CrashNext => self.crash = true,
            }
        }

        fn act(&mut self) {
            loop {
                let (before, jobs, import) = (self.before.clone(), self.jobs.clone(), self.import.clone());
                let (asked, annotation) = (self.asked.clone(), self.annotation.clone());
                let facts = Facts {
                    uid: "uid",
                    generation: self.generation,
                    import: &import,
                    suspended: self.suspended,
                    asked: &asked,
                    before: &before,
                    requested: annotation.as_deref().filter(|value| self.handled.as_deref() != Some(value)),
                    jobs: &jobs,
                    readable: self.readable,
                    made_of: &asked,
                };
                match decide(&facts, self.now).unwrap() {
                    Decision::Wait => return,
                    Decision::Running { job, pause } => {
                        if job.request.is_some() {
                            self.handled.clone_from(&job.request);
                        }
                        let running = RunningStatus {
                            key: job.key.clone(),
                            started_at: Some(Time(job.started)),
                            job: Some(job.name.clone()),
                        };
                        self.before.running = Some(running);
                        for job in self.jobs.iter_mut().filter(|job| !job.ended) {
                            job.suspended = pause.unwrap_or(job.suspended);
                        }
                        return;
                    }
                    Decision::Ended(job) => {
                        if job.request.is_some() {
                            self.handled.clone_from(&job.request);
                        }
                        self.end(&job.key, job.started, job.asked.as_deref());
                    }
                    Decision::Replace { job, start } => {
                        assert!(!job.begun, "{job:?} had begun");
                        self.jobs.retain(|other| other.name != job.name);
                        self.start(&start);
                    }
                    Decision::Gone(running) => self.end(&running.key, running.started_at.as_ref().unwrap().0, None),
                    Decision::Start(start) => {
                        self.start(&start);
                        if std::mem::take(&mut self.crash) {
                            return;
                        }
                    }
                }
            }
        }

        fn start(&mut self, start: &Start) {
            assert!(!self.suspended, "suspended, but {start:?}");
            assert!(self.readable, "unreadable, but {start:?}");
            assert!(self.jobs.iter().all(|job| job.ended), "{start:?} beside {:?}", self.jobs);
            assert!(self.keys.insert(start.key.clone()), "again: {start:?}");
            if start.trigger == Trigger::Schedule {
                let tick: Timestamp = start.key.parse().unwrap();
                assert!(tick <= self.now, "too early: {start:?}");
                assert!(
                    self.last_start.is_none_or(|last| last < tick),
                    "a second run for what is caught up: {start:?}"
                );
            }
            self.last_start = Some(self.now);
            let request = (start.trigger == Trigger::Request).then(|| self.annotation.clone()).flatten();
            self.jobs.push(OwnedJob {
                name: start.key.clone(),
                key: start.key.clone(),
                asked: None,
                request,
                started: self.now,
                ended: false,
                suspended: false,
                queued: false,
                made_of: Some(self.asked.clone()),
                begun: self.pods_start,
                active_since: self.now,
            });
        }

        fn end(&mut self, key: &str, started: Timestamp, outcome: Option<&str>) {
            let outcome = match outcome {
                Some("Succeeded") => RunOutcome::Succeeded,
                Some("PartiallyFailed") => RunOutcome::PartiallyFailed,
                _ => RunOutcome::Failed,
            };
            let ended = RunStatus {
                key: key.to_owned(),
                outcome,
                reason: Some(reason::FAILED.to_owned()),
                message: None,
                asked: Some(self.asked.clone()),
                started_at: Some(Time(started)),
                finished_at: Some(Time(self.now)),
                projects: 0,
                merge_requests: 0,
            };
            self.before = recorded(&self.before, Ended { run: ended, projects: None, failures: Vec::new() });
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn no_run_comes_twice_none_overlap_and_none_starts_while_suspended(
            story in proptest::collection::vec(happens(), 1..60),
            jitter in 0..10_i64,
        ) {
            let mut scene = Scene {
                now: at("2026-01-01T00:10:00Z"),
                import: Import { jitter: HumanDuration::minutes(jitter), ..half_hourly() },
                generation: 1,
                asked: "0".to_owned(),
                suspended: false,
                readable: true,
                annotation: None,
                handled: None,
                before: ImportStatus::default(),
                jobs: Vec::new(),
                crash: false,
                pods_start: true,
                keys: BTreeSet::new(),
                last_start: None,
            };
            for event in story {
                scene.happens(event);
            }
        }
    }
}
