//! A list of projects, of one group or of all: what it takes, filters, orders.

use super::least_role::least_role;
use super::page::{Paging, page};
use super::params::{Param, SORTS, VISIBILITIES, one_of, text, truth};
use super::{Failure, Reply, Request, keyset, search, show};
use crate::world::{Feature, Project, Role, World};

/// What every list of projects takes beside pages and roles.
pub(super) static LIST: &[Param] = &[
    one_of(
        "order_by",
        &["id", "name", "path", "created_at", "updated_at", "last_activity_at", "similarity", "star_count"],
    )
    .or("created_at"),
    one_of("sort", SORTS).or("desc"),
    truth("archived"),
    truth("active").since(18, 0),
    one_of("visibility", VISIBILITIES),
    text("search"),
    truth("owned").or("false"),
    truth("starred").or("false"),
    truth("with_issues_enabled").or("false"),
    truth("with_merge_requests_enabled").or("false"),
    text("topic"),
    truth("simple").or("false"),
    truth("with_custom_attributes").or("false"),
];

/// The projects of the list that the caller sees and asked for, in order.
pub(super) fn of<'w>(
    world: &'w World,
    request: &Request,
    all: impl Iterator<Item = &'w Project>,
) -> Result<Vec<&'w Project>, Failure> {
    let least = least_role(request)?;
    let mut found: Vec<&Project> = all.filter(|project| wanted(world, request, project, least)).collect();
    order(request, &mut found);
    Ok(found)
}

/// A page of projects by offset.
pub(super) fn by_offset(
    world: &World,
    request: &Request,
    found: &[&Project],
    paging: Paging,
) -> Result<Reply, Failure> {
    page(world, request, paging, found, |project| shown(world, request, project))
}

/// A page of projects by keyset, which only the order of ids has.
pub(super) fn by_keyset(world: &World, request: &Request, found: Vec<&Project>) -> Result<Reply, Failure> {
    if request.args.text("order_by").as_deref() != Some("id") {
        return Err(keyset::refused());
    }
    keyset::by_id(world, request, found, |project| project.id, |project| shown(world, request, project))
}

fn shown(world: &World, request: &Request, project: &Project) -> serde_json::Value {
    if request.args.is("simple") || request.caller.anonymous() {
        return show::project_simple(world, project);
    }
    let mut shown = show::project(world, &request.caller, project);
    if request.args.is("statistics") && world.caller_role(&request.caller, project) >= Role::Reporter {
        shown["statistics"] = show::statistics(world, project);
    }
    shown
}

fn wanted(world: &World, request: &Request, project: &Project, least: Role) -> bool {
    let (args, caller) = (&request.args, &request.caller);
    let role = || world.caller_role(caller, project);
    let on = |feature: Feature, least: Role| match feature {
        Feature::Disabled => false,
        Feature::Private => role() >= least,
        Feature::Enabled => true,
    };
    world.sees_project(caller, project)
        && args.truth("archived").is_none_or(|archived| project.archived == archived)
        && args.truth("active").is_none_or(|active| active == world.project_active(project))
        && args.filled("visibility").is_none_or(|visibility| project.visibility.name() == visibility)
        && (least == Role::None || role() >= least)
        && (!args.is("starred") || project.stars.iter().any(|star| Some(star.user) == caller.user))
        // None was imported.
        && !args.is("imported")
        && (!args.is("with_issues_enabled") || on(project.issues_access, Role::Guest))
        && (!args.is("with_merge_requests_enabled") || on(project.merge_requests_access, Role::Reporter))
        && args.filled("topic").is_none_or(|topics| {
            topics.split(',').all(|topic| project.topics.iter().any(|known| known.eq_ignore_ascii_case(topic.trim())))
        })
        && args.filled("search").is_none_or(|text| found(project, &text, args.is("search_namespaces")))
}

/// Name, path and description are searched; with `search_namespaces` the whole path and name instead.
fn found(project: &Project, text: &str, namespaces: bool) -> bool {
    let description = project.description.as_deref().unwrap_or_default();
    let (path, name) =
        if namespaces { (&project.full_path, &project.full_name) } else { (&project.path, &project.name) };
    search::matches(text, [path.as_str(), name, description])
}

fn order(request: &Request, found: &mut [&Project]) {
    match request.args.text("order_by").as_deref() {
        Some("id") => found.sort_by_key(|project| project.id),
        Some("star_count") => found.sort_by_key(|project| (project.stars.len(), project.id)),
        Some("updated_at") => found.sort_by_key(|project| (project.updated_at, project.id)),
        Some("last_activity_at") => found.sort_by_key(|project| (project.last_activity_at, project.id)),
        Some("name") => found.sort_by(|left, right| left.name.cmp(&right.name).then(left.id.cmp(&right.id))),
        Some("path") => found.sort_by(|left, right| left.path.cmp(&right.path).then(left.id.cmp(&right.id))),
        _ => found.sort_by_key(|project| (project.created_at, project.id)),
    }
    if request.args.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
}
