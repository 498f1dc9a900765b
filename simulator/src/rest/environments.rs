//! Environments (`lib/api/environments.rb`).

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::page::{Paging, page};
use super::params::{PAGED, Param, one_of, text, time};
use super::route::Needs::User;
use super::route::{Route, read, write};
use super::{Failure, Reply, Request, allow, find, show};
use crate::world::{Environment, Project, Role, World};

static TIERS: &[&str] = &["production", "staging", "testing", "development", "other"];
static LIST: &[Param] =
    &[text("name").excludes("search"), text("search"), one_of("states", &["available", "stopping", "stopped"])];
static CREATE: &[Param] = &[text("name").required(), text("external_url"), one_of("tier", TIERS)];
static UPDATE: &[Param] = &[text("external_url"), one_of("tier", TIERS)];
static STALE: &[Param] = &[time("before").required()];

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/environments", User, list).takes(&[LIST, PAGED]),
    read("/projects/:id/environments/:environment_id", User, one),
    write("POST", "/projects/:id/environments", User, create).takes(&[CREATE]),
    write("POST", "/projects/:id/environments/stop_stale", User, stop_stale).takes(&[STALE]),
    write("POST", "/projects/:id/environments/:environment_id/stop", User, stop),
    write("PUT", "/projects/:id/environments/:environment_id", User, update).takes(&[UPDATE]),
    write("DELETE", "/projects/:id/environments/:environment_id", User, delete),
];

fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::builds(world, request)?;
    let args = &request.args;
    let search = args.text("search").filter(|text| !text.is_empty()).map(|text| text.to_lowercase());
    if search.as_ref().is_some_and(|text| text.chars().count() < 3) {
        return Err(Failure::bad_request("Search query is less than 3 characters"));
    }
    let name = args.text("name");
    let stopped = args.text("states").map(|state| state == "stopped");
    let wanted = |environment: &&Environment| {
        name.as_ref().is_none_or(|name| environment.name == *name)
            && search.as_ref().is_none_or(|text| environment.name.to_lowercase().contains(text))
            && stopped.is_none_or(|stopped| environment.stopped == stopped)
    };
    let found: Vec<&Environment> = world.environments_of(project.id).filter(wanted).collect();
    page(world, request, Paging::Offset, &found, |found| show::environment(world, project, found))
}

fn named<'w>(world: &'w World, request: &Request) -> Result<(&'w Project, &'w Environment), Failure> {
    let project = allow::builds(world, request)?;
    let id = find::number(request, 1, "environment_id")?;
    let found = world.environment(id).filter(|found| found.project == project.id);
    Ok((project, found.ok_or_else(Failure::no_row)?))
}

/// Alone it tells its last deployment.
fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = named(world, request)?;
    let mut body = show::environment(world, project, found);
    let mut deployments = world.deployments_of(project.id).rev();
    let last = deployments.find(|last| last.environment == found.id && last.status == "success");
    body["last_deployment"] = last.map_or(Value::Null, |last| show::deployment(world, project, last));
    if let Some(last) = body["last_deployment"].as_object_mut() {
        last.remove("environment");
    }
    Ok(Reply::ok(body))
}

fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::change_builds(world, request, Role::Developer)?.id;
    let name = request.args.text("name").unwrap_or_default();
    if world.environments_of(project).any(|known| known.name == name) {
        return Err(Failure::invalid(&json!({ "name": ["has already been taken"] })));
    }
    let id = world.environment_named(project, &name);
    apply(world, request, id);
    shown(world, id).map(Reply::created)
}

fn update(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = to_change(world, request)?;
    apply(world, request, id);
    shown(world, id).map(Reply::ok)
}

/// Only what was stopped can be deleted (`EnvironmentPolicy`).
fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = to_change(world, request)?;
    if !world.environment(id).is_some_and(|environment| environment.stopped) {
        return Err(Failure::forbidden(""));
    }
    world.delete_environment(id);
    Ok(Reply::no_content())
}

/// Whoever may not stop it gets it back as it was, with 200 (`Environments::StopService`).
fn stop(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = named(world, request)?.1.id;
    if allow::change_builds(world, request, Role::Developer).is_ok() {
        halt(world, id);
    }
    shown(world, id).map(Reply::ok)
}

/// Stops what was neither changed nor deployed to since a day at least a week ago.
fn stop_stale(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::change_builds(world, request, Role::Developer)?.id;
    let before = request.args.time("before")?.unwrap_or_default();
    let now = world.now();
    let week = now.checked_sub(SignedDuration::from_hours(7 * 24)).unwrap_or(now);
    let decade = now.checked_sub(SignedDuration::from_hours(3652 * 24)).unwrap_or(now);
    if before < decade || before > week {
        return Err(Failure::bad_request("Invalid Date"));
    }
    let fresh = |environment: i64| {
        let mut deployments = world.deployments_of(project);
        deployments.any(|deployment| deployment.environment == environment && deployment.updated_at >= before)
    };
    let stale = world.environments_of(project).filter(|found| found.updated_at < before && !fresh(found.id));
    for id in stale.map(|found| found.id).collect::<Vec<_>>() {
        halt(world, id);
    }
    Ok(Reply::ok(json!({ "message": "Successfully requested stop for all stale environments" })))
}

fn halt(world: &mut World, id: i64) {
    let now = world.now();
    world.edit_environment(id, |environment| {
        environment.stopped = true;
        environment.updated_at = now;
    });
}

fn to_change(world: &World, request: &Request) -> Result<i64, Failure> {
    allow::change_builds(world, request, Role::Developer)?;
    Ok(named(world, request)?.1.id)
}

fn apply(world: &mut World, request: &Request, id: i64) {
    let now = world.now();
    let url = request.args.text("external_url");
    let tier = request.args.text("tier").and_then(|wished| TIERS.iter().find(|tier| **tier == wished));
    world.edit_environment(id, |environment| {
        environment.tier = tier.copied().unwrap_or(environment.tier);
        environment.external_url = url.or_else(|| environment.external_url.take());
        environment.updated_at = now;
    });
}

fn shown(world: &World, id: i64) -> Result<Value, Failure> {
    let environment = world.environment(id).ok_or_else(Failure::no_row)?;
    let project = world.project(environment.project).ok_or_else(Failure::no_row)?;
    Ok(show::environment(world, project, environment))
}
