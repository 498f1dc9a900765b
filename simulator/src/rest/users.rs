//! Users.

use super::keyset::{self, CURSOR};
use super::page::{Paging, page};
use super::params::{PAGED, Param, SORTS, one_of, text, time, truth};
use super::route::Needs::{AnyProfile, Profile};
use super::route::{Route, read};
use super::{Failure, Reply, Request, search, show};
use crate::world::{Role, User, UserKind, UserState, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/user", Profile, current),
    read("/users", AnyProfile, list).takes(&[LIST, CURSOR, PAGED]),
    read("/users/:id", AnyProfile, one),
];

/// lib/api/users.rb. The order has no declared default, so that searches can come in an order of their own.
static LIST: &[Param] = &[
    text("username"),
    text("search"),
    truth("active").or("false"),
    truth("humans").or("false"),
    truth("external").or("false"),
    truth("blocked").or("false"),
    time("created_after"),
    time("created_before"),
    truth("without_projects").or("false"),
    truth("without_project_bots").or("false"),
    truth("admins").or("false"),
    text("two_factor"),
    truth("exclude_active").or("false"),
    truth("exclude_external").or("false"),
    truth("exclude_humans").or("false"),
    truth("exclude_internal").or("false"),
    one_of("order_by", &["id", "name", "username", "created_at", "updated_at"]),
    one_of("sort", SORTS),
    truth("with_custom_attributes").or("false"),
];

pub(crate) fn current(world: &World, request: &Request) -> Result<Reply, Failure> {
    let user = request.caller.user.and_then(|id| world.user(id)).ok_or_else(Failure::unauthorized)?;
    Ok(Reply::ok(show::current_user(world, user)))
}

/// A user, with more for administrators; who asks for themselves here sees what everybody sees.
pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    if request.caller.anonymous() {
        return Err(Failure::forbidden("Not authorized!"));
    }
    let id = request.param(0).parse().map_err(|_| Failure::param("id is invalid"))?;
    let user = world.user(id).ok_or_else(|| Failure::not_found("User"))?;
    Ok(Reply::ok(show::user(world, &request.caller, user)))
}

/// All users. Nobody but an administrator sees those who are blocked or banned; the anonymous must name one.
pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    if request.caller.anonymous() && request.args.filled("username").is_none() {
        return Err(Failure::forbidden("Not authorized to access /api/v4/users"));
    }
    let admin = world.is_admin(&request.caller);
    let created = (request.args.time("created_after")?, request.args.time("created_before")?);
    let mut found: Vec<&User> = world.users().rev().filter(|user| wanted(world, request, user, admin)).collect();
    if admin {
        found.retain(|user| {
            created.0.is_none_or(|after| user.created_at >= after)
                && created.1.is_none_or(|before| user.created_at <= before)
        });
    }
    let shown = |user: &&User| match admin {
        true => show::user(world, &request.caller, user),
        false => show::user_basic(world, Some(user.id)),
    };
    if keyset::wished(request) {
        let key = column(request);
        let column = key.as_ref().map(|(name, key)| (*name, key as &dyn Fn(&&User) -> String));
        return keyset::by_cursor(world, request, found, (column, |user| user.id), shown);
    }
    order(request, &mut found);
    page(world, request, Paging::Limited("User"), &found, shown)
}

fn wanted(world: &World, request: &Request, user: &User, admin: bool) -> bool {
    let args = &request.args;
    let forbidden = matches!(user.state, UserState::Blocked | UserState::Banned);
    let internal = matches!(user.kind, UserKind::Ghost | UserKind::Placeholder);
    let human = user.kind == UserKind::Human;
    let active = user.state == UserState::Active && !internal;
    let known = |text: &str| {
        let address = user.public_email.as_deref().into_iter().chain(admin.then_some(user.email.as_str()));
        search::matches(text, [user.username.as_str(), &user.name])
            || address.into_iter().any(|address| address.eq_ignore_ascii_case(text))
    };
    (admin || !forbidden)
        && args.filled("username").is_none_or(|name| user.username.eq_ignore_ascii_case(&name))
        && args.filled("search").is_none_or(|text| known(&text))
        && (!args.is("active") || active)
        && (!args.is("exclude_active") || !active)
        && (!args.is("blocked") || user.state == UserState::Blocked)
        && (!args.is("humans") || human)
        && (!args.is("exclude_humans") || !human)
        // Nobody in this World is external or has a second factor.
        && !args.is("external")
        && (!args.is("without_project_bots") || user.kind != UserKind::ProjectBot)
        && (!args.is("exclude_internal") || !internal)
        && (!admin || !args.is("admins") || user.admin)
        && (!admin || args.text("two_factor").is_none_or(|wanted| wanted != "enabled"))
        && (!admin || !args.is("without_projects") || !member_somewhere(world, user.id))
}

fn member_somewhere(world: &World, user: i64) -> bool {
    world.projects().any(|project| world.role_in_project(user, project) > Role::None)
}

/// A column of users: what it is called, and what a user has there.
type Column = (&'static str, fn(&&User) -> String);

/// The column that the order names, where that is not the id.
fn column(request: &Request) -> Option<Column> {
    match request.args.text("order_by").as_deref() {
        Some("name") => Some(("name", |user| user.name.clone())),
        Some("username") => Some(("username", |user| user.username.clone())),
        Some("created_at") => Some(("created_at", |user| format!("{:.6}", user.created_at))),
        Some("updated_at") => Some(("updated_at", |user| format!("{:.6}", user.created_at))),
        _ => None,
    }
}

/// By id, newest first, unless another order is asked for. A search brings whoever is called exactly that first.
fn order(request: &Request, found: &mut [&User]) {
    let args = &request.args;
    let own_order = args.filled("order_by").is_some() || args.filled("sort").is_some();
    if let Some(text) = args.filled("search").filter(|_| !own_order) {
        found.sort_by_key(|user| {
            let exact = |value: &str| !value.eq_ignore_ascii_case(&text);
            (exact(&user.name) && exact(&user.username), user.name.clone(), user.id)
        });
        return;
    }
    let key = column(request).map(|(_, key)| key);
    found.sort_by_key(|user| (key.map(|key| key(user)), user.id));
    if args.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
}
