//! Lists of pipelines and jobs.

use std::collections::HashSet;

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

/// Parameters of the list that leave pipelines out.
static FILTERS: &[&str] = &[
    "scope",
    "status",
    "ref",
    "sha",
    "yaml_errors",
    "username",
    "updated_before",
    "updated_after",
    "created_before",
    "created_after",
    "source",
    "name",
];

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

/// A page of pipelines. Of an unfiltered list in the order of ids only the page is made.
pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = project(world, request)?;
    let row = |id: &i64| {
        let found = world.pipeline(*id);
        found.map(|found| with_name(world, found, show::pipeline(world, project, found))).unwrap_or_default()
    };
    if FILTERS.iter().any(|name| request.args.filled(name).is_some()) || Order::of(request) != Order::Id {
        return page(world, request, Paging::Offset, &found(world, request, project)?, row);
    }
    let mut ids: Vec<i64> = world.pipeline_ids(project.id).filter(|id| !world.is_child_pipeline(*id)).collect();
    ids.sort_unstable();
    if !ascending(request) {
        ids.reverse();
    }
    page(world, request, Paging::Offset, &ids, row)
}

/// Ids of the pipelines that are asked for, in order. All are looked at, and none is kept.
fn found(world: &World, request: &Request, project: &Project) -> Result<Vec<i64>, Failure> {
    let args = &request.args;
    let updated = (args.time("updated_after")?, args.time("updated_before")?);
    let created = (args.time("created_after")?, args.time("created_before")?);
    let within = |at: jiff::Timestamp, (after, before): (Option<jiff::Timestamp>, Option<jiff::Timestamp>)| {
        after.is_none_or(|after| at >= after) && before.is_none_or(|before| at <= before)
    };
    // The newest pipeline of each branch, or of each tag.
    let latest = args.filled("scope").filter(|scope| scope == "branches" || scope == "tags");
    let mut names = HashSet::new();
    let order = Order::of(request);
    let newest_first = world.pipeline_ids(project.id).rev().filter_map(|id| world.glance_pipeline(id));
    let mut found: Vec<(Key, i64)> = newest_first
        .filter(|pipeline| within(pipeline.updated_at, updated) && within(pipeline.created_at, created))
        .filter(|pipeline| wanted(world, request, pipeline))
        .filter(|pipeline| latest.is_none() || names.insert(pipeline.ref_name.clone()))
        .map(|pipeline| (order.key(&pipeline), pipeline.id))
        .collect();
    found.sort_unstable();
    if !ascending(request) {
        found.reverse();
    }
    Ok(found.into_iter().map(|(_, id)| id).collect())
}

/// What pipelines are ordered by; the id breaks ties.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Id,
    UpdatedAt,
    Status,
    Ref,
    User,
}

/// Where a pipeline stands in an order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Nothing,
    At(jiff::Timestamp),
    Word(&'static str),
    Text(String),
    User(Option<i64>),
}

impl Order {
    fn of(request: &Request) -> Order {
        match request.args.text("order_by").as_deref() {
            Some("updated_at") => Order::UpdatedAt,
            Some("status") => Order::Status,
            Some("ref") => Order::Ref,
            Some("user_id") => Order::User,
            _ => Order::Id,
        }
    }

    fn key(self, pipeline: &Pipeline) -> Key {
        match self {
            Order::Id => Key::Nothing,
            Order::UpdatedAt => Key::At(pipeline.updated_at),
            Order::Status => Key::Word(pipeline.status),
            Order::Ref => Key::Text(pipeline.ref_name.clone()),
            Order::User => Key::User(pipeline.user),
        }
    }
}

fn ascending(request: &Request) -> bool {
    request.args.text("sort").as_deref() == Some("asc")
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

/// All jobs of a project, the newest first. Only those of the page are made as a whole.
pub(crate) fn all_jobs(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = project(world, request)?;
    let jobs = world.courses_of(project.id).flat_map(|pipeline| {
        let jobs = pipeline.jobs.iter().rev().filter(|job| is_asked_for(request, job));
        jobs.map(|job| (pipeline.id, job.id)).collect::<Vec<_>>()
    });
    let shown = |(pipeline, id): &(i64, i64)| {
        let pipeline = world.pipeline(*pipeline);
        let found = pipeline.and_then(|pipeline| Some((pipeline, pipeline.jobs.iter().find(|job| job.id == *id)?)));
        found.map(|(pipeline, job)| show::job(world, project, pipeline, job)).unwrap_or_default()
    };
    if keyset::wished(request) {
        return keyset::by_cursor(world, request, jobs.collect(), (None, |(_, id): &(i64, i64)| *id), shown);
    }
    // Jobs that were tried again are younger than their pipelines, and only those of pipelines that somebody touched are.
    let mut jobs: Vec<(i64, i64)> = jobs.collect();
    jobs.sort_unstable_by_key(|(_, id)| std::cmp::Reverse(*id));
    page(world, request, Paging::Offset, &jobs, shown)
}

/// Bridges have a list of their own.
fn is_asked_for(request: &Request, job: &Job) -> bool {
    let statuses = request.args.items("scope");
    job.kind == JobKind::Build && (statuses.is_empty() || statuses.iter().any(|status| job.status == status))
}
