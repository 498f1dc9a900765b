//! What a request about webhooks names.

use crate::rest::{Failure, Request, find};
use crate::world::{Hook, HookTarget, World};

/// Where the request's hooks hang, if the caller administers it, and the place of the hook's id among the placeholders.
pub(super) fn target(world: &World, request: &Request, reads: bool) -> Result<(HookTarget, usize), Failure> {
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
pub(super) fn named<'w>(world: &'w World, request: &Request, reads: bool) -> Result<&'w Hook, Failure> {
    let (target, place) = target(world, request, reads)?;
    let id = request.param(place).parse().map_err(|_| Failure::param("hook_id is invalid"))?;
    let hook = world.hook(id).filter(|hook| hook.target == target);
    hook.ok_or_else(Failure::no_row)
}
