//! One pipeline: the latest, its bridges and reports, and what is done to it (`lib/api/ci/pipelines.rb`).

use serde_json::{Value, json};

use super::page::{Paging, page};
use super::params::{PAGED, Param, some_of, text};
use super::route::Needs::{Nothing, User};
use super::route::{Route, read, since, write};
use super::{Failure, Reply, Request, allow, find, show};
use crate::world::{Job, JobKind, Pipeline, Project, Role, World};

/// `Ci::HasStatus::AVAILABLE_STATUSES`.
pub(super) static STATUSES: &[&str] = &[
    "created",
    "waiting_for_resource",
    "preparing",
    "waiting_for_callback",
    "pending",
    "running",
    "success",
    "failed",
    "canceling",
    "canceled",
    "skipped",
    "manual",
    "scheduled",
];

static LATEST: &[Param] = &[text("ref")];
static BRIDGES: &[Param] = &[some_of("scope", STATUSES)];
static CREATE: &[Param] = &[text("ref").required()];
static NAME: &[Param] = &[text("name").required()];

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/pipelines/latest", Nothing, latest).takes(&[LATEST]),
    read("/projects/:id/pipelines/:pipeline_id/bridges", Nothing, bridges).takes(&[BRIDGES, PAGED]),
    read("/projects/:id/pipelines/:pipeline_id/variables", Nothing, variables),
    read("/projects/:id/pipelines/:pipeline_id/test_report", Nothing, test_report),
    read("/projects/:id/pipelines/:pipeline_id/test_report_summary", Nothing, test_report_summary),
    write("POST", "/projects/:id/pipeline", User, create).takes(&[CREATE]),
    write("POST", "/projects/:id/pipelines/:pipeline_id/retry", User, retry),
    write("POST", "/projects/:id/pipelines/:pipeline_id/cancel", User, cancel),
    since(16, 6, write("PUT", "/projects/:id/pipelines/:pipeline_id/metadata", User, rename).takes(&[NAME])),
    write("DELETE", "/projects/:id/pipelines/:pipeline_id", User, delete),
];

/// The pipeline of the first two placeholders, if the caller reads it.
pub(super) fn named<'w>(world: &'w World, request: &Request) -> Result<(&'w Project, &'w Pipeline), Failure> {
    let project = allow::builds(world, request)?;
    let id = find::number(request, 1, "pipeline_id")?;
    let found = world.pipeline(id).filter(|found| found.project == project.id);
    Ok((project, found.ok_or_else(Failure::no_row)?))
}

/// The pipeline of the head of a branch, the default one without a word. Without one GitLab asks whether nothing may be read.
fn latest(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::builds(world, request)?;
    let name = request.args.text("ref").or_else(|| project.default_branch.clone()).unwrap_or_default();
    let head = world.resolve_ref(project, &name);
    let of_head = |found: &&Pipeline| found.ref_name == name && Some(found.sha) == head && found.parent.is_none();
    let found = world.pipelines_of(project.id).rev().find(of_head).ok_or_else(|| Failure::forbidden(""))?;
    Ok(Reply::ok(show::pipeline_single(world, project, found)))
}

fn bridges(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = named(world, request)?;
    let scope = request.args.items("scope");
    let bridge = |job: &&Job| job.kind != JobKind::Build && !job.retried;
    let wanted = |job: &&Job| scope.is_empty() || scope.iter().any(|status| status == job.status);
    let jobs: Vec<&Job> = found.jobs.iter().rev().filter(bridge).filter(wanted).collect();
    page(world, request, Paging::Offset, &jobs, |job| show::bridge(world, project, found, job))
}

/// Whoever started the pipeline reads its variables, and Maintainers (`Ci::PipelinePolicy`).
fn variables(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = named(world, request)?;
    let own = found.user.is_some() && found.user == request.caller.user;
    if !own && world.caller_role(&request.caller, project) < Role::Maintainer {
        return Err(Failure::forbidden(""));
    }
    Ok(Reply::ok(json!([])))
}

/// No job of the World reports tests.
fn test_report(world: &World, request: &Request) -> Result<Reply, Failure> {
    named(world, request)?;
    Ok(Reply::ok(json!({
        "total_time": 0.0,
        "total_count": 0,
        "success_count": 0,
        "failed_count": 0,
        "skipped_count": 0,
        "error_count": 0,
        "test_suites": [],
    })))
}

fn test_report_summary(world: &World, request: &Request) -> Result<Reply, Failure> {
    named(world, request)?;
    let total =
        json!({ "time": 0.0, "count": 0, "success": 0, "failed": 0, "skipped": 0, "error": 0, "suite_error": null });
    Ok(Reply::ok(json!({ "total": total, "test_suites": [] })))
}

fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::change_builds(world, request, Role::Developer)?.id;
    let user = find::caller(world, request)?.username.clone();
    let name = request.args.text("ref").unwrap_or_default();
    let missing = || Failure::invalid(&json!({ "base": ["Reference not found"] }));
    let id = world.start_pipeline(project, &name, &user, "api").ok_or_else(missing)?;
    shown(world, id).map(Reply::created)
}

fn retry(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = to_change(world, request, Role::Developer)?;
    world.retry_pipeline(id);
    shown(world, id).map(Reply::created)
}

fn cancel(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = to_change(world, request, Role::Developer)?;
    let over = world.pipeline(id).is_some_and(|pipeline| pipeline.finished_at.is_some());
    if !over {
        world.finish_pipeline(id, "canceled");
    }
    shown(world, id).map(Reply::ok)
}

fn rename(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = to_change(world, request, Role::Developer)?;
    let name = request.args.text("name");
    world.edit_pipeline(id, |pipeline| pipeline.name = name);
    shown(world, id).map(Reply::ok)
}

fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = to_change(world, request, Role::Owner)?;
    world.delete_pipeline(id);
    Ok(Reply::no_content())
}

fn to_change(world: &World, request: &Request, least: Role) -> Result<i64, Failure> {
    allow::builds(world, request)?;
    let id = named(world, request)?.1.id;
    allow::change_builds(world, request, least)?;
    Ok(id)
}

fn shown(world: &World, id: i64) -> Result<Value, Failure> {
    let pipeline = world.pipeline(id).ok_or_else(Failure::no_row)?;
    let project = world.project(pipeline.project).ok_or_else(Failure::no_row)?;
    Ok(show::pipeline_single(world, project, pipeline))
}
