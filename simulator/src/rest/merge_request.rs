//! One merge request: opened, changed, removed. What the caller may not set is left out without a word, as GitLab does.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::params::{Param, integer, integers, one_of, text, texts, truth};
use super::route::Needs::User;
use super::route::{Route, write};
use super::{Failure, Reply, Request, allow, find, show};
use crate::world::{Edit, Feature, MergeRequest, MergeRequestState, Opening, Project, Role, Sha, Visibility, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    write("POST", "/projects/:id/merge_requests", User, create).takes(&[NEW, OPTIONAL]),
    write("PUT", "/projects/:id/merge_requests/:iid", User, update).takes(&[CHANGE, OPTIONAL]),
    write("DELETE", "/projects/:id/merge_requests/:iid", User, delete),
];

/// lib/api/merge_requests.rb.
static NEW: &[Param] = &[
    text("title").required(),
    text("source_branch").required(),
    text("target_branch").required(),
    integer("target_project_id"),
];

static CHANGE: &[Param] =
    &[text("title"), text("target_branch"), one_of("state_event", &["close", "reopen"]), truth("discussion_locked")];

static OPTIONAL: &[Param] = &[
    integer("assignee_id"),
    integers("assignee_ids"),
    integers("reviewer_ids"),
    text("description"),
    texts("labels"),
    texts("add_labels"),
    texts("remove_labels"),
    integer("milestone_id"),
    truth("remove_source_branch"),
    truth("allow_collaboration"),
    truth("squash"),
];

/// What a change has to name at least one of (`update_params_at_least_one_of`).
const CHANGEABLE: [&str; 17] = [
    "assignee_id",
    "assignee_ids",
    "reviewer_ids",
    "description",
    "labels",
    "add_labels",
    "remove_labels",
    "milestone_id",
    "remove_source_branch",
    "allow_collaboration",
    "allow_maintainer_to_push",
    "squash",
    "target_branch",
    "title",
    "state_event",
    "discussion_locked",
    "merge_after",
];

pub(crate) fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let source = allow::change(world, request, Role::Developer)?;
    let target = match request.args.integer("target_project_id")? {
        Some(id) => world.project(id).filter(|project| world.sees_project(&request.caller, project)),
        None => Some(source),
    };
    let target = target.ok_or_else(|| Failure::not_found("Project"))?;
    let author = find::caller(world, request)?.username.clone();
    let said = |name: &str| request.args.text(name).unwrap_or_default();
    let opening = Opening {
        project: target.id,
        source_project: source.id,
        head: head(world, source, &said("source_branch")),
        source_branch: said("source_branch"),
        target_branch: said("target_branch"),
        title: said("title"),
        description: request.args.text("description"),
        rest: wished(world, request, target, &[])?,
    };
    validate(world, &opening, (source, target), None)?;
    let id = world.open_from_branch(&author, &opening).ok_or_else(Failure::no_row)?;
    let found = world.merge_request(id).ok_or_else(Failure::no_row)?;
    Ok(Reply::created(show::single(world, &request.caller, found)))
}

/// The head of a branch, if there is one.
fn head(world: &World, project: &Project, branch: &str) -> Option<Sha> {
    let known = project.branches.iter().find(|known| known.name == branch).map(|known| known.sha);
    let default = || project.commits.first().filter(|_| project.default_branch.as_deref() == Some(branch));
    let open = || {
        let mut open = world.merge_requests_of(project.id);
        open.find(|found| found.source_branch == branch && found.state == MergeRequestState::Opened)?.sha
    };
    known.or_else(|| default().map(|commit| commit.sha)).or_else(open)
}

/// What GitLab's model of a merge request refuses, in the order of its API (`handle_merge_request_errors!`).
fn validate(
    world: &World,
    opening: &Opening,
    (source, target): (&Project, &Project),
    own: Option<i64>,
) -> Result<(), Failure> {
    let unprocessable = |words: &str| Failure::new(StatusCode::UNPROCESSABLE_ENTITY, json!({ "message": [words] }));
    if source.id == target.id && opening.source_branch == opening.target_branch {
        return Err(unprocessable("You can't use same project/branch for source and target"));
    }
    if source.id != target.id && source.forked_from != Some(target.id) {
        return Err(unprocessable("Source project is not a fork of the target project"));
    }
    if target.merge_requests_access == Feature::Disabled {
        return Err(unprocessable("Target project has disabled merge requests"));
    }
    let same = |found: &&MergeRequest| {
        found.state == MergeRequestState::Opened
            && Some(found.id) != own
            && found.source_project == Some(source.id)
            && found.source_branch == opening.source_branch
            && found.target_branch == opening.target_branch
    };
    if let Some(other) = world.merge_requests_of(target.id).find(same) {
        let words = format!("Another open merge request already exists for this source branch: !{}", other.iid);
        return Err(Failure::conflict(json!([words])));
    }
    if opening.title.trim().is_empty() {
        return Err(Failure::invalid(&json!({ "title": ["can't be blank"] })));
    }
    Ok(())
}

