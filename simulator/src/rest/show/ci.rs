//! Single pipelines, bridges, environments and deployments, which tell more than those in lists (`lib/api/entities/ci`).

use serde_json::{Value, json};

use super::{deployment, job, pipeline, project_simple, time, user_basic};
use crate::world::{Deployment, Environment, Job, JobKind, Pipeline, Project, World};

/// A pipeline alone.
pub(crate) fn pipeline_single(world: &World, project: &Project, found: &Pipeline) -> Value {
    let mut shown = pipeline(world, project, found);
    let status = found.detailed_status();
    let more = json!({
        "before_sha": found.before_sha.to_string(),
        "tag": found.tag,
        "yaml_errors": null,
        "user": user_basic(world, found.user),
        "started_at": found.started_at.map(time),
        "finished_at": found.finished_at.map(time),
        "committed_at": null,
        "duration": found.duration(),
        "queued_duration": found.queued_duration(),
        "coverage": found.coverage.map(|coverage| format!("{coverage:.2}")),
        "detailed_status": {
            "icon": status.icon,
            "text": status.text,
            "label": status.label,
            "group": status.group,
            "tooltip": status.label,
            "has_details": true,
            "details_path": format!("/{}/-/pipelines/{}", project.full_path, found.id),
            "illustration": null,
            "favicon": format!("/assets/ci_favicons/favicon_{}.png", status.icon),
        },
    });
    super::extend(&mut shown, more);
    shown
}

/// A job that starts another pipeline.
pub(crate) fn bridge(world: &World, project: &Project, pipeline_of: &Pipeline, found: &Job) -> Value {
    let mut shown = job(world, project, pipeline_of, found);
    let downstream = match found.kind {
        JobKind::Bridge(Some(id)) => world.pipeline(id),
        _ => None,
    };
    let downstream = downstream.and_then(|below| Some(pipeline(world, world.project(below.project)?, below)));
    shown["downstream_pipeline"] = downstream.unwrap_or_default();
    if let Some(shown) = shown.as_object_mut() {
        shown.retain(|key, _| {
            !["artifacts", "runner", "runner_manager", "artifacts_expire_at", "archived", "tag_list"]
                .contains(&key.as_str())
        });
    }
    shown
}

/// What a deployment says of its environment.
pub(super) fn environment_basic(environment: &Environment) -> Value {
    json!({
        "id": environment.id,
        "name": environment.name,
        "slug": environment.slug(),
        "external_url": environment.external_url,
        "created_at": time(environment.created_at),
        "updated_at": time(environment.updated_at),
    })
}

/// An environment.
pub(crate) fn environment(world: &World, project: &Project, environment: &Environment) -> Value {
    let mut shown = environment_basic(environment);
    let more = json!({
        "tier": environment.tier,
        "state": if environment.stopped { "stopped" } else { "available" },
        "project": project_simple(world, project),
    });
    super::extend(&mut shown, more);
    shown
}

/// A deployment alone. Enterprise builds tell its approvals, of which the World has none.
pub(crate) fn deployment_single(world: &World, project: &Project, found: &Deployment) -> Value {
    let mut shown = deployment(world, project, found);
    if world.settings.edition.enterprise() {
        let approvals = json!({ "pending_approval_count": 0, "approvals": [], "approval_summary": { "rules": [] } });
        super::extend(&mut shown, approvals);
    }
    shown
}
