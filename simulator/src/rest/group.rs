//! One group: made, changed, shared, removed.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::params::{Param, integer, one_of, text};
use super::project::visibility;
use super::route::Needs::User;
use super::route::{Route, write};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Group, Owner, Role, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    write("POST", "/groups", User, create).takes(&[NEW, SETTINGS]),
    write("PUT", "/groups/:id", User, update).takes(&[CHANGE, SETTINGS]),
    write("DELETE", "/groups/:id", User, delete),
    write("POST", "/groups/:id/restore", User, restore),
    write("POST", "/groups/:id/transfer", User, transfer).takes(&[TRANSFER]),
    write("POST", "/groups/:id/share", User, share).takes(&[SHARE]),
    write("DELETE", "/groups/:id/share/:group_id", User, unshare),
];

/// lib/api/groups.rb.
static NEW: &[Param] = &[text("name").required(), text("path").required(), integer("parent_id")];

static CHANGE: &[Param] = &[text("name"), text("path")];

static SETTINGS: &[Param] = &[text("description"), one_of("visibility", &["private", "internal", "public"])];

static TRANSFER: &[Param] = &[integer("group_id")];

static SHARE: &[Param] = &[integer("group_id").required(), integer("group_access").required(), text("expires_at")];

fn owned<'w>(world: &'w World, request: &Request) -> Result<&'w Group, Failure> {
    let group = find::group(world, request)?;
    if !world.owns_group(&request.caller, group) {
        return Err(Failure::forbidden(""));
    }
    Ok(group)
}

fn shown(world: &World, id: i64) -> Result<Value, Failure> {
    Ok(show::group(world, world.group(id).ok_or_else(Failure::no_row)?))
}

fn taken(world: &World, parent: Option<i64>, path: &str) -> bool {
    let above = parent.and_then(|parent| world.group(parent));
    let full = above.map_or_else(|| path.to_owned(), |above| format!("{}/{path}", above.full_path));
    world.group_by_path(&full).is_some() || (parent.is_none() && world.user_by_name(path).is_some())
}

fn apply(request: &Request, group: &mut Group) {
    let args = &request.args;
    group.visibility = args.text("visibility").map_or(group.visibility, |text| visibility(&text));
    group.description = args.text("description").unwrap_or_else(|| std::mem::take(&mut group.description));
}

fn rename(world: &mut World, id: i64, path: &str, name: &str) {
    if let Some(group) = world.group_mut(id) {
        name.clone_into(&mut group.name);
    }
    world.rename_group(id, path);
}

/// A new group, which its maker owns. Below a group it takes a Maintainer there.
pub(crate) fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let args = &request.args;
    let user = find::caller(world, request)?.id;
    let parent = args.integer("parent_id")?;
    if let Some(parent) = parent {
        let seen = world.group(parent).filter(|group| world.sees_group(&request.caller, group));
        seen.ok_or_else(|| Failure::not_found("Group"))?;
        if world.caller_role_in_group(&request.caller, parent) < Role::Maintainer {
            return Err(Failure::forbidden(""));
        }
    }
    let (name, path) = (args.text("name").unwrap_or_default(), args.text("path").unwrap_or_default());
    if taken(world, parent, &path) {
        return Err(Failure::plain(r#"Failed to save group {:path=>["has already been taken"]}"#));
    }
    let id = world.create_group(parent, &path);
    rename(world, id, &path, &name);
    world.set_member(Owner::Group(id), user, Role::Owner, None);
    if let Some(group) = world.group_mut(id) {
        apply(request, group);
    }
    Ok(Reply::created(shown(world, id)?))
}

/// Another path is another path for everything below, too.
pub(crate) fn update(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let group = owned(world, request)?;
    let (id, parent, old) = (group.id, group.parent, group.path.clone());
    let path = request.args.filled("path").unwrap_or_else(|| old.clone());
    let name = request.args.filled("name").unwrap_or_else(|| group.name.clone());
    if path != old && taken(world, parent, &path) {
        return Err(Failure::invalid(&json!({ "path": ["has already been taken"] })));
    }
    rename(world, id, &path, &name);
    if let Some(group) = world.group_mut(id) {
        apply(request, group);
    }
    Ok(Reply::ok(shown(world, id)?))
}

/// Marks it for deletion, from 18.0 on and before that with a licence; else it is gone at once, with all that is in it.
pub(crate) fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let group = owned(world, request)?;
    let (id, marked) = (group.id, group.marked_for_deletion_on.is_some());
    let today = world.today();
    let delayed = world.settings.at_least(18, 0) || world.settings.edition.licensed();
    if delayed && marked {
        return Err(Failure::plain("Group has been already marked for deletion"));
    }
    match world.group_mut(id).filter(|_| delayed) {
        Some(group) => group.marked_for_deletion_on = Some(today),
        None => drop(world.delete_group(id)),
    }
    let body = Some(json!({ "message": "202 Accepted" }));
    Ok(Reply { status: StatusCode::ACCEPTED, body, ..Reply::default() })
}

