//! Commits, pipelines, jobs, deployments.

use serde_json::{Value, json};

use super::{commit_time, time, user_basic};
use crate::world::{Caller, Commit, Deployment, Job, Pipeline, Project, World};

/// A commit. Those of a merge request come without parents.
pub(crate) fn commit(world: &World, project: &Project, commit: &Commit, with_parents: bool) -> Value {
    let parents = if with_parents { commit.parents.as_slice() } else { &[] };
    json!({
        "id": commit.sha.to_string(),
        "short_id": commit.sha.short(),
        "created_at": commit_time(commit.committed_at),
        "parent_ids": parents.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "title": commit.title,
        "message": commit.message,
        "author_name": commit.author_name,
        "author_email": commit.author_email,
        "authored_date": commit_time(commit.authored_at),
        "committer_name": commit.author_name,
        "committer_email": commit.author_email,
        "committed_date": commit_time(commit.committed_at),
        "trailers": {},
        "extended_trailers": {},
        "web_url": world.web_url(&format!("{}/-/commit/{}", project.full_path, commit.sha)),
    })
}

/// Adds the trailers of the message, which come when they are asked for: the last paragraph, where it has nothing else.
pub(crate) fn add_trailers(shown: &mut Value, commit: &Commit) {
    let last = commit.message.trim_end().rsplit_once("\n\n").map_or("", |(_, last)| last);
    let pairs: Option<Vec<(&str, &str)>> = last.lines().map(|line| line.split_once(": ")).collect();
    for (name, value) in pairs.unwrap_or_default() {
        shown["trailers"][name] = json!(value);
        match &mut shown["extended_trailers"][name] {
            Value::Array(values) => values.push(json!(value)),
            none => *none = json!([value]),
        }
    }
}

/// A pipeline in a list.
pub(crate) fn pipeline(world: &World, project: &Project, pipeline: &Pipeline) -> Value {
    json!({
        "id": pipeline.id,
        "iid": pipeline.iid,
        "project_id": pipeline.project,
        "sha": pipeline.sha.to_string(),
        "ref": pipeline.ref_name,
        "status": pipeline.status,
        "source": pipeline.source,
        "created_at": time(pipeline.created_at),
        "updated_at": time(pipeline.updated_at),
        "web_url": world.web_url(&format!("{}/-/pipelines/{}", project.full_path, pipeline.id)),
    })
}

/// A job.
pub(crate) fn job(world: &World, project: &Project, pipeline_of: &Pipeline, job: &Job) -> Value {
    let user = pipeline_of.user.and_then(|id| world.user(id));
    let known = world.commit_of(project, pipeline_of.sha);
    let mut shown = json!({
        "id": job.id,
        "status": job.status,
        "stage": job.stage,
        "name": job.name,
        "ref": pipeline_of.ref_name,
        "tag": pipeline_of.tag,
        "coverage": job.coverage,
        "allow_failure": job.allow_failure,
        "created_at": time(job.created_at),
        "started_at": job.started_at.map(time),
        "finished_at": job.finished_at.map(time),
        "erased_at": null,
        "duration": job.duration().map(|duration| duration.as_secs_f64()),
        "queued_duration": job.queued_duration().map(|duration| duration.as_secs_f64()),
        "user": user.map(|found| super::user(world, &Caller::default(), found)),
        "commit": known.map(|known| commit(world, project, known, true)),
        "pipeline": pipeline(world, project, pipeline_of),
        "web_url": world.web_url(&format!("{}/-/jobs/{}", project.full_path, job.id)),
        "project": { "ci_job_token_scope_enabled": false },
        "artifacts": [],
        "runner": job.runner.as_ref().map(|(id, description)| runner(*id, description)),
        "runner_manager": null,
        "artifacts_expire_at": null,
        "archived": false,
        "tag_list": [],
    });
    if job.status == "failed" {
        shown["failure_reason"] = json!(job.failure_reason.unwrap_or("unknown_failure"));
    }
    shown
}

/// A runner.
pub(crate) fn runner(id: i64, description: &str) -> Value {
    json!({
        "id": id,
        "description": description,
        "ip_address": null,
        "active": true,
        "paused": false,
        "is_shared": true,
        "runner_type": "instance_type",
        "name": "gitlab-runner",
        "online": true,
        "status": "online",
    })
}

/// A deployment.
pub(crate) fn deployment(world: &World, project: &Project, deployment: &Deployment) -> Value {
    let environment = world.environment(deployment.environment).map(super::ci::environment_basic);
    let deployable = deployment.deployable.and_then(|(pipeline, id)| {
        let pipeline = world.pipeline(pipeline)?;
        let found = pipeline.jobs.iter().find(|job| job.id == id)?;
        Some(job(world, project, pipeline, found))
    });
    json!({
        "id": deployment.id,
        "iid": deployment.iid,
        "ref": deployment.ref_name,
        "sha": deployment.sha.to_string(),
        "created_at": time(deployment.created_at),
        "updated_at": time(deployment.updated_at),
        "status": deployment.status,
        "user": user_basic(world, deployment.user),
        "environment": environment,
        "deployable": deployable,
    })
}
