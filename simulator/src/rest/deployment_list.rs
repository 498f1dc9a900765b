//! The list of deployments, with its traps.

use jiff::Timestamp;

use super::page::{Paging, page};
use super::params::{PAGED, Param, SORTS, one_of, text, time};
use super::route::Needs::Nothing;
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Deployment, Project, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/deployments", Nothing, list).takes(&[LIST, PAGED]),
];

/// lib/api/deployments.rb.
static LIST: &[Param] = &[
    one_of("order_by", &["id", "iid", "created_at", "updated_at", "finished_at", "ref"]).or("id"),
    one_of("sort", SORTS).or("asc"),
    time("updated_after"),
    time("updated_before"),
    time("finished_after"),
    time("finished_before"),
    text("environment"),
    one_of("status", &["created", "running", "success", "failed", "canceled", "skipped", "blocked"]),
];

/// Both ends included.
type Range = (Option<Timestamp>, Option<Timestamp>);

pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    if !world.reads_builds(&request.caller, project) {
        return Err(Failure::forbidden(""));
    }
    let args = &request.args;
    let updated = (args.time("updated_after")?, args.time("updated_before")?);
    let finished = (args.time("finished_after")?, args.time("finished_before")?);
    efficient(world, request, updated, finished).map_err(Failure::bad_request)?;
    let status = args.filled("status");
    let environment = args.filled("environment");
    let named = |deployment: &Deployment, name: &str| {
        world.environment(deployment.environment).is_some_and(|environment| environment.name == name)
    };
    let plain = status.is_none() && environment.is_none() && updated == (None, None) && finished == (None, None);
    let in_order = ["id", "iid", "created_at"].contains(&args.text("order_by").unwrap_or_default().as_str());
    if plain && in_order {
        return by_id(world, request, project);
    }
    let mut found: Vec<&Deployment> = world
        .deployments_of(project.id)
        .filter(|deployment| {
            within(Some(deployment.updated_at), updated)
                && within(deployment.finished_at, finished)
                && status.as_ref().is_none_or(|status| deployment.status == status)
                && environment.as_ref().is_none_or(|name| named(deployment, name))
        })
        .collect();
    order(world, request, updated, &mut found);
    page(world, request, Paging::Offset, &found, |deployment| show::deployment(world, project, deployment))
}

/// A page of all deployments in the order of ids, which is that of numbers and of creation. Only those of the page are made.
fn by_id(world: &World, request: &Request, project: &Project) -> Result<Reply, Failure> {
    let mut ids: Vec<i64> = world.deployment_ids(project.id).collect();
    ids.sort_unstable();
    if request.args.text("sort").as_deref() == Some("desc") {
        ids.reverse();
    }
    page(world, request, Paging::Offset, &ids, |id| {
        world.deployment(*id).map(|found| show::deployment(world, project, found)).unwrap_or_default()
    })
}

fn within(at: Option<Timestamp>, (after, before): Range) -> bool {
    after.is_none_or(|after| at.is_some_and(|at| at >= after))
        && before.is_none_or(|before| at.is_some_and(|at| at <= before))
}

/// What GitLab refuses because it would be slow (`validate!` of app/finders/deployments_finder.rb). Before 16.0 a filter by
/// `updated_at` in another order was let pass.
fn efficient(world: &World, request: &Request, updated: Range, finished: Range) -> Result<(), &'static str> {
    let order = request.args.text("order_by").unwrap_or_default();
    let status = request.args.filled("status");
    let status = status.as_deref().unwrap_or_default();
    let strict = world.settings.at_least(16, 0);
    let (by_updated, by_finished) = (updated != (None, None), finished != (None, None));
    if by_updated && by_finished {
        return Err("Both `updated_at` filter and `finished_at` filter can not be specified");
    }
    if by_updated && order != "updated_at" && strict {
        return Err("`updated_at` filter requires `updated_at` sort");
    }
    if !strict && by_finished != (order == "finished_at") {
        return Err("`finished_at` filter and `finished_at` sorting must be paired");
    }
    if by_finished && order != "finished_at" {
        return Err("`finished_at` filter requires `finished_at` sort.");
    }
    if order == "finished_at" && !by_finished && !["success", "failed", "canceled"].contains(&status) {
        return Err(
            "`finished_at` sort requires `finished_at` filter or a filter with at least one of the finished statuses.",
        );
    }
    if by_finished && status != "success" {
        return Err("`finished_at` filter must be combined with `success` status filter.");
    }
    Ok(())
}

fn order(world: &World, request: &Request, updated: Range, found: &mut [&Deployment]) {
    let descending = request.args.text("sort").as_deref() == Some("desc");
    // Before 16.0 the filter by `updated_at` brought its order along.
    let implied = updated != (None, None) && !world.settings.at_least(16, 0);
    let order_by = request.args.text("order_by").unwrap_or_default();
    found.sort_by(|left, right| {
        let by_id = left.id.cmp(&right.id);
        let (ordering, tie) = match order_by.as_str() {
            "updated_at" => (left.updated_at.cmp(&right.updated_at), by_id.reverse()),
            _ if implied => (left.updated_at.cmp(&right.updated_at), by_id.reverse()),
            "finished_at" => (left.finished_at.cmp(&right.finished_at), by_id),
            "ref" => (left.ref_name.cmp(&right.ref_name), by_id),
            // Numbers and times of creation grow with the ids.
            _ => (by_id, by_id),
        };
        if descending { ordering.reverse() } else { ordering }.then(tie)
    });
}
