//! Pipelines, jobs and deployments.

use crate::world::{Deployment, Job, Pipeline};

use super::kit::{On, Within, page};
use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::literals::global_number;
use crate::graphql::order::{By, Order};
use crate::graphql::value::{Object, Value};

pub(crate) fn pipeline_field(name: &str) -> Option<On<Pipeline>> {
    Some(match name {
        "id" => |_, pipeline, _| Value::Gid("Ci::Pipeline", pipeline.id),
        "iid" => |_, pipeline, _| Value::Digits(pipeline.iid),
        "status" => |_, pipeline, _| Value::Text(pipeline.status.to_uppercase()),
        "source" => |_, pipeline, _| Value::Str(pipeline.source),
        "ref" | "refText" => |_, pipeline, _| Value::Str(&pipeline.ref_name),
        "sha" => |_, pipeline, _| Value::Sha(pipeline.sha),
        "createdAt" => |_, pipeline, _| Value::Time(pipeline.created_at),
        "updatedAt" => |_, pipeline, _| Value::Time(pipeline.updated_at),
        "startedAt" => |_, pipeline, _| Value::time(pipeline.started_at),
        "finishedAt" => |_, pipeline, _| Value::time(pipeline.finished_at),
        "duration" => |_, pipeline, _| seconds(pipeline.started_at, pipeline.finished_at),
        "queuedDuration" => |_, pipeline, _| seconds(Some(pipeline.created_at), pipeline.started_at),
        "user" => |ctx, pipeline, _| ctx.user(pipeline.user),
        "project" => |ctx, pipeline, _| Value::object(ctx.project(Some(pipeline.project)).map(Object::Project)),
        "mergeRequest" => |ctx, pipeline, _| {
            let mut all = ctx.world.merge_requests_of(pipeline.project);
            ctx.merge_request(all.find(|one| one.head_pipeline == Some(pipeline.id)))
        },
        "path" => |ctx, pipeline, _| {
            let project = ctx.world.project(pipeline.project).map_or("", |project| &project.full_path);
            Value::Text(format!("/{project}/-/pipelines/{}", pipeline.id))
        },
        "jobs" => |ctx, pipeline, arguments| {
            let jobs = pipeline.jobs.iter().map(|job| (job, pipeline));
            self::jobs(ctx, jobs, Order::descending(By::Id), arguments)
        },
        "totalJobs" => |_, pipeline, _| Value::count(pipeline.jobs.len()),
        "active" | "cancelable" => |_, pipeline, _| Value::Bool(is_active(pipeline.status)),
        "complete" => |_, pipeline, _| Value::Bool(!is_active(pipeline.status)),
        "retryable" => |_, pipeline, _| Value::Bool(pipeline.status == "failed"),
        "latest" => |ctx, pipeline, _| {
            let mut later =
                ctx.world.pipelines_of(pipeline.project).filter(|other| other.ref_name == pipeline.ref_name);
            Value::Bool(!later.any(|other| other.id > pipeline.id))
        },
        "type" => |_, pipeline, _| match pipeline.source {
            "merge_request_event" => Value::Str("merge_request"),
            _ => Value::Str("branch"),
        },
        "warnings" | "usesNeeds" => |_, _, _| Value::Bool(false),
        "coverage" | "name" => |_, _, _| Value::Null,
        _ => return None,
    })
}

pub(crate) fn job_field(name: &str) -> Option<Within<Job, Pipeline>> {
    Some(match name {
        "id" => |_, job, _| Value::Gid("Ci::Build", job.id),
        "name" => |_, job, _| Value::Str(&job.name),
        "status" => |_, job, _| Value::Text(job.status.to_uppercase()),
        "stage" => |_, job, _| Value::record([("name", Value::Str(&job.stage))]),
        "detailedStatus" => |_, job, _| {
            Value::record([
                ("group", Value::Str(job.status)),
                ("label", Value::Str(job.status)),
                ("text", Value::Str(job.status)),
            ])
        },
        "createdAt" => |_, job, _| Value::Time(job.created_at),
        "queuedAt" => |_, job, _| Value::Time(job.created_at),
        "startedAt" => |_, job, _| Value::time(job.started_at),
        "finishedAt" => |_, job, _| Value::time(job.finished_at),
        "duration" => |_, job, _| seconds(job.started_at, job.finished_at),
        "queuedDuration" => |_, job, _| seconds(Some(job.created_at), job.started_at),
        "refName" => |_, _, of| Value::Str(&of.ref_name),
        "shortSha" => |_, _, of| Value::Text(of.sha.short()),
        "pipeline" => |_, _, of| Value::Object(Object::Pipeline(of)),
        "project" => |ctx, _, of| Value::object(ctx.project(Some(of.project)).map(Object::Project)),
        "webPath" => |ctx, job, of| {
            let project = ctx.world.project(of.project).map_or("", |project| &project.full_path);
            Value::Text(format!("/{project}/-/jobs/{}", job.id))
        },
        "active" | "cancelable" => |_, job, _| Value::Bool(is_active(job.status)),
        "retryable" => |_, job, _| Value::Bool(job.status == "failed"),
        "playable" | "manualJob" | "retried" | "stuck" | "triggered" => |_, _, _| Value::Bool(false),
        "coverage" => |_, _, _| Value::Null,
        _ => return None,
    })
}

