//! Groups.

use serde_json::json;

use super::page::{Paging, page};
use super::params::{PAGED, Param, ROLES, SORTS, VISIBILITIES, integers, one_of, text, truth};
use super::route::Needs::Nothing;
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, projects, show};
use crate::world::{Group, Project, Role, Visibility, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/groups", Nothing, list).takes(&[LIST, ROLES, PAGED]),
    read("/groups/:id", Nothing, one).takes(&[ONE]),
    read("/groups/:id/subgroups", Nothing, subgroups).takes(&[LIST, ROLES, PAGED]),
    read("/groups/:id/descendant_groups", Nothing, descendants).takes(&[LIST, ROLES, PAGED]),
    read("/groups/:id/projects", Nothing, projects).takes(&[PROJECTS, projects::LIST, ROLES, PAGED]),
];

/// `group_list_params` of lib/api/groups.rb.
static LIST: &[Param] = &[
    truth("statistics").or("false"),
    integers("skip_groups"),
    truth("all_available"),
    one_of("visibility", VISIBILITIES),
    text("search"),
    truth("owned").or("false"),
    one_of("order_by", &["name", "path", "id", "similarity"]).or("name"),
    one_of("sort", SORTS).or("asc"),
    truth("top_level_only").or("false"),
    truth("active").since(18, 0),
    truth("archived").since(18, 2),
    truth("with_custom_attributes").or("false"),
];

static ONE: &[Param] = &[truth("with_projects").or("true"), truth("with_custom_attributes").or("false")];

/// What a group's list of projects takes beside what every list of projects takes.
static PROJECTS: &[Param] = &[
    truth("with_shared").or("true"),
    truth("include_subgroups").or("false"),
    truth("include_ancestor_groups").or("false"),
];

pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let top_level = request.args.is("top_level_only");
    let all = world.groups().filter(|group| !top_level || group.parent.is_none());
    groups(world, request, all.collect())
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?;
    let mut body = show::group(world, group);
    body["shared_with_groups"] = json!([]);
    if request.args.truth("with_projects") != Some(false) {
        let inlined = world.projects_of_group(group.id).iter().filter_map(|id| world.project(*id));
        let seen = inlined.filter(|project| world.sees_project(&request.caller, project));
        body["projects"] = seen.take(100).map(|project| show::project(world, &request.caller, project)).collect();
        body["shared_projects"] = json!([]);
    }
    Ok(Reply::ok(body))
}

pub(crate) fn subgroups(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?;
    let below = world.subgroups(group.id).iter().filter_map(|id| world.group(*id));
    groups(world, request, below.collect())
}

pub(crate) fn descendants(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?;
    let below = world.descendant_groups(group.id);
    groups(world, request, below.iter().filter_map(|id| world.group(*id)).collect())
}

fn groups(world: &World, request: &Request, mut all: Vec<&Group>) -> Result<Reply, Failure> {
    let args = &request.args;
    let caller = &request.caller;
    let search = args.text("search").map(|text| text.to_lowercase());
    let least = least_role(request)?;
    let archived = args.truth("archived").filter(|_| world.settings.at_least(18, 2));
    let everything = args.truth("all_available").unwrap_or(world.is_admin(caller));
    let visibility = args.text("visibility");
    all.retain(|group| {
        let role = world.caller_role_in_group(caller, group.id);
        // Without `all_available`, public groups of others stay out for those who are signed in.
        let near = everything || caller.anonymous() || role > Role::None || group.visibility == Visibility::Private;
        near && world.sees_group(caller, group)
            && role >= least
            && search.as_ref().is_none_or(|text| group.full_path.to_lowercase().contains(text))
            && archived.is_none_or(|archived| group.archived == archived)
            && visibility.as_ref().is_none_or(|wanted| group.visibility.name() == wanted)
    });
    all.sort_by(|left, right| left.name.cmp(&right.name).then(left.id.cmp(&right.id)));
    match args.text("order_by").as_deref() {
        Some("id") => all.sort_by_key(|group| group.id),
        Some("path") => all.sort_by(|left, right| left.path.cmp(&right.path)),
        _ => {}
    }
    if args.text("sort").as_deref() == Some("desc") {
        all.reverse();
    }
    page(world, request, Paging::Limited("Group"), &all, |group| show::group(world, group))
}

/// What `min_access_level` and `owned` ask for.
pub(super) fn least_role(request: &Request) -> Result<Role, Failure> {
    if request.args.is("owned") {
        return Ok(Role::Owner);
    }
    let level = request.args.integer("min_access_level")?;
    let role = level.map(|level| {
        Role::from_level(level).ok_or_else(|| Failure::param("min_access_level does not have a valid value"))
    });
    Ok(role.transpose()?.unwrap_or_default())
}

pub(crate) fn projects(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?;
    let mut ids = world.projects_of_group(group.id).to_vec();
    if request.args.is("include_subgroups") {
        for below in world.descendant_groups(group.id) {
            ids.extend(world.projects_of_group(below));
        }
    }
    let mut found: Vec<&Project> = ids.iter().filter_map(|id| world.project(*id)).collect();
    if request.args.truth("with_shared") != Some(false) {
        let shared = |project: &&Project| project.shared_with.iter().any(|(with, _)| *with == group.id);
        found.extend(world.projects().filter(shared));
        found.sort_by_key(|project| project.id);
        found.dedup_by_key(|project| project.id);
    }
    projects::page_of(world, request, found)
}
