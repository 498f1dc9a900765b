//! One user: what hangs on them, and what administrators do to them.

use serde_json::{Value, json};

use super::page::{Paging, page};
use super::params::{PAGED, Param, one_of, text, truth};
use super::route::Needs::{Admin, Nothing};
use super::route::{Route, read, write};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Role, User, UserKind, UserState, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    write("POST", "/users", Admin, create).takes(&[NEW]),
    write("DELETE", "/users/:id", Admin, delete).takes(&[DELETE]),
    read("/users/:id/status", Nothing, status),
    read("/users/:id/memberships", Admin, memberships).takes(&[MEMBERSHIPS, PAGED]),
    write("POST", "/users/:id/block", Admin, block),
    write("POST", "/users/:id/unblock", Admin, unblock),
    write("POST", "/users/:id/ban", Admin, ban),
    write("POST", "/users/:id/unban", Admin, unban),
    write("POST", "/users/:id/deactivate", Admin, deactivate),
    write("POST", "/users/:id/activate", Admin, activate),
];

/// lib/api/users.rb.
static NEW: &[Param] = &[
    text("email").required(),
    text("password"),
    truth("reset_password"),
    truth("force_random_password"),
    text("name").required(),
    text("username").required(),
    truth("admin"),
    text("public_email"),
];

static DELETE: &[Param] = &[truth("hard_delete")];

static MEMBERSHIPS: &[Param] = &[one_of("type", &["Project", "Namespace"])];

fn named<'w>(world: &'w World, request: &Request) -> Result<&'w User, Failure> {
    let id = find::number(request, 0, "id")?;
    world.user(id).ok_or_else(|| Failure::not_found("User"))
}

/// Nobody sets a status in this World.
pub(crate) fn status(world: &World, request: &Request) -> Result<Reply, Failure> {
    let id = request.param(0);
    let known = id.parse().ok().and_then(|id| world.user(id)).or_else(|| world.user_by_name(id));
    known.ok_or_else(|| Failure::not_found("User"))?;
    let shown =
        json!({ "emoji": null, "message": null, "availability": null, "message_html": "", "clear_status_at": null });
    Ok(Reply::ok(shown))
}

/// Direct memberships, those of projects first.
pub(crate) fn memberships(world: &World, request: &Request) -> Result<Reply, Failure> {
    let user = named(world, request)?.id;
    let wanted = request.args.text("type");
    let shown = |id: i64, name: &str, kind: &str, role: Role| {
        let kind = json!({ "source_id": id, "source_name": name, "source_type": kind, "access_level": role.level() });
        wanted.as_deref().is_none_or(|wanted| kind["source_type"] == wanted).then_some(kind)
    };
    let of_projects = world.projects().filter_map(|project| {
        let own = project.members.iter().find(|member| member.user == user)?;
        shown(project.id, &project.name, "Project", own.role)
    });
    let of_groups = world.groups().filter_map(|group| {
        let own = group.members.iter().find(|member| member.user == user)?;
        shown(group.id, &group.name, "Namespace", own.role)
    });
    let all: Vec<Value> = of_projects.chain(of_groups).collect();
    page(world, request, Paging::Offset, &all, Value::clone)
}

pub(crate) fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let args = &request.args;
    let said = |name: &str| args.text(name).unwrap_or_default();
    if ["password", "reset_password", "force_random_password"].iter().all(|name| args.raw(name).is_none()) {
        let names = "password, reset_password, force_random_password";
        return Err(Failure::param(&format!("{names} are missing, at least one parameter must be provided")));
    }
    let (email, username) = (said("email"), said("username"));
    if world.users().any(|user| user.email.eq_ignore_ascii_case(&email)) {
        return Err(Failure::conflict("Email has already been taken"));
    }
    let taken = world.user_by_name(&username).is_some() || world.group_by_path(&username).is_some();
    if taken {
        return Err(Failure::conflict("Username has already been taken"));
    }
    let id = world.create_user(&username, UserKind::Human);
    let user = world.user_mut(id).ok_or_else(Failure::no_row)?;
    user.email = email;
    user.name = said("name");
    user.admin = args.is("admin");
    user.public_email = args.filled("public_email");
    let body = show::user(world, &request.caller, world.user(id).ok_or_else(Failure::no_row)?);
    Ok(Reply::created(body))
}

/// Removes a user, whose work is the ghost's from then on. The only owner of a group stays.
pub(crate) fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = named(world, request)?.id;
    let alone = world.groups().filter(|group| group.parent.is_none()).any(|group| {
        let mut owners = group.members.iter().filter(|member| member.role == Role::Owner);
        owners.next().is_some_and(|owner| owner.user == id) && owners.next().is_none()
    });
    if alone && !request.args.is("hard_delete") {
        return Err(Failure::conflict("User cannot be removed while is the sole-owner of a group"));
    }
    world.delete_user(id);
    Ok(Reply::no_content())
}

/// Brings a user into another state; where they are in it already, nothing is said.
fn bring(world: &mut World, id: i64, state: UserState) -> Reply {
    let changed = world.user_mut(id).filter(|user| user.state != state).map(|user| user.state = state);
    Reply::created(changed.map_or(Value::Null, |()| json!(true)))
}

pub(crate) fn block(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let user = named(world, request)?;
    if request.caller.user == Some(user.id) {
        return Err(Failure::forbidden("The API initiating user cannot be blocked by the API"));
    }
    Ok(bring(world, user.id, UserState::Blocked))
}

pub(crate) fn unblock(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let user = named(world, request)?;
    if user.state == UserState::Deactivated {
        return Err(Failure::forbidden("Deactivated users cannot be unblocked by the API"));
    }
    Ok(bring(world, user.id, UserState::Active))
}

pub(crate) fn ban(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let user = named(world, request)?;
    let (id, state) = (user.id, user.state);
    if state != UserState::Active {
        return Err(Failure::refused(&format!("You cannot ban {} users.", state.name())));
    }
    world.ban_user(id);
    Ok(Reply::created(json!(true)))
}

pub(crate) fn unban(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let user = named(world, request)?;
    if user.state != UserState::Banned {
        return Err(Failure::refused(&format!("You cannot unban {} users.", user.state.name())));
    }
    Ok(bring(world, user.id, UserState::Active))
}

/// Only those who did nothing for ninety days are dormant.
pub(crate) fn deactivate(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let user = named(world, request)?;
    if matches!(user.state, UserState::Blocked | UserState::Banned) {
        return Err(Failure::refused("Error occurred. A blocked user cannot be deactivated"));
    }
    let today = world.today();
    let dormant = today.checked_sub(jiff::Span::new().days(90)).unwrap_or(today);
    if user.last_activity_on.is_some_and(|day| day > dormant) {
        let words = "has been active in the past 90 days and cannot be deactivated";
        return Err(Failure::refused(&format!("Error occurred. The user you are trying to deactivate {words}")));
    }
    Ok(bring(world, user.id, UserState::Deactivated))
}

pub(crate) fn activate(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let user = named(world, request)?;
    if matches!(user.state, UserState::Blocked | UserState::Banned) {
        return Err(Failure::forbidden("A blocked user must be unblocked to be activated"));
    }
    Ok(bring(world, user.id, UserState::Active))
}
