//! Pipelines, jobs and deployments.

use super::page::{Paging, keyset, keyset_page, page};
use super::params::{PAGED, Param, SORTS, one_of, some_of, text, time, truth};
use super::route::Needs::{Nothing, User};
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Deployment, Job, Pipeline, Project, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/deployments", Nothing, deployments).takes(&[DEPLOYMENTS, PAGED]),
    read("/projects/:id/pipelines", Nothing, list).takes(&[PIPELINES, PAGED]),
    read("/projects/:id/pipelines/:pipeline_id", Nothing, one),
    read("/projects/:id/pipelines/:pipeline_id/jobs", Nothing, jobs).takes(&[JOBS, PAGED]),
    read("/projects/:id/jobs", User, all_jobs).takes(&[JOBS, PAGED]),
];

static STATUSES: &[&str] = &[
    "created",
    "waiting_for_resource",
    "preparing",
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
static JOBS: &[Param] = &[some_of("scope", STATUSES), truth("include_retried").or("false")];

/// lib/api/deployments.rb.
static DEPLOYMENTS: &[Param] = &[
    one_of("order_by", &["id", "iid", "created_at", "updated_at", "finished_at", "ref"]).or("id"),
    one_of("sort", SORTS).or("asc"),
    time("updated_after"),
    time("updated_before"),
    time("finished_after"),
    time("finished_before"),
    text("environment"),
    one_of("status", &["created", "running", "success", "failed", "canceled", "skipped", "blocked"]),
];

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
    let (after, before) = (args.time("updated_after")?, args.time("updated_before")?);
    let status = args.text("status");
    let ref_name = args.text("ref");
    let wanted = |pipeline: &&Pipeline| {
        after.is_none_or(|after| pipeline.updated_at >= after)
            && before.is_none_or(|before| pipeline.updated_at <= before)
            && status.as_ref().is_none_or(|status| pipeline.status == status)
            && ref_name.as_ref().is_none_or(|name| pipeline.ref_name == *name)
    };
    let mut found: Vec<&Pipeline> = world.pipelines_of(project.id).filter(wanted).collect();
    match args.text("order_by").as_deref() {
        Some("updated_at") => found.sort_by_key(|pipeline| (pipeline.updated_at, pipeline.id)),
        _ => found.sort_by_key(|pipeline| pipeline.id),
    }
    if args.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    page(world, request, Paging::Offset, &found, |pipeline| show::pipeline(world, project, pipeline))
}

fn pipeline<'w>(world: &'w World, request: &Request) -> Result<(&'w Project, &'w Pipeline), Failure> {
    let project = project(world, request)?;
    let id = request.param(1).parse().map_err(|_| Failure::param("pipeline_id is invalid"))?;
    let found = world.pipeline(id).filter(|found| found.project == project.id);
    Ok((project, found.ok_or_else(Failure::no_row)?))
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = pipeline(world, request)?;
    Ok(Reply::ok(show::pipeline_single(world, project, found)))
}

pub(crate) fn jobs(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = pipeline(world, request)?;
    let jobs: Vec<&Job> = found.jobs.iter().rev().collect();
    page(world, request, Paging::Offset, &jobs, |job| show::job(world, project, found, job))
}

pub(crate) fn all_jobs(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = project(world, request)?;
    let jobs = world
        .pipelines_of(project.id)
        .rev()
        .flat_map(|pipeline| pipeline.jobs.iter().rev().map(move |job| (pipeline, job)));
    let jobs: Vec<(&Pipeline, &Job)> = jobs.collect();
    let shown = |(pipeline, job): &(&Pipeline, &Job)| show::job(world, project, pipeline, job);
    if keyset(request, "id")? {
        return keyset_page(world, request, jobs, |(_, job)| job.id, shown);
    }
    page(world, request, Paging::Offset, &jobs, shown)
}

/// Deployments. A filter on a time needs the order by that time.
pub(crate) fn deployments(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = project(world, request)?;
    let args = &request.args;
    let order = args.text("order_by").unwrap_or_else(|| "id".to_owned());
    for time in ["updated_at", "finished_at"] {
        let name = time.trim_end_matches("_at");
        let filtered = args.raw(&format!("{name}_after")).or_else(|| args.raw(&format!("{name}_before")));
        if filtered.is_some() && order != time {
            return Err(Failure::bad_request(&format!("`{time}` filter requires `{time}` sort")));
        }
    }
    let (after, before) = (args.time("updated_after")?, args.time("updated_before")?);
    let (finished_after, finished_before) = (args.time("finished_after")?, args.time("finished_before")?);
    let status = args.text("status");
    let environment = args.text("environment");
    let named = |deployment: &Deployment, name: &String| {
        world.environment(deployment.environment).is_some_and(|environment| environment.name == *name)
    };
    let wanted = |deployment: &&Deployment| {
        after.is_none_or(|after| deployment.updated_at >= after)
            && before.is_none_or(|before| deployment.updated_at <= before)
            && finished_after.is_none_or(|after| deployment.finished_at.is_some_and(|at| at >= after))
            && finished_before.is_none_or(|before| deployment.finished_at.is_some_and(|at| at <= before))
            && status.as_ref().is_none_or(|status| deployment.status == status)
            && environment.as_ref().is_none_or(|name| named(deployment, name))
    };
    let mut found: Vec<&Deployment> = world.deployments_of(project.id).filter(wanted).collect();
    match order.as_str() {
        "id" | "iid" | "ref" => found.sort_by_key(|deployment| deployment.id),
        "created_at" => found.sort_by_key(|deployment| (deployment.created_at, deployment.id)),
        "updated_at" => found.sort_by_key(|deployment| (deployment.updated_at, deployment.id)),
        "finished_at" => found.sort_by_key(|deployment| (deployment.finished_at, deployment.id)),
        _ => return Err(Failure::param("order_by does not have a valid value")),
    }
    if args.text("sort").as_deref() == Some("desc") {
        found.reverse();
    }
    page(world, request, Paging::Offset, &found, |deployment| show::deployment(world, project, deployment))
}
