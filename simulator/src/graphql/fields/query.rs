//! Where queries begin.

use jiff::civil::Date;
use serde_json::Value as Json;

use crate::world::{Role, User, UserKind, UserState};

use super::kit::{ids, matches, page};
use super::{note, projects};
use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::literals::global_number;
use crate::graphql::order::{By, Order};
use crate::graphql::value::{Object, Person, Value};

pub(crate) fn field(name: &str) -> Option<for<'w> fn(&Context<'w>, &Arguments) -> Value<'w>> {
    Some(match name {
        "ciConfig" => |ctx, arguments| {
            let found = arguments.text("projectPath").and_then(|path| ctx.world.project_by_path(path));
            let readable = found.is_some_and(|project| ctx.rights(project).project && ctx.rights(project).code);
            let content = arguments.text("content").unwrap_or_default();
            if readable { ci_config(content) } else { Value::Null }
        },
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
        "projects" => projects::all,
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
        ("revision", Value::Str(settings.revision())),
        ("enterprise", Value::Bool(settings.edition.enterprise())),
        ("kas", kas),
        ("featureFlags", Value::List(Vec::new())),
    ])
}

fn groups<'w>(ctx: &Context<'w>, arguments: &Arguments) -> Value<'w> {
    let ids = ids(arguments);
    let search = arguments.text("search").map(str::to_lowercase);
    let parent = arguments.text("parentPath").map(|path| ctx.world.group_by_path(path).map(|group| group.id));
    let all = arguments.get("allAvailable").is_none_or(|value| value == true);
    let marked = arguments.text("markedForDeletionOn").and_then(|day| day.parse::<Date>().ok());
    let active = arguments.get("active").and_then(Json::as_bool);
    let found = ctx.world.groups().filter(|group| {
        ctx.world.sees_group(ctx.caller, group)
            && ids.as_ref().is_none_or(|ids| ids.contains(&group.id))
            && (!arguments.flag("topLevelOnly") || group.parent.is_none())
            && parent.is_none_or(|parent| parent.is_some() && group.parent == parent)
            && (all || ctx.world.caller_role_in_group(ctx.caller, group.id) > Role::None)
            && marked.is_none_or(|day| group.marked_for_deletion_on == Some(day))
            && active.is_none_or(|active| active != (group.archived || group.marked_for_deletion_on.is_some()))
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
    page(found.map(Object::Group).collect(), order, arguments)
}

fn users<'w>(ctx: &Context<'w>, arguments: &Arguments) -> Value<'w> {
    let ids = ids(arguments);
    let names = arguments.texts("usernames");
    let search = arguments.text("search").map(str::to_lowercase);
    let types = arguments.texts("userTypes");
    let group = arguments.text("groupId").and_then(global_number);
    let found = ctx.world.users().filter(|user| {
        ids.as_ref().is_none_or(|ids| ids.contains(&user.id))
            && names.as_ref().is_none_or(|names| names.iter().any(|name| name.eq_ignore_ascii_case(&user.username)))
            && (!arguments.flag("admins") || user.admin)
            && (ctx.admin() || !is_forbidden(user))
            && (!arguments.flag("active") || user.state == UserState::Active)
            && (!arguments.flag("humans") || user.kind == UserKind::Human)
            && types.as_ref().is_none_or(|types| types.contains(&user.kind.name()))
            && group.is_none_or(|group| ctx.world.role_in_group(user.id, group) > Role::None)
            && search.as_ref().is_none_or(|text| matches(text, &user.name, &user.username))
    });
    let order = match arguments.text("sort").unwrap_or_default().to_ascii_lowercase().as_str() {
        "created_asc" => Order::ascending(By::CreatedAt),
        _ => Order::descending(By::CreatedAt),
    };
    let rows = found.map(|user| Object::User(Person { user, of: None }));
    page(rows.collect(), order, arguments)
}

/// Lists of people leave out those who were stopped, except for administrators (`User.without_forbidden_states`).
fn is_forbidden(user: &User) -> bool {
    matches!(user.state, UserState::Blocked | UserState::Banned)
}

/// What a look at a CI configuration comes to. The World runs none, so only an empty one is wrong.
fn ci_config<'w>(content: &str) -> Value<'w> {
    let empty = content.trim().is_empty();
    let errors = empty.then_some(Value::Str("Please provide content of .gitlab-ci.yml"));
    Value::record([
        ("status", Value::Str(if empty { "INVALID" } else { "VALID" })),
        ("errors", Value::List(errors.into_iter().collect())),
        ("warnings", Value::List(Vec::new())),
        ("mergedYaml", Value::Text(content.to_owned())),
    ])
}
