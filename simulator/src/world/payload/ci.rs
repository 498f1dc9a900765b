//! Bodies of pipeline, job and deployment events (`lib/gitlab/data_builder/{pipeline,build,deployment}.rb`).

use serde_json::{Value, json};

use super::hook_time;
use crate::world::{Job, JobKind, MergeRequest, Pipeline, Project, World};

impl World {
    /// The body of a pipeline event. Retried jobs are left out.
    pub(in crate::world) fn pipeline_payload(&self, id: i64) -> Option<Value> {
        let pipeline = self.pipeline(id)?;
        let project = self.project(pipeline.project)?;
        let builds = pipeline.jobs.iter().filter(|job| !job.retried && job.kind == JobKind::Build);
        let commit = self.commit_of(project, pipeline.sha);
        let mut body = json!({
            "object_kind": "pipeline",
            "object_attributes": {
                "id": pipeline.id,
                "iid": pipeline.iid,
                "name": pipeline.name,
                "ref": pipeline.ref_name,
                "tag": pipeline.tag,
                "sha": pipeline.sha.to_string(),
                "before_sha": pipeline.before_sha.to_string(),
                "source": pipeline.source,
                "status": pipeline.status,
                "detailed_status": pipeline.detailed_status().label,
                "stages": pipeline.stages(),
                "created_at": hook_time(pipeline.created_at),
                "finished_at": pipeline.finished_at.map(hook_time),
                "duration": pipeline.duration(),
                "queued_duration": pipeline.queued_duration(),
                "protected_ref": project.default_branch.as_deref() == Some(pipeline.ref_name.as_str()),
                "variables": [],
                "url": self.web_url(&format!("{}/-/pipelines/{}", project.full_path, pipeline.id)),
            },
            "merge_request": self.merge_request_of_pipeline(pipeline).map(|found| self.hook_short(found, project)),
            "user": pipeline.user.map(|user| self.hook_user(user)),
            "project": self.hook_project(project),
            "commit": commit.map(|commit| self.hook_commit(commit, project)),
            "builds": builds.map(|job| self.hook_job(pipeline, job)).collect::<Value>(),
        });
        if let Some(source) = self.source_pipeline(pipeline) {
            body["source_pipeline"] = source;
        }
        Some(body)
    }

    /// The body of a job event. `commit.id` is the pipeline's, as GitLab has it.
    pub(in crate::world) fn job_payload(&self, pipeline: i64, job: i64) -> Option<Value> {
        let pipeline = self.pipeline(pipeline)?;
        let project = self.project(pipeline.project)?;
        let job = pipeline.jobs.iter().find(|known| known.id == job)?;
        let commit = self.commit_of(project, pipeline.sha);
        let retries = pipeline.jobs.iter().filter(|known| known.name == job.name && known.retried).count();
        let web = self.web_url(&project.full_path);
        Some(json!({
            "object_kind": "build",
            "ref": pipeline.ref_name,
            "tag": pipeline.tag,
            "before_sha": pipeline.before_sha.to_string(),
            "sha": pipeline.sha.to_string(),
            "build_id": job.id,
            "build_name": job.name,
            "build_stage": job.stage,
            "build_status": job.status,
            "build_created_at": hook_time(job.created_at),
            "build_started_at": job.started_at.map(hook_time),
            "build_finished_at": job.finished_at.map(hook_time),
            "build_duration": job.duration().map(|duration| duration.as_secs_f64()),
            "build_queued_duration": job.queued_duration().map(|duration| duration.as_secs_f64()),
            "build_allow_failure": job.allow_failure,
            "build_failure_reason": job.failure_reason.unwrap_or("unknown_failure"),
            "retries_count": retries,
            "pipeline_id": pipeline.id,
            "runner": hook_runner(job),
            "project_id": project.id,
            "project_name": project.full_name,
            "user": pipeline.user.map(|user| self.hook_user(user)),
            "commit": {
                "id": pipeline.id,
                "name": pipeline.name,
                "sha": pipeline.sha.to_string(),
                "message": commit.map(|commit| commit.message.as_str()),
                "author_name": commit.map(|commit| commit.author_name.as_str()),
                "author_email": commit.map(|commit| commit.author_email.as_str()),
                "author_url": commit.map(|commit| format!("mailto:{}", commit.author_email)),
                "status": pipeline.status,
                "duration": pipeline.duration(),
                "started_at": pipeline.started_at.map(hook_time),
                "finished_at": pipeline.finished_at.map(hook_time),
            },
            "repository": {
                "name": project.name,
                "url": format!("ssh://git@gitlab.example.com/{}.git", project.full_path),
                "description": project.description,
                "homepage": web,
                "git_http_url": format!("{web}.git"),
                "git_ssh_url": format!("ssh://git@gitlab.example.com/{}.git", project.full_path),
                "visibility_level": project.visibility.level(),
            },
            "project": self.hook_project(project),
            "environment": self.hook_environment(pipeline, job),
        }))
    }

