//! Groups.

use serde_json::{Value, json};

use super::keyset::{self, CURSOR};
use super::least_role::{LEAST_ROLE, least_role};
use super::page::{Paging, page};
use super::params::{PAGED, Param, SORTS, VISIBILITIES, integer, integers, one_of, text, truth};
use super::route::Needs::Nothing;
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, project_list, search, show};
use crate::world::{Group, Project, Role, Visibility, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/groups", Nothing, list).takes(&[LIST, LEAST_ROLE, CURSOR, PAGED]),
    read("/groups/:id", Nothing, one).takes(&[ONE]),
    read("/groups/:id/subgroups", Nothing, subgroups).takes(&[LIST, LEAST_ROLE, PAGED]),
    read("/groups/:id/descendant_groups", Nothing, descendants).takes(&[LIST, LEAST_ROLE, PAGED]),
    read("/projects/:id/groups", Nothing, of_project).takes(&[OF_PROJECT, PAGED]),
    read("/groups/:id/projects", Nothing, projects).takes(&[PROJECTS, project_list::LIST, LEAST_ROLE, PAGED]),
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

static OF_PROJECT: &[Param] = &[
    text("search"),
    integers("skip_groups"),
    truth("with_shared").or("false"),
    truth("shared_visible_only").or("false"),
    integer("shared_min_access_level"),
];

static ONE: &[Param] = &[truth("with_projects").or("true"), truth("with_custom_attributes").or("false")];

/// What a group's list of projects takes beside what every list of projects takes.
static PROJECTS: &[Param] = &[
    truth("with_shared").or("true"),
    truth("include_subgroups").or("false"),
    truth("include_ancestor_groups").or("false"),
];

/// The groups above a project, and those that were invited where they are asked for (`ProjectsGroupsFinder`).
fn of_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    let args = &request.args;
    let least = Role::from_level(args.integer("shared_min_access_level")?.unwrap_or_default()).unwrap_or(Role::None);
    let shared = project.shared_with.iter().filter(|(_, role)| args.is("with_shared") && *role >= least);
    let skipped = args.list("skip_groups");
    let text = args.filled("search");
    let ids = world.ancestry(project.group()).into_iter().chain(shared.map(|(id, _)| *id));
    let mut found: Vec<&Group> = ids.filter_map(|id| world.group(id)).collect();
    found.retain(|group| {
        let searched = |text: &String| search::matches(text, [group.path.as_str(), &group.name]);
        !skipped.contains(&group.id.to_string()) && text.as_ref().is_none_or(searched)
    });
    found.sort_by_key(|group| group.id);
    page(world, request, Paging::Offset, &found, |group| {
        json!({
            "id": group.id,
            "web_url": world.web_url(&format!("groups/{}", group.full_path)),
            "name": group.name,
            "avatar_url": null,
            "full_name": group.full_name,
            "full_path": group.full_path,
        })
    })
}

/// All groups. The anonymous page by keyset too, in the order of names; who is signed in gets offsets whatever they ask for.
pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let top_level = request.args.is("top_level_only");
    let all = world.groups().filter(|group| !top_level || group.parent.is_none());
    let found = wanted(world, request, all)?;
    if !request.caller.anonymous() {
        return page(world, request, Paging::Offset, &found, |group| shown(world, request, group));
    }
    if !keyset::wished(request) {
        return page(world, request, Paging::Limited("Group"), &found, |group| shown(world, request, group));
    }
    let order = (request.args.text("order_by"), request.args.text("sort"));
    if order != (Some("name".to_owned()), Some("asc".to_owned())) {
        return Err(keyset::refused());
    }
    let name = |group: &&Group| group.name.clone();
    keyset::by_cursor(world, request, found, (Some(("name", &name)), |group| group.id), |group| {
        shown(world, request, group)
    })
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?;
    let mut body = show::group_detail(world, group);
    if request.args.truth("with_projects") != Some(false) {
        let inlined = world.projects_of_group(group.id).iter().filter_map(|id| world.project(*id));
        let seen = inlined.filter(|project| world.sees_project(&request.caller, project));
        body["projects"] = seen.take(100).map(|project| show::project(world, &request.caller, project)).collect();
        let shared = shared_with(world, group).filter(|project| world.sees_project(&request.caller, project));
        body["shared_projects"] =
            shared.take(100).map(|project| show::project(world, &request.caller, project)).collect();
    }
    Ok(Reply::ok(body))
}

