//! Pipelines and deployments of one project.

use jiff::{SignedDuration, Timestamp};

use super::history::Writer;
use crate::world::{Deployment, Environment, Job, Pipeline, Sha};

impl Writer<'_> {
    pub(super) fn pipelines(&mut self, begin: Timestamp, span: SignedDuration) {
        let environment = self.world.next_id("environment");
        self.world.insert_environment(Environment {
            id: environment,
            project: self.project,
            name: "production".to_owned(),
            tier: "production",
            created_at: begin,
            updated_at: begin,
            ..Environment::default()
        });
        let mut branch = self.world.project(self.project).map(|project| project.commits.clone()).unwrap_or_default();
        branch.sort_by_key(|commit| std::cmp::Reverse(commit.committed_at));
        let count = i64::try_from(self.size.pipelines).unwrap_or_default();
        for number in 0..count {
            let step = i64::try_from(span.as_millis()).unwrap_or_default() / (count + 1) * number;
            let at = begin.checked_add(SignedDuration::from_millis(step)).unwrap_or(begin);
            let sha = branch.iter().find(|commit| commit.committed_at <= at).map(|commit| commit.sha);
            self.pipeline(number + 1, at, sha.unwrap_or(Sha([0; 20])), environment);
        }
        if let Some(project) = self.world.project_mut(self.project) {
            project.commits = branch;
        }
    }

    fn pipeline(&mut self, iid: i64, created_at: Timestamp, sha: Sha, environment: i64) {
        let id = self.world.next_id("pipeline");
        let user = self.anyone();
        let failed = self.random.u8(..10) == 0;
        let status = if failed { "failed" } else { "success" };
        let mut at = created_at;
        let mut broken = false;
        let jobs: Vec<Job> = ["build", "test", "deploy"]
            .into_iter()
            .map(|stage| {
                let took = SignedDuration::from_secs(self.random.i64(40..400));
                let mut job = Job {
                    id: self.world.next_id("job"),
                    name: stage.to_owned(),
                    stage: stage.to_owned(),
                    status: "skipped",
                    created_at,
                    ..Job::default()
                };
                // What comes after a stage that failed never runs.
                if broken {
                    return job;
                }
                broken = failed && stage == "test";
                job.status = if broken { "failed" } else { "success" };
                (job.queued_at, job.started_at) = (Some(created_at), Some(at));
                at = at.checked_add(took).unwrap_or(at);
                job.finished_at = Some(at);
                job
            })
            .collect();
        let deploy = jobs.last().map(|job| (id, job.id));
        self.world.insert_pipeline(Pipeline {
            id,
            iid,
            project: self.project,
            sha,
            ref_name: "main".to_owned(),
            status,
            source: "push",
            user: Some(user),
            created_at,
            updated_at: at,
            started_at: Some(created_at),
            finished_at: Some(at),
            jobs,
            ..Pipeline::default()
        });
        if failed || iid % 2 == 0 {
            return;
        }
        let deployment = self.world.next_id("deployment");
        self.world.insert_deployment(Deployment {
            id: deployment,
            iid: (iid + 1) / 2,
            project: self.project,
            environment,
            ref_name: "main".to_owned(),
            sha,
            status: "success",
            user: Some(user),
            deployable: deploy,
            created_at,
            updated_at: at,
            finished_at: Some(at),
        });
    }
}