pub(crate) fn deployment_field(name: &str) -> Option<On<Deployment>> {
    Some(match name {
        "id" => |_, deployment, _| Value::Gid("Deployment", deployment.id),
        "iid" => |_, deployment, _| Value::Digits(deployment.iid),
        "status" => |_, deployment, _| Value::Text(deployment.status.to_uppercase()),
        "ref" => |_, deployment, _| Value::Str(&deployment.ref_name),
        "sha" => |_, deployment, _| Value::Sha(deployment.sha),
        "tag" => |_, _, _| Value::Bool(false),
        "createdAt" => |_, deployment, _| Value::Time(deployment.created_at),
        "updatedAt" => |_, deployment, _| Value::Time(deployment.updated_at),
        "finishedAt" => |_, deployment, _| Value::time(deployment.finished_at),
        "triggerer" => |ctx, deployment, _| ctx.user(deployment.user),
        "job" => |ctx, deployment, _| {
            let found = deployment.deployable.and_then(|(pipeline, job)| {
                let pipeline = ctx.world.pipeline(pipeline)?;
                let job = pipeline.jobs.iter().find(|known| known.id == job)?;
                Some(Object::Job(job, pipeline))
            });
            Value::object(found)
        },
        _ => return None,
    })
}

/// A page of pipelines, newest first.
pub(crate) fn pipelines<'w>(
    ctx: &Context<'w>,
    all: impl Iterator<Item = &'w Pipeline>,
    arguments: &Arguments,
) -> Value<'w> {
    let status = arguments.text("status").map(str::to_lowercase);
    let (name, sha) = (arguments.text("ref"), arguments.text("sha"));
    let source = arguments.text("source");
    let user = arguments.text("username").map(|name| ctx.user_id(name));
    let after = ctx.time(arguments.text("updatedAfter"));
    let before = ctx.time(arguments.text("updatedBefore"));
    let found = all.filter(|pipeline| {
        status.as_ref().is_none_or(|status| status == pipeline.status)
            && name.is_none_or(|name| name == pipeline.ref_name)
            && sha.is_none_or(|sha| sha == pipeline.sha.to_string())
            && source.is_none_or(|source| source == pipeline.source)
            && user.is_none_or(|user| user.is_some() && user == pipeline.user)
            && after.is_none_or(|after| pipeline.updated_at >= after)
            && before.is_none_or(|before| pipeline.updated_at <= before)
    });
    page(ctx, found.map(Object::Pipeline).collect(), Order::descending(By::Id), arguments)
}

/// One pipeline, by id, iid or commit.
pub(crate) fn pipeline<'w>(mut all: impl Iterator<Item = &'w Pipeline>, arguments: &Arguments) -> Value<'w> {
    let id = arguments.text("id").and_then(global_number);
    let iid = arguments.text("iid").and_then(|iid| iid.parse::<i64>().ok());
    let sha = arguments.text("sha");
    let found = all.find(|pipeline| {
        id.is_none_or(|id| id == pipeline.id)
            && iid.is_none_or(|iid| iid == pipeline.iid)
            && sha.is_none_or(|sha| sha == pipeline.sha.to_string())
    });
    Value::object(found.map(Object::Pipeline))
}

/// A page of jobs.
pub(crate) fn jobs<'w>(
    ctx: &Context<'w>,
    all: impl Iterator<Item = (&'w Job, &'w Pipeline)>,
    order: Order,
    arguments: &Arguments,
) -> Value<'w> {
    let statuses = arguments.texts("statuses");
    let name = arguments.text("name");
    let found = all.filter(|(job, _)| {
        let status = job.status.to_uppercase();
        statuses.as_ref().is_none_or(|statuses| statuses.contains(&status.as_str()))
            && name.is_none_or(|name| job.name == name)
    });
    page(ctx, found.map(|(job, of)| Object::Job(job, of)).collect(), order, arguments)
}

/// One job, by id.
pub(crate) fn job<'w>(mut all: impl Iterator<Item = &'w Pipeline>, arguments: &Arguments) -> Value<'w> {
    let id = arguments.text("id").and_then(global_number);
    let found = all.find_map(|pipeline| {
        let job = pipeline.jobs.iter().find(|job| Some(job.id) == id)?;
        Some(Object::Job(job, pipeline))
    });
    Value::object(found)
}

fn is_active(status: &str) -> bool {
    matches!(status, "created" | "waiting_for_resource" | "preparing" | "pending" | "running")
}

fn seconds<'w>(from: Option<jiff::Timestamp>, to: Option<jiff::Timestamp>) -> Value<'w> {
    match (from, to) {
        (Some(from), Some(to)) => Value::Int(to.duration_since(from).as_secs()),
        _ => Value::Null,
    }
}
