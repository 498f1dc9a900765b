//! Projects and the commits of their branches.

use super::groups::least_role;
use super::page::{Paging, keyset, keyset_page, page};
use super::params::{PAGED, Param, ROLES, SORTS, VISIBILITIES, integer, one_of, text, time, truth};
use super::route::Needs::Nothing;
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Commit, Feature, Project, Role, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects", Nothing, list).takes(&[EVERYWHERE, LIST, ROLES, PAGED]),
    read("/projects/:id", Nothing, one).takes(&[ONE]),
    read("/projects/:id/repository/commits", Nothing, commits).takes(&[COMMITS, PAGED]),
];

/// What every list of projects takes.
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

/// What the list of all projects takes beside that (`filter_params` of lib/api/projects.rb).
static EVERYWHERE: &[Param] = &[
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

/// lib/api/commits.rb.
static COMMITS: &[Param] = &[
    text("ref_name"),
    time("since"),
    time("until"),
    text("path"),
    text("author"),
    truth("all"),
    truth("with_stats"),
    truth("first_parent"),
    one_of("order", &["default", "topo"]).or("default"),
    truth("trailers").or("false"),
];

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    Ok(Reply::ok(show::project(world, &request.caller, project)))
}

pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let membership = request.args.is("membership");
    let near = |project: &&Project| {
        let user = request.caller.user;
        !membership || user.is_some_and(|user| world.role_in_project(user, project) > Role::None)
    };
    page_of(world, request, world.projects().filter(near).collect())
}

/// A page of projects, after the filters that every list of projects has.
pub(super) fn page_of(world: &World, request: &Request, mut found: Vec<&Project>) -> Result<Reply, Failure> {
    let args = &request.args;
    let caller = &request.caller;
    let by_update = args.text("order_by").as_deref() == Some("updated_at");
    if !by_update && (args.raw("updated_after").is_some() || args.raw("updated_before").is_some()) {
        return Err(Failure::bad_request("`updated_after` and `updated_before` need `order_by=updated_at`"));
    }
    let archived = args.truth("archived");
    let search = args.text("search").map(|text| text.to_lowercase());
    let visibility = args.text("visibility");
    let least = least_role(request)?;
    let with_merge_requests = args.is("with_merge_requests_enabled");
    let topic = args.text("topic");
    let (after, before) = (args.time("updated_after")?, args.time("updated_before")?);
    let (active_after, active_before) = (args.time("last_activity_after")?, args.time("last_activity_before")?);
    let (id_after, id_before) = (args.integer("id_after")?, args.integer("id_before")?);
    found.retain(|project| {
        world.sees_project(caller, project)
            && archived.is_none_or(|archived| project.archived == archived)
            && search.as_ref().is_none_or(|text| project.full_path.to_lowercase().contains(text))
            && visibility.as_ref().is_none_or(|wanted| project.visibility.name() == wanted)
            && (least == Role::None || world.caller_role(caller, project) >= least)
            && (!with_merge_requests || project.merge_requests_access != Feature::Disabled)
            && topic.as_ref().is_none_or(|topic| project.topics.contains(topic))
            && after.is_none_or(|after| project.updated_at >= after)
            && before.is_none_or(|before| project.updated_at <= before)
            && active_after.is_none_or(|after| project.last_activity_at >= after)
            && active_before.is_none_or(|before| project.last_activity_at <= before)
            && id_after.is_none_or(|after| project.id > after)
            && id_before.is_none_or(|before| project.id < before)
    });
    let simple = args.is("simple") || caller.anonymous();
    let shown = |project: &&Project| match simple {
        true => show::project_simple(world, project),
        false => show::project(world, caller, project),
    };
    if keyset(request, "id")? {
        return keyset_page(world, request, found, |project| project.id, shown);
    }
    order(request, &mut found)?;
    page(world, request, Paging::Limited("Project"), &found, shown)
}

fn order(request: &Request, found: &mut [&Project]) -> Result<(), Failure> {
    match request.args.text("order_by").as_deref().unwrap_or("created_at") {
        "id" => found.sort_by_key(|project| project.id),
        "created_at" | "similarity" | "star_count" => {
            found.sort_by_key(|project| (project.created_at, project.id));
        }
        "updated_at" => found.sort_by_key(|project| (project.updated_at, project.id)),
        "last_activity_at" => found.sort_by_key(|project| (project.last_activity_at, project.id)),
        "name" => {
            found.sort_by(|left, right| left.name.cmp(&right.name).then(left.id.cmp(&right.id)));
        }
        "path" => {
            found.sort_by(|left, right| left.path.cmp(&right.path).then(left.id.cmp(&right.id)));
        }
        _ => return Err(Failure::param("order_by does not have a valid value")),
    }
    if request.args.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    Ok(())
}

/// The default branch, newest first. A repository that is off does not exist; an empty one has no commits.
pub(crate) fn commits(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    if project.repository_access == Feature::Disabled {
        return Err(Failure::not_found("Repository"));
    }
    if !world.reads_code(&request.caller, project) {
        return Err(Failure::forbidden(""));
    }
    let args = &request.args;
    let (since, until) = (args.time("since")?, args.time("until")?);
    let author = args.text("author").map(|text| text.to_lowercase());
    let wanted = |commit: &&Commit| {
        since.is_none_or(|since| commit.committed_at >= since)
            && until.is_none_or(|until| commit.committed_at <= until)
            && author.as_ref().is_none_or(|author| {
                commit.author_email.to_lowercase().contains(author)
                    || commit.author_name.to_lowercase().contains(author)
            })
    };
    let found: Vec<&Commit> = world.commits_of(project).filter(wanted).collect();
    let with_stats = args.is("with_stats");
    page(world, request, Paging::Uncounted, &found, |commit| {
        let mut shown = show::commit(world, project, commit, true);
        if with_stats {
            let total = commit.additions + commit.deletions;
            shown["stats"] = serde_json::json!({
                "additions": commit.additions,
                "deletions": commit.deletions,
                "total": total,
            });
        }
        shown
    })
}
