//! Pipelines and their stages.

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::literals::global_number;
use crate::graphql::order::{By, Order};
use crate::graphql::value::{Object, Value};
use crate::world::{JobKind, Pipeline};

use super::job;
use super::kit::{On, ids, is_active, page, seconds};

/// Resolves a field of a stage, which a pipeline knows by name.
pub(crate) type OnStage = for<'w> fn(&Context<'w>, &'w Pipeline, &'w str, &Arguments) -> Value<'w>;

pub(crate) fn field(name: &str) -> Option<On<Pipeline>> {
    Some(match name {
        "id" => |_, pipeline, _| Value::Gid("Ci::Pipeline", pipeline.id),
        "iid" => |_, pipeline, _| Value::Digits(pipeline.iid),
        "status" => |_, pipeline, _| Value::Text(pipeline.status.to_uppercase()),
        "source" => |_, pipeline, _| Value::Str(pipeline.source),
        "ref" | "refText" => |_, pipeline, _| Value::Str(&pipeline.ref_name),
        "refPath" => |ctx, pipeline, _| Value::Text(path(ctx, pipeline, &format!("commits/{}", pipeline.ref_name))),
        "sha" => |_, pipeline, arguments| match arguments.text("format") {
            Some("SHORT") => Value::Text(pipeline.sha.short()),
            _ => Value::Sha(pipeline.sha),
        },
        "beforeSha" => |_, pipeline, _| Value::Sha(pipeline.before_sha),
        "commit" => |ctx, pipeline, _| {
            let project = ctx.project(Some(pipeline.project)).filter(|project| ctx.rights(project).code);
            let found = project.and_then(|project| Some((ctx.world.commit_of(project, pipeline.sha)?, project)));
            Value::object(found.map(|(commit, project)| Object::Commit(commit, project)))
        },
        "commitPath" => |ctx, pipeline, _| Value::Text(path(ctx, pipeline, &format!("commit/{}", pipeline.sha))),
        "committedAt" => |_, _, _| Value::Null,
        "createdAt" => |_, pipeline, _| Value::Time(pipeline.created_at),
        "updatedAt" => |_, pipeline, _| Value::Time(pipeline.updated_at),
        "startedAt" => |_, pipeline, _| Value::time(pipeline.started_at),
        "finishedAt" => |_, pipeline, _| Value::time(pipeline.finished_at),
        "duration" => |_, pipeline, _| seconds(pipeline.started_at, pipeline.finished_at),
        "queuedDuration" => |_, pipeline, _| seconds(Some(pipeline.created_at), pipeline.started_at),
        "coverage" => |_, pipeline, _| pipeline.coverage.map_or(Value::Null, Value::Float),
        "user" => |ctx, pipeline, _| ctx.user(pipeline.user),
        "project" => |ctx, pipeline, _| Value::object(ctx.project(Some(pipeline.project)).map(Object::Project)),
        "mergeRequest" => |ctx, pipeline, _| ctx.merge_request(ctx.world.merge_request_of_pipeline(pipeline)),
        "path" => |ctx, pipeline, _| Value::Text(path(ctx, pipeline, &format!("pipelines/{}", pipeline.id))),

        "jobs" => |_, pipeline, arguments| {
            let jobs = pipeline.jobs.iter().map(|job| (job, pipeline));
            job::page_of(jobs, Order::descending(By::Id), arguments)
        },
        "job" => |_, pipeline, arguments| {
            let id = arguments.text("id").and_then(global_number);
            let name = arguments.text("name");
            let mut jobs = pipeline.jobs.iter().rev().filter(|_| id.is_some() || name.is_some());
            let found = jobs.find(|job| id.is_none_or(|id| id == job.id) && name.is_none_or(|name| name == job.name));
            Value::object(found.map(|job| Object::Job(job, pipeline)))
        },
        "totalJobs" => |_, pipeline, _| Value::count(pipeline.jobs.len()),
        "active" | "cancelable" => |_, pipeline, _| Value::Bool(is_active(pipeline.status)),
        "complete" => |_, pipeline, _| Value::Bool(!is_active(pipeline.status)),
        "retryable" => |_, pipeline, _| {
            let again = |status: &str| matches!(status, "failed" | "canceled");
            Value::Bool(pipeline.jobs.iter().any(|job| again(job.status) && !job.retried))
        },
        "warnings" => |_, pipeline, _| {
            let excused = pipeline.jobs.iter().any(|job| job.allow_failure && job.status == "failed" && !job.retried);
            Value::Bool(pipeline.status == "success" && excused)
        },
        "hasManualActions" => |_, pipeline, _| Value::Bool(pipeline.jobs.iter().any(|job| job.status == "manual")),
        "hasScheduledActions" => {
            |_, pipeline, _| Value::Bool(pipeline.jobs.iter().any(|job| job.status == "scheduled"))
        }
        "latest" => |ctx, pipeline, _| {
            let mut later =
                ctx.world.pipelines_of(pipeline.project).filter(|other| other.ref_name == pipeline.ref_name);
            Value::Bool(!later.any(|other| other.id > pipeline.id))
        },
        "type" => |_, pipeline, _| match pipeline.source {
            "merge_request_event" => Value::Str("merge_request"),
            _ if pipeline.tag => Value::Str("tag"),
            _ => Value::Str("branch"),
        },

        "child" => |_, pipeline, _| Value::Bool(pipeline.parent.is_some()),
        "upstream" => |ctx, pipeline, _| {
            Value::object(pipeline.parent.and_then(|id| ctx.world.pipeline(id)).map(Object::Pipeline))
        },
        "downstream" => |ctx, pipeline, arguments| {
            let started = pipeline.jobs.iter().filter_map(|job| match job.kind {
                JobKind::Bridge(pipeline) => ctx.world.pipeline(pipeline?),
                JobKind::Build => None,
            });
            page(started.map(Object::Pipeline).collect(), Order::descending(By::Id), arguments)
        },
        "sourceJob" => |ctx, pipeline, _| {
            let above = pipeline.parent.and_then(|id| ctx.world.pipeline(id));
            let found = above.and_then(|above| {
                let mut jobs = above.jobs.iter();
                Some((jobs.find(|job| job.kind == JobKind::Bridge(Some(pipeline.id)))?, above))
            });
            Value::object(found.map(|(job, above)| Object::Job(job, above)))
        },
        "trigger" => |_, pipeline, _| Value::Bool(pipeline.source == "trigger"),
        "stuck" | "troubleshootJobWithAi" | "usesNeeds" | "yamlErrors" => |_, _, _| Value::Bool(false),
        "computeMinutes" | "name" | "triggeredByPath" | "yamlErrorMessages" => |_, _, _| Value::Null,
        _ => return None,
    })
}

