//! Projects.

use serde_json::json;

use super::least_role::LEAST_ROLE;
use super::page::Paging;
use super::params::{PAGED, Param, integer, text, time, truth};
use super::project_list::{self, LIST};
use super::route::Needs::Nothing;
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, keyset, show};
use crate::world::{Project, Role, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects", Nothing, list).takes(&[EVERYWHERE, LIST, LEAST_ROLE, PAGED]),
    read("/projects/:id", Nothing, one).takes(&[ONE]),
];

/// What the list of all projects takes beside what every list of projects takes (`filter_params` of lib/api/projects.rb).
static EVERYWHERE: &[Param] = &[
    text("pagination"),
    truth("search_namespaces"),
    truth("imported").or("false"),
    truth("membership").or("false"),
    integer("id_after"),
    integer("id_before"),
    time("last_activity_after"),
    time("last_activity_before"),
    time("updated_after"),
    time("updated_before"),
    truth("statistics").or("false"),
];

static ONE: &[Param] =
    &[truth("statistics").or("false"), truth("license").or("false"), truth("with_custom_attributes").or("false")];

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    let mut shown = show::project(world, &request.caller, project);
    if request.args.is("statistics") && world.caller_role(&request.caller, project) >= Role::Reporter {
        shown["statistics"] = show::statistics(world, project);
    }
    if request.args.is("license") {
        shown["license_url"] = json!(null);
        shown["license"] = json!(null);
    }
    Ok(Reply::ok(shown))
}

pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let args = &request.args;
    let (after, before) = (args.time("updated_after")?, args.time("updated_before")?);
    if (after.is_some() || before.is_some()) && args.text("order_by").as_deref() != Some("updated_at") {
        return Err(Failure::bad_request("`updated_at` filter and `updated_at` sorting must be paired"));
    }
    let (active_after, active_before) = (args.time("last_activity_after")?, args.time("last_activity_before")?);
    let (id_after, id_before) = (args.integer("id_after")?, args.integer("id_before")?);
    let membership = args.is("membership");
    let member =
        |project: &Project| request.caller.user.is_some_and(|user| world.role_in_project(user, project) > Role::None);
    let near = world.projects().filter(|project| {
        (!membership || member(project))
            && after.is_none_or(|after| project.updated_at >= after)
            && before.is_none_or(|before| project.updated_at <= before)
            && active_after.is_none_or(|after| project.last_activity_at >= after)
            && active_before.is_none_or(|before| project.last_activity_at <= before)
            && id_after.is_none_or(|after| project.id > after)
            && id_before.is_none_or(|before| project.id < before)
    });
    let found = project_list::of(world, request, near)?;
    if keyset::wished(request) {
        return project_list::by_keyset(world, request, found);
    }
    project_list::by_offset(world, request, &found, Paging::Limited("Project"))
}
