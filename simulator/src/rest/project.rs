//! One project: made, changed, archived, moved, shared, forked, removed.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::page::{Paging, page};
use super::params::{PAGED, Param, integer, one_of, text, texts, truth};
use super::route::Needs::{Nothing, User};
use super::route::{Route, read, write};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Caller, Feature, Namespace, Project, Role, Visibility, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    write("POST", "/projects", User, create).takes(&[NEW, SETTINGS]),
    write("PUT", "/projects/:id", User, update).takes(&[CHANGE, SETTINGS]),
    write("DELETE", "/projects/:id", User, delete).takes(&[DELETE]),
    write("POST", "/projects/:id/restore", User, restore),
    write("POST", "/projects/:id/archive", User, archive),
    write("POST", "/projects/:id/unarchive", User, unarchive),
    write("PUT", "/projects/:id/transfer", User, transfer).takes(&[TRANSFER]),
    write("POST", "/projects/:id/share", User, share).takes(&[SHARE]),
    write("DELETE", "/projects/:id/share/:group_id", User, unshare),
    write("POST", "/projects/:id/fork", User, fork).takes(&[FORK]),
    read("/projects/:id/forks", Nothing, forks).takes(&[PAGED]),
];

/// lib/api/projects.rb and its helpers.
static NEW: &[Param] = &[text("name"), text("path"), integer("namespace_id"), truth("initialize_with_readme")];

static CHANGE: &[Param] = &[text("name"), text("path"), text("default_branch")];

static SETTINGS: &[Param] = &[
    text("description"),
    one_of("visibility", &["private", "internal", "public"]),
    one_of("merge_requests_access_level", LEVELS),
    one_of("repository_access_level", LEVELS),
    one_of("builds_access_level", LEVELS),
    one_of("issues_access_level", LEVELS),
    truth("merge_requests_enabled"),
    texts("topics"),
];

const LEVELS: &[&str] = &["disabled", "private", "enabled"];

static DELETE: &[Param] = &[truth("permanently_remove"), text("full_path")];

static TRANSFER: &[Param] = &[text("namespace").required()];

static SHARE: &[Param] = &[integer("group_id").required(), integer("group_access").required(), text("expires_at")];

static FORK: &[Param] =
    &[integer("namespace_id"), text("namespace_path"), text("path"), text("name"), text("namespace")];

/// The project of the path, if the caller has at least this role in it.
fn allowed<'w>(world: &'w World, request: &Request, least: Role) -> Result<&'w Project, Failure> {
    let project = find::project_to_change(world, request)?;
    if world.caller_role(&request.caller, project) < least {
        return Err(Failure::forbidden(""));
    }
    Ok(project)
}

fn shown(world: &World, request: &Request, id: i64) -> Result<Value, Failure> {
    Ok(show::project(world, &request.caller, world.project(id).ok_or_else(Failure::no_row)?))
}

/// Whether the caller may make projects in a place: a Developer in a group, people at home.
fn may_create(world: &World, caller: &Caller, place: Namespace) -> bool {
    match place {
        Namespace::Group(group) => world.caller_role_in_group(caller, group) >= Role::Developer,
        Namespace::User(user) => caller.user == Some(user) || world.is_admin(caller),
    }
}

/// The place that a text names: a group by id or path, or a user's own.
fn place(world: &World, request: &Request, named: &str) -> Option<Namespace> {
    let group = named.parse().ok().and_then(|id| world.group(id)).or_else(|| world.group_by_path(named));
    if let Some(group) = group.filter(|group| world.sees_group(&request.caller, group)) {
        return Some(Namespace::Group(group.id));
    }
    world.user_by_name(named).map(|user| Namespace::User(user.id))
}

fn taken(world: &World, place: Namespace, path: &str) -> bool {
    let above = match place {
        Namespace::Group(id) => world.group(id).map(|group| group.full_path.clone()),
        Namespace::User(id) => world.user(id).map(|user| user.username.clone()),
    };
    above.is_some_and(|above| world.project_by_path(&format!("{above}/{path}")).is_some())
}

/// A name as a path: `Data Platform` becomes `data-platform`.
pub(super) fn slug(name: &str) -> String {
    let letter = |letter: char| if letter.is_alphanumeric() || "._".contains(letter) { letter } else { '-' };
    name.to_lowercase().chars().map(letter).collect::<String>().trim_matches('-').to_owned()
}

