//! Namespaces: a group, or a user's own place, seen as what holds projects.

use crate::graphql::context::Context;
use crate::graphql::value::Value;
use crate::world::{Namespace, User};

/// Where a project lives, if the caller sees it.
pub(crate) fn of<'w>(ctx: &Context<'w>, namespace: Namespace) -> Value<'w> {
    match namespace {
        Namespace::Group(id) => of_group(ctx, id),
        Namespace::User(id) => ctx.world.user(id).map_or(Value::Null, of_user),
    }
}

/// A group as a namespace.
pub(crate) fn of_group<'w>(ctx: &Context<'w>, id: i64) -> Value<'w> {
    ctx.group(Some(id)).map_or(Value::Null, |group| {
        Value::record([
            ("id", Value::Gid("Group", group.id)),
            ("name", Value::Str(&group.name)),
            ("path", Value::Str(&group.path)),
            ("fullName", Value::Str(&group.full_name)),
            ("fullPath", Value::Str(&group.full_path)),
            ("visibility", Value::Str(group.visibility.name())),
            ("description", Value::Str(&group.description)),
        ])
    })
}

/// A user's own namespace.
pub(crate) fn of_user(user: &User) -> Value<'_> {
    Value::record([
        ("id", Value::Gid("Namespaces::UserNamespace", user.id)),
        ("name", Value::Str(&user.name)),
        ("path", Value::Str(&user.username)),
        ("fullName", Value::Str(&user.name)),
        ("fullPath", Value::Str(&user.username)),
        ("visibility", Value::Str("public")),
        ("description", Value::Str("")),
    ])
}
