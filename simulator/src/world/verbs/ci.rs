//! What happens in CI/CD: pipelines run, jobs are retried, deployments go out and are rolled back.

use crate::world::outbox::Event;
use crate::world::{Deployment, Environment, Job, Pipeline, Sha, World};

const PIPELINE: Event = Event::of_projects("pipeline_events", "pipeline_hooks", "Pipeline Hook");
const JOB: Event = Event::of_projects("job_events", "job_hooks", "Job Hook");
const DEPLOYMENT: Event = Event::of_projects("deployment_events", "deployment_hooks", "Deployment Hook");

/// What a job may still leave.
const UNFINISHED: [&str; 3] = ["created", "pending", "running"];

impl World {
    /// Starts a pipeline on a branch, with a job that builds and one that tests.
    pub fn start_pipeline(&mut self, project: i64, ref_name: &str, user: &str, source: &'static str) -> Option<i64> {
        let user = self.user_named(user);
        let now = self.now();
        let subject = self.project(project)?;
        let sha = self.resolve_ref(subject, ref_name)?;
        let tag = subject.tags.iter().any(|tag| tag.name == ref_name);
        let before_sha = self.commit_of(subject, sha).and_then(|commit| commit.parents.first().copied());
        let iid = self.next_pipeline_iid(project);
        let id = self.next_id("pipeline");
        let jobs = ["build", "test"].map(|stage| Job {
            id: self.next_id("job"),
            name: stage.to_owned(),
            stage: stage.to_owned(),
            status: if stage == "build" { "pending" } else { "created" },
            created_at: now,
            queued_at: (stage == "build").then_some(now),
            ..Job::default()
        });
        self.insert_pipeline(Pipeline {
            id,
            iid,
            project,
            sha,
            before_sha: before_sha.unwrap_or_default(),
            ref_name: ref_name.to_owned(),
            tag,
            status: "pending",
            source,
            user: Some(user),
            created_at: now,
            updated_at: now,
            jobs: jobs.to_vec(),
            ..Pipeline::default()
        });
        for merge_request in self.heads(project, ref_name, sha) {
            // Only the column is written, so nothing else of the merge request changes.
            self.edit_merge_request(merge_request, |found| found.head_pipeline = Some(id));
        }
        self.emit_jobs(id, |_| true);
        self.emit_pipeline(id);
        self.run_next(id)?;
        self.emit_pipeline(id);
        Some(id)
    }

    /// Ends a pipeline: with `failed` the job that is under way fails and the rest is skipped, with `canceled` all are.
    pub fn finish_pipeline(&mut self, pipeline: i64, status: &'static str) -> Option<()> {
        let now = self.now();
        let finished: Vec<i64> = self.edit_pipeline(pipeline, |pipeline| {
            let mut first = true;
            let open = pipeline.jobs.iter_mut().filter(|job| UNFINISHED.contains(&job.status));
            let ended = open.map(|job| {
                let outcome = match status {
                    "failed" if !first => "skipped",
                    other => other,
                };
                first = false;
                end(job, outcome, now);
                job.id
            });
            let ended = ended.collect();
            pipeline.status = status;
            pipeline.started_at.get_or_insert(now);
            pipeline.finished_at = Some(now);
            pipeline.updated_at = now;
            ended
        })?;
        self.emit_jobs(pipeline, |job| finished.contains(&job.id));
        self.emit_pipeline(pipeline);
        let ended = self.pipeline(pipeline)?;
        for merge_request in self.heads(ended.project, &ended.ref_name.clone(), ended.sha) {
            self.merge_what_waits(merge_request);
        }
        Some(())
    }

    /// Runs a job again: a new one takes its place, and its pipeline runs on.
    pub fn retry_job(&mut self, pipeline: i64, job: i64) -> Option<i64> {
        let now = self.now();
        let old = self.pipeline(pipeline)?.jobs.iter().find(|known| known.id == job)?.clone();
        let id = self.next_id("job");
        self.edit_pipeline(pipeline, |pipeline| {
            for known in pipeline.jobs.iter_mut().filter(|known| known.id == job) {
                known.retried = true;
            }
            pipeline.jobs.push(Job {
                id,
                status: "pending",
                failure_reason: None,
                coverage: None,
                runner: None,
                created_at: now,
                queued_at: Some(now),
                started_at: None,
                finished_at: None,
                ..old
            });
        })?;
        self.resume(pipeline, id);
        Some(id)
    }

