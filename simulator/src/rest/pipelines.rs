//! Lists of pipelines and jobs.

use serde_json::{Value, json};

use super::keyset::{self, CURSOR};
use super::page::{Paging, page};
use super::params::{PAGED, Param, SORTS, one_of, some_of, text, time, truth};
use super::pipeline::STATUSES;
use super::route::Needs::{Nothing, User};
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Job, JobKind, Pipeline, Project, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/pipelines", Nothing, list).takes(&[PIPELINES, PAGED]),
    read("/projects/:id/pipelines/:pipeline_id", Nothing, one),
    read("/projects/:id/pipelines/:pipeline_id/jobs", Nothing, jobs).takes(&[JOBS, INCLUDE_RETRIED, PAGED]),
    read("/projects/:id/jobs", User, all_jobs).takes(&[JOBS, CURSOR, PAGED]),
];

static SOURCES: &[&str] = &[
    "unknown",
    "push",
    "web",
    "trigger",
    "schedule",
    "api",
    "external",
    "pipeline",
    "chat",
    "webide",
    "merge_request_event",
    "external_pull_request_event",
    "parent_pipeline",
    "ondemand_dast_scan",
    "ondemand_dast_validation",
    "security_orchestration_policy",
    "container_registry_push",
];

/// lib/api/ci/pipelines.rb.
static PIPELINES: &[Param] = &[
    one_of("scope", &["running", "pending", "finished", "branches", "tags"]),
    one_of("status", STATUSES),
    text("ref"),
    text("sha"),
    truth("yaml_errors"),
    text("username"),
    time("updated_before"),
    time("updated_after"),
    time("created_before"),
    time("created_after"),
    one_of("order_by", &["id", "status", "ref", "updated_at", "user_id"]).or("id"),
    one_of("sort", SORTS).or("desc"),
    one_of("source", SOURCES),
    text("name"),
];

/// lib/api/ci/jobs.rb.
static JOBS: &[Param] = &[some_of("scope", STATUSES)];

static INCLUDE_RETRIED: &[Param] = &[truth("include_retried").or("false")];

/// The statuses that nothing follows.
static FINISHED: &[&str] = &["success", "failed", "canceled", "skipped"];

/// The project of the path, if the caller reads its pipelines.
fn project<'w>(world: &'w World, request: &Request) -> Result<&'w Project, Failure> {
    let project = find::project(world, request)?;
    if !world.reads_builds(&request.caller, project) {
        return Err(Failure::forbidden(""));
    }
    Ok(project)
}

pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = project(world, request)?;
    let args = &request.args;
    let updated = (args.time("updated_after")?, args.time("updated_before")?);
    let created = (args.time("created_after")?, args.time("created_before")?);
    let within = |at: jiff::Timestamp, (after, before): (Option<jiff::Timestamp>, Option<jiff::Timestamp>)| {
        after.is_none_or(|after| at >= after) && before.is_none_or(|before| at <= before)
    };
    let mut found: Vec<&Pipeline> = world
        .pipelines_of(project.id)
        .filter(|pipeline| within(pipeline.updated_at, updated) && within(pipeline.created_at, created))
        .filter(|pipeline| wanted(world, request, pipeline))
        .collect();
    let latest = args.filled("scope").filter(|scope| scope == "branches" || scope == "tags");
    if let Some(scope) = latest {
        found = latest_of_each(&found, scope == "tags");
    }
    order(request, &mut found);
    page(world, request, Paging::Offset, &found, |found| with_name(world, found, show::pipeline(world, project, found)))
}

/// The name is in answers of the list and of one pipeline alone, since 16.3 (`PipelineWithMetadata`, doc/api/pipelines.md).
fn with_name(world: &World, found: &Pipeline, mut shown: Value) -> Value {
    if world.settings.at_least(16, 3) {
        shown["name"] = json!(found.name);
    }
    shown
}

