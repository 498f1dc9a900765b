//! Groups.

use crate::world::{Group, Owner, Project, Role};

use super::kit::{On, ids, matches, page, paragraph};
use super::{label, member, namespace, projects};
use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::filters;
use crate::graphql::order::{By, Order};
use crate::graphql::value::{Object, Source, Value};

pub(crate) fn field(name: &str) -> Option<On<Group>> {
    Some(match name {
        "id" => |_, group, _| Value::Gid("Group", group.id),
        "name" => |_, group, _| Value::Str(&group.name),
        "path" => |_, group, _| Value::Str(&group.path),
        "fullPath" => |_, group, _| Value::Str(&group.full_path),
        "fullName" => |_, group, _| Value::Str(&group.full_name),
        "description" => |_, group, _| Value::Str(&group.description),
        "descriptionHtml" => |_, group, _| Value::Text(paragraph(&group.description)),
        "visibility" => |_, group, _| Value::Str(group.visibility.name()),
        "createdAt" | "updatedAt" => |_, group, _| Value::Time(group.created_at),
        "webUrl" => |ctx, group, _| Value::Text(ctx.world.web_url(&format!("groups/{}", group.full_path))),
        "webPath" => |_, group, _| Value::Text(format!("/groups/{}", group.full_path)),
        "editPath" => |_, group, _| Value::Text(format!("/groups/{}/-/edit", group.full_path)),
        "parent" => |ctx, group, _| Value::object(ctx.group(group.parent).map(Object::Group)),
        "archived" | "isSelfArchived" => |_, group, _| Value::Bool(group.archived),
        "markedForDeletion" | "isSelfDeletionScheduled" => {
            |_, group, _| Value::Bool(group.marked_for_deletion_on.is_some())
        }
        "markedForDeletionOn" => |ctx, group, _| Value::time(ctx.day(group.marked_for_deletion_on)),
        "permanentDeletionDate" => {
            |_, group, _| group.marked_for_deletion_on.map_or(Value::Null, |day| Value::Text(day.to_string()))
        }
        "maxAccessLevel" => {
            |ctx, group, _| member::access_level(ctx, ctx.world.caller_role_in_group(ctx.caller, group.id))
        }

        "descendantGroups" => descendants,
        // Only the next level counts.
        "descendantGroupsCount" => |ctx, group, _| Value::count(ctx.world.subgroups(group.id).len()),
        "rootNamespace" => |ctx, group, _| {
            let root = ctx.world.ancestry(Some(group.id)).last().copied();
            root.map_or(Value::Null, |id| namespace::of_group(ctx, id))
        },
        "sharedGroups" => shared_groups,
        "sharedProjects" => |ctx, group, arguments| projects::shared_with(ctx, group.id, arguments),
        "projects" => |ctx, group, arguments| projects::of_group(ctx, group.id, arguments),
        "projectsCount" => |ctx, group, _| Value::count(ctx.world.projects_of_group(group.id).len()),
        "mergeRequests" => merge_requests,
        "groupMembers" => |ctx, group, arguments| member::page_of(ctx, Source::Group(group), arguments),
        "groupMembersCount" => |_, group, _| Value::count(group.members.len()),
        "label" => |ctx, group, arguments| {
            let title = arguments.text("title").unwrap_or_default();
            let mut own = ctx.world.labels().filter(|label| label.owner == Owner::Group(group.id));
            Value::object(own.find(|label| label.title == title).map(Object::Label))
        },
        "labels" => labels,

        "achievementsPath" => |_, group, _| Value::Text(format!("/groups/{}/-/achievements", group.full_path)),
        "adminShowPath" => |ctx, group, _| admin_path(ctx, group, ""),
        "adminEditPath" => |ctx, group, _| admin_path(ctx, group, "/edit"),
        "projectCreationLevel" => |_, _, _| Value::Str("developer"),
        "subgroupCreationLevel" => |_, _, _| Value::Str("maintainer"),
        "twoFactorGracePeriod" => |_, _, _| Value::Int(48),
        "repositorySizeExcessProjectCount" => |_, _, _| Value::Int(0),
        "actualRepositorySizeLimit" | "actualSizeLimit" | "totalRepositorySize" | "totalRepositorySizeExcess" => {
            |_, _, _| Value::Float(0.0)
        }
        "isAdjournedDeletionEnabled" => |ctx, _, _| Value::Bool(ctx.world.settings.edition.licensed()),
        "autoDevopsEnabled" | "mathRenderingLimitsEnabled" => |_, _, _| Value::Bool(true),
        "canPushInitialCommit" => {
            |ctx, group, _| Value::Bool(ctx.world.caller_role_in_group(ctx.caller, group.id) >= Role::Maintainer)
        }
        "enforceFreeUserCap"
        | "isLinkedToSubscription"
        | "isSelfDeletionInProgress"
        | "knowledgeGraphEnabled"
        | "lockMathRenderingLimitsEnabled"
        | "lockToolApprovalForSessionEnabled"
        | "requireTwoFactorAuthentication"
        | "toolApprovalForSessionEnabled"
        | "webBasedCommitSigningEnabled" => |_, _, _| Value::Bool(false),
        "mergeRequestsEnabled" | "requestAccessEnabled" => |_, _, _| Value::Bool(true),
        "mentionsDisabled" | "shareWithGroupLock" => |_, _, _| Value::Bool(false),
        "avatarUrl" => |_, _, _| Value::Null,
        _ => return None,
    })
}

