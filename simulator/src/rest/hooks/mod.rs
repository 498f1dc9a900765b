//! Webhooks of projects, groups and the instance: one set of handlers for all three.

mod attributes;
mod deliveries;

use serde_json::json;

use super::page::{Paging, page};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Hook, HookTarget, World};

use super::route::Needs::{Admin, User};
use super::route::{Route, enterprise, read, since, write};
pub(crate) use deliveries::{events, resend, test, test_system};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/hooks", User, list),
    write("POST", "/projects/:id/hooks", User, create),
    read("/projects/:id/hooks/:hook_id", User, one),
    write("PUT", "/projects/:id/hooks/:hook_id", User, update),
    write("DELETE", "/projects/:id/hooks/:hook_id", User, delete),
    since(16, 11, write("POST", "/projects/:id/hooks/:hook_id/test/:trigger", User, test)),
    since(17, 3, read("/projects/:id/hooks/:hook_id/events", User, events)),
    since(17, 4, write("POST", "/projects/:id/hooks/:hook_id/events/:event_id/resend", User, resend)),
    write("PUT", "/projects/:id/hooks/:hook_id/url_variables/:key", User, set_variable),
    write("DELETE", "/projects/:id/hooks/:hook_id/url_variables/:key", User, delete_variable),
    since(17, 1, write("PUT", "/projects/:id/hooks/:hook_id/custom_headers/:key", User, set_header)),
    since(17, 1, write("DELETE", "/projects/:id/hooks/:hook_id/custom_headers/:key", User, delete_header)),
    enterprise(read("/groups/:id/hooks", User, list)),
    enterprise(write("POST", "/groups/:id/hooks", User, create)),
    enterprise(read("/groups/:id/hooks/:hook_id", User, one)),
    enterprise(write("PUT", "/groups/:id/hooks/:hook_id", User, update)),
    enterprise(write("DELETE", "/groups/:id/hooks/:hook_id", User, delete)),
    enterprise(since(17, 1, write("POST", "/groups/:id/hooks/:hook_id/test/:trigger", User, test))),
    enterprise(since(17, 3, read("/groups/:id/hooks/:hook_id/events", User, events))),
    enterprise(since(17, 4, write("POST", "/groups/:id/hooks/:hook_id/events/:event_id/resend", User, resend))),
    enterprise(write("PUT", "/groups/:id/hooks/:hook_id/url_variables/:key", User, set_variable)),
    enterprise(write("DELETE", "/groups/:id/hooks/:hook_id/url_variables/:key", User, delete_variable)),
    enterprise(since(17, 1, write("PUT", "/groups/:id/hooks/:hook_id/custom_headers/:key", User, set_header))),
    enterprise(since(17, 1, write("DELETE", "/groups/:id/hooks/:hook_id/custom_headers/:key", User, delete_header))),
    read("/hooks", Admin, list),
    write("POST", "/hooks", Admin, create),
    read("/hooks/:hook_id", Admin, one),
    write("PUT", "/hooks/:hook_id", Admin, update),
    write("POST", "/hooks/:hook_id", Admin, test_system),
    write("DELETE", "/hooks/:hook_id", Admin, delete),
];

/// Where the request's hooks hang, if the caller administers it, and the place of the hook's id among the placeholders.
fn target(world: &World, request: &Request, reads: bool) -> Result<(HookTarget, usize), Failure> {
    if request.path.starts_with("/groups/") {
        let group = find::group(world, request)?;
        if !world.owns_group(&request.caller, group) {
            return Err(Failure::forbidden(""));
        }
        return Ok((HookTarget::Group(group.id), 1));
    }
    if request.path.starts_with("/projects/") {
        let project = if reads { find::project(world, request)? } else { find::project_to_change(world, request)? };
        if !world.administers_project(&request.caller, project) || (!reads && project.archived) {
            return Err(Failure::forbidden(""));
        }
        return Ok((HookTarget::Project(project.id), 1));
    }
    Ok((HookTarget::System, 0))
}

