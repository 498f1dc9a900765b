//! Members of groups and projects, direct, inherited and invited.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::world::{Group, Member, Role};

use super::kit::{ids, matches, page, permissions};
use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::literals::global_number;
use crate::graphql::order::{By, Order};
use crate::graphql::schema::Level;
use crate::graphql::value::{Membership, Object, Source, Value};

pub(crate) fn field(name: &str) -> Option<for<'w> fn(&Context<'w>, Membership<'w>, &Arguments) -> Value<'w>> {
    Some(match name {
        "id" => |_, of, _| match of.source {
            Source::Group(_) => Value::Gid("GroupMember", of.id()),
            Source::Project(_) => Value::Gid("ProjectMember", of.id()),
        },
        "accessLevel" => |ctx, of, _| access_level(ctx, of.role),
        "createdAt" | "updatedAt" => |_, of, _| Value::Time(of.member.created_at),
        "expiresAt" => |ctx, of, _| Value::time(ctx.day(of.member.expires_at)),
        "user" => |ctx, of, _| ctx.user(Some(of.member.user)),
        "mergeRequestInteraction" => |ctx, of, arguments| {
            let id = arguments.text("id").and_then(global_number);
            let found = id.and_then(|id| ctx.world.merge_request(id));
            let user = ctx.world.user(of.member.user);
            match (ctx.merge_request(found), user) {
                (Value::Object(Object::MergeRequest(found)), Some(user)) => {
                    Value::Object(Object::Interaction(user, found))
                }
                _ => Value::Null,
            }
        },
        "userPermissions" => |ctx, of, _| match of.source {
            Source::Group(group) => {
                let role = ctx.world.caller_role_in_group(ctx.caller, group.id);
                permissions([("readGroup", true), ("createProjects", role >= Role::Developer)])
            }
            Source::Project(project) => {
                let rights = ctx.rights(project);
                permissions([
                    ("adminProject", rights.role >= Role::Maintainer),
                    ("downloadCode", rights.code),
                    ("pushCode", rights.role >= Role::Developer),
                    ("readProject", rights.project),
                ])
            }
        },
        "notificationEmail" => |_, _, _| Value::Null,
        "createdBy" => |_, _, _| Value::Null,
        "group" => |_, of, _| match of.source {
            Source::Group(group) => Value::Object(Object::Group(group)),
            Source::Project(_) => Value::Null,
        },
        "project" => |_, of, _| match of.source {
            Source::Project(project) => Value::Object(Object::Project(project)),
            Source::Group(_) => Value::Null,
        },
        _ => return None,
    })
}

/// A role; Planner came with 18.0's schema.
pub(crate) fn access_level<'w>(ctx: &Context<'w>, role: Role) -> Value<'w> {
    let role = if role == Role::Planner && ctx.level < Level::V18_0 { Role::Guest } else { role };
    let human = match role {
        Role::None => "No access",
        Role::Minimal => "Minimal Access",
        Role::Guest => "Guest",
        Role::Planner => "Planner",
        Role::Reporter => "Reporter",
        Role::Developer => "Developer",
        Role::Maintainer => "Maintainer",
        Role::Owner => "Owner",
    };
    Value::record([
        ("integerValue", Value::Int(role.level())),
        ("stringValue", Value::Str(role.name())),
        ("humanAccess", Value::Str(human)),
    ])
}

/// GitLab's number for a name of `AccessLevelEnum`; one that no member has for other names.
pub(crate) fn level_of(name: &str) -> i64 {
    let roles = [0, 5, 10, 15, 20, 30, 40, 50].into_iter().filter_map(Role::from_level);
    let found = roles.into_iter().find(|role| role.name() == name);
    found.map_or(60, Role::level)
}

/// A page of the members of a group or a project.
pub(crate) fn page_of<'w>(ctx: &Context<'w>, source: Source<'w>, arguments: &Arguments) -> Value<'w> {
    let relations = arguments.texts("relations").unwrap_or_default();
    let mut found = Members::default();
    for relation in relations {
        found.add_relation(ctx, source, relation);
    }
    let levels = arguments.texts("accessLevels");
    let levels: Option<Vec<_>> = levels.map(|names| names.into_iter().map(level_of).collect());
    let search = arguments.text("search").map(str::to_lowercase);
    let ids = ids(arguments);
    let types = arguments.texts("userTypes");
    let rows = found.by_user.into_values().filter(|membership| {
        let user = ctx.world.user(membership.member.user);
        // Nobody here is an enterprise's user.
        !arguments.flag("enterprise")
            && ids.as_ref().is_none_or(|ids| ids.contains(&membership.id()))
            && types.as_ref().is_none_or(|types| user.is_some_and(|user| types.contains(&user.kind.name())))
            && levels.as_ref().is_none_or(|levels| levels.contains(&membership.role.level()))
            && search.as_ref().is_none_or(|text| user.is_some_and(|user| matches(text, &user.name, &user.username)))
    });
    let mut rows: Vec<_> = rows.collect();
    match arguments.text("sort") {
        Some("ACCESS_LEVEL_ASC") => rows.sort_by_key(|row| row.role),
        Some("ACCESS_LEVEL_DESC") => rows.sort_by_key(|row| std::cmp::Reverse(row.role)),
        _ => {}
    }
    let sorted = arguments.get("sort").and_then(Json::as_str).is_some();
    let order = if sorted { Order::NUMBERED } else { Order::ascending(By::Id) };
    page(rows.into_iter().map(Object::Member).collect(), order, arguments)
}

/// One membership per user: the one with the most rights.
#[derive(Default)]
struct Members<'w> {
    by_user: BTreeMap<i64, Membership<'w>>,
}

impl<'w> Members<'w> {
    fn add_relation(&mut self, ctx: &Context<'w>, source: Source<'w>, relation: &str) {
        let (own, shared, above) = match source {
            Source::Group(group) => (&group.members, &group.shared_with, group.parent),
            Source::Project(project) => (&project.members, &project.shared_with, project.group()),
        };
        match (relation, source) {
            ("DIRECT", _) => self.add(own, source, Role::Owner),
            ("INHERITED", _) => {
                for id in ctx.world.ancestry(above) {
                    self.add_group(ctx.world.group(id), Role::Owner);
                }
            }
            ("DESCENDANTS", Source::Group(group)) => {
                for id in ctx.world.descendant_groups(group.id) {
                    self.add_group(ctx.world.group(id), Role::Owner);
                }
            }
            ("INVITED_GROUPS" | "SHARED_FROM_GROUPS", _) => {
                for (id, most) in shared {
                    self.add_group(ctx.world.group(*id), *most);
                }
            }
            ("SHARED_INTO_ANCESTORS", _) => {
                let groups = ctx.world.ancestry(above).into_iter().filter_map(|id| ctx.world.group(id));
                for (id, most) in groups.flat_map(|group| &group.shared_with) {
                    self.add_group(ctx.world.group(*id), *most);
                }
            }
            _ => {}
        }
    }

    fn add_group(&mut self, group: Option<&'w Group>, most: Role) {
        if let Some(group) = group {
            self.add(&group.members, Source::Group(group), most);
        }
    }

    fn add(&mut self, members: &'w [Member], source: Source<'w>, most: Role) {
        for member in members {
            let role = member.role.min(most);
            let new = Membership { member, role, source };
            let known = self.by_user.entry(member.user).or_insert(new);
            if known.role < role {
                *known = new;
            }
        }
    }
}
