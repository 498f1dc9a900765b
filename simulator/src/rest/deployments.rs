//! One deployment, and what is done to it (`lib/api/deployments.rb`).

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::page::{Paging, page};
use super::params::{PAGED, Param, one_of, text, truth};
use super::route::Needs::User;
use super::route::{Route, read, since, write};
use super::show::LabelStyle;
use super::{Failure, Reply, Request, allow, find, show};
use crate::world::{Deployment, Project, Role, World};

static STATUSES: &[&str] = &["running", "success", "failed", "canceled"];
static CREATE: &[Param] = &[
    text("environment").required(),
    text("sha").required(),
    text("ref").required(),
    truth("tag").required(),
    one_of("status", STATUSES).required(),
];
static UPDATE: &[Param] = &[one_of("status", STATUSES).required()];

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/deployments/:deployment_id", User, one),
    read("/projects/:id/deployments/:deployment_id/merge_requests", User, merge_requests).takes(&[PAGED]),
    write("POST", "/projects/:id/deployments", User, create).takes(&[CREATE]),
    write("PUT", "/projects/:id/deployments/:deployment_id", User, update).takes(&[UPDATE]),
    since(15, 3, write("DELETE", "/projects/:id/deployments/:deployment_id", User, delete)),
];

fn named<'w>(world: &'w World, request: &Request) -> Result<(&'w Project, &'w Deployment), Failure> {
    let project = allow::builds(world, request)?;
    let id = find::number(request, 1, "deployment_id")?;
    let found = world.deployment(id).filter(|found| found.project == project.id);
    Ok((project, found.ok_or_else(Failure::no_row)?))
}

fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = named(world, request)?;
    Ok(Reply::ok(show::deployment_single(world, project, found)))
}

/// The merge requests that it brought out.
fn merge_requests(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = named(world, request)?;
    let readable = world.reads_merge_requests(&request.caller, project);
    let brought = if readable { world.merge_requests_brought_by(found) } else { Vec::new() };
    page(world, request, Paging::Offset, &brought, |found| show::merge_request(world, found, LabelStyle::Titles, None))
}

fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::change_builds(world, request, Role::Developer)?;
    let text = |name: &str| request.args.text(name).unwrap_or_default();
    let (name, sha) = (text("ref"), text("sha"));
    let mut wrong = serde_json::Map::new();
    if world.resolve_ref(project, &name).is_none() {
        wrong.insert("ref".to_owned(), json!(["The branch or tag does not exist"]));
    }
    let Some(sha) = world.resolve_ref(project, &sha) else {
        wrong.insert("sha".to_owned(), json!(["The commit does not exist"]));
        return Err(Failure::invalid(&Value::Object(wrong)));
    };
    if !wrong.is_empty() {
        return Err(Failure::invalid(&Value::Object(wrong)));
    }
    let project = project.id;
    let user = request.caller.user.ok_or_else(Failure::unauthorized)?;
    let environment = world.environment_named(project, &text("environment"));
    let id = world.begin_deployment(environment, (&name, sha), user, status(request)).ok_or_else(Failure::no_row)?;
    shown(world, id).map(Reply::created)
}

fn update(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = named(world, request)?;
    let (id, deployable) = (found.id, found.deployable);
    allow::change_builds(world, request, Role::Developer)?;
    if deployable.is_some() {
        return Err(Failure::forbidden("Deployments created using GitLab CI can not be updated using the API"));
    }
    world.set_deployment(id, status(request));
    shown(world, id).map(Reply::ok)
}

fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = named(world, request)?;
    allow::change_builds(world, request, Role::Maintainer)?;
    let refused = |reason: &str| Failure::message(StatusCode::BAD_REQUEST, reason);
    if found.status == "running" {
        return Err(refused("Cannot destroy running deployment"));
    }
    let there = |other: &&Deployment| other.environment == found.environment && other.status == "success";
    if world.deployments_of(project.id).rev().find(there).is_some_and(|last| last.id == found.id) {
        return Err(refused("Deployment currently deployed to environment"));
    }
    let id = found.id;
    world.delete_deployment(id);
    Ok(Reply::no_content())
}

/// The status that was asked for, which is one of those that are declared.
fn status(request: &Request) -> &'static str {
    let wished = request.args.text("status").unwrap_or_default();
    STATUSES.iter().find(|status| **status == wished).copied().unwrap_or("running")
}

fn shown(world: &World, id: i64) -> Result<Value, Failure> {
    let deployment = world.deployment(id).ok_or_else(Failure::no_row)?;
    let project = world.project(deployment.project).ok_or_else(Failure::no_row)?;
    Ok(show::deployment_single(world, project, deployment))
}
