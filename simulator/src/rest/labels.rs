//! Labels.

use super::page::{Paging, page};
use super::params::{PAGED, Param, text, truth};
use super::route::Needs::Nothing;
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Label, Owner, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/groups/:id/labels", Nothing, of_group).takes(&[LIST, IN_GROUPS, PAGED]),
    read("/projects/:id/labels", Nothing, of_project).takes(&[LIST, PAGED]),
];

/// lib/api/labels.rb.
static LIST: &[Param] =
    &[truth("with_counts").or("false"), truth("include_ancestor_groups").or("true"), text("search")];

/// lib/api/group_labels.rb.
static IN_GROUPS: &[Param] = &[truth("include_descendant_groups").or("false"), truth("only_group_labels").or("true")];

pub(crate) fn of_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    let inherited = request.args.truth("include_ancestor_groups") != Some(false);
    let own = |label: &&Label| inherited || label.owner == Owner::Project(project.id);
    labels(world, request, world.labels_of_project(project).filter(own).collect())
}

pub(crate) fn of_group(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?;
    let above = world.ancestry(Some(group.id));
    let inherited = request.args.truth("include_ancestor_groups") != Some(false);
    let here = |label: &&Label| match label.owner {
        Owner::Group(owner) => owner == group.id || (inherited && above.contains(&owner)),
        Owner::Project(_) => false,
    };
    labels(world, request, world.labels().filter(here).collect())
}

fn labels(world: &World, request: &Request, mut found: Vec<&Label>) -> Result<Reply, Failure> {
    let counts = request.args.is("with_counts");
    if let Some(text) = request.args.text("search") {
        found.retain(|label| label.title.contains(&text));
    }
    found.sort_by(|left, right| left.title.cmp(&right.title).then(left.id.cmp(&right.id)));
    page(world, request, Paging::Offset, &found, |label| {
        let mut shown = show::label(label);
        if counts {
            let using = world.merge_requests().filter(|found| found.labels.contains(&label.id)).count();
            shown["open_merge_requests_count"] = using.into();
        }
        shown
    })
}
