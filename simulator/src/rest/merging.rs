//! Merging, rebasing, approving and withdrawing.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::merge_request::{changeable, shown};
use super::params::{Param, text, truth};
use super::route::Needs::User;
use super::route::{Route, since, write};
use super::{Failure, Reply, Request, approvals, find};
use crate::world::{Caller, MergeRequest, Project, Role, UserKind, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    write("PUT", "/projects/:id/merge_requests/:iid/merge", User, merge).takes(&[MERGE]),
    write("POST", "/projects/:id/merge_requests/:iid/cancel_merge_when_pipeline_succeeds", User, cancel),
    write("PUT", "/projects/:id/merge_requests/:iid/rebase", User, rebase),
    write("POST", "/projects/:id/merge_requests/:iid/approve", User, approve).takes(&[APPROVE]),
    write("POST", "/projects/:id/merge_requests/:iid/unapprove", User, unapprove),
    since(15, 4, write("PUT", "/projects/:id/merge_requests/:iid/reset_approvals", User, reset)),
];

/// lib/api/merge_requests.rb.
static MERGE: &[Param] = &[
    text("sha"),
    truth("squash"),
    text("merge_commit_message"),
    text("squash_commit_message"),
    truth("should_remove_source_branch"),
    truth("merge_when_pipeline_succeeds"),
    truth("auto_merge").since(17, 11),
];

static APPROVE: &[Param] = &[text("sha"), truth("publish_review").since(18, 0)];

/// `sha`, which has to be the head of the source branch where it is sent.
fn check_head(request: &Request, found: &MergeRequest) -> Result<(), Failure> {
    let head = found.sha.map(|sha| sha.to_string()).unwrap_or_default();
    match request.args.filled("sha") {
        Some(sha) if sha != head => Err(Failure::conflict(format!("SHA does not match HEAD of source branch: {head}"))),
        _ => Ok(()),
    }
}

/// Whether the caller may push to the target branch: a Developer, or a Maintainer where it is protected.
fn may_merge(world: &World, caller: &Caller, project: &Project, branch: &str) -> bool {
    let protected = project.branches.iter().any(|known| known.name == branch && known.protected);
    let least = if protected { Role::Maintainer } else { Role::Developer };
    !project.archived && world.caller_role(caller, project) >= least
}

/// Merges, at once or later. Whoever may not is unauthorized, what is not ready is not allowed, and what Git cannot merge
/// is a case of its own (lib/api/merge_requests.rb).
pub(crate) fn merge(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::noteable(world, request)?;
    let id = found.id;
    if !may_merge(world, &request.caller, project, &found.target_branch) {
        return Err(Failure::unauthorized());
    }
    let waits = request.args.is("merge_when_pipeline_succeeds") || request.args.is("auto_merge");
    let later = waits && world.auto_merge_strategy(found).is_some();
    let status = world.detailed_merge_status(found);
    let now = match waits {
        true => world.head_pipeline(found).and_then(|id| world.pipeline(id)).is_some_and(|one| one.status == "success"),
        false => ["mergeable", "conflict"].contains(&status),
    };
    if !now && !later {
        return Err(Failure::not_allowed(json!({ "message": "405 Method Not Allowed" })));
    }
    if now && status != "mergeable" {
        return Err(cannot(world));
    }
    check_head(request, found)?;
    let caller = find::caller(world, request)?;
    let (caller, user) = (caller.id, caller.username.clone());
    let removes = now && request.args.is("should_remove_source_branch") && found.source_project == Some(project.id);
    let branch = removes.then(|| (project.id, found.source_branch.clone()));
    if request.args.is("squash") {
        world.edit_merge_request(id, |found| found.squash = true);
    }
    if now {
        world.merge(id, &user);
    } else {
        world.auto_merge(id, &user);
    }
    if let Some((project, branch)) = branch {
        world.delete_branch(project, &branch, caller);
    }
    Ok(Reply::ok(shown(world, request, id)?))
}

/// Old sources say 406; 16.1 answers 422 (python-gitlab's issue 2719).
fn cannot(world: &World) -> Failure {
    let status =
        if world.settings.at_least(16, 0) { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::NOT_ACCEPTABLE };
    Failure::message(status, "Branch cannot be merged")
}

/// Leaves the merge to GitLab no longer. The status is 201 in any case, and the service's own stands in the body.
fn cancel(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::noteable(world, request)?;
    let (id, author) = (found.id, found.author);
    let user = find::caller(world, request)?.id;
    if author != Some(user) && !may_merge(world, &request.caller, project, &found.target_branch) {
        return Err(Failure::unauthorized());
    }
    Ok(Reply::created(match world.cancel_auto_merge(id, user) {
        Some(()) => json!({ "status": "success" }),
        None => json!({ "message": "Can't cancel the automatic merge", "status": "error", "http_status": 406 }),
    }))
}

/// Rebases in the background. Nothing in this World runs ahead of a source branch, so its head stays; conflicts are told
/// later, on the merge request.
pub(crate) fn rebase(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::noteable(world, request)?;
    if found.sha.is_none() {
        return Err(Failure::forbidden("Source branch does not exist"));
    }
    if !may_merge(world, &request.caller, project, &found.source_branch) {
        return Err(Failure::forbidden("Cannot push to source branch"));
    }
    let (id, conflicts) = (found.id, found.conflicts);
    if conflicts {
        world.fail_to_rebase(id);
    }
    let body = json!({ "rebase_in_progress": true });
    Ok(Reply { status: StatusCode::ACCEPTED, body: Some(body), ..Reply::default() })
}

/// Approves. Authors do not approve their own in the Enterprise Edition, unless the project lets them.
pub(crate) fn approve(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = changeable(world, request)?;
    let (id, author) = (found.id, found.author);
    check_head(request, found)?;
    let user = find::caller(world, request)?;
    let (user, name) = (user.id, user.username.clone());
    let known = found.approved_by(user);
    if request.args.is("publish_review") {
        world.publish_drafts(id, user);
    }
    if known {
        return Err(again(world, Failure::unauthorized()));
    }
    if author == Some(user) && world.settings.edition.licensed() {
        return Err(Failure::unauthorized());
    }
    world.approve(id, &name);
    approved(world, request)
}

pub(crate) fn unapprove(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = changeable(world, request)?;
    let user = find::caller(world, request)?;
    let (id, name) = (found.id, user.username.clone());
    if !found.approved_by(user.id) {
        return Err(again(world, Failure::absent()));
    }
    world.unapprove(id, &name);
    approved(world, request)
}

/// What is done already is not modified, since 19.3 (gitlab-org/gitlab!244481); before that the answer misled.
fn again(world: &World, before: Failure) -> Failure {
    match world.settings.at_least(19, 3) {
        true => Failure::new(StatusCode::NOT_MODIFIED, Value::Null),
        false => before,
    }
}

fn approved(world: &World, request: &Request) -> Result<Reply, Failure> {
    let mut reply = approvals::approvals(world, request)?;
    reply.status = StatusCode::CREATED;
    Ok(reply)
}

/// Takes all approvals back, in silence. Only bots may, and none of a merged one.
pub(crate) fn reset(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::noteable(world, request)?;
    let id = found.id;
    let bot = matches!(find::caller(world, request)?.kind, UserKind::ProjectBot | UserKind::ServiceAccount);
    let merged = found.merged_at.is_some();
    if !bot || merged || world.caller_role(&request.caller, project) < Role::Developer {
        return Err(Failure::unauthorized());
    }
    world.reset_approvals(id);
    Ok(Reply { status: StatusCode::ACCEPTED, ..Reply::default() })
}
