//! Users and members.

use super::page::{Paging, keyset, keyset_page, page};
use super::params::{PAGED, Param, SORTS, integers, one_of, text, time, truth};
use super::route::Needs::{Nothing, Profile};
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Member, Namespace, User, UserKind, UserState, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/user", Profile, current),
    read("/users", Profile, list).takes(&[LIST, PAGED]),
    read("/users/:id", Profile, one),
    read("/groups/:id/members", Nothing, group_members).takes(&[MEMBERS, PAGED]),
    read("/groups/:id/members/all", Nothing, group_members_all).takes(&[MEMBERS, ALL_MEMBERS, PAGED]),
    read("/projects/:id/members", Nothing, project_members).takes(&[MEMBERS, PAGED]),
    read("/projects/:id/members/all", Nothing, project_members_all).takes(&[MEMBERS, ALL_MEMBERS, PAGED]),
    read("/projects/:id/users", Nothing, of_project).takes(&[OF_PROJECT, PAGED]),
];

/// lib/api/users.rb.
static LIST: &[Param] = &[
    text("username"),
    text("search"),
    truth("active").or("false"),
    truth("external").or("false"),
    truth("blocked").or("false"),
    truth("humans").or("false"),
    truth("exclude_active").or("false"),
    truth("exclude_external").or("false"),
    truth("exclude_humans").or("false"),
    truth("exclude_internal").or("false"),
    truth("without_project_bots").or("false"),
    truth("without_projects").or("false"),
    truth("admins").or("false"),
    one_of("two_factor", &["enabled", "disabled"]),
    time("created_after"),
    time("created_before"),
    one_of("order_by", &["id", "name", "username", "created_at", "updated_at"]).or("id"),
    one_of("sort", SORTS).or("desc"),
    truth("with_custom_attributes").or("false"),
];

/// lib/api/members.rb.
static MEMBERS: &[Param] =
    &[text("query"), integers("user_ids"), integers("skip_users"), truth("show_seat_info").enterprise()];

static ALL_MEMBERS: &[Param] = &[one_of("state", &["awaiting", "active"]).enterprise()];

static OF_PROJECT: &[Param] = &[text("search"), integers("skip_users")];

pub(crate) fn current(world: &World, request: &Request) -> Result<Reply, Failure> {
    let user = request.caller.user.and_then(|id| world.user(id)).ok_or_else(Failure::unauthorized)?;
    Ok(Reply::ok(show::user(world, &request.caller, user)))
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let id = request.param(0).parse().map_err(|_| Failure::param("id is invalid"))?;
    let user = world.user(id).ok_or_else(|| Failure::not_found("User"))?;
    Ok(Reply::ok(show::user(world, &request.caller, user)))
}

pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let args = &request.args;
    let username = args.text("username").map(|name| name.to_lowercase());
    let search = args.text("search").map(|text| text.to_lowercase());
    let is = |name: &str| args.truth(name) == Some(true);
    let (active, blocked, humans) = (is("active"), is("blocked"), is("humans"));
    let (without_bots, exclude_internal) = (is("without_project_bots"), is("exclude_internal"));
    let wanted = |user: &&User| {
        username.as_ref().is_none_or(|name| user.username.to_lowercase() == *name)
            && search.as_ref().is_none_or(|text| {
                user.username.to_lowercase().contains(text) || user.name.to_lowercase().contains(text)
            })
            && (!active || user.state == UserState::Active)
            && (!blocked || user.state == UserState::Blocked)
            && (!humans || user.kind == UserKind::Human)
            && (!without_bots || user.kind != UserKind::ProjectBot)
            && (!exclude_internal || !matches!(user.kind, UserKind::Ghost | UserKind::Placeholder))
    };
    let users: Vec<&User> = world.users().rev().filter(wanted).collect();
    // Lists show the public fields; a user alone shows more.
    let shown = |user: &&User| show::user_basic(world, Some(user.id));
    if keyset(request, "id")? {
        return keyset_page(world, request, users, |user| user.id, shown);
    }
    page(world, request, Paging::Limited("User"), &users, shown)
}

pub(crate) fn group_members(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?;
    members(world, request, group.members.clone())
}

pub(crate) fn group_members_all(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?.id;
    members(world, request, inherited(world, Some(group), Vec::new()))
}

pub(crate) fn project_members(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    members(world, request, project.members.clone())
}

pub(crate) fn project_members_all(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    members(world, request, inherited(world, project.group(), project.members.clone()))
}

pub(crate) fn of_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    let mut all = inherited(world, project.group(), project.members.clone());
    if let Namespace::User(owner) = project.namespace {
        all.retain(|member| member.user != owner);
    }
    page(world, request, Paging::Offset, &all, |member| show::user_basic(world, Some(member.user)))
}

fn members(world: &World, request: &Request, mut members: Vec<Member>) -> Result<Reply, Failure> {
    let query = request.args.text("query").map(|text| text.to_lowercase());
    let ids: Vec<String> = request.args.list("user_ids");
    members.retain(|member| {
        let named = |text: &String| world.user(member.user).is_some_and(|user| user.username.contains(text));
        query.as_ref().is_none_or(named) && (ids.is_empty() || ids.contains(&member.user.to_string()))
    });
    members.sort_by_key(|member| member.user);
    page(world, request, Paging::Offset, &members, |member| show::member(world, member))
}

/// Members here and above, each once with the highest role.
pub(super) fn inherited(world: &World, group: Option<i64>, mut all: Vec<Member>) -> Vec<Member> {
    for id in world.ancestry(group) {
        let above = world.group(id).into_iter();
        for group in above {
            all.extend(group.members.iter().cloned());
            let invited = group.shared_with.iter().filter_map(|(id, cap)| Some((world.group(*id)?, *cap)));
            for (group, cap) in invited {
                all.extend(group.members.iter().map(|member| Member { role: member.role.min(cap), ..member.clone() }));
            }
        }
    }
    all.sort_by_key(|member| (member.user, std::cmp::Reverse(member.role)));
    all.dedup_by_key(|member| member.user);
    all
}