pub(crate) fn stage_field(name: &str) -> Option<OnStage> {
    Some(match name {
        "id" => |_, of, name, _| Value::Text(format!("gid://gitlab/Ci::Stage/{}-{name}", of.id)),
        "name" => |_, _, name, _| Value::Str(name),
        "status" => |_, of, name, _| Value::Str(status_of(of, name)),
        "detailedStatus" => |_, of, name, _| job::detailed_status(status_of(of, name)),
        "jobs" => |_, of, name, arguments| {
            let jobs = of.jobs.iter().filter(|job| job.stage == name && !job.retried);
            job::page_of(jobs.map(|job| (job, of)), Order::ascending(By::Id), arguments)
        },
        "groups" => |_, of, name, arguments| {
            // Jobs that run in parallel are one group; those of the World run alone.
            let jobs = of.jobs.iter().filter(|job| job.stage == name && !job.retried);
            let groups = jobs.map(|job| {
                Object::record([
                    ("id", Value::Text(format!("{}-{}", of.id, job.name))),
                    ("name", Value::Str(&job.name)),
                    ("size", Value::Int(1)),
                    ("detailedStatus", job::detailed_status(job.status)),
                ])
            });
            page(groups.collect(), Order::NUMBERED, arguments)
        },
        _ => return None,
    })
}

/// The status of a stage: the worst that its jobs allow.
fn status_of(of: &Pipeline, stage: &str) -> &'static str {
    let jobs = of.jobs.iter().filter(|job| job.stage == stage && !job.retried && !job.allow_failure);
    let statuses: Vec<_> = jobs.map(|job| job.status).collect();
    let worst = ["running", "pending", "failed", "canceled", "created", "manual", "skipped"];
    worst.into_iter().find(|status| statuses.contains(status)).unwrap_or("success")
}

fn path(ctx: &Context<'_>, pipeline: &Pipeline, rest: &str) -> String {
    let project = ctx.world.project(pipeline.project).map_or("", |project| &project.full_path);
    format!("/{project}/-/{rest}")
}

/// A page of pipelines, newest first.
pub(crate) fn page_of<'w>(
    ctx: &Context<'w>,
    all: impl Iterator<Item = &'w Pipeline>,
    arguments: &Arguments,
) -> Value<'w> {
    let status = arguments.text("status").map(str::to_lowercase);
    let (name, sha) = (arguments.text("ref"), arguments.text("sha"));
    let (source, ref_type) = (arguments.text("source"), arguments.text("refType"));
    let ids = ids(arguments);
    let user = arguments.text("username").map(|name| ctx.user_id(name));
    let after = ctx.time(arguments.text("updatedAfter"));
    let before = ctx.time(arguments.text("updatedBefore"));
    let in_scope = |pipeline: &Pipeline| match arguments.text("scope") {
        Some("RUNNING") => pipeline.status == "running",
        Some("PENDING") => matches!(pipeline.status, "pending" | "created" | "waiting_for_resource" | "preparing"),
        Some("FINISHED") => !is_active(pipeline.status),
        Some("BRANCHES") => !pipeline.tag,
        Some("TAGS") => pipeline.tag,
        _ => true,
    };
    let found = all.filter(|pipeline| {
        status.as_ref().is_none_or(|status| status == pipeline.status)
            && in_scope(pipeline)
            && name.is_none_or(|name| name == pipeline.ref_name)
            && ref_type.is_none_or(|kind| (kind == "TAGS") == pipeline.tag)
            && ids.as_ref().is_none_or(|ids| ids.contains(&pipeline.id))
            && sha.is_none_or(|sha| sha == pipeline.sha.to_string())
            && source.is_none_or(|source| source.eq_ignore_ascii_case(pipeline.source))
            && user.is_none_or(|user| user.is_some() && user == pipeline.user)
            && after.is_none_or(|after| pipeline.updated_at >= after)
            && before.is_none_or(|before| pipeline.updated_at <= before)
    });
    page(found.map(Object::Pipeline).collect(), Order::descending(By::Id), arguments)
}

/// One pipeline, by id, iid or commit.
pub(crate) fn one<'w>(mut all: impl Iterator<Item = &'w Pipeline>, arguments: &Arguments) -> Value<'w> {
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
