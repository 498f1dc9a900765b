//! What happens to projects and groups.

use serde_json::json;

use super::sent::{Sent, nothing};
use super::verb::{Done, Verb, verb};
use crate::world::{Feature, Owner, Project, Role, Visibility, World};

pub(super) static VERBS: &[Verb] = &[
    verb("add-project", "group, path", "makes a project", |world, sent| {
        let group = sent.group(world, "group")?;
        Ok(json!({ "project": world.add_project(group, sent.text("path")?) }))
    }),
    verb("rename-project", "project, path", "gives it another path, to which the old one leads", |world, sent| {
        let path = sent.text("path")?;
        on(sent, world, |world, id| world.rename_project(id, path))
    }),
    verb("transfer-project", "project, group", "moves it to another group", |world, sent| {
        let group = sent.group(world, "group")?;
        on(sent, world, |world, id| world.transfer_project(id, group))
    }),
    verb("archive-project", "project", "makes it read-only", |world, sent| on(sent, world, World::archive_project)),
    verb("unarchive-project", "project", "lets it be written again", |world, sent| {
        on(sent, world, |world, id| edit(world, id, |project| project.archived = false))
    }),
    verb("schedule-project-deletion", "project", "marks it for deletion, which renames it", |world, sent| {
        on(sent, world, World::schedule_project_deletion)
    }),
    verb("delete-project", "project", "removes it with all that is in it", |world, sent| {
        on(sent, world, World::delete_project)
    }),
    verb("recreate-project", "project", "deletes it and makes an empty one at its path", |world, sent| {
        let id = sent.project(world)?;
        Ok(json!({ "project": world.recreate_project(id).ok_or_else(nothing)? }))
    }),
    verb("set-visibility", "project or group, visibility", "private, internal or public", set_visibility),
    verb("set-feature", "project, feature, access", "disabled, private or enabled", set_feature),
    verb("set-member", "project or group, user, role", "makes a member, or changes the role", |world, sent| {
        let (place, user) = (sent.owner(world)?, sent.user(world)?);
        let role = sent.one_of("role", &ROLES)?;
        world.set_member(place, user, role, None).ok_or_else(nothing)?;
        Ok(json!({ "user": user }))
    }),
    verb("remove-member", "project or group, user", "takes a membership away", |world, sent| {
        let (place, user) = (sent.owner(world)?, sent.user(world)?);
        world.remove_member(place, user).ok_or_else(nothing)?;
        Ok(json!({ "user": user }))
    }),
    verb("rename-group", "group, path", "gives it another path, and all below it", |world, sent| {
        let id = sent.group(world, "group")?;
        world.rename_group(id, sent.text("path")?).ok_or_else(nothing)?;
        Ok(json!({ "group": id }))
    }),
    verb("transfer-group", "group, to", "moves it into another group, or to the top", |world, sent| {
        let id = sent.group(world, "group")?;
        let parent = if sent.has("to") { Some(sent.group(world, "to")?) } else { None };
        world.transfer_group(id, parent).ok_or_else(nothing)?;
        Ok(json!({ "group": id }))
    }),
    verb("delete-group", "group", "removes it with all that is below it", |world, sent| {
        let id = sent.group(world, "group")?;
        world.delete_group(id).ok_or_else(nothing)?;
        Ok(json!({ "group": id }))
    }),
];

/// The roles, by their names.
pub(super) const ROLES: [(&str, Role); 7] = [
    ("minimal", Role::Minimal),
    ("guest", Role::Guest),
    ("planner", Role::Planner),
    ("reporter", Role::Reporter),
    ("developer", Role::Developer),
    ("maintainer", Role::Maintainer),
    ("owner", Role::Owner),
];

fn on(sent: &Sent<'_>, world: &mut World, act: impl FnOnce(&mut World, i64) -> Option<()>) -> Done {
    let id = sent.project(world)?;
    act(world, id).ok_or_else(nothing)?;
    Ok(json!({ "project": id }))
}

fn edit(world: &mut World, project: i64, edit: impl FnOnce(&mut Project)) -> Option<()> {
    world.project_mut(project).map(edit)
}

fn set_visibility(world: &mut World, sent: &Sent<'_>) -> Done {
    let known = [Visibility::Private, Visibility::Internal, Visibility::Public].map(|known| (known.name(), known));
    let visibility = sent.one_of("visibility", &known)?;
    let done = match sent.owner(world)? {
        Owner::Group(id) => world.group_mut(id).map(|group| group.visibility = visibility),
        Owner::Project(id) => world.project_mut(id).map(|project| project.visibility = visibility),
    };
    done.map(|()| json!({})).ok_or_else(nothing)
}

/// A feature of a project.
type OfProject = fn(&mut Project) -> &mut Feature;

fn set_feature(world: &mut World, sent: &Sent<'_>) -> Done {
    let known = [Feature::Disabled, Feature::Private, Feature::Enabled].map(|known| (known.name(), known));
    let access = sent.one_of("access", &known)?;
    let features: [(&str, OfProject); 4] = [
        ("merge_requests", |project| &mut project.merge_requests_access),
        ("repository", |project| &mut project.repository_access),
        ("builds", |project| &mut project.builds_access),
        ("issues", |project| &mut project.issues_access),
    ];
    let feature = sent.one_of("feature", &features)?;
    on(sent, world, |world, id| edit(world, id, |project| *feature(project) = access))
}
