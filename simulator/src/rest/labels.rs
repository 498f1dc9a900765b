//! Lists of labels.

use super::page::{Paging, page};
use super::params::{PAGED, Param, text, truth};
use super::route::Needs::Nothing;
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, search, show};
use crate::world::{Label, MergeRequestState, Owner, Project, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/groups/:id/labels", Nothing, of_group).takes(&[LIST, IN_GROUP, PAGED]),
    read("/projects/:id/labels", Nothing, of_project).takes(&[LIST, PAGED]),
];

/// lib/api/labels.rb.
static LIST: &[Param] =
    &[truth("with_counts").or("false"), truth("include_ancestor_groups").or("true"), text("search")];

/// lib/api/group_labels.rb.
static IN_GROUP: &[Param] = &[truth("include_descendant_groups").or("false"), truth("only_group_labels").or("true")];

pub(crate) fn of_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    let inherited = request.args.is("include_ancestor_groups");
    let own = |label: &&Label| inherited || label.owner == Owner::Project(project.id);
    let found = world.labels_of_project(project).filter(own).collect();
    list(world, request, found, Owner::Project(project.id))
}

pub(crate) fn of_group(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?;
    let args = &request.args;
    let mut groups = vec![group.id];
    if args.is("include_ancestor_groups") {
        groups.extend(world.ancestry(group.parent));
    }
    if args.is("include_descendant_groups") {
        groups.extend(world.descendant_groups(group.id));
    }
    let projects_too = !args.is("only_group_labels");
    let here = |label: &&Label| match label.owner {
        Owner::Group(owner) => groups.contains(&owner),
        Owner::Project(owner) => {
            let above = world.project(owner).and_then(Project::group);
            projects_too && above.is_some_and(|above| groups.contains(&above))
        }
    };
    list(world, request, world.labels().filter(here).collect(), Owner::Group(group.id))
}

fn list(world: &World, request: &Request, mut found: Vec<&Label>, place: Owner) -> Result<Reply, Failure> {
    if let Some(text) = request.args.filled("search") {
        found.retain(|label| {
            search::matches(&text, [label.title.as_str(), label.description.as_deref().unwrap_or_default()])
        });
    }
    found.sort_by(|left, right| left.title.cmp(&right.title).then(left.id.cmp(&right.id)));
    page(world, request, Paging::Offset, &found, |label| {
        let mut shown = show::label(world, &request.caller, label, matches!(place, Owner::Project(_)));
        if request.args.is("with_counts") {
            let (open_issues, closed_issues, open_merge_requests) = counts(world, request, label, place);
            shown["open_issues_count"] = open_issues.into();
            shown["closed_issues_count"] = closed_issues.into();
            shown["open_merge_requests_count"] = open_merge_requests.into();
        }
        shown
    })
}

/// Open issues, closed issues and open merge requests with a label, in the project or the group and as the caller sees them.
fn counts(world: &World, request: &Request, label: &Label, place: Owner) -> (usize, usize, usize) {
    let projects = match place {
        Owner::Project(id) => vec![id],
        Owner::Group(id) => {
            let groups = std::iter::once(id).chain(world.descendant_groups(id));
            groups.flat_map(|group| world.projects_of_group(group).to_vec()).collect()
        }
    };
    let (mut open_issues, mut closed_issues, mut open_merge_requests) = (0, 0, 0);
    for project in projects.into_iter().filter_map(|id| world.project(id)) {
        if !world.sees_project(&request.caller, project) {
            continue;
        }
        let labelled = world.issues_of(project.id).filter(|issue| issue.labels.contains(&label.id));
        let (closed, open): (Vec<_>, Vec<_>) = labelled.partition(|issue| issue.closed_at.is_some());
        open_issues += open.len();
        closed_issues += closed.len();
        if world.reads_merge_requests(&request.caller, project) {
            let open = world.merge_requests_of(project.id).filter(|found| found.state == MergeRequestState::Opened);
            open_merge_requests += open.filter(|found| found.labels.contains(&label.id)).count();
        }
    }
    (open_issues, closed_issues, open_merge_requests)
}