fn descendants<'w>(ctx: &Context<'w>, group: &'w Group, arguments: &Arguments) -> Value<'w> {
    let all = arguments.get("includeParentDescendants").is_none_or(|value| value == true);
    let candidates = if all { ctx.world.descendant_groups(group.id) } else { ctx.world.subgroups(group.id).to_vec() };
    let ids = ids(arguments);
    let archived = arguments.get("archived").and_then(serde_json::Value::as_bool);
    let search = arguments.text("search").map(str::to_lowercase);
    let found = candidates.into_iter().filter_map(|id| ctx.group(Some(id))).filter(|group| {
        ids.as_ref().is_none_or(|ids| ids.contains(&group.id))
            && archived.is_none_or(|archived| group.archived == archived)
            && (!arguments.flag("owned") || ctx.world.owns_group(ctx.caller, group))
            && search.as_ref().is_none_or(|text| matches(text, &group.name, &group.path))
    });
    page(found.map(Object::Group).collect(), order(arguments), arguments)
}

fn merge_requests<'w>(ctx: &Context<'w>, group: &'w Group, arguments: &Arguments) -> Value<'w> {
    let mut groups = vec![group.id];
    if arguments.flag("includeSubgroups") {
        groups.extend(ctx.world.descendant_groups(group.id));
    }
    let projects = groups.iter().flat_map(|id| ctx.world.projects_of_group(*id));
    let shown = projects
        .filter_map(|id| ctx.project(Some(*id)))
        .filter(|one| ctx.rights(one).merge_requests && (arguments.flag("includeArchived") || !one.archived));
    let shown: Vec<i64> = shown.map(|project| project.id).collect();
    filters::of_many(ctx, &shown, None, arguments)
}

fn labels<'w>(ctx: &Context<'w>, group: &'w Group, arguments: &Arguments) -> Value<'w> {
    let mut groups = vec![group.id];
    if arguments.flag("includeAncestorGroups") {
        groups = ctx.world.ancestry(Some(group.id));
    }
    if arguments.flag("includeDescendantGroups") {
        groups.extend(ctx.world.descendant_groups(group.id));
    }
    // Unless told otherwise, GitLab lists the labels of the group's projects too.
    let with_projects = !arguments.flag("onlyGroupLabels");
    let in_group = |project: i64| {
        let project = ctx.project(Some(project));
        project.and_then(Project::group).is_some_and(|group| groups.contains(&group))
    };
    let found = ctx.world.labels().filter(|label| match label.owner {
        Owner::Group(owner) => groups.contains(&owner),
        Owner::Project(owner) => with_projects && in_group(owner),
    });
    label::page_of(found, arguments)
}

/// Groups that this one was invited to.
fn shared_groups<'w>(ctx: &Context<'w>, group: &'w Group, arguments: &Arguments) -> Value<'w> {
    let search = arguments.text("search").map(str::to_lowercase);
    let invites = |other: &&Group| other.shared_with.iter().any(|(id, _)| *id == group.id);
    let found = ctx.world.groups().filter(invites).filter(|other| {
        ctx.world.sees_group(ctx.caller, other)
            && search.as_ref().is_none_or(|text| matches(text, &other.name, &other.path))
    });
    page(found.map(Object::Group).collect(), order(arguments), arguments)
}

/// The order that a `GroupSort` asks for.
fn order(arguments: &Arguments) -> Order {
    match arguments.text("sort").unwrap_or_default() {
        "NAME_DESC" => Order::descending(By::Name),
        "PATH_ASC" => Order::ascending(By::Path),
        "PATH_DESC" => Order::descending(By::Path),
        "ID_ASC" => Order::ascending(By::Id),
        "ID_DESC" => Order::descending(By::Id),
        "CREATED_AT_ASC" | "UPDATED_AT_ASC" => Order::ascending(By::CreatedAt),
        "CREATED_AT_DESC" | "UPDATED_AT_DESC" => Order::descending(By::CreatedAt),
        _ => Order::ascending(By::Name),
    }
}

/// A page of the administrators' part of the site.
fn admin_path<'w>(ctx: &Context<'w>, group: &Group, rest: &str) -> Value<'w> {
    if !ctx.admin() {
        return Value::Null;
    }
    Value::Text(format!("/admin/groups/{}{rest}", group.full_path))
}