pub(super) fn visibility(text: &str) -> Visibility {
    match text {
        "public" => Visibility::Public,
        "internal" => Visibility::Internal,
        _ => Visibility::Private,
    }
}

fn apply(request: &Request, project: &mut Project) {
    let args = &request.args;
    let feature = |name: &str| {
        args.text(name).map(|level| match level.as_str() {
            "disabled" => Feature::Disabled,
            "private" => Feature::Private,
            _ => Feature::Enabled,
        })
    };
    let enabled = args.truth("merge_requests_enabled").map(|on| if on { Feature::Enabled } else { Feature::Disabled });
    let merge_requests = feature("merge_requests_access_level").or(enabled);
    project.merge_requests_access = merge_requests.unwrap_or(project.merge_requests_access);
    project.repository_access = feature("repository_access_level").unwrap_or(project.repository_access);
    project.builds_access = feature("builds_access_level").unwrap_or(project.builds_access);
    project.issues_access = feature("issues_access_level").unwrap_or(project.issues_access);
    project.visibility = args.text("visibility").map_or(project.visibility, |text| visibility(&text));
    project.description = args.text("description").or(project.description.take());
    if args.raw("topics").is_some() {
        project.topics = args.list("topics");
    }
}

/// A new project, empty unless it begins with a README.
pub(crate) fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let args = &request.args;
    let (name, path) = (args.filled("name"), args.filled("path"));
    let Some(path) = path.or_else(|| name.as_deref().map(slug)) else {
        return Err(Failure::param("name, path are missing, at least one parameter must be provided"));
    };
    let user = find::caller(world, request)?.id;
    let wanted = args.integer("namespace_id")?;
    let place = match wanted {
        Some(id) => place(world, request, &id.to_string()),
        None => Some(Namespace::User(user)),
    };
    let place = place.filter(|place| may_create(world, &request.caller, *place));
    let place = place.ok_or_else(|| Failure::invalid(&json!({ "namespace": ["is not valid"] })))?;
    if taken(world, place, &path) {
        let taken = json!(["has already been taken"]);
        return Err(Failure::invalid(&json!({ "project_namespace.name": taken, "name": taken, "path": taken })));
    }
    let id = world.new_project(place, &path, name.as_deref());
    let empty = !args.is("initialize_with_readme");
    if let Some(project) = world.project_mut(id) {
        apply(request, project);
        project.default_branch = project.default_branch.take().filter(|_| !empty);
    }
    Ok(Reply::created(shown(world, request, id)?))
}

pub(crate) fn update(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = allowed(world, request, Role::Maintainer)?;
    let (id, place, old) = (project.id, project.namespace, project.path.clone());
    let path = request.args.filled("path").filter(|path| *path != old);
    if path.as_deref().is_some_and(|path| taken(world, place, path)) {
        return Err(Failure::invalid(&json!({ "path": ["has already been taken"] })));
    }
    if let Some(name) = request.args.filled("name") {
        world.name_project(id, &name);
    }
    if let Some(project) = world.project_mut(id) {
        apply(request, project);
        project.default_branch = request.args.filled("default_branch").or(project.default_branch.take());
    }
    match path {
        Some(path) => world.rename_project(id, &path),
        None => world.update_project(id),
    };
    Ok(Reply::ok(shown(world, request, id)?))
}

/// Marks it for deletion, from 18.0 on and before that with a licence; else it is gone at once. What is marked already goes
/// for good when asked to, by its full path.
pub(crate) fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = allowed(world, request, Role::Owner)?;
    let (id, marked) = (project.id, project.marked_for_deletion_on.is_some());
    let accepted =
        || Reply { status: StatusCode::ACCEPTED, body: Some(json!({ "message": "202 Accepted" })), ..Reply::default() };
    let delayed = world.settings.at_least(18, 0) || world.settings.edition.licensed();
    if !delayed {
        world.delete_project(id);
        return Ok(accepted());
    }
    if !request.args.is("permanently_remove") {
        if marked {
            return Err(Failure::plain("Project has been already marked for deletion"));
        }
        world.schedule_project_deletion(id);
        return Ok(accepted());
    }
    if !marked {
        return Err(Failure::plain("Project must be marked for deletion first."));
    }
    if request.args.text("full_path").as_ref() != Some(&project.full_path) {
        return Err(Failure::plain("`full_path` is incorrect. You must enter the complete path for the project."));
    }
    world.delete_project(id);
    Ok(accepted())
}