pub(crate) fn restore(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let group = owned(world, request)?;
    let (id, marked) = (group.id, group.marked_for_deletion_on.is_some());
    if !marked {
        return Err(Failure::plain("Group has not been marked for deletion"));
    }
    if let Some(group) = world.group_mut(id) {
        group.marked_for_deletion_on = None;
    }
    Ok(Reply::created(shown(world, id)?))
}

/// Moves a group into another one that the caller owns too, or to the top.
pub(crate) fn transfer(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let group = owned(world, request)?;
    let (id, path, old) = (group.id, group.path.clone(), group.parent);
    let parent = request.args.integer("group_id")?;
    let place = parent.map(|parent| world.group(parent).ok_or_else(|| Failure::not_found("Group"))).transpose()?;
    if place.is_some_and(|place| !world.owns_group(&request.caller, place)) {
        return Err(Failure::plain("Transfer failed: You don't have enough permissions."));
    }
    if parent == old {
        return Err(Failure::plain("Transfer failed: Group is already associated to the parent group."));
    }
    if taken(world, parent, &path) {
        return Err(Failure::plain(
            "Transfer failed: The parent group already has a subgroup or a project with the same path.",
        ));
    }
    if world.ancestry(parent).contains(&id) {
        return Err(Failure::plain("Transfer failed: Cannot transfer group to one of its subgroup."));
    }
    world.transfer_group(id, parent);
    Ok(Reply::created(shown(world, id)?))
}

/// Invites another group, with the most that its members may do here.
pub(crate) fn share(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = owned(world, request)?.id;
    let other = request.args.integer("group_id")?.unwrap_or_default();
    let role = Role::from_level(request.args.integer("group_access")?.unwrap_or_default());
    let role = role.filter(|role| *role >= Role::Guest);
    let role = role.ok_or_else(|| Failure::param("group_access does not have a valid value"))?;
    let seen = world.group(other).filter(|group| world.sees_group(&request.caller, group));
    seen.ok_or_else(|| Failure::not_found("Group"))?;
    let group = world.group_mut(id).ok_or_else(Failure::no_row)?;
    if group.shared_with.iter().any(|(known, _)| *known == other) {
        return Err(Failure::conflict(
            json!({ "shared_group": ["The group has already been shared with this group"] }),
        ));
    }
    group.shared_with.push((other, role));
    Ok(Reply::created(shown(world, id)?))
}

pub(crate) fn unshare(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = owned(world, request)?.id;
    let other = find::number(request, 1, "group_id")?;
    let group = world.group_mut(id).ok_or_else(Failure::no_row)?;
    if !group.shared_with.iter().any(|(known, _)| *known == other) {
        return Err(Failure::not_found("Group Link"));
    }
    group.shared_with.retain(|(known, _)| *known != other);
    Ok(Reply::no_content())
}
