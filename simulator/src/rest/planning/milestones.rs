//! Milestones of projects and groups, and what is in them (`lib/api/milestone_responses.rb`).

use crate::rest::page::{Paging, page};
use crate::rest::params::{PAGED, Param, integers, one_of, text, time, truth};
use crate::rest::route::Needs::Nothing;
use crate::rest::route::{Route, read};
use crate::rest::show::LabelStyle;
use crate::rest::{Failure, Reply, Request, find, search, show};
use crate::world::{Feature, Issue, MergeRequest, Milestone, Owner, Project, World};

static LIST: &[Param] = &[
    one_of("state", &["active", "closed", "all"]).or("all"),
    integers("iids"),
    text("title"),
    text("search"),
    truth("include_parent_milestones").or("false"),
    truth("include_ancestors").since(16, 7),
    truth("include_descendants").since(16, 7),
    time("updated_before"),
    time("updated_after"),
];

#[rustfmt::skip]
pub(in crate::rest) static ROUTES: &[Route] = &[
    read("/projects/:id/milestones", Nothing, list).takes(&[LIST, PAGED]),
    read("/projects/:id/milestones/:milestone_id", Nothing, one),
    read("/projects/:id/milestones/:milestone_id/issues", Nothing, issues).takes(&[PAGED]),
    read("/projects/:id/milestones/:milestone_id/merge_requests", Nothing, merge_requests).takes(&[PAGED]),
    read("/groups/:id/milestones", Nothing, list).takes(&[LIST, PAGED]),
    read("/groups/:id/milestones/:milestone_id", Nothing, one),
    read("/groups/:id/milestones/:milestone_id/issues", Nothing, issues).takes(&[PAGED]),
    read("/groups/:id/milestones/:milestone_id/merge_requests", Nothing, merge_requests).takes(&[PAGED]),
];

/// Whose milestones the path means, if the caller reads them: those of a project hang on issues or merge requests.
pub(super) fn owner(world: &World, request: &Request) -> Result<Owner, Failure> {
    if request.path.starts_with("/groups/") {
        return Ok(Owner::Group(find::group(world, request)?.id));
    }
    let project = find::project(world, request)?;
    let off = |feature: Feature| feature == Feature::Disabled;
    if off(project.issues_access) && off(project.merge_requests_access) {
        return Err(Failure::forbidden(""));
    }
    Ok(Owner::Project(project.id))
}

/// The milestone that a path names.
pub(super) fn named<'w>(world: &'w World, request: &Request) -> Result<&'w Milestone, Failure> {
    let owner = owner(world, request)?;
    let id = find::number(request, 1, "milestone_id")?;
    world.milestone(id).filter(|found| found.owner == owner).ok_or_else(Failure::no_row)
}

/// The next due ones first; those without a date come last.
fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let owner = owner(world, request)?;
    let args = &request.args;
    let ancestors = args.is("include_parent_milestones") || args.is("include_ancestors");
    let group = match owner {
        Owner::Group(group) => Some(group),
        Owner::Project(project) => world.project(project).and_then(Project::group),
    };
    let mut owners = vec![owner];
    owners.extend(world.ancestry(group).into_iter().filter(|_| ancestors).map(Owner::Group));
    if let Owner::Group(group) = owner
        && args.is("include_descendants")
    {
        owners.extend(descendants(world, request, group));
    }
    owners.dedup();
    let state = args.filled("state");
    let iids = args.list("iids");
    let (after, before) = (args.time("updated_after")?, args.time("updated_before")?);
    let wanted = |found: &&Milestone| {
        let searched = |text: String| search::matches(&text, [found.title.as_str(), found.description.as_str()]);
        state.as_deref().is_none_or(|state| state == "all" || (state == "closed") == found.closed)
            && (iids.is_empty() || iids.contains(&found.iid.to_string()))
            && args.filled("title").is_none_or(|title| title == found.title)
            && args.filled("search").is_none_or(searched)
            && after.is_none_or(|after| found.updated_at >= after)
            && before.is_none_or(|before| found.updated_at <= before)
    };
    let all = owners.into_iter().flat_map(|owner| world.milestones_of(owner));
    let mut found: Vec<&Milestone> = all.filter(wanted).collect();
    found.sort_by(|left, right| {
        let due = |found: &Milestone| (found.due_date.is_none(), found.due_date);
        due(left).cmp(&due(right)).then_with(|| left.title.cmp(&right.title))
    });
    page(world, request, Paging::Offset, &found, |found| show::milestone(world, found))
}

fn descendants(world: &World, request: &Request, group: i64) -> Vec<Owner> {
    let groups = world.descendant_groups(group);
    let projects = std::iter::once(&group).chain(&groups).flat_map(|id| world.projects_of_group(*id));
    let seen = projects.filter_map(|id| world.project(*id)).filter(|found| world.sees_project(&request.caller, found));
    groups.iter().map(|id| Owner::Group(*id)).chain(seen.map(|found| Owner::Project(found.id))).collect()
}

fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    Ok(Reply::ok(show::milestone(world, named(world, request)?)))
}

/// The projects in which things may be in a milestone.
fn projects<'w>(world: &'w World, milestone: &Milestone) -> Vec<&'w Project> {
    match milestone.owner {
        Owner::Project(id) => world.project(id).into_iter().collect(),
        Owner::Group(id) => {
            let groups = std::iter::once(id).chain(world.descendant_groups(id));
            groups.flat_map(|id| world.projects_of_group(id)).filter_map(|id| world.project(*id)).collect()
        }
    }
}

fn issues(world: &World, request: &Request) -> Result<Reply, Failure> {
    let milestone = named(world, request)?;
    let projects = projects(world, milestone);
    let all = projects.iter().flat_map(|project| world.issues_of(project.id).map(move |issue| (project, issue)));
    let inside = all.filter(|(project, issue)| {
        issue.milestone == Some(milestone.id) && world.sees_issue(&request.caller, project, issue)
    });
    let found: Vec<&Issue> = inside.map(|(_, issue)| issue).collect();
    page(world, request, Paging::Offset, &found, |issue| show::issue(world, issue, LabelStyle::Titles, None))
}

fn merge_requests(world: &World, request: &Request) -> Result<Reply, Failure> {
    let milestone = named(world, request)?;
    let projects = projects(world, milestone);
    let readable = projects.iter().filter(|project| world.reads_merge_requests(&request.caller, project));
    let all = readable.flat_map(|project| world.merge_requests_of(project.id));
    let found: Vec<&MergeRequest> = all.filter(|found| found.milestone == Some(milestone.id)).collect();
    page(world, request, Paging::Offset, &found, |found| show::merge_request(world, found, LabelStyle::Titles, None))
}