    /// Starts a job that waits for somebody.
    pub fn play_job(&mut self, pipeline: i64, job: i64) -> Option<()> {
        let now = self.now();
        self.edit_pipeline(pipeline, |pipeline| {
            for known in pipeline.jobs.iter_mut().filter(|known| known.id == job) {
                known.status = "pending";
                known.queued_at = Some(now);
            }
        })?;
        self.resume(pipeline, job);
        Some(())
    }

    /// Stops a job; when nothing is left to run, its pipeline is canceled too.
    pub fn cancel_job(&mut self, pipeline: i64, job: i64) -> Option<()> {
        let now = self.now();
        let rest = self.edit_pipeline(pipeline, |pipeline| {
            for known in pipeline.jobs.iter_mut().filter(|known| known.id == job) {
                end(known, "canceled", now);
            }
            pipeline.updated_at = now;
            pipeline.jobs.iter().any(|job| UNFINISHED.contains(&job.status))
        })?;
        self.emit_jobs(pipeline, |known| known.id == job);
        if !rest {
            self.finish_pipeline(pipeline, "canceled");
        }
        Some(())
    }

    /// Runs again what failed or was canceled in a pipeline. What was skipped after it waits for its turn once more, as the
    /// same job (app/services/ci/retry_pipeline_service.rb).
    pub fn retry_pipeline(&mut self, pipeline: i64) -> Option<()> {
        let again = |job: &&Job| !job.retried && ["failed", "canceled"].contains(&job.status);
        let jobs: Vec<i64> = self.pipeline(pipeline)?.jobs.iter().filter(again).map(|job| job.id).collect();
        for job in jobs {
            self.retry_job(pipeline, job)?;
        }
        self.edit_pipeline(pipeline, |pipeline| {
            for job in pipeline.jobs.iter_mut().filter(|job| !job.retried && job.status == "skipped") {
                job.status = "created";
                (job.queued_at, job.started_at, job.finished_at) = (None, None, None);
            }
        })
    }

    /// Deploys what a branch, tag or commit stands for: running, then successful.
    pub fn deploy(&mut self, project: i64, environment: &str, ref_name: &str, user: &str) -> Option<i64> {
        let subject = self.project(project)?;
        let sha = self.resolve_ref(subject, ref_name)?;
        let environment = self.environment_named(project, environment);
        let user = self.user_named(user);
        let id = self.begin_deployment(environment, (ref_name, sha), user, "running")?;
        self.set_deployment(id, "success")?;
        Some(id)
    }

    /// Deploys once more what was deployed successfully before the last time.
    pub fn roll_back(&mut self, project: i64, environment: &str, user: &str) -> Option<i64> {
        let environment = self.environments_of(project).find(|known| known.name == environment)?.id;
        let successful =
            |deployment: &&Deployment| deployment.environment == environment && deployment.status == "success";
        let before = self.deployments_of(project).rev().filter(successful).nth(1)?;
        let (ref_name, sha) = (before.ref_name.clone(), before.sha);
        let user = self.user_named(user);
        let id = self.begin_deployment(environment, (&ref_name, sha), user, "running")?;
        self.set_deployment(id, "success")?;
        Some(id)
    }

    /// The environment of a project with this name, made where there is none yet.
    pub fn environment_named(&mut self, project: i64, name: &str) -> i64 {
        let known = self.environments_of(project).find(|known| known.name == name).map(|known| known.id);
        if let Some(id) = known {
            return id;
        }
        let id = self.next_id("environment");
        let now = self.now();
        self.insert_environment(Environment {
            id,
            project,
            name: name.to_owned(),
            tier: Environment::guess_tier(name),
            created_at: now,
            updated_at: now,
            ..Environment::default()
        });
        id
    }