pub(crate) fn subgroups(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?;
    let below = world.subgroups(group.id).iter().filter_map(|id| world.group(*id));
    by_offset(world, request, below)
}

pub(crate) fn descendants(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?;
    let below = world.descendant_groups(group.id);
    by_offset(world, request, below.iter().filter_map(|id| world.group(*id)))
}

fn by_offset<'w>(world: &'w World, request: &Request, all: impl Iterator<Item = &'w Group>) -> Result<Reply, Failure> {
    let found = wanted(world, request, all)?;
    page(world, request, Paging::Offset, &found, |group| shown(world, request, group))
}

fn shown(world: &World, request: &Request, group: &Group) -> Value {
    let mut shown = show::group(world, group);
    if request.args.is("statistics") && world.is_admin(&request.caller) {
        shown["statistics"] = show::group_statistics();
    }
    shown
}

/// The groups that the caller sees and asked for, in order.
fn wanted<'w>(
    world: &'w World,
    request: &Request,
    all: impl Iterator<Item = &'w Group>,
) -> Result<Vec<&'w Group>, Failure> {
    let (args, caller) = (&request.args, &request.caller);
    let least = least_role(request)?;
    let skipped = args.list("skip_groups");
    let everything = args.truth("all_available").unwrap_or(world.is_admin(caller));
    let text = args.filled("search");
    let mut found: Vec<&Group> = all
        .filter(|group| {
            let role = world.caller_role_in_group(caller, group.id);
            // Without `all_available`, public groups of others stay out for those who are signed in.
            let near = everything || caller.anonymous() || role > Role::None || group.visibility == Visibility::Private;
            near && world.sees_group(caller, group)
                && role >= least
                && !skipped.contains(&group.id.to_string())
                && text.as_ref().is_none_or(|text| search::matches(text, [group.name.as_str(), &group.path]))
                && args.truth("archived").is_none_or(|archived| group.archived == archived)
                && args.truth("active").is_none_or(|active| active == world.group_active(group))
                && args.filled("visibility").is_none_or(|visibility| group.visibility.name() == visibility)
        })
        .collect();
    match args.text("order_by").as_deref() {
        Some("id") => found.sort_by_key(|group| group.id),
        Some("path") => found.sort_by(|left, right| left.path.cmp(&right.path).then(left.id.cmp(&right.id))),
        _ => found.sort_by(|left, right| left.name.cmp(&right.name).then(left.id.cmp(&right.id))),
    }
    if args.text("sort").as_deref() == Some("desc") {
        found.reverse();
    }
    Ok(found)
}

/// The projects of a group. Keyset is ignored here.
pub(crate) fn projects(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?;
    let args = &request.args;
    let mut groups = vec![group.id];
    if args.is("include_subgroups") {
        groups.extend(world.descendant_groups(group.id));
    }
    if args.is("include_ancestor_groups") {
        groups.extend(world.ancestry(group.parent));
    }
    let ids = groups.iter().flat_map(|group| world.projects_of_group(*group));
    let mut all: Vec<&Project> = ids.filter_map(|id| world.project(*id)).collect();
    if args.is("with_shared") {
        all.extend(shared_with(world, group));
        all.sort_by_key(|project| project.id);
        all.dedup_by_key(|project| project.id);
    }
    let found = project_list::of(world, request, all.into_iter())?;
    project_list::by_offset(world, request, &found, Paging::Offset)
}

/// The projects of other groups that this one was invited to.
fn shared_with<'w>(world: &'w World, group: &Group) -> impl Iterator<Item = &'w Project> {
    let id = group.id;
    world.projects().filter(move |project| project.shared_with.iter().any(|(with, _)| *with == id))
}
