//! The jobs of a pipeline: some fail, some are flaky and run again, some may fail.

use fastrand::Rng;

use super::{CHILD_AFTER, Cause, Run};
use crate::world::company::{Company, Kind, luck, time};
use crate::world::{Job, JobKind, Pipeline};

const RUNNERS: [&str; 6] = ["docker-1", "docker-2", "docker-3", "kubernetes-a", "kubernetes-b", "large-x86"];
/// What tests are called; big projects have many.
const SUITES: [&str; 6] = ["unit", "integration", "contract", "browser", "migration", "smoke"];
/// As many jobs as a pipeline has ids for.
const MOST: usize = 32;

/// A job to run: its stage, name, and how many seconds it usually takes.
type Wanted = (&'static str, String, f64);

impl Company {
    pub(super) fn run_jobs(&self, run: Run, pipeline: &mut Pipeline, random: &mut Rng) {
        let on_branch = run.cause.is_push();
        let canceled = on_branch && luck::percent(random, 4);
        let breaks = luck::percent(random, if on_branch { 17 } else { 7 });
        let wanted = self.wanted(run);
        let tests: Vec<usize> = (0..wanted.len()).filter(|number| wanted[*number].0 == "test").collect();
        let broken = breaks.then(|| luck::pick(random, &tests));
        let flaky = luck::percent(random, 9).then(|| luck::pick(random, &tests)).filter(|flaky| Some(*flaky) != broken);

        let mut begin = run.at + self.queue(random);
        let mut stage = "build";
        let mut ends = begin;
        let mut stopped = false;
        for (number, wanted) in wanted.iter().enumerate() {
            if wanted.0 != stage {
                (stage, begin) = (wanted.0, ends);
                stopped |= pipeline.jobs.iter().any(|job| job.status == "failed" && !job.allow_failure && !job.retried);
            }
            let mut job = self.job(run, pipeline.jobs.len(), wanted);
            if stopped || (canceled && stage != "build") {
                job.status = if canceled { "canceled" } else { "skipped" };
                pipeline.jobs.push(job);
                continue;
            }
            let failure = match () {
                () if Some(number) == broken => Some(luck::pick(
                    random,
                    &[
                        "script_failure",
                        "script_failure",
                        "script_failure",
                        "job_execution_timeout",
                        "stuck_or_timeout_failure",
                    ],
                )),
                () if Some(number) == flaky => Some(luck::pick(random, &["script_failure", "runner_system_failure"])),
                () if job.allow_failure && luck::percent(random, 6) => Some("script_failure"),
                () => None,
            };
            let mut ended = self.work(&mut job, begin, wanted.2, failure, random);
            if Some(number) == flaky {
                job.retried = true;
                pipeline.jobs.push(job);
                job = self.job(run, pipeline.jobs.len(), wanted);
                job.created_at = time(ended + 4_000);
                ended = self.work(&mut job, ended + 4_000, wanted.2, None, random);
            }
            ends = ends.max(ended);
            pipeline.jobs.push(job);
        }
        let failed = pipeline.jobs.iter().any(|job| job.status == "failed" && !job.allow_failure && !job.retried);
        pipeline.status = match () {
            () if canceled => "canceled",
            () if failed => "failed",
            () => "success",
        };
        pipeline.coverage = pipeline.jobs.iter().find_map(|job| job.coverage);
        pipeline.started_at = pipeline.jobs.first().and_then(|job| job.started_at);
        pipeline.finished_at = Some(time(ends));
        pipeline.updated_at = time(ends + 300);
        if run.cause == Cause::Merge && self.plans[run.place].documented {
            pipeline.jobs.push(self.bridge(run, pipeline.jobs.len()));
        }
        self.still_running(pipeline);
    }

    /// What is over only after the end of history is still under way.
    fn still_running(&self, pipeline: &mut Pipeline) {
        let until = time(self.until);
        if pipeline.updated_at <= until {
            return;
        }
        pipeline.status = "running";
        pipeline.finished_at = None;
        pipeline.coverage = None;
        pipeline.updated_at = pipeline.started_at.unwrap_or(until).min(until);
        pipeline.started_at = pipeline.started_at.filter(|at| *at <= until);
        for job in &mut pipeline.jobs {
            let begun = job.started_at.is_some_and(|at| at <= until);
            if job.finished_at.is_some_and(|at| at > until) || !begun {
                job.status = if begun { "running" } else { "created" };
                job.failure_reason = None;
                job.coverage = None;
                job.finished_at = None;
                job.started_at = job.started_at.filter(|_| begun);
                job.queued_at = job.queued_at.filter(|_| begun);
            }
        }
    }

    /// The job that starts the pipeline for the documentation, which has none of its own before it has begun.
    fn bridge(&self, run: Run, number: usize) -> Job {
        let started = run.at + CHILD_AFTER - 2_000;
        Job {
            kind: JobKind::Bridge(None),
            status: "success",
            queued_at: Some(time(started)),
            started_at: Some(time(started)),
            finished_at: Some(time(run.at + CHILD_AFTER)),
            ..self.job(run, number, &("test", "documentation".to_owned(), 0.0))
        }
    }

    fn wanted(&self, run: Run) -> Vec<Wanted> {
        let plan = &self.plans[run.place];
        if run.cause == Cause::Child {
            return vec![("build", "render".to_owned(), 60.0), ("test", "links".to_owned(), 40.0)];
        }
        let mut wanted: Vec<Wanted> = vec![("build", "build".to_owned(), 150.0), ("build", "lint".to_owned(), 70.0)];
        for number in 0..plan.suites {
            let name = SUITES[number % SUITES.len()];
            let name =
                if number < SUITES.len() { name.to_owned() } else { format!("{name} {}", number / SUITES.len() + 1) };
            wanted.push(("test", name, 120.0 + 60.0 * (number % 4) as f64));
        }
        wanted.push(("test", "sast".to_owned(), 90.0));
        let production = match run.cause {
            Cause::Merge => !plan.tagged,
            Cause::Tag => plan.tagged,
            _ => false,
        };
        if run.cause == Cause::Merge {
            wanted.push(("deploy", "deploy staging".to_owned(), 100.0));
        }
        if production {
            wanted.push(("release", "deploy production".to_owned(), 160.0));
        }
        if run.cause.is_push() && self.review_app(run.place, run.iid).is_some() {
            wanted.push(("review", "deploy review".to_owned(), 80.0));
        }
        wanted
    }

    fn job(&self, run: Run, number: usize, (stage, name, _): &Wanted) -> Job {
        let part = number.min(MOST - 1) as i64;
        Job {
            id: self.numbers().part(Kind::Job, run.place, run.number, part),
            kind: JobKind::Build,
            name: name.clone(),
            stage: (*stage).to_owned(),
            status: "created",
            allow_failure: name == "sast",
            created_at: time(run.at),
            ..Job::default()
        }
    }

    /// Runs a job, and tells when it ended.
    fn work(&self, job: &mut Job, ready: i64, typical: f64, failure: Option<&'static str>, random: &mut Rng) -> i64 {
        let started = ready + self.queue(random);
        let ended = started + luck::duration(random, typical * 1_000.0, 0.4);
        let runner = random.usize(..RUNNERS.len());
        job.queued_at = Some(time(ready));
        job.started_at = Some(time(started));
        job.finished_at = Some(time(ended));
        job.runner = Some((runner as i64 + 17, RUNNERS[runner].to_owned()));
        job.status = if failure.is_some() { "failed" } else { "success" };
        job.failure_reason = failure;
        if job.name == "unit" && failure.is_none() {
            job.coverage = Some(f64::from(random.u32(6_900..7_600)) / 100.0);
        }
        ended
    }

    /// How long something waits for a runner: seconds, minutes when many push.
    fn queue(&self, random: &mut Rng) -> i64 {
        let typical = if luck::percent(random, 8) { 150_000.0 } else { 6_000.0 };
        luck::duration(random, typical, 0.7)
    }
}