pub(crate) fn restore(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = allowed(world, request, Role::Owner)?;
    let id = project.id;
    if project.marked_for_deletion_on.is_none() {
        return Err(Failure::plain("Project has not been marked for deletion"));
    }
    world.restore_project(id);
    Ok(Reply::created(shown(world, request, id)?))
}

pub(crate) fn archive(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = allowed(world, request, Role::Owner)?.id;
    world.archive_project(id);
    Ok(Reply::created(shown(world, request, id)?))
}

pub(crate) fn unarchive(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = allowed(world, request, Role::Owner)?.id;
    if let Some(project) = world.project_mut(id) {
        project.archived = false;
    }
    world.update_project(id);
    Ok(Reply::created(shown(world, request, id)?))
}

pub(crate) fn transfer(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = allowed(world, request, Role::Owner)?;
    let id = project.id;
    let named = request.args.text("namespace").unwrap_or_default();
    let target = place(world, request, &named).ok_or_else(|| Failure::not_found("Namespace"))?;
    let Namespace::Group(group) = target else {
        return Err(Failure::plain("Project cannot be transferred there"));
    };
    if !may_create(world, &request.caller, target) {
        return Err(Failure::plain("You don't have permission to transfer projects into that namespace."));
    }
    if target == project.namespace {
        return Err(Failure::plain("Project is already in this namespace."));
    }
    if taken(world, target, &project.path) {
        return Err(Failure::plain("Project with same name or path in target namespace already exists"));
    }
    world.transfer_project(id, group);
    Ok(Reply::ok(shown(world, request, id)?))
}

/// Invites a group, with the most that its members may do here.
pub(crate) fn share(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = allowed(world, request, Role::Maintainer)?.id;
    let group = request.args.integer("group_id")?.unwrap_or_default();
    let level = request.args.integer("group_access")?.unwrap_or_default();
    let role = Role::from_level(level).filter(|role| *role >= Role::Guest);
    let role = role.ok_or_else(|| Failure::param("group_access does not have a valid value"))?;
    let known = world.group(group).filter(|group| world.sees_group(&request.caller, group));
    known.ok_or_else(|| Failure::not_found("Group"))?;
    let project = world.project_mut(id).ok_or_else(Failure::no_row)?;
    if project.shared_with.iter().any(|(known, _)| *known == group) {
        return Err(Failure::conflict("The project is already shared with this group"));
    }
    project.shared_with.push((group, role));
    Ok(Reply::created(json!({
        "id": group, "project_id": id, "group_id": group, "group_access": level, "expires_at": null,
    })))
}

pub(crate) fn unshare(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = allowed(world, request, Role::Maintainer)?.id;
    let group = find::number(request, 1, "group_id")?;
    let project = world.project_mut(id).ok_or_else(Failure::no_row)?;
    if !project.shared_with.iter().any(|(known, _)| *known == group) {
        return Err(Failure::not_found("Group Link"));
    }
    project.shared_with.retain(|(known, _)| *known != group);
    Ok(Reply::no_content())
}

pub(crate) fn fork(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let source = find::project(world, request)?;
    if !world.reads_code(&request.caller, source) {
        return Err(Failure::not_found("Project"));
    }
    let user = find::caller(world, request)?.id;
    let args = &request.args;
    let wanted = args.filled("namespace_id").or(args.filled("namespace_path")).or(args.filled("namespace"));
    let place = match wanted {
        Some(named) => place(world, request, &named).filter(|place| may_create(world, &request.caller, *place)),
        None => Some(Namespace::User(user)),
    };
    let place = place.ok_or_else(|| Failure::not_found("Target Namespace"))?;
    let path = args.filled("path").unwrap_or_else(|| source.path.clone());
    let (source, name) = (source.id, args.filled("name"));
    if taken(world, place, &path) {
        let words = ["Project namespace name", "Name", "Path"].map(|what| format!("{what} has already been taken"));
        return Err(Failure::conflict(json!(words)));
    }
    let id = world.fork_project(source, place, &path, name.as_deref()).ok_or_else(Failure::no_row)?;
    Ok(Reply::created(shown(world, request, id)?))
}

pub(crate) fn forks(world: &World, request: &Request) -> Result<Reply, Failure> {
    let source = find::project(world, request)?.id;
    let mine = |project: &&Project| project.forked_from == Some(source) && world.sees_project(&request.caller, project);
    let forks: Vec<&Project> = world.projects().rev().filter(mine).collect();
    page(world, request, Paging::Offset, &forks, |project| show::project(world, &request.caller, project))
}
