//! Where queries begin.

use crate::world::Role;

use super::kit::{ids, matches, page};
use super::{member, note, project};
use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::literals::global_number;
use crate::graphql::order::{By, Order};
use crate::graphql::value::{Object, Person, Value};

pub(crate) fn field(name: &str) -> Option<for<'w> fn(&Context<'w>, &Arguments) -> Value<'w>> {
    Some(match name {
        "currentUser" => |ctx, _| ctx.user(ctx.caller.user),
        "group" => |ctx, arguments| {
            let found = arguments.text("fullPath").and_then(|path| ctx.world.group_by_path(path));
            Value::object(ctx.group(found.map(|group| group.id)).map(Object::Group))
        },
        "groups" => groups,
        "mergeRequest" => |ctx, arguments| {
            let id = arguments.text("id").and_then(global_number);
            ctx.merge_request(id.and_then(|id| ctx.world.merge_request(id)))
        },
        "metadata" => |ctx, _| metadata(ctx),
        "note" => |ctx, arguments| note::by_id(ctx, arguments.text("id").and_then(global_number)),
        "project" => |ctx, arguments| {
            let found = arguments.text("fullPath").and_then(|path| ctx.world.project_by_path(path));
            Value::object(ctx.project(found.map(|project| project.id)).map(Object::Project))
        },
        "projects" => projects,
        "queryComplexity" => {
            |ctx, _| Value::record([("score", Value::Int(ctx.score)), ("limit", Value::Int(ctx.limit))])
        }
        "user" => |ctx, arguments| {
            let id = arguments.text("id").and_then(global_number);
            ctx.user(id.or_else(|| ctx.user_id(arguments.text("username")?)))
        },
        "users" => users,
        _ => return None,
    })
}

/// Metadata is for those who are signed in.
fn metadata<'w>(ctx: &Context<'w>) -> Value<'w> {
    if ctx.caller.anonymous() {
        return Value::Null;
    }
    let settings = &ctx.world.settings;
    let kas = Value::record([("enabled", Value::Bool(false)), ("version", Value::Null), ("externalUrl", Value::Null)]);
    Value::record([
        ("version", Value::Text(settings.full_version())),
        ("revision", Value::Str("8b2e5f1c0de")),
        ("enterprise", Value::Bool(settings.edition.enterprise())),
        ("kas", kas),
        ("featureFlags", Value::List(Vec::new())),
    ])
}

fn groups<'w>(ctx: &Context<'w>, arguments: &Arguments) -> Value<'w> {
    let ids = ids(arguments);
    let search = arguments.text("search").map(str::to_lowercase);
    let found = ctx.world.groups().filter(|group| {
        ctx.world.sees_group(ctx.caller, group)
            && ids.as_ref().is_none_or(|ids| ids.contains(&group.id))
            && (!arguments.flag("topLevelOnly") || group.parent.is_none())
            && (!arguments.flag("ownedOnly") || ctx.world.owns_group(ctx.caller, group))
            && search.as_ref().is_none_or(|text| matches(text, &group.name, &group.path))
    });
    let order = match arguments.text("sort").unwrap_or_default() {
        "name_desc" => Order::descending(By::Name),
        "id_asc" => Order::ascending(By::Id),
        "id_desc" => Order::descending(By::Id),
        "path_asc" => Order::ascending(By::Path),
        _ => Order::ascending(By::Name),
    };
    page(ctx, found.map(Object::Group).collect(), order, arguments)
}

fn projects<'w>(ctx: &Context<'w>, arguments: &Arguments) -> Value<'w> {
    let ids = ids(arguments);
    let paths = arguments.texts("fullPaths");
    let search = arguments.text("search").map(str::to_lowercase);
    let archived = arguments.text("archived");
    let least = arguments.text("minAccessLevel").map(member::level_of);
    let found = ctx.world.projects().filter(|project| {
        let rights = ctx.rights(project);
        let own = ctx.caller.user.map_or(Role::None, |user| ctx.world.role_in_project(user, project));
        rights.project
            && ids.as_ref().is_none_or(|ids| ids.contains(&project.id))
            && paths.as_ref().is_none_or(|paths| paths.iter().any(|path| path.eq_ignore_ascii_case(&project.full_path)))
            && (!arguments.flag("membership") || own > Role::None)
            && least.is_none_or(|least| own.level() >= least)
            && (!arguments.flag("withMergeRequestsEnabled") || ctx.merge_requests_enabled(project))
            && archived.is_none_or(|which| which == "INCLUDE" || project.archived == (which == "ONLY"))
            && search.as_ref().is_none_or(|text| matches(text, &project.name, &project.path))
    });
    page(ctx, found.map(Object::Project).collect(), project::order(arguments.text("sort")), arguments)
}

fn users<'w>(ctx: &Context<'w>, arguments: &Arguments) -> Value<'w> {
    let ids = ids(arguments);
    let names = arguments.texts("usernames");
    let search = arguments.text("search").map(str::to_lowercase);
    let found = ctx.world.users().filter(|user| {
        ids.as_ref().is_none_or(|ids| ids.contains(&user.id))
            && names.as_ref().is_none_or(|names| names.iter().any(|name| name.eq_ignore_ascii_case(&user.username)))
            && (!arguments.flag("admins") || user.admin)
            && search.as_ref().is_none_or(|text| matches(text, &user.name, &user.username))
    });
    let order = match arguments.text("sort").unwrap_or_default().to_ascii_lowercase().as_str() {
        "created_asc" => Order::ascending(By::CreatedAt),
        _ => Order::descending(By::CreatedAt),
    };
    let rows = found.map(|user| Object::User(Person { user, of: None }));
    page(ctx, rows.collect(), order, arguments)
}
