//! Groups, projects, labels.

use serde_json::{Value, json};

use super::time;
use crate::world::{Caller, Feature, Group, Issue, Label, Namespace, Owner, Project, Role, Subscribable, World};

/// A group.
pub(crate) fn group(world: &World, group: &Group) -> Value {
    let mut shown = json!({
        "id": group.id,
        "web_url": world.web_url(&format!("groups/{}", group.full_path)),
        "name": group.name,
        "path": group.path,
        "description": group.description,
        "visibility": group.visibility.name(),
        "share_with_group_lock": false,
        "require_two_factor_authentication": false,
        "two_factor_grace_period": 48,
        "project_creation_level": "developer",
        "auto_devops_enabled": null,
        "subgroup_creation_level": "maintainer",
        "emails_disabled": false,
        "emails_enabled": true,
        "mentions_disabled": null,
        "lfs_enabled": true,
        "default_branch": null,
        "avatar_url": null,
        "request_access_enabled": true,
        "full_name": group.full_name,
        "full_path": group.full_path,
        "created_at": time(group.created_at),
        "parent_id": group.parent,
    });
    // Delayed deletion was Premium's until 18.0.
    if world.settings.at_least(18, 0) || world.settings.edition.licensed() {
        shown["marked_for_deletion_on"] = json!(group.marked_for_deletion_on);
    }
    if world.settings.at_least(17, 4) {
        shown["organization_id"] = json!(1);
    }
    if world.settings.at_least(18, 2) {
        shown["archived"] = json!(group.archived);
    }
    shown
}

/// A group on its own.
pub(crate) fn group_detail(world: &World, found: &Group) -> Value {
    let mut shown = group(world, found);
    shown["shared_with_groups"] = shares(world, &found.shared_with);
    shown
}

/// `statistics` of a group, which administrators see. The World weighs nothing.
pub(crate) fn group_statistics() -> Value {
    json!({
        "storage_size": 0,
        "repository_size": 0,
        "wiki_size": 0,
        "lfs_objects_size": 0,
        "job_artifacts_size": 0,
        "pipeline_artifacts_size": 0,
        "packages_size": 0,
        "snippets_size": 0,
        "uploads_size": 0,
    })
}

/// `statistics` of a project, which are seen from Reporter upwards.
pub(crate) fn statistics(world: &World, project: &Project) -> Value {
    let mut shown = group_statistics();
    shown["commit_count"] = json!(world.commits_of(project).count());
    shown["container_registry_size"] = json!(0);
    shown
}

/// A project as `simple=true` and most lists of the anonymous show it.
pub(crate) fn project_simple(world: &World, project: &Project) -> Value {
    let web = world.web_url(&project.full_path);
    json!({
        "id": project.id,
        "description": project.description,
        "name": project.name,
        "name_with_namespace": project.full_name,
        "path": project.path,
        "path_with_namespace": project.full_path,
        "created_at": time(project.created_at),
        "default_branch": project.default_branch,
        "tag_list": project.topics,
        "topics": project.topics,
        "ssh_url_to_repo": format!("git@gitlab.example.com:{}.git", project.full_path),
        "http_url_to_repo": format!("{web}.git"),
        "web_url": web,
        "readme_url": null,
        "forks_count": 0,
        "avatar_url": null,
        "star_count": project.stars.len(),
        "last_activity_at": time(project.last_activity_at),
        "namespace": namespace(world, project.namespace),
    })
}

