//! Jobs and bridges.

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::literals::global_number;
use crate::graphql::order::Order;
use crate::graphql::value::{Object, Value};
use crate::world::{Job, JobKind, Pipeline, Role};

use super::kit::{Within, is_active, page, seconds};

pub(crate) fn field(name: &str) -> Option<Within<Job, Pipeline>> {
    Some(match name {
        "id" => |_, job, _| match job.kind {
            JobKind::Build => Value::Gid("Ci::Build", job.id),
            JobKind::Bridge(_) => Value::Gid("Ci::Bridge", job.id),
        },
        "name" => |_, job, _| Value::Str(&job.name),
        "status" => |_, job, _| Value::Text(job.status.to_uppercase()),
        "stage" => |_, job, of| Value::Object(Object::Stage(of, &job.stage)),
        "detailedStatus" => |_, job, _| detailed_status(job.status),
        "createdAt" => |_, job, _| Value::Time(job.created_at),
        "queuedAt" => |_, job, _| Value::time(job.queued_at),
        "startedAt" => |_, job, _| Value::time(job.started_at),
        "finishedAt" => |_, job, _| Value::time(job.finished_at),
        "duration" => |_, job, _| seconds(job.started_at, job.finished_at),
        "queuedDuration" => |_, job, _| seconds(job.queued_at, job.started_at),
        "coverage" => |_, job, _| job.coverage.map_or(Value::Null, Value::Float),
        "refName" => |_, _, of| Value::Str(&of.ref_name),
        "refPath" => |ctx, _, of| Value::Text(path(ctx, of, &format!("commits/{}", of.ref_name))),
        "commitPath" => |ctx, _, of| Value::Text(path(ctx, of, &format!("commit/{}", of.sha))),
        "shortSha" => |_, _, of| Value::Text(of.sha.short()),
        "source" => |_, _, of| Value::Str(of.source),
        "pipeline" => |_, _, of| Value::Object(Object::Pipeline(of)),
        "project" => |ctx, _, of| Value::object(ctx.project(Some(of.project)).map(Object::Project)),
        "downstreamPipeline" => |ctx, job, _| match job.kind {
            JobKind::Bridge(Some(id)) => Value::object(ctx.world.pipeline(id).map(Object::Pipeline)),
            _ => Value::Null,
        },
        "webPath" => |ctx, job, of| Value::Text(path(ctx, of, &format!("jobs/{}", job.id))),
        "playPath" => |ctx, job, of| {
            let path = path(ctx, of, &format!("jobs/{}/play", job.id));
            if is_playable(job) { Value::Text(path) } else { Value::Null }
        },
        "retryPath" => |ctx, job, of| {
            let path = path(ctx, of, &format!("jobs/{}/retry", job.id));
            if is_retryable(job) { Value::Text(path) } else { Value::Null }
        },
        "active" | "cancelable" => |_, job, _| Value::Bool(is_active(job.status)),
        "retryable" => |_, job, _| Value::Bool(is_retryable(job)),
        "playable" => |_, job, _| Value::Bool(is_playable(job)),
        "manualJob" => |_, job, _| Value::Bool(job.status == "manual"),
        "scheduled" => |_, job, _| Value::Bool(job.status == "scheduled"),
        "canPlayJob" => |ctx, job, of| Value::Bool(is_playable(job) && ctx.role(of.project) >= Role::Developer),
        "allowFailure" => |_, job, _| Value::Bool(job.allow_failure),
        "runner" => |_, job, _| match &job.runner {
            None => Value::Null,
            Some((id, description)) => {
                Value::record([("id", Value::Gid("Ci::Runner", *id)), ("description", Value::Str(description))])
            }
        },
        "retried" => |_, job, _| Value::Bool(job.retried),
        "exitCode" => |_, job, _| match (job.kind, job.status, job.failure_reason) {
            (JobKind::Build, "success", _) => Value::Int(0),
            (JobKind::Build, "failed", Some("script_failure")) => Value::Int(1),
            _ => Value::Null,
        },
        "triggered" => |_, _, of| Value::Bool(of.source == "trigger"),
        "schedulingType" => |_, _, _| Value::Str("stage"),
        "stuck" => {
            |_, job, _| Value::Bool(job.status == "pending" && job.failure_reason == Some("stuck_or_timeout_failure"))
        }
        "browseArtifactsPath" | "erasedAt" | "scheduledAt" => |_, _, _| Value::Null,
        _ => return None,
    })
}

/// A status as badges show it.
pub(crate) fn detailed_status<'w>(status: &'static str) -> Value<'w> {
    let words = match status {
        "success" => "passed",
        "waiting_for_resource" => "waiting for resource",
        other => other,
    };
    Value::record([("group", Value::Str(status)), ("label", Value::Str(words)), ("text", Value::Str(words))])
}

fn is_playable(job: &Job) -> bool {
    matches!(job.status, "manual" | "scheduled")
}

fn is_retryable(job: &Job) -> bool {
    matches!(job.status, "success" | "failed" | "canceled") && !job.retried && job.kind == JobKind::Build
}

fn path(ctx: &Context<'_>, of: &Pipeline, rest: &str) -> String {
    let project = ctx.world.project(of.project).map_or("", |project| &project.full_path);
    format!("/{project}/-/{rest}")
}

/// A page of jobs.
pub(crate) fn page_of<'w>(
    all: impl Iterator<Item = (&'w Job, &'w Pipeline)>,
    order: Order,
    arguments: &Arguments,
) -> Value<'w> {
    let statuses = arguments.texts("statuses");
    let name = arguments.text("name");
    let sources = arguments.texts("sources");
    let iid = arguments.text("pipelineIid").and_then(|iid| iid.parse::<i64>().ok());
    let retried = arguments.get("retried").and_then(serde_json::Value::as_bool);
    let kind = arguments.text("jobKind").or_else(|| arguments.text("kind"));
    // Jobs of the World keep no artifacts and scan nothing; all run on success.
    let artifacts = arguments.flag("withArtifacts") || arguments.texts("securityReportTypes").is_some();
    let when = arguments.texts("whenExecuted");
    let found = all.filter(|(job, of)| {
        let status = job.status.to_uppercase();
        let source = of.source.to_uppercase();
        statuses.as_ref().is_none_or(|statuses| statuses.contains(&status.as_str()))
            && name.is_none_or(|name| job.name == name)
            && sources.as_ref().is_none_or(|sources| sources.contains(&source.as_str()))
            && iid.is_none_or(|iid| iid == of.iid)
            && retried.is_none_or(|retried| retried == job.retried)
            && kind.is_none_or(|kind| (kind == "BUILD") == (job.kind == JobKind::Build))
            && when.as_ref().is_none_or(|when| when.contains(&"on_success"))
            && !artifacts
    });
    page(found.map(|(job, of)| Object::Job(job, of)).collect(), order, arguments)
}

/// One job, by id.
pub(crate) fn one<'w>(mut all: impl Iterator<Item = &'w Pipeline>, arguments: &Arguments) -> Value<'w> {
    let id = arguments.text("id").and_then(global_number);
    let found = all.find_map(|pipeline| {
        let job = pipeline.jobs.iter().find(|job| Some(job.id) == id)?;
        Some(Object::Job(job, pipeline))
    });
    Value::object(found)
}