    /// A deployment through the API, so without a job.
    pub(crate) fn begin_deployment(
        &mut self,
        environment: i64,
        (ref_name, sha): (&str, Sha),
        user: i64,
        status: &'static str,
    ) -> Option<i64> {
        let project = self.environment(environment)?.project;
        let id = self.next_id("deployment");
        let now = self.now();
        let iid = self.next_deployment_iid(project);
        self.insert_deployment(Deployment {
            id,
            iid,
            project,
            environment,
            ref_name: ref_name.to_owned(),
            sha,
            status: "created",
            user: Some(user),
            created_at: now,
            updated_at: now,
            ..Deployment::default()
        });
        self.set_deployment(id, status)?;
        Some(id)
    }

    /// Gives a deployment another status, which webhooks hear of.
    pub(crate) fn set_deployment(&mut self, deployment: i64, status: &'static str) -> Option<()> {
        let now = self.now();
        let project = self.deployment(deployment)?.project;
        self.edit_deployment(deployment, |deployment| {
            deployment.status = status;
            deployment.updated_at = now;
            deployment.finished_at = ["success", "failed", "canceled"].contains(&status).then_some(now);
        })?;
        self.emit(project, &DEPLOYMENT, |world| world.deployment_payload(deployment));
        Some(())
    }

    /// The open merge requests of a branch that stand at a commit, in the project or in the one it was forked from.
    fn heads(&self, project: i64, branch: &str, sha: Sha) -> Vec<i64> {
        let upstream = self.project(project).and_then(|fork| fork.forked_from);
        let open = std::iter::once(project).chain(upstream).flat_map(|id| self.open_merge_requests_of(id));
        let here = open.filter(|found| found.source_project == Some(project) && found.source_branch == branch);
        here.filter(|found| found.sha == Some(sha)).map(|found| found.id).collect()
    }

    /// A pipeline that was over runs again because of one of its jobs.
    fn resume(&mut self, pipeline: i64, job: i64) {
        let now = self.now();
        self.edit_pipeline(pipeline, |pipeline| {
            pipeline.status = "running";
            pipeline.finished_at = None;
            pipeline.updated_at = now;
        });
        self.emit_jobs(pipeline, |known| known.id == job);
        self.emit_pipeline(pipeline);
    }

    /// A runner takes the first job that waits.
    fn run_next(&mut self, pipeline: i64) -> Option<()> {
        let now = self.now();
        let job = self.edit_pipeline(pipeline, |pipeline| {
            let job = pipeline.jobs.iter_mut().find(|job| job.status == "pending")?;
            job.status = "running";
            job.started_at = Some(now);
            job.runner = Some((1, "shared runner".to_owned()));
            let id = job.id;
            pipeline.status = "running";
            pipeline.started_at.get_or_insert(now);
            Some(id)
        })??;
        self.emit_jobs(pipeline, |known| known.id == job);
        Some(())
    }

    fn emit_pipeline(&mut self, pipeline: i64) {
        if let Some(project) = self.pipeline(pipeline).map(|found| found.project) {
            self.emit(project, &PIPELINE, |world| world.pipeline_payload(pipeline));
        }
    }

    fn emit_jobs(&mut self, pipeline: i64, wanted: impl Fn(&Job) -> bool) {
        let Some(found) = self.pipeline(pipeline) else {
            return;
        };
        let project = found.project;
        let jobs: Vec<i64> = found.jobs.iter().filter(|job| wanted(job)).map(|job| job.id).collect();
        for job in jobs {
            self.emit(project, &JOB, |world| world.job_payload(pipeline, job));
        }
    }
}

/// A job is over. One that never ran has no times.
fn end(job: &mut Job, status: &'static str, now: jiff::Timestamp) {
    job.status = status;
    job.failure_reason = (status == "failed").then_some("script_failure");
    if status == "skipped" {
        return;
    }
    if status != "canceled" {
        let queued = job.queued_at.get_or_insert(job.created_at);
        job.started_at.get_or_insert(*queued);
    }
    job.finished_at = Some(now.max(job.started_at.unwrap_or(now)));
}
