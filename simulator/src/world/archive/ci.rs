//! Pipelines and deployments of the history.

use super::Archive;
use super::index::{Order, RUNS, Runs};
use crate::world::company::{Cause, Kind, Run, Step};
use crate::world::{Deployment, JobKind, Pipeline, Sha};

impl Archive {
    /// How many pipelines a project has in here, those that were replaced among them.
    pub(in crate::world) fn pipeline_count(&self, project: i64) -> i64 {
        self.place(project).map_or(0, |place| self.runs(place).pipelines.len() as i64)
    }

    /// How many deployments a project has in here, those that were replaced among them.
    pub(in crate::world) fn deployment_count(&self, project: i64) -> i64 {
        self.place(project).map_or(0, |place| self.deployments(place).len() as i64)
    }

    /// The id of a project's pipeline with this number.
    pub(in crate::world) fn pipeline_id(&self, project: i64, number: i64) -> Option<i64> {
        self.place(project).map(|place| self.company.numbers().id(Kind::Pipeline, place, number))
    }

    /// The id of a project's deployment with this number.
    pub(in crate::world) fn deployment_id(&self, project: i64, number: i64) -> Option<i64> {
        self.place(project).map(|place| self.company.numbers().id(Kind::Deployment, place, number))
    }

    /// Whether an id is one of a pipeline or deployment of the history, replaced or not.
    pub(in crate::world) fn ran(&self, id: i64) -> bool {
        self.replaced_ci.contains(&id)
    }

    /// The pipeline whose job has this id, if there were one.
    pub(in crate::world) fn pipeline_of_job(&self, job: i64) -> Option<i64> {
        let (place, number, _) = self.company.numbers().named(Kind::Job, job)?;
        Some(self.company.numbers().id(Kind::Pipeline, place, number))
    }

    /// A pipeline, to stay until the next quiet moment.
    pub(in crate::world) fn pipeline(&self, id: i64) -> Option<&Pipeline> {
        self.find_ci(Kind::Pipeline, id)?;
        self.pipelines.get_or_make(id, || self.glance_pipeline(id))
    }

    /// A pipeline, to be looked at once.
    pub(in crate::world) fn glance_pipeline(&self, id: i64) -> Option<Pipeline> {
        let run = self.run(id)?;
        let mut made = self.company.pipeline(run);
        if run.cause == Cause::Merge {
            made.before_sha = self.merged_before(run.place, run.iid);
        }
        self.relate(&mut made, run);
        Some(made)
    }

    /// The course of a pipeline, to be looked at once.
    pub(in crate::world) fn course(&self, id: i64) -> Option<Pipeline> {
        let run = self.run(id)?;
        let mut made = self.company.course(run);
        self.relate(&mut made, run);
        Some(made)
    }

    /// Whether another pipeline started this one, which is not made.
    pub(in crate::world) fn is_child_pipeline(&self, id: i64) -> bool {
        self.run(id).is_some_and(|run| run.cause == Cause::Child)
    }

    fn run(&self, id: i64) -> Option<Run> {
        let (place, number) = self.find_ci(Kind::Pipeline, id)?;
        let runs = self.runs(place);
        (number <= runs.pipelines.len()).then(|| runs.run(place, number - 1))
    }

    /// A pipeline that started another one knows it, and is known by it.
    fn relate(&self, made: &mut Pipeline, run: Run) {
        let id = |relative| {
            let number = self.runs(run.place).find(run.iid, relative) as i64 + 1;
            self.company.numbers().id(Kind::Pipeline, run.place, number)
        };
        if !matches!(run.cause, Cause::Merge | Cause::Child) {
            return;
        }
        match (run.cause, self.company.family(run.place, run.iid)) {
            (Cause::Merge, Some([_, child])) => {
                for job in made.jobs.iter_mut().filter(|job| job.kind == JobKind::Bridge(None)) {
                    job.kind = JobKind::Bridge(Some(id(child)));
                }
            }
            (Cause::Child, Some([parent, _])) => made.parent = Some(id(parent)),
            _ => {}
        }
    }

    /// A deployment, to stay until the next quiet moment.
    pub(in crate::world) fn deployment(&self, id: i64) -> Option<&Deployment> {
        let (place, number) = self.find_ci(Kind::Deployment, id)?;
        let deployments = self.deployments(place);
        if number > deployments.len() {
            return None;
        }
        self.deployments.get_or_make(id, || {
            let (at, packed) = deployments.get(number - 1);
            let run = self.runs(place).run(place, (packed >> 2) as usize);
            let step = (number as i64, at, Step::of(packed & 3));
            Some(self.company.deployment(run, step, self.merged_before(place, run.iid)))
        })
    }

    /// Ids of the pipelines of a merge request, oldest first.
    pub(in crate::world) fn pipelines_of_merge_request(&self, id: i64) -> Vec<i64> {
        let Some((place, iid, _)) = self.company.numbers().named(Kind::MergeRequest, id) else {
            return Vec::new();
        };
        if self.place(self.company.project(place)).is_none() || iid > self.company.plan(place).count {
            return Vec::new();
        }
        let runs = self.company.runs(place, iid).into_iter().filter(|(_, cause)| cause.is_push());
        let numbers = runs.map(|run| self.runs(place).find(iid, run) as i64 + 1);
        numbers.map(|number| self.company.numbers().id(Kind::Pipeline, place, number)).collect()
    }

    /// From now on the World holds this pipeline or deployment, or it is gone.
    pub(in crate::world) fn replace_ci(&mut self, id: i64) {
        self.replaced_ci.insert(id);
    }

    fn find_ci(&self, kind: Kind, id: i64) -> Option<(usize, usize)> {
        let (place, number, _) = self.company.numbers().named(kind, id)?;
        self.place(self.company.project(place))?;
        (!self.replaced_ci.contains(&id)).then_some((place, number as usize))
    }

    /// The commit that was merged before a merge request was.
    fn merged_before(&self, place: usize, iid: i64) -> Sha {
        self.tip_before(place, (self.company.frame(place, iid).end(), iid))
    }

    fn deployments(&self, place: usize) -> &Order<RUNS> {
        self.runs(place).deployments(&self.company, place)
    }

    fn runs(&self, place: usize) -> &Runs {
        self.runs[place].get_or_init(|| Runs::new(&self.company, place))
    }
}
