//! Projects and the commits of their branches.

use super::groups::least_role;
use super::page::{Paging, keyset, keyset_page, page};
use super::route::Needs::Nothing;
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Commit, Feature, Project, Role, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects", Nothing, list),
    read("/projects/:id", Nothing, one),
    read("/projects/:id/repository/commits", Nothing, commits),
];

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    Ok(Reply::ok(show::project(world, &request.caller, project)))
}

pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let membership = request.args.truth("membership") == Some(true);
    let near = |project: &&Project| {
        let user = request.caller.user;
        !membership || user.is_some_and(|user| world.role_in_project(user, project) > Role::None)
    };
    page_of(world, request, world.projects().filter(near).collect())
}

/// A page of projects, after the filters that every list of projects has.
pub(super) fn page_of(world: &World, request: &Request, mut found: Vec<&Project>) -> Result<Reply, Failure> {
    let args = &request.args;
    let caller = &request.caller;
    let by_update = args.text("order_by").as_deref() == Some("updated_at");
    if !by_update && (args.raw("updated_after").is_some() || args.raw("updated_before").is_some()) {
        return Err(Failure::bad_request("`updated_after` and `updated_before` need `order_by=updated_at`"));
    }
    let archived = args.truth("archived");
    let search = args.text("search").map(|text| text.to_lowercase());
    let visibility = args.text("visibility");
    let least = least_role(request)?;
    let with_merge_requests = args.truth("with_merge_requests_enabled") == Some(true);
    let topic = args.text("topic");
    let (after, before) = (args.time("updated_after")?, args.time("updated_before")?);
    let (active_after, active_before) = (args.time("last_activity_after")?, args.time("last_activity_before")?);
    let (id_after, id_before) = (args.integer("id_after")?, args.integer("id_before")?);
    found.retain(|project| {
        world.sees_project(caller, project)
            && archived.is_none_or(|archived| project.archived == archived)
            && search.as_ref().is_none_or(|text| project.full_path.to_lowercase().contains(text))
            && visibility.as_ref().is_none_or(|wanted| project.visibility.name() == wanted)
            && (least == Role::None || world.caller_role(caller, project) >= least)
            && (!with_merge_requests || project.merge_requests_access != Feature::Disabled)
            && topic.as_ref().is_none_or(|topic| project.topics.contains(topic))
            && after.is_none_or(|after| project.updated_at >= after)
            && before.is_none_or(|before| project.updated_at <= before)
            && active_after.is_none_or(|after| project.last_activity_at >= after)
            && active_before.is_none_or(|before| project.last_activity_at <= before)
            && id_after.is_none_or(|after| project.id > after)
            && id_before.is_none_or(|before| project.id < before)
    });
    let simple = args.truth("simple") == Some(true) || caller.anonymous();
    let shown = |project: &&Project| match simple {
        true => show::project_simple(world, project),
        false => show::project(world, caller, project),
    };
    if keyset(request, "id")? {
        return keyset_page(world, request, found, |project| project.id, shown);
    }
    order(request, &mut found)?;
    page(world, request, Paging::Limited("Project"), &found, shown)
}

fn order(request: &Request, found: &mut [&Project]) -> Result<(), Failure> {
    match request.args.text("order_by").as_deref().unwrap_or("created_at") {
        "id" => found.sort_by_key(|project| project.id),
        "created_at" | "similarity" | "star_count" => {
            found.sort_by_key(|project| (project.created_at, project.id));
        }
        "updated_at" => found.sort_by_key(|project| (project.updated_at, project.id)),
        "last_activity_at" => found.sort_by_key(|project| (project.last_activity_at, project.id)),
        "name" => {
            found.sort_by(|left, right| left.name.cmp(&right.name).then(left.id.cmp(&right.id)));
        }
        "path" => {
            found.sort_by(|left, right| left.path.cmp(&right.path).then(left.id.cmp(&right.id)));
        }
        _ => return Err(Failure::param("order_by does not have a valid value")),
    }
    if request.args.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    Ok(())
}

/// The default branch, newest first. A repository that is off does not exist; an empty one has no commits.
pub(crate) fn commits(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    if project.repository_access == Feature::Disabled {
        return Err(Failure::not_found("Repository"));
    }
    if !world.reads_code(&request.caller, project) {
        return Err(Failure::forbidden(""));
    }
    let args = &request.args;
    let (since, until) = (args.time("since")?, args.time("until")?);
    let author = args.text("author").map(|text| text.to_lowercase());
    let wanted = |commit: &&Commit| {
        since.is_none_or(|since| commit.committed_at >= since)
            && until.is_none_or(|until| commit.committed_at <= until)
            && author.as_ref().is_none_or(|author| {
                commit.author_email.to_lowercase().contains(author)
                    || commit.author_name.to_lowercase().contains(author)
            })
    };
    let found: Vec<&Commit> = project.commits.iter().filter(wanted).collect();
    let with_stats = args.truth("with_stats") == Some(true);
    page(world, request, Paging::Uncounted, &found, |commit| {
        let mut shown = show::commit(world, project, commit, true);
        if with_stats {
            let total = commit.additions + commit.deletions;
            shown["stats"] = serde_json::json!({
                "additions": commit.additions,
                "deletions": commit.deletions,
                "total": total,
            });
        }
        shown
    })
}