/// A project.
pub(crate) fn project(world: &World, caller: &Caller, project: &Project) -> Value {
    let mut shown = project_simple(world, project);
    let role = world.caller_role(caller, project);
    // What is on for members only is on for who has the role that it takes (`feature_available?`).
    let on = |feature: Feature, least: Role| match feature {
        Feature::Disabled => false,
        Feature::Private => role >= least,
        Feature::Enabled => true,
    };
    let parent = project.forked_from.and_then(|id| world.project(id));
    let mut more = json!({
        "_links": { "self": world.web_url(&format!("api/v4/projects/{}", project.id)) },
        "archived": project.archived,
        "empty_repo": project.empty_repo(),
        "visibility": project.visibility.name(),
        "updated_at": time(project.updated_at),
        "import_status": "none",
        "ci_config_path": "",
        "public_jobs": true,
        "shared_with_groups": shares(world, &project.shared_with),
        "merge_method": "merge",
        "squash_option": "default_off",
        "merge_requests_enabled": on(project.merge_requests_access, Role::Reporter),
        "issues_enabled": on(project.issues_access, Role::Guest),
        "wiki_enabled": true,
        "jobs_enabled": on(project.builds_access, Role::Guest),
        "snippets_enabled": true,
        "container_registry_enabled": true,
        "merge_requests_access_level": project.merge_requests_access.name(),
        "repository_access_level": project.repository_access.name(),
        "builds_access_level": project.builds_access.name(),
        "environments_access_level": project.builds_access.name(),
        "issues_access_level": project.issues_access.name(),
        "permissions": permissions(world, caller, project),
    });
    if world.settings.at_least(18, 0) || world.settings.edition.licensed() {
        more["marked_for_deletion_at"] = json!(project.marked_for_deletion_on);
        more["marked_for_deletion_on"] = json!(project.marked_for_deletion_on);
    }
    // The count is of what is not confidential, whoever asks (`Projects::BatchOpenIssuesCountService`).
    if on(project.issues_access, Role::Guest) {
        let open = |issue: &&Issue| issue.closed_at.is_none() && !issue.confidential;
        more["open_issues_count"] = json!(world.issues_of(project.id).filter(open).count());
    }
    // Projects of groups have no owner, not even null.
    if let Namespace::User(owner) = project.namespace {
        more["owner"] = super::user_basic(world, Some(owner));
    }
    if let Some(parent) = parent {
        more["forked_from_project"] = project_simple(world, parent);
    }
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    shown
}

/// What references in lists of a group name: its own projects by their path, those further below by the whole one. Other lists
/// name nothing (lib/api/entities/issuable_references.rb, `to_reference_base` of GitLab's `Project`).
pub(super) fn relative_to(group: Option<i64>, project: Option<&Project>) -> &str {
    match (group, project) {
        (Some(group), Some(project)) if project.group() == Some(group) => &project.path,
        (Some(_), Some(project)) => &project.full_path,
        _ => "",
    }
}

fn shares(world: &World, shares: &[(i64, Role)]) -> Value {
    let shown = shares.iter().filter_map(|(group, role)| {
        let group = world.group(*group)?;
        Some(json!({
            "group_id": group.id,
            "group_name": group.name,
            "group_full_path": group.full_path,
            "group_access_level": role.level(),
            "expires_at": null,
        }))
    });
    shown.collect()
}

fn permissions(world: &World, caller: &Caller, project: &Project) -> Value {
    let own = project.members.iter().find(|member| Some(member.user) == caller.user).map(|member| member.role);
    let group = match (caller.user, project.group()) {
        (Some(user), Some(group)) => Some(world.role_in_group(user, group)).filter(|role| *role > Role::None),
        _ => None,
    };
    let show = |role: Role| json!({ "access_level": role.level(), "notification_level": 3 });
    json!({ "project_access": own.map(show), "group_access": group.map(show) })
}

/// A namespace.
pub(crate) fn namespace(world: &World, namespace: Namespace) -> Value {
    match namespace {
        Namespace::Group(id) => world.group(id).map_or(Value::Null, |group| {
            json!({
                "id": group.id,
                "name": group.name,
                "path": group.path,
                "kind": "group",
                "full_path": group.full_path,
                "parent_id": group.parent,
                "avatar_url": null,
                "web_url": world.web_url(&format!("groups/{}", group.full_path)),
            })
        }),
        Namespace::User(id) => world.user(id).map_or(Value::Null, |user| {
            json!({
                "id": user.id,
                "name": user.name,
                "path": user.username,
                "kind": "user",
                "full_path": user.username,
                "parent_id": null,
                "avatar_url": null,
                "web_url": world.web_url(&user.username),
            })
        }),
    }
}

/// A label as merge requests show it, with `with_labels_details`.
pub(crate) fn label_basic(world: &World, label: &Label) -> Value {
    let mut shown = json!({
        "id": label.id,
        "name": label.title,
        "description": label.description,
        "description_html": label.description.as_deref().unwrap_or(""),
        "text_color": "#FFFFFF",
        "color": label.color,
    });
    if world.settings.at_least(18, 4) {
        shown["archived"] = json!(false);
    }
    shown
}

/// A label in a project or a group. Projects tell whose it is, and what it weighs there.
pub(crate) fn label(world: &World, caller: &Caller, label: &Label, in_project: bool) -> Value {
    let mut shown = label_basic(world, label);
    let subscribed = caller.user.is_some_and(|user| world.subscribed(Subscribable::Label(label.id), user));
    shown["subscribed"] = json!(subscribed);
    if in_project {
        shown["priority"] = Value::Null;
        shown["is_project_label"] = json!(matches!(label.owner, Owner::Project(_)));
    }
    shown
}