    /// The body of a deployment event.
    pub(in crate::world) fn deployment_payload(&self, id: i64) -> Option<Value> {
        let deployment = self.deployment(id)?;
        let project = self.project(deployment.project)?;
        let environment = self.environment(deployment.environment)?;
        let commit = self.commit_of(project, deployment.sha);
        let user = deployment.user.and_then(|user| self.user(user));
        let job = deployment.deployable.map(|(_, job)| job);
        Some(json!({
            "object_kind": "deployment",
            "status": deployment.status,
            "status_changed_at": deployment.updated_at.strftime("%Y-%m-%d %H:%M:%S +0000").to_string(),
            "deployment_id": deployment.id,
            "deployable_id": job,
            "deployable_url": job.map(|job| self.web_url(&format!("{}/-/jobs/{job}", project.full_path))),
            "environment": environment.name,
            "environment_tier": environment.tier,
            "environment_slug": environment.slug(),
            "environment_external_url": environment.external_url,
            "project": self.hook_project(project),
            "ref": deployment.ref_name,
            "short_sha": deployment.sha.short(),
            "user": deployment.user.map(|user| self.hook_user(user)),
            "user_url": user.map(|user| self.web_url(&user.username)),
            "commit_url": self.web_url(&format!("{}/-/commit/{}", project.full_path, deployment.sha)),
            "commit_title": commit.map(|commit| commit.title.as_str()),
        }))
    }

    fn hook_job(&self, pipeline: &Pipeline, job: &Job) -> Value {
        json!({
            "id": job.id,
            "stage": job.stage,
            "name": job.name,
            "status": job.status,
            "created_at": hook_time(job.created_at),
            "started_at": job.started_at.map(hook_time),
            "finished_at": job.finished_at.map(hook_time),
            "duration": job.duration().map(|duration| duration.as_secs_f64()),
            "queued_duration": job.queued_duration().map(|duration| duration.as_secs_f64()),
            "failure_reason": job.failure_reason.filter(|_| job.status == "failed"),
            "when": if job.manual { "manual" } else { "on_success" },
            "manual": job.manual,
            "allow_failure": job.allow_failure,
            "user": pipeline.user.map(|user| self.hook_user(user)),
            "runner": hook_runner(job),
            "artifacts_file": { "filename": null, "size": null },
            "environment": self.hook_environment(pipeline, job),
        })
    }

    fn hook_environment(&self, pipeline: &Pipeline, job: &Job) -> Option<Value> {
        let own = Some((pipeline.id, job.id));
        let deployment = self.deployments_of(pipeline.project).rev().find(|deployment| deployment.deployable == own)?;
        let environment = self.environment(deployment.environment)?;
        Some(json!({ "name": environment.name, "action": "start", "deployment_tier": environment.tier }))
    }

    /// What a pipeline event says of its merge request.
    fn hook_short(&self, merge_request: &MergeRequest, project: &Project) -> Value {
        json!({
            "id": merge_request.id,
            "iid": merge_request.iid,
            "title": merge_request.full_title(),
            "source_branch": merge_request.source_branch,
            "source_project_id": merge_request.source_project,
            "target_branch": merge_request.target_branch,
            "target_project_id": merge_request.project,
            "state": merge_request.state.name(),
            "merge_status": merge_request.merge_status(),
            "detailed_merge_status": self.detailed_merge_status(merge_request),
            "url": self.web_url(&format!("{}/-/merge_requests/{}", project.full_path, merge_request.iid)),
        })
    }

    fn source_pipeline(&self, pipeline: &Pipeline) -> Option<Value> {
        let parent = self.pipeline(pipeline.parent?)?;
        let project = self.project(parent.project)?;
        let bridge = parent.jobs.iter().find(|job| job.kind == JobKind::Bridge(Some(pipeline.id)));
        Some(json!({
            "project": {
                "id": project.id,
                "web_url": self.web_url(&project.full_path),
                "path_with_namespace": project.full_path,
            },
            "job_id": bridge.map(|job| job.id),
            "pipeline_id": parent.id,
        }))
    }
}

fn hook_runner(job: &Job) -> Option<Value> {
    let (id, description) = job.runner.as_ref()?;
    Some(json!({
        "id": id,
        "description": description,
        "runner_type": "instance_type",
        "active": true,
        "is_shared": true,
        "tags": [],
    }))
}
