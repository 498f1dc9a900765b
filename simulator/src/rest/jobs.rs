//! One job, and what is done to it (`lib/api/ci/jobs.rb`).

use serde_json::Value;

use super::route::Needs::User;
use super::route::{Route, read, write};
use super::{Failure, Reply, Request, allow, find, show};
use crate::world::{Job, JobKind, Pipeline, Project, Role, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/jobs/:job_id", User, one),
    write("POST", "/projects/:id/jobs/:job_id/retry", User, retry),
    write("POST", "/projects/:id/jobs/:job_id/cancel", User, cancel),
    write("POST", "/projects/:id/jobs/:job_id/play", User, play),
];

fn named<'w>(world: &'w World, request: &Request) -> Result<(&'w Project, &'w Pipeline, &'w Job), Failure> {
    let project = allow::builds(world, request)?;
    let id = find::number(request, 1, "job_id")?;
    let (pipeline, job) = world.job(project.id, id).ok_or_else(Failure::no_row)?;
    Ok((project, pipeline, job))
}

/// A bridge is no job that can be read alone.
fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, pipeline, job) = named(world, request)?;
    if job.kind != JobKind::Build {
        return Err(Failure::no_row());
    }
    Ok(Reply::ok(show::job(world, project, pipeline, job)))
}

fn retry(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (pipeline, job) = to_change(world, request)?;
    let again = |job: &Job| !job.retried && ["success", "failed", "canceled"].contains(&job.status);
    if !found(world, request, job).is_some_and(again) {
        return Err(Failure::forbidden("Job is not retryable"));
    }
    let id = world.retry_job(pipeline, job).ok_or_else(Failure::no_row)?;
    shown(world, request, id).map(Reply::created)
}

/// A job that is over stays as it is.
fn cancel(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (pipeline, job) = to_change(world, request)?;
    let open = |job: &Job| ["created", "pending", "running", "manual"].contains(&job.status);
    if found(world, request, job).is_some_and(open) {
        world.cancel_job(pipeline, job);
    }
    shown(world, request, job).map(Reply::created)
}

fn play(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (pipeline, job) = to_change(world, request)?;
    if found(world, request, job).is_none_or(|job| job.status != "manual") {
        return Err(Failure::bad_request("Unplayable Job"));
    }
    world.play_job(pipeline, job);
    shown(world, request, job).map(Reply::ok)
}

fn to_change(world: &World, request: &Request) -> Result<(i64, i64), Failure> {
    let (_, pipeline, job) = named(world, request)?;
    allow::change_builds(world, request, Role::Developer)?;
    Ok((pipeline.id, job.id))
}

fn found<'w>(world: &'w World, request: &Request, job: i64) -> Option<&'w Job> {
    let project = find::project(world, request).ok()?;
    world.job(project.id, job).map(|(_, job)| job)
}

fn shown(world: &World, request: &Request, job: i64) -> Result<Value, Failure> {
    let project = find::project(world, request)?;
    let (pipeline, job) = world.job(project.id, job).ok_or_else(Failure::no_row)?;
    Ok(show::job(world, project, pipeline, job))
}
