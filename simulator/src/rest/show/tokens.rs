//! Tokens of groups and projects, and what a token reaches.

use serde_json::{Value, json};

use super::{project_simple, token};
use crate::world::{Caller, Group, Project, Role, Token, TokenKind, World};

/// A token of a group or a project, which tells the role of its bot.
pub(crate) fn resource_token(world: &World, subject: &Token) -> Value {
    let (kind, id, role) = match subject.kind {
        TokenKind::Group(id) => ("group", id, world.role_in_group(subject.user, id)),
        TokenKind::Project(id) => {
            ("project", id, world.project(id).map_or(Role::None, |found| world.role_in_project(subject.user, found)))
        }
        TokenKind::Personal | TokenKind::OAuth => return token(world, subject),
    };
    let mut shown = token(world, subject);
    shown["access_level"] = json!(role.level());
    if world.settings.at_least(18, 0) {
        shown["resource_type"] = json!(kind);
        shown["resource_id"] = json!(id);
    }
    shown
}

/// A group that a token reaches.
pub(crate) fn group_association(world: &World, caller: &Caller, group: &Group) -> Value {
    json!({
        "id": group.id,
        "web_url": world.web_url(&format!("groups/{}", group.full_path)),
        "name": group.name,
        "parent_id": group.parent,
        "organization_id": 1,
        "access_levels": level(caller.user.map(|user| world.role_in_group(user, group.id))),
        "visibility": group.visibility.name(),
    })
}

/// A project that a token reaches.
pub(crate) fn project_association(world: &World, caller: &Caller, project: &Project) -> Value {
    let simple = project_simple(world, project);
    let names = [
        "id",
        "description",
        "name",
        "name_with_namespace",
        "path",
        "path_with_namespace",
        "created_at",
        "web_url",
        "namespace",
    ];
    let mut shown: Value = names.iter().map(|name| ((*name).to_owned(), simple[*name].clone())).collect();
    let own = project.members.iter().find(|member| Some(member.user) == caller.user).map(|member| member.role);
    let above = caller.user.zip(project.group()).map(|(user, group)| world.role_in_group(user, group));
    shown["access_levels"] = json!({ "project_access_level": level(own), "group_access_level": level(above) });
    shown["visibility"] = json!(project.visibility.name());
    shown
}

fn level(role: Option<Role>) -> Option<i64> {
    role.filter(|role| *role > Role::None).map(Role::level)
}
