//! Lists of members of groups and projects: direct ones, or all with those of the groups above and of invited groups.

use super::page::{Paging, page};
use super::params::{PAGED, Param, integers, one_of, text, truth};
use super::route::Needs::Nothing;
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, search, show};
use crate::world::{Member, Namespace, Project, Role, User, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/groups/:id/members", Nothing, of_group).takes(&[LIST, PAGED]),
    read("/groups/:id/members/all", Nothing, all_of_group).takes(&[LIST, ALL, PAGED]),
    read("/projects/:id/members", Nothing, of_project).takes(&[LIST, PAGED]),
    read("/projects/:id/members/all", Nothing, all_of_project).takes(&[LIST, ALL, PAGED]),
    read("/projects/:id/users", Nothing, users_of_project).takes(&[USERS, PAGED]),
];

/// lib/api/members.rb.
static LIST: &[Param] =
    &[text("query"), integers("user_ids"), integers("skip_users"), truth("show_seat_info").enterprise()];

static ALL: &[Param] = &[one_of("state", &["awaiting", "active"]).enterprise()];

static USERS: &[Param] = &[text("search"), integers("skip_users")];

pub(crate) fn of_group(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?;
    list(world, request, group.members.clone())
}

pub(crate) fn all_of_group(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?.id;
    list(world, request, inherited(world, Some(group), Vec::new()))
}

pub(crate) fn of_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    list(world, request, project.members.clone())
}

pub(crate) fn all_of_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    list(world, request, team(world, project))
}

/// Everybody who has a role in a project.
fn team(world: &World, project: &Project) -> Vec<Member> {
    let mut own = project.members.clone();
    own.extend(invited(world, &project.shared_with));
    inherited(world, project.group(), own)
}

/// The users of a project's team.
pub(crate) fn users_of_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    let mut all = team(world, project);
    if let Namespace::User(owner) = project.namespace {
        all.retain(|member| member.user != owner);
    }
    let all = wanted(world, request, all, "search");
    page(world, request, Paging::Offset, &all, |member| show::user_basic(world, Some(member.user)))
}

fn list(world: &World, request: &Request, members: Vec<Member>) -> Result<Reply, Failure> {
    let members = wanted(world, request, members, "query");
    page(world, request, Paging::Offset, &members, |member| show::member(world, member))
}

/// The members that were asked for, by id. `query` and `search` look into names, and into addresses as a whole.
fn wanted(world: &World, request: &Request, mut members: Vec<Member>, query: &str) -> Vec<Member> {
    let args = &request.args;
    let (query, wanted, skipped) = (args.filled(query), args.list("user_ids"), args.list("skip_users"));
    // Every member of this World has accepted: nobody awaits a seat.
    let awaited = args.text("state").is_some_and(|state| state == "awaiting");
    let named = |user: &User, text: &String| {
        search::matches(text, [user.username.as_str(), &user.name]) || user.email.eq_ignore_ascii_case(text)
    };
    members.retain(|member| {
        let id = member.user.to_string();
        !awaited
            && (wanted.is_empty() || wanted.contains(&id))
            && !skipped.contains(&id)
            && query.as_ref().is_none_or(|text| world.user(member.user).is_some_and(|user| named(user, text)))
    });
    members.sort_by_key(|member| member.user);
    members
}

/// Members here and above, each once with the highest role.
pub(super) fn inherited(world: &World, group: Option<i64>, mut all: Vec<Member>) -> Vec<Member> {
    for group in world.ancestry(group).into_iter().filter_map(|id| world.group(id)) {
        all.extend(group.members.iter().cloned());
        all.extend(invited(world, &group.shared_with));
    }
    all.sort_by_key(|member| (member.user, std::cmp::Reverse(member.role)));
    all.dedup_by_key(|member| member.user);
    all
}

/// The members of groups that were invited, each with no more than the invitation gives.
fn invited(world: &World, shares: &[(i64, Role)]) -> Vec<Member> {
    let groups = shares.iter().filter_map(|(id, most)| Some((world.group(*id)?, *most)));
    let members = groups.flat_map(|(group, most)| {
        group.members.iter().map(move |member| Member { role: member.role.min(most), ..member.clone() })
    });
    members.collect()
}