/// Pipelines that others started are listed only when their source is asked for (app/finders/ci/pipelines_finder.rb).
fn wanted(world: &World, request: &Request, pipeline: &Pipeline) -> bool {
    let args = &request.args;
    let source = args.filled("source");
    let child = pipeline.source == "parent_pipeline" && source.is_none();
    let scope = match args.filled("scope").as_deref() {
        Some("finished") => FINISHED.contains(&pipeline.status),
        Some("branches") => !pipeline.tag,
        Some("tags") => pipeline.tag,
        Some(status) => pipeline.status == status,
        None => true,
    };
    let started_by = |name: String| world.user_by_name(&name).is_some_and(|user| pipeline.user == Some(user.id));
    // Names are looked at since 16.9 (doc/api/pipelines.md).
    let called = |name: String| !world.settings.at_least(16, 9) || pipeline.name == Some(name);
    !child
        && scope
        && source.is_none_or(|source| pipeline.source == source)
        && args.filled("status").is_none_or(|status| pipeline.status == status)
        && args.filled("ref").is_none_or(|name| pipeline.ref_name == name)
        && args.filled("sha").is_none_or(|sha| pipeline.sha.to_string() == sha)
        && args.filled("username").is_none_or(started_by)
        && args.filled("name").is_none_or(called)
        // No pipeline of this World has a configuration that cannot be read.
        && !args.is("yaml_errors")
}

/// The newest pipeline of each branch, or of each tag.
fn latest_of_each<'w>(found: &[&'w Pipeline], tags: bool) -> Vec<&'w Pipeline> {
    let mut names = std::collections::HashSet::new();
    let newest = found.iter().rev().filter(|pipeline| pipeline.tag == tags);
    newest.filter(|pipeline| names.insert(pipeline.ref_name.as_str())).copied().collect()
}

fn order(request: &Request, found: &mut [&Pipeline]) {
    match request.args.text("order_by").as_deref() {
        Some("updated_at") => found.sort_by_key(|pipeline| (pipeline.updated_at, pipeline.id)),
        Some("status") => found.sort_by_key(|pipeline| (pipeline.status, pipeline.id)),
        Some("ref") => found.sort_by(|left, right| left.ref_name.cmp(&right.ref_name).then(left.id.cmp(&right.id))),
        Some("user_id") => found.sort_by_key(|pipeline| (pipeline.user, pipeline.id)),
        _ => found.sort_by_key(|pipeline| pipeline.id),
    }
    if request.args.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
}

fn pipeline<'w>(world: &'w World, request: &Request) -> Result<(&'w Project, &'w Pipeline), Failure> {
    let project = project(world, request)?;
    let id = request.param(1).parse().map_err(|_| Failure::param("pipeline_id is invalid"))?;
    let found = world.pipeline(id).filter(|found| found.project == project.id);
    Ok((project, found.ok_or_else(Failure::no_row)?))
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = pipeline(world, request)?;
    Ok(Reply::ok(with_name(world, found, show::pipeline_single(world, project, found))))
}

/// The jobs of a pipeline, without those that were tried again.
pub(crate) fn jobs(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = pipeline(world, request)?;
    let retried_too = request.args.is("include_retried");
    let jobs = found.jobs.iter().rev().filter(|job| retried_too || !job.retried);
    let jobs: Vec<&Job> = jobs.filter(|job| is_asked_for(request, job)).collect();
    page(world, request, Paging::Offset, &jobs, |job| show::job(world, project, found, job))
}

/// All jobs of a project, the newest first.
pub(crate) fn all_jobs(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = project(world, request)?;
    let all = world.pipelines_of(project.id).flat_map(|pipeline| pipeline.jobs.iter().map(move |job| (pipeline, job)));
    let mut jobs: Vec<(&Pipeline, &Job)> = all.filter(|(_, job)| is_asked_for(request, job)).collect();
    jobs.sort_by_key(|(_, job)| std::cmp::Reverse(job.id));
    let shown = |(pipeline, job): &(&Pipeline, &Job)| show::job(world, project, pipeline, job);
    if keyset::wished(request) {
        return keyset::by_cursor(world, request, jobs, (None, |(_, job): &(&Pipeline, &Job)| job.id), shown);
    }
    page(world, request, Paging::Offset, &jobs, shown)
}

/// Bridges have a list of their own.
fn is_asked_for(request: &Request, job: &Job) -> bool {
    let statuses = request.args.items("scope");
    job.kind == JobKind::Build && (statuses.is_empty() || statuses.iter().any(|status| job.status == status))
}
