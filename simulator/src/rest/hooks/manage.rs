//! Webhooks as they are listed, made, changed and deleted.

use super::attributes::{Verb, apply, fresh};
use super::target::{named, target};
use crate::rest::page::{Paging, page};
use crate::rest::{Failure, Reply, Request, show};
use crate::world::{Hook, HookTarget, World};

pub(super) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (target, _) = target(world, request, true)?;
    let hooks: Vec<&Hook> = world.hooks().filter(|hook| hook.target == target).collect();
    page(world, request, Paging::Offset, &hooks, |hook| show::hook(world, hook))
}

pub(super) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let hook = named(world, request, true)?;
    Ok(Reply::ok(show::hook(world, hook)))
}

/// Makes a hook. Nothing keeps two from having the same URL.
pub(super) fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
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
    let mut hook = fresh(target, world.now());
    apply(&world.settings, request, &mut hook, Verb::Create)?;
    hook.id = world.next_id("hook");
    let body = show::hook(world, &hook);
    world.insert_hook(hook);
    Ok(Reply::created(body))
}

/// Changes a hook. A new URL without a token forgets the token.
pub(super) fn update(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let mut hook = named(world, request, false)?.clone();
    if request.args.is_empty() {
        return Err(Failure::param("No parameters provided"));
    }
    apply(&world.settings, request, &mut hook, Verb::Update)?;
    let body = show::hook(world, &hook);
    world.insert_hook(hook);
    Ok(Reply::ok(body))
}

pub(super) fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = named(world, request, false)?.id;
    world.delete_hook(id);
    Ok(Reply::no_content())
}