/// The hook that a request names.
fn named<'w>(world: &'w World, request: &Request, reads: bool) -> Result<&'w Hook, Failure> {
    let (target, place) = target(world, request, reads)?;
    let id = request.param(place).parse().map_err(|_| Failure::param("hook_id is invalid"))?;
    let hook = world.hook(id).filter(|hook| hook.target == target);
    hook.ok_or_else(Failure::no_row)
}

pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (target, _) = target(world, request, true)?;
    let hooks: Vec<&Hook> = world.hooks().filter(|hook| hook.target == target).collect();
    page(world, request, Paging::Offset, &hooks, |hook| show::hook(world, hook))
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let hook = named(world, request, true)?;
    Ok(Reply::ok(show::hook(world, hook)))
}

/// Makes a hook. Nothing keeps two from having the same URL.
pub(crate) fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (target, _) = target(world, request, false)?;
    if request.args.text("url").is_none() {
        return Err(Failure::param("url is missing"));
    }
    let (limit, kind) = match target {
        HookTarget::Project(_) => (world.settings.project_hook_limit, "project"),
        HookTarget::Group(_) => (world.settings.group_hook_limit, "group"),
        HookTarget::System => (usize::MAX, "system"),
    };
    let existing = world.hooks().filter(|hook| hook.target == target).count();
    if existing >= limit {
        return Err(Failure::unprocessable(&format!("Maximum number of {kind} hooks ({limit}) exceeded")));
    }
    let mut hook = attributes::fresh(target, world.now());
    attributes::apply(&world.settings, request, &mut hook, attributes::Verb::Create)?;
    hook.id = world.next_id("hook");
    let body = show::hook(world, &hook);
    world.insert_hook(hook);
    Ok(Reply::created(body))
}

/// Changes a hook. A new URL without a token forgets the token.
pub(crate) fn update(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let mut hook = named(world, request, false)?.clone();
    if request.args.is_empty() {
        return Err(Failure::param("No parameters provided"));
    }
    attributes::apply(&world.settings, request, &mut hook, attributes::Verb::Update)?;
    let body = show::hook(world, &hook);
    world.insert_hook(hook);
    Ok(Reply::ok(body))
}

pub(crate) fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = named(world, request, false)?.id;
    world.delete_hook(id);
    Ok(Reply::no_content())
}

pub(crate) fn set_variable(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    set(world, request, |hook| &mut hook.url_variables)
}

pub(crate) fn delete_variable(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    unset(world, request, |hook| &mut hook.url_variables)
}

pub(crate) fn set_header(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    set(world, request, |hook| &mut hook.custom_headers)
}

pub(crate) fn delete_header(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    unset(world, request, |hook| &mut hook.custom_headers)
}

/// The part of a hook that holds pairs.
type Pairs = fn(&mut Hook) -> &mut Vec<(String, String)>;

fn set(world: &mut World, request: &Request, pairs: Pairs) -> Result<Reply, Failure> {
    let id = named(world, request, false)?.id;
    let key = request.param(2).to_owned();
    let value = request.args.text("value").ok_or_else(|| Failure::param("value is missing"))?;
    let hook = world.hook_mut(id).ok_or_else(Failure::no_row)?;
    attributes::merge(pairs(hook), vec![(key, value)]);
    Ok(Reply::no_content())
}

fn unset(world: &mut World, request: &Request, pairs: Pairs) -> Result<Reply, Failure> {
    let id = named(world, request, false)?.id;
    let key = request.param(2);
    let hook = world.hook_mut(id).ok_or_else(Failure::no_row)?;
    let pairs = pairs(hook);
    if !pairs.iter().any(|(known, _)| known == key) {
        return Err(Failure::new(axum::http::StatusCode::NOT_FOUND, json!({ "message": "404 Not Found" })));
    }
    pairs.retain(|(known, _)| known != key);
    Ok(Reply::no_content())
}
