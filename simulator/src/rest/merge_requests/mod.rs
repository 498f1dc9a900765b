//! Merge requests: of a project, of a group, everywhere.

mod filter;
mod order;
mod takes;

use serde_json::Value;

use super::page::{Paging, enough, page, page_of};
use super::params::PAGED;
use super::route::Needs::Nothing;
use super::route::{Route, read};
use super::show::LabelStyle;
use super::{Failure, Reply, Request, find, show};
use crate::world::{Along, Commit, MergeRequest, Project, Role, Stretch, World};
use filter::Filter;
use takes::{IN_GROUP, IN_PROJECT, LIST, NEGATED, OWN_SCOPE, SCOPE};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/groups/:id/merge_requests", Nothing, of_group).takes(&[LIST, NEGATED, SCOPE, IN_GROUP, PAGED]),
    read("/projects/:id/merge_requests", Nothing, of_project).takes(&[LIST, NEGATED, SCOPE, IN_PROJECT, PAGED]),
    read("/projects/:id/merge_requests/:iid", Nothing, one),
    read("/projects/:id/merge_requests/:iid/commits", Nothing, commits).takes(&[PAGED]),
    read("/merge_requests", Nothing, everywhere).takes(&[LIST, NEGATED, OWN_SCOPE, PAGED]),
];

pub(crate) fn of_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::readable(world, request)?;
    list(world, request, &[project.id], None)
}

pub(crate) fn of_group(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?;
    let archived_too = !request.args.is("non_archived");
    let below = std::iter::once(group.id).chain(world.descendant_groups(group.id));
    let projects = below.flat_map(|id| world.projects_of_group(id)).filter_map(|id| world.project(*id));
    let readable = projects
        .filter(|project| (archived_too || !project.archived) && world.reads_merge_requests(&request.caller, project));
    let readable: Vec<i64> = readable.map(|project| project.id).collect();
    list(world, request, &readable, Some(group.id))
}

/// Those of every project that the caller reads. The anonymous have made none, so they must ask for all
/// (lib/api/merge_requests.rb).
pub(crate) fn everywhere(world: &World, request: &Request) -> Result<Reply, Failure> {
    if request.caller.anonymous() && request.args.text("scope").as_deref() != Some("all") {
        return Err(Failure::unauthorized());
    }
    let readable = world.projects().filter(|project| world.reads_merge_requests(&request.caller, project));
    let readable: Vec<i64> = readable.map(|project| project.id).collect();
    list(world, request, &readable, None)
}

/// A page of the merge requests of some projects. In an order that the World has, only as many are looked at as the answer
/// tells of, and none but those of the page where the World can count the others.
fn list(world: &World, request: &Request, projects: &[i64], group: Option<i64>) -> Result<Reply, Failure> {
    let filter = Filter::read(world, request)?;
    let descending = request.args.text("sort").as_deref() != Some("asc");
    let along = order::along(request);
    let stretch = along.map_or(Stretch::all(Along::Created, false), |along| {
        Stretch::all(along, descending).between(filter.span(along))
    });
    let places = world.places(projects.iter().copied(), stretch).map(|(_, id)| id);
    let row = |id: i64| world.merge_request(id).map(|found| shown(world, request, found, group)).unwrap_or_default();
    if along.is_some_and(|along| filter.all_along(along)) {
        let total = world.count_places(projects.iter().copied(), stretch);
        return page_of(world, request, Paging::Offset, total, |rows| {
            places.skip(rows.start).take(rows.len()).map(row).collect()
        });
    }
    let found = places.filter(|id| filter.wants(world, *id));
    let found: Vec<i64> = match along {
        Some(_) => found.take(enough(world, request)?).collect(),
        None => order::sorted(world, request, found),
    };
    page(world, request, Paging::Offset, &found, |id| row(*id))
}

fn shown(world: &World, request: &Request, found: &MergeRequest, group: Option<i64>) -> Value {
    if request.args.text("view").as_deref() == Some("simple") {
        return show::merge_request_simple(world, found);
    }
    let details = request.args.is("with_labels_details");
    let style = if details { LabelStyle::Details } else { LabelStyle::Titles };
    let show = || show::merge_request(world, found, style, group);
    // GitLab keeps the rows of projects' lists for a while.
    let of_project = request.path.starts_with("/projects/");
    if of_project { world.cached_in_lists(&request.caller, found, details, show) } else { show() }
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::merge_request(world, request)?;
    Ok(Reply::ok(show::single(world, &request.caller, found)))
}

pub(crate) fn commits(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::merge_request(world, request)?;
    let commits: Vec<&Commit> = found.commits.iter().collect();
    page(world, request, Paging::Offset, &commits, |commit| show::commit(world, project, commit, false))
}

/// Whether the caller reads the project's merge requests, for handlers of what hangs on them.
pub(super) fn role(world: &World, request: &Request, project: &Project) -> Role {
    world.caller_role(&request.caller, project)
}
