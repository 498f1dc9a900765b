//! What is promised of runs: one for a tick, never two at once, one after any outage.

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
        withheld: Withheld::Nothing,
        known: true,
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
    let caught_up = after(ended("2026-01-01T00:30:00Z", RunOutcome::Succeeded, "Succeeded", "2026-01-03T07:00:00Z"), 0);
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
fn pods_go_on_with_no_secret_that_is_withheld_and_with_all_that_are_not() {
    let (import, nothing) = (half_hourly(), ImportStatus::default());
    let runs = |made_of: &str, suspended| OwnedJob {
        made_of: Some(made_of.to_owned()),
        begun: true,
        suspended,
        ..job("first", "2026-01-01T00:10:00Z", false)
    };
    let decided = |job: OwnedJob, (withheld, known), readable| {
        let jobs = [job];
        let facts = Facts { withheld, known, readable, ..facts(&import, &nothing, &jobs) };
        match decide(&facts, at("2026-01-01T00:12:00Z")).unwrap() {
            Decision::Replace { start, .. } => start.key,
            Decision::Running { pause: Some(true), .. } => "paused".to_owned(),
            Decision::Running { pause: Some(false), .. } => "resumed".to_owned(),
            Decision::Running { pause: None, .. } => "as it was".to_owned(),
            other => panic!("{other:?}"),
        }
    };
    let (nothing_is, a_token_is, the_database_is) =
        ((Withheld::Nothing, true), (Withheld::Tokens, true), (Withheld::Common, true));

    assert_eq!(decided(runs("m", false), a_token_is, true), "as it was", "none of its own is withheld");
    assert_eq!(decided(runs("old", false), a_token_is, true), "first-anew-1", "others are left to go on with");
    assert_eq!(decided(runs("old", false), a_token_is, false), "paused", "none is left to go on with");
    assert_eq!(decided(runs("old", true), a_token_is, false), "as it was");
    assert_eq!(decided(runs("m", true), nothing_is, true), "resumed");
    assert_eq!(decided(runs("old", true), nothing_is, true), "first-anew-1", "the spec may not name it any more");
    assert_eq!(decided(runs("m", false), the_database_is, false), "paused", "every pod has it");
    assert_eq!(decided(runs("m", true), the_database_is, false), "as it was");
    for suspended in [false, true] {
        let before_gitlab_answers = decided(runs("old", suspended), (Withheld::Tokens, false), false);
        assert_eq!(before_gitlab_answers, "as it was", "nobody can tell whose token it is");
    }
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
                withheld: Withheld::Nothing,
                known: true,
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
            assert!(self.last_start.is_none_or(|last| last < tick), "a second run for what is caught up: {start:?}");
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
        self.before = recorded(&self.before, Ended { run: ended, projects: None, failures: Vec::new(), audit: None });
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
