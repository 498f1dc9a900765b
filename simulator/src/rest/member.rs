//! One member of a group or a project: read, added, changed, removed.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::route::Needs::{Nothing, User};
use super::route::{Route, read, write};
use super::{Failure, Reply, Request, find, members, show};
use crate::world::{Member, Owner, Project, Role, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/groups/:id/members/:user_id", Nothing, direct),
    read("/groups/:id/members/all/:user_id", Nothing, anywhere),
    write("POST", "/groups/:id/members", User, add),
    write("PUT", "/groups/:id/members/:user_id", User, change),
    write("DELETE", "/groups/:id/members/:user_id", User, remove),
    read("/projects/:id/members/:user_id", Nothing, direct),
    read("/projects/:id/members/all/:user_id", Nothing, anywhere),
    write("POST", "/projects/:id/members", User, add),
    write("PUT", "/projects/:id/members/:user_id", User, change),
    write("DELETE", "/projects/:id/members/:user_id", User, remove),
];

/// The group or project of the path, with its direct members.
fn place<'w>(world: &'w World, request: &Request) -> Result<(Owner, &'w [Member]), Failure> {
    if request.path.starts_with("/groups/") {
        let group = find::group(world, request)?;
        return Ok((Owner::Group(group.id), &group.members));
    }
    let project = find::project(world, request)?;
    Ok((Owner::Project(project.id), &project.members))
}

pub(crate) fn direct(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, members) = place(world, request)?;
    shown(world, request, members)
}

/// Whoever got here from a group above or an invited one counts too, with the highest role.
pub(crate) fn anywhere(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (place, members) = place(world, request)?;
    let all = match place {
        Owner::Group(group) => members::inherited(world, Some(group), Vec::new()),
        Owner::Project(project) => {
            members::inherited(world, world.project(project).and_then(Project::group), members.to_vec())
        }
    };
    shown(world, request, &all)
}

fn shown(world: &World, request: &Request, members: &[Member]) -> Result<Reply, Failure> {
    let user = find::number(request, 1, "user_id")?;
    let member = members.iter().find(|member| member.user == user).ok_or_else(Failure::no_row)?;
    Ok(Reply::ok(show::member(world, member)))
}

/// The caller's role where members are to change: Maintainers change those of projects, Owners those of groups.
fn administers(world: &World, request: &Request) -> Result<(Owner, Role), Failure> {
    let (place, _) = place(world, request)?;
    let (role, least) = match place {
        Owner::Group(group) => (world.caller_role_in_group(&request.caller, group), Role::Owner),
        Owner::Project(id) => {
            let project = world.project(id).ok_or_else(Failure::no_row)?;
            (world.caller_role(&request.caller, project), Role::Maintainer)
        }
    };
    if role < least {
        return Err(Failure::forbidden(""));
    }
    Ok((place, role))
}

/// `access_level`, which may not exceed the caller's own.
fn wished_role(request: &Request, own: Role) -> Result<Role, Failure> {
    let level = request.args.integer("access_level")?.ok_or_else(|| Failure::param("access_level is missing"))?;
    let role = Role::from_level(level).filter(|role| *role > Role::None);
    let role = role.ok_or_else(|| Failure::param("access_level does not have a valid value"))?;
    if role > own {
        return Err(Failure::forbidden(""));
    }
    Ok(role)
}

fn expiry(request: &Request) -> Result<Option<Date>, Failure> {
    let Some(text) = request.args.text("expires_at").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let day = text.get(..10).unwrap_or(&text).parse();
    day.map(Some).map_err(|_| Failure::param("expires_at is invalid"))
}

pub(crate) fn add(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (place, own) = administers(world, request)?;
    let role = wished_role(request, own)?;
    let expires_at = expiry(request)?;
    let users = wished_users(world, request)?;
    let (_, members) = self::place(world, request)?;
    if let [user] = users.as_slice() {
        if members.iter().any(|member| member.user == *user) {
            return Err(Failure::conflict("Member already exists"));
        }
        below_inherited(world, place, *user, role)?;
    }
    for user in &users {
        world.set_member(place, *user, role, expires_at);
    }
    let [user] = users.as_slice() else {
        return Ok(Reply::created(json!({ "status": "success" })));
    };
    Ok(Reply::created(one(world, place, *user)?))
}