/// Labels, people and milestone, as far as the caller may set them: from Reporter upwards.
fn wished(world: &World, request: &Request, project: &Project, labels: &[String]) -> Result<Edit, Failure> {
    let args = &request.args;
    let role = world.caller_role(&request.caller, project);
    if role < Role::Reporter {
        return Ok(Edit::default());
    }
    let sent = |name: &str| args.raw(name).is_some();
    let mut edit = Edit::default();
    if ["labels", "add_labels", "remove_labels"].iter().any(|name| sent(name)) {
        let mut titles = if sent("labels") { args.list("labels") } else { labels.to_vec() };
        titles.extend(args.list("add_labels"));
        let removed = args.list("remove_labels");
        let usable: Vec<&str> = world.labels_of_project(project).map(|label| label.title.as_str()).collect();
        titles.retain(|title| !removed.contains(title) && (role >= Role::Planner || usable.contains(&title.as_str())));
        edit.labels = Some(titles);
    }
    if sent("assignee_ids") || sent("assignee_id") {
        edit.assignees = Some(people(world, request, project, &["assignee_ids", "assignee_id"]));
    }
    if sent("reviewer_ids") {
        edit.reviewers = Some(people(world, request, project, &["reviewer_ids"]));
    }
    if sent("milestone_id") {
        let wanted = args.integer("milestone_id")?.unwrap_or_default();
        let known = wanted == 0 || world.milestones_of_project(project).any(|milestone| milestone.id == wanted);
        edit.milestone = known.then_some(wanted);
    }
    Ok(edit)
}

/// The people of a list who see the project. Without a licence there is one at most.
fn people(world: &World, request: &Request, project: &Project, names: &[&str]) -> Vec<String> {
    let ids = names.iter().flat_map(|name| request.args.list(name)).filter_map(|id| id.parse().ok());
    let sees = |id: &i64| {
        let admin = world.user(*id).is_some_and(|user| user.admin);
        admin || project.visibility != Visibility::Private || world.role_in_project(*id, project) >= Role::Reporter
    };
    let most = if world.settings.edition.licensed() { usize::MAX } else { 1 };
    let users = ids.filter(sees).filter_map(|id| world.user(id)).take(most);
    users.map(|user| user.username.clone()).collect()
}

/// The merge request of the path, if the caller may change it: a Developer, its author or who works on it.
pub(super) fn changeable<'w>(world: &'w World, request: &Request) -> Result<(&'w Project, &'w MergeRequest), Failure> {
    let (project, found) = find::merge_request(world, request)?;
    let user = find::caller(world, request)?.id;
    let own = found.author == Some(user) || found.assignees.contains(&user);
    if project.archived || (!own && world.caller_role(&request.caller, project) < Role::Developer) {
        return Err(Failure::forbidden(""));
    }
    Ok((project, found))
}

pub(crate) fn update(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let args = &request.args;
    if CHANGEABLE.iter().all(|name| args.raw(name).is_none()) {
        let names = CHANGEABLE.join(", ");
        return Err(Failure::param(&format!("{names} are missing, at least one parameter must be provided")));
    }
    for name in ["title", "target_branch"] {
        if args.raw(name).is_some() && args.filled(name).is_none() {
            return Err(Failure::param(&format!("{name} is empty")));
        }
    }
    let (project, found) = changeable(world, request)?;
    let id = found.id;
    let titles: Vec<String> = found.labels.iter().filter_map(|id| Some(world.label(*id)?.title.clone())).collect();
    let mut edit = wished(world, request, project, &titles)?;
    edit.title = args.text("title");
    edit.description = args.text("description");
    edit.target_branch = args.text("target_branch");
    edit.squash = args.truth("squash");
    edit.discussion_locked = args.truth("discussion_locked");
    let source = found.source_project.and_then(|id| world.project(id)).unwrap_or(project);
    if edit.target_branch.is_some() {
        let opening = Opening {
            source_branch: found.source_branch.clone(),
            target_branch: edit.target_branch.clone().unwrap_or_default(),
            title: found.title.clone(),
            ..Opening::default()
        };
        validate(world, &opening, (source, project), Some(id))?;
    }
    let (user, state) = (find::caller(world, request)?.username.clone(), found.state);
    match (args.text("state_event").as_deref(), state) {
        (Some("close"), MergeRequestState::Opened) => drop(world.close(id, &user)),
        (Some("reopen"), MergeRequestState::Closed) => drop(world.reopen(id, &user)),
        _ => {}
    }
    world.change_merge_request(id, &user, &edit);
    Ok(Reply::ok(shown(world, request, id)?))
}

/// A merge request on its own, after it changed.
pub(super) fn shown(world: &World, request: &Request, id: i64) -> Result<Value, Failure> {
    Ok(show::single(world, &request.caller, world.merge_request(id).ok_or_else(Failure::no_row)?))
}

/// Owners remove merge requests, which leaves nothing and which no webhook hears of.
pub(crate) fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::noteable(world, request)?;
    let id = found.id;
    if world.caller_role(&request.caller, project) < Role::Owner {
        return Err(Failure::forbidden(""));
    }
    world.delete_merge_request(id);
    Ok(Reply::no_content())
}
