//! Lists of issues: of a project, of a group, everywhere; how many there are; and one of them (`lib/api/issues.rb`).

use serde_json::json;

use super::filter::{COUNTED, Filter, LISTED, SCOPES};
use crate::rest::keyset::{self, CURSOR};
use crate::rest::page::{Paging, page};
use crate::rest::params::{PAGED, Param, one_of, truth};
use crate::rest::route::Needs::{Admin, Nothing, User};
use crate::rest::route::{Route, read};
use crate::rest::show::LabelStyle;
use crate::rest::{Failure, Reply, Request, find, show};
use crate::world::{Issue, Project, World};

static SCOPED: &[Param] = &[one_of("scope", SCOPES)];
static MINE: &[Param] = &[one_of("scope", SCOPES).or("created_by_me")];
static BELOW: &[Param] = &[truth("non_archived").or("true")];

#[rustfmt::skip]
pub(in crate::rest) static ROUTES: &[Route] = &[
    read("/issues", User, everywhere).takes(&[COUNTED, LISTED, MINE, BELOW, PAGED]),
    read("/issues_statistics", User, statistics_everywhere).takes(&[COUNTED, MINE]),
    read("/issues/:id", Admin, one_of_all),
    read("/groups/:id/issues", Nothing, of_group).takes(&[COUNTED, LISTED, SCOPED, BELOW, PAGED]),
    read("/groups/:id/issues_statistics", Nothing, statistics_of_group).takes(&[COUNTED, SCOPED]),
    read("/projects/:id/issues", Nothing, of_project).takes(&[COUNTED, LISTED, SCOPED, CURSOR, PAGED]),
    read("/projects/:id/issues_statistics", Nothing, statistics_of_project).takes(&[COUNTED, SCOPED]),
    read("/projects/:id/issues/:issue_iid", Nothing, one),
];

/// Issues of projects with the wishes of the request. Where they are switched off there are none (`IssuesFinder`).
fn wanted<'w>(
    world: &'w World,
    request: &'w Request,
    projects: impl IntoIterator<Item = &'w Project>,
) -> Result<Vec<&'w Issue>, Failure> {
    let filter = Filter::read(world, request)?;
    let caller = &request.caller;
    let readable = projects.into_iter().filter(|project| world.reads_issues(caller, project));
    let issues = readable
        .flat_map(|project| world.issues_of(project.id).filter(move |issue| world.sees_issue(caller, project, issue)));
    Ok(issues.filter(|issue| filter.wants(issue)).collect())
}

/// Archived projects are left out unless `non_archived=false`.
fn below<'w>(world: &'w World, request: &Request) -> Result<Vec<&'w Project>, Failure> {
    let group = find::group(world, request)?;
    let archived_too = request.args.truth("non_archived") == Some(false);
    let groups = std::iter::once(group.id).chain(world.descendant_groups(group.id));
    let projects = groups.flat_map(|id| world.projects_of_group(id)).filter_map(|id| world.project(*id));
    Ok(projects.filter(|project| archived_too || !project.archived).collect())
}

fn of_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    let mut found = wanted(world, request, [project])?;
    let style = style(request);
    let shown = |issue: &&Issue| show::issue(world, issue, style, None);
    if let Some((column, at)) = keyset_column(world, request) {
        let key = |issue: &&Issue| format!("{:.9}", at(issue));
        return keyset::by_cursor(world, request, found, (Some((column, &key)), |issue| issue.id), shown);
    }
    sort(world, request, &mut found);
    page(world, request, Paging::Offset, &found, shown)
}

/// One of the times of an issue.
type Time = fn(&Issue) -> jiff::Timestamp;

/// What cursors lead along, where they are asked for. In other orders GitLab forgets the wish.
fn keyset_column(world: &World, request: &Request) -> Option<(&'static str, Time)> {
    if !world.settings.at_least(18, 3) || !keyset::wished(request) {
        return None;
    }
    match request.args.text("order_by").as_deref() {
        Some("created_at") => Some(("created_at", |issue| issue.created_at)),
        Some("updated_at") => Some(("updated_at", |issue| issue.updated_at)),
        _ => None,
    }
}

fn of_group(world: &World, request: &Request) -> Result<Reply, Failure> {
    let projects = below(world, request)?;
    let group = find::group(world, request)?;
    list(world, request, wanted(world, request, projects)?, Some(group.id))
}

fn everywhere(world: &World, request: &Request) -> Result<Reply, Failure> {
    let archived_too = request.args.truth("non_archived") == Some(false);
    let projects = world.projects().filter(|project| archived_too || !project.archived);
    list(world, request, wanted(world, request, projects)?, None)
}

fn list(world: &World, request: &Request, mut found: Vec<&Issue>, group: Option<i64>) -> Result<Reply, Failure> {
    sort(world, request, &mut found);
    let style = style(request);
    page(world, request, Paging::Offset, &found, |issue| show::issue(world, issue, style, group))
}

fn style(request: &Request) -> LabelStyle {
    if request.args.is("with_labels_details") { LabelStyle::Details } else { LabelStyle::Titles }
}

/// Those without the date come last either way.
fn sort(world: &World, request: &Request, found: &mut [&Issue]) {
    let ascending = request.args.text("sort").as_deref() == Some("asc");
    let due = |issue: &Issue| issue.milestone.and_then(|id| world.milestone(id)).and_then(|found| found.due_date);
    match request.args.text("order_by").as_deref().unwrap_or_default() {
        "updated_at" => found.sort_by_key(|issue| (issue.updated_at, issue.id)),
        "title" => found.sort_by(|left, right| left.title.cmp(&right.title).then(left.id.cmp(&right.id))),
        "due_date" => found.sort_by_key(|issue| (issue.due_date.is_none() == ascending, issue.due_date, issue.id)),
        "milestone_due" => found.sort_by_key(|issue| (due(issue).is_none() == ascending, due(issue), issue.id)),
        _ => found.sort_by_key(|issue| (issue.created_at, issue.id)),
    }
    if !ascending {
        found.reverse();
    }
}

fn counts(found: &[&Issue]) -> Reply {
    let closed = found.iter().filter(|issue| issue.closed_at.is_some()).count();
    let counts = json!({ "all": found.len(), "closed": closed, "opened": found.len() - closed });
    Reply::ok(json!({ "statistics": { "counts": counts } }))
}

fn statistics_everywhere(world: &World, request: &Request) -> Result<Reply, Failure> {
    Ok(counts(&wanted(world, request, world.projects())?))
}

fn statistics_of_group(world: &World, request: &Request) -> Result<Reply, Failure> {
    Ok(counts(&wanted(world, request, below(world, request)?)?))
}

fn statistics_of_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    Ok(counts(&wanted(world, request, [project])?))
}

/// The issue of the first two placeholders. What may not be seen is absent, also where issues are switched off.
pub(in crate::rest) fn named<'w>(world: &'w World, request: &Request) -> Result<(&'w Project, &'w Issue), Failure> {
    let project = find::project(world, request)?;
    let iid = find::number(request, 1, "issue_iid")?;
    let found = world.issue_by_iid(project.id, iid).filter(|found| world.sees_issue(&request.caller, project, found));
    Ok((project, found.ok_or_else(Failure::no_row)?))
}

fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = named(world, request)?;
    Ok(Reply::ok(show::issue_single(world, &request.caller, found)))
}

fn one_of_all(world: &World, request: &Request) -> Result<Reply, Failure> {
    let id = find::number(request, 0, "id")?;
    let found = world.issue(id).ok_or_else(Failure::no_row)?;
    Ok(Reply::ok(show::issue_single(world, &request.caller, found)))
}
