//! Namespaces: groups and the own ones of users (`lib/api/namespaces.rb`).

use serde_json::{Value, json};

use super::page::{Paging, page};
use super::params::{PAGED, Param, integer, text, truth};
use super::route::Needs::User;
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, search, show};
use crate::world::{Namespace, Role, World};

static LIST: &[Param] = &[
    text("search"),
    truth("owned_only"),
    truth("top_level_only").or("false").since(16, 8),
    truth("full_path_search").or("false").since(17, 11),
];
static EXISTS: &[Param] = &[integer("parent_id")];

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/namespaces", User, list).takes(&[LIST, PAGED]),
    read("/namespaces/:id", User, one),
    read("/namespaces/:id/exists", User, exists).takes(&[EXISTS]),
];

/// The caller's own, and the groups that they are a member of; all of them for administrators.
fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let caller = find::caller(world, request)?;
    let args = &request.args;
    let admin = world.is_admin(&request.caller);
    let least = if args.is("owned_only") { Role::Owner } else { Role::Guest };
    let top = args.is("top_level_only");
    let wanted = |name: &str, path: &str| args.filled("search").is_none_or(|text| search::matches(&text, [name, path]));
    let users = world.users().filter(|user| (admin || user.id == caller.id) && wanted(&user.name, &user.username));
    let member = |group: &&crate::world::Group| admin || world.role_in_group(caller.id, group.id) >= least;
    let groups = world.groups().filter(member).filter(|group| !top || group.parent.is_none());
    let groups = groups.filter(|group| wanted(&group.name, &group.path));
    let users = users.map(|user| Namespace::User(user.id));
    let found: Vec<Namespace> = users.chain(groups.map(|group| Namespace::Group(group.id))).collect();
    page(world, request, Paging::Offset, &found, |found| shown(world, request, *found))
}

fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let name = request.param(0);
    let group = name.parse().ok().and_then(|id| world.group(id)).or_else(|| world.group_by_path(name));
    let seen = group.filter(|group| world.caller_role_in_group(&request.caller, group.id) > Role::None);
    if let Some(group) = seen {
        return Ok(Reply::ok(shown(world, request, Namespace::Group(group.id))));
    }
    let own = |user: &&crate::world::User| request.caller.user == Some(user.id) || world.is_admin(&request.caller);
    let user = world.user_by_name(name).filter(own).ok_or_else(|| Failure::not_found("Namespace"))?;
    Ok(Reply::ok(shown(world, request, Namespace::User(user.id))))
}

/// Whether a path is taken, and what could be taken instead.
fn exists(world: &World, request: &Request) -> Result<Reply, Failure> {
    let name = request.param(0);
    let parent = request.args.integer("parent_id")?;
    let group =
        |path: &str| world.groups().any(|group| group.parent == parent && group.path.eq_ignore_ascii_case(path));
    let taken = |path: &str| group(path) || (parent.is_none() && world.user_by_name(path).is_some());
    let mut numbers = (1..).map(|number| format!("{name}{number}"));
    let suggestions: Vec<String> = numbers.find(|path| !taken(path)).into_iter().filter(|_| taken(name)).collect();
    Ok(Reply::ok(json!({ "exists": taken(name), "suggests": suggestions })))
}

/// `lib/api/entities/namespace.rb`.
fn shown(world: &World, request: &Request, namespace: Namespace) -> Value {
    let mut body = show::namespace(world, namespace);
    if let Namespace::Group(id) = namespace
        && world.caller_role_in_group(&request.caller, id) >= Role::Owner
        && let Some(group) = world.group(id)
    {
        let below = std::iter::once(id).chain(world.descendant_groups(id));
        let projects = below.map(|id| world.projects_of_group(id).len()).sum::<usize>();
        body["members_count_with_descendants"] = json!(group.members.len());
        body["root_repository_size"] = json!(0);
        body["projects_count"] = json!(projects);
    }
    body
}
