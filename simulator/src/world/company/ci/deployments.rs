//! Deployments: of branches to review apps, to staging after each merge, to production when it is time, from a tag in some
//! projects, and back again when it went wrong.

use super::{Cause, Company, Run};
use crate::world::company::calendar::DAY;
use crate::world::company::{Kind, luck, time};
use crate::world::{Deployment, Pipeline, Sha};

/// What a deployment was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Staging,
    Production,
    /// What ran in production before is put back.
    Back,
    Review,
}

impl Step {
    /// As a number below 4, for indexes.
    pub(crate) fn code(self) -> i64 {
        self as i64
    }

    pub(crate) fn of(code: i64) -> Step {
        match code {
            0 => Step::Staging,
            1 => Step::Production,
            3 => Step::Review,
            _ => Step::Back,
        }
    }
}

impl Company {
    /// Whether deployments can follow from a pipeline.
    pub(crate) fn deploys(&self, run: Run) -> bool {
        match run.cause {
            Cause::Merge => true,
            Cause::Tag => self.plans[run.place].tagged,
            Cause::Child => false,
            Cause::Push(_) => self.review_app(run.place, run.iid).is_some(),
        }
    }

    /// When which deployments followed from a pipeline.
    pub(crate) fn steps(&self, run: Run, pipeline: &Pipeline) -> Vec<(i64, Step)> {
        let mut random = luck::of(self.seed, 7, run.place, run.iid);
        let begun = |name: &str| pipeline.jobs.iter().find(|job| job.name == name).and_then(|job| job.started_at);
        let mut steps = Vec::new();
        if let Some(at) = begun("deploy staging") {
            steps.push((at.as_millisecond(), Step::Staging));
        }
        if let Some(at) = begun("deploy review") {
            steps.push((at.as_millisecond(), Step::Review));
        }
        // Some projects go to production with every merge, others about once in so many.
        let now = run.cause == Cause::Tag || random.u32(..self.plans[run.place].releases_one_in) == 0;
        if let Some(at) = begun("deploy production").filter(|_| now) {
            let at = at.as_millisecond();
            steps.push((at, Step::Production));
            let back = at + luck::duration(&mut random, 2_400_000.0, 0.8).clamp(300_000, DAY / 2);
            if self.breaks(run) && back < self.until {
                steps.push((back, Step::Back));
            }
        }
        steps
    }

    /// Whether a deployment to production fails.
    fn breaks(&self, run: Run) -> bool {
        luck::percent(&mut luck::of(self.seed, 8, run.place, run.iid), 9)
    }

    /// A deployment; the commit that was in production before is known to whoever has the order of merges.
    pub(crate) fn deployment(&self, run: Run, (number, at, step): (i64, i64, Step), before: Sha) -> Deployment {
        let pipeline = self.pipeline(run);
        let name = match step {
            Step::Staging => "deploy staging",
            Step::Review => "deploy review",
            Step::Production | Step::Back => "deploy production",
        };
        let job = pipeline.jobs.iter().find(|job| job.name == name);
        let finished = match step {
            Step::Back => time(at + 90_000),
            _ => job.and_then(|job| job.finished_at).unwrap_or(time(at + 60_000)),
        };
        let running =
            finished > time(self.until) || (step != Step::Back && job.is_some_and(|job| job.status == "running"));
        let status = match step {
            _ if running => "running",
            Step::Production if self.breaks(run) => "failed",
            _ => "success",
        };
        let of_project = self.first_environment + run.place as i64 * 2;
        let environment = match step {
            Step::Staging => of_project,
            Step::Production | Step::Back => of_project + 1,
            Step::Review => self.review_app(run.place, run.iid).unwrap_or_default(),
        };
        Deployment {
            id: self.numbers().id(Kind::Deployment, run.place, number),
            iid: number,
            project: self.project(run.place),
            environment,
            ref_name: pipeline.ref_name,
            sha: if step == Step::Back { before } else { pipeline.sha },
            status,
            user: pipeline.user,
            deployable: job.filter(|_| step != Step::Back).map(|job| (pipeline.id, job.id)),
            created_at: time(at),
            updated_at: if running { time(at) } else { finished },
            finished_at: (!running).then_some(finished),
        }
    }
}
