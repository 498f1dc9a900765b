//! What a request's path names, if its caller may see it. What is hidden and what is absent look the same.

use axum::http::StatusCode;
use serde_json::json;

use super::{Failure, Request};
use crate::world::{Group, MergeRequest, Project, User, World};

/// The group of the first placeholder, by id or path.
pub(crate) fn group<'w>(world: &'w World, request: &Request) -> Result<&'w Group, Failure> {
    let id = request.param(0);
    let by_id = id.parse().ok().and_then(|id| world.group(id));
    let found = by_id.or_else(|| world.group_by_path(id));
    let seen = found.filter(|group| world.sees_group(&request.caller, group));
    seen.ok_or_else(|| Failure::not_found("Group"))
}

/// The project of the first placeholder, by id or path. A path that moved redirects, from 16.7 on.
pub(crate) fn project<'w>(world: &'w World, request: &Request) -> Result<&'w Project, Failure> {
    found_project(world, request, true)
}

/// The same for requests that change something, which moved paths refuse.
pub(crate) fn project_to_change<'w>(world: &'w World, request: &Request) -> Result<&'w Project, Failure> {
    found_project(world, request, false)
}

fn found_project<'w>(world: &'w World, request: &Request, reads: bool) -> Result<&'w Project, Failure> {
    let id = request.param(0);
    let by_id = id.parse().ok().and_then(|id| world.project(id));
    let found = by_id.or_else(|| world.project_by_path(id));
    if let Some(project) = found.filter(|project| world.sees_project(&request.caller, project)) {
        return Ok(project);
    }
    let moved = world.project_by_old_path(id).filter(|project| world.sees_project(&request.caller, project));
    match moved {
        Some(project) if found.is_none() && world.settings.at_least(16, 7) => {
            Err(redirect(world, request, project, reads))
        }
        _ => Err(Failure::not_found("Project")),
    }
}

fn redirect(world: &World, request: &Request, project: &Project, reads: bool) -> Failure {
    if !reads {
        return Failure::not_allowed(json!({ "message": "Non GET methods are not allowed for moved projects" }));
    }
    // The path is `/projects/<id>/…` as sent; only the id changes.
    let rest = request.path.splitn(4, '/').nth(3).map(|rest| format!("/{rest}")).unwrap_or_default();
    let query = request.args.query();
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    let location = world.web_url(&format!("api/v4/projects/{}{rest}{query}", project.id));
    let text = format!("This resource has been moved permanently to {location}");
    let mut failure = Failure::new(StatusCode::MOVED_PERMANENTLY, json!(text));
    failure.headers.push(("location", location));
    failure
}

/// The merge request of the first two placeholders.
pub(crate) fn merge_request<'w>(
    world: &'w World,
    request: &Request,
) -> Result<(&'w Project, &'w MergeRequest), Failure> {
    let project = readable(world, request)?;
    let iid = request.param(1).parse().map_err(|_| Failure::param("merge_request_iid is invalid"))?;
    let found = world.merge_request_by_iid(project.id, iid);
    let seen = found.filter(|found| world.is_admin(&request.caller) || !world.hidden(found));
    Ok((project, seen.ok_or_else(Failure::no_row)?))
}

/// The project of the first placeholder, if the caller reads its merge requests.
pub(crate) fn readable<'w>(world: &'w World, request: &Request) -> Result<&'w Project, Failure> {
    let project = project(world, request)?;
    if !world.reads_merge_requests(&request.caller, project) {
        return Err(Failure::forbidden(""));
    }
    Ok(project)
}

/// The merge request of the first two placeholders, for what hangs on it, such as notes and events.
///
/// GitLab looks it up among those that the caller reads, so it is absent where its project would be forbidden
/// (GitLab's `find_noteable`).
pub(crate) fn noteable<'w>(world: &'w World, request: &Request) -> Result<(&'w Project, &'w MergeRequest), Failure> {
    merge_request(world, request).map_err(|failure| match failure.status {
        StatusCode::FORBIDDEN => Failure::no_row(),
        _ => failure,
    })
}

/// The user who calls.
pub(crate) fn caller<'w>(world: &'w World, request: &Request) -> Result<&'w User, Failure> {
    request.caller.user.and_then(|id| world.user(id)).ok_or_else(Failure::unauthorized)
}

/// A number among the placeholders.
pub(crate) fn number(request: &Request, place: usize, name: &str) -> Result<i64, Failure> {
    request.param(place).parse().map_err(|_| Failure::param(&format!("{name} is invalid")))
}