/// `user_id`, which may hold several, or `username`.
fn wished_users(world: &World, request: &Request) -> Result<Vec<i64>, Failure> {
    let absent = || Failure::not_found("User");
    if let Some(name) = request.args.text("username") {
        return Ok(vec![world.user_by_name(&name).ok_or_else(absent)?.id]);
    }
    let text = request
        .args
        .text("user_id")
        .ok_or_else(|| Failure::param("user_id, username are missing, exactly one parameter must be provided"))?;
    let ids = text.split(',').map(|id| id.trim().parse().ok().filter(|id| world.user(*id).is_some()));
    ids.map(|id| id.ok_or_else(absent)).collect()
}

/// A role below the one that is inherited is refused (GitLab's `Member` model).
fn below_inherited(world: &World, place: Owner, user: i64, role: Role) -> Result<(), Failure> {
    let above = match place {
        Owner::Group(group) => world.group(group).and_then(|group| group.parent),
        Owner::Project(project) => world.project(project).and_then(Project::group),
    };
    let roles = world.ancestry(above).into_iter().filter_map(|id| {
        let group = world.group(id)?;
        let member = group.members.iter().find(|member| member.user == user)?;
        Some((member.role, group))
    });
    let Some((inherited, group)) = roles.max_by_key(|(role, _)| *role).filter(|(inherited, _)| role < *inherited)
    else {
        return Ok(());
    };
    let name = titled(inherited);
    let error =
        format!("should be greater than or equal to {name} inherited membership from group {}", group.full_name);
    Err(Failure::invalid(&json!({ "access_level": [error] })))
}

fn titled(role: Role) -> String {
    let name = role.name().trim_end_matches("_ACCESS");
    format!("{}{}", &name[..1], name[1..].to_lowercase())
}

pub(crate) fn change(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (place, own) = administers(world, request)?;
    let user = named(world, request)?;
    let role = wished_role(request, own)?;
    below_inherited(world, place, user, role)?;
    let expires_at = match request.args.raw("expires_at") {
        Some(_) => expiry(request)?,
        None => members(world, place).iter().find(|member| member.user == user).and_then(|member| member.expires_at),
    };
    world.set_member(place, user, role, expires_at);
    Ok(Reply::ok(one(world, place, user)?))
}

/// Removes a member; people may leave by themselves, but a group keeps its last owner.
pub(crate) fn remove(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (place, _) = self::place(world, request)?;
    let user = named(world, request)?;
    if request.caller.user != Some(user) {
        administers(world, request)?;
    }
    let owners = |members: &[Member]| members.iter().filter(|member| member.role == Role::Owner).count();
    let owner = members(world, place).iter().any(|member| member.user == user && member.role == Role::Owner);
    if matches!(place, Owner::Group(_)) && owner && owners(members(world, place)) == 1 {
        return Err(Failure::forbidden(""));
    }
    world.remove_member(place, user);
    Ok(Reply::no_content())
}

fn named(world: &World, request: &Request) -> Result<i64, Failure> {
    let (_, members) = place(world, request)?;
    let user = find::number(request, 1, "user_id")?;
    members.iter().find(|member| member.user == user).map(|member| member.user).ok_or_else(Failure::no_row)
}

fn members(world: &World, place: Owner) -> &[Member] {
    match place {
        Owner::Group(id) => world.group(id).map_or(&[], |group| &group.members),
        Owner::Project(id) => world.project(id).map_or(&[], |project| &project.members),
    }
}

fn one(world: &World, place: Owner, user: i64) -> Result<Value, Failure> {
    let member = members(world, place).iter().find(|member| member.user == user).ok_or_else(Failure::no_row)?;
    Ok(show::member(world, member))
}
