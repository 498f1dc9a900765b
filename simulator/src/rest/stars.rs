//! Stars of projects, and the projects of a user: their own, those they marked, those they worked on (`lib/api/projects.rb`).

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::least_role::LEAST_ROLE;
use super::page::{Paging, page};
use super::params::{PAGED, Param, text};
use super::project_list::{self, LIST};
use super::route::Needs::{Nothing, User};
use super::route::{Route, read, write};
use super::{Failure, Reply, Request, find, search, show};
use crate::world::{self, Along, Deed, Namespace, Project, Role, Star, Stretch, World};

/// What is older counts as no contribution any more.
const LONG_AGO: SignedDuration = SignedDuration::from_hours(365 * 24);

static STARRERS: &[Param] = &[text("search")];

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    write("POST", "/projects/:id/star", User, star),
    write("POST", "/projects/:id/unstar", User, unstar),
    read("/projects/:id/starrers", Nothing, starrers).takes(&[STARRERS, PAGED]),
    read("/users/:id/projects", Nothing, own).takes(&[LIST, LEAST_ROLE, PAGED]),
    read("/users/:id/starred_projects", Nothing, starred).takes(&[LIST, LEAST_ROLE, PAGED]),
    read("/users/:id/contributed_projects", Nothing, contributed).takes(&[LIST, LEAST_ROLE, PAGED]),
];

fn star(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    mark(world, request, true)
}

fn unstar(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    mark(world, request, false)
}

fn mark(world: &mut World, request: &Request, wanted: bool) -> Result<Reply, Failure> {
    let id = find::project_to_change(world, request)?.id;
    let user = find::caller(world, request)?.id;
    world.star(id, user, wanted).ok_or_else(|| Failure::new(StatusCode::NOT_MODIFIED, Value::Null))?;
    let project = world.project(id).ok_or_else(Failure::no_row)?;
    Ok(Reply::created(show::project(world, &request.caller, project)))
}

fn starrers(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    let wanted = request.args.filled("search");
    let called = |star: &&Star| {
        let user = world.user(star.user);
        let named =
            |text: &String| user.is_some_and(|user| search::matches(text, [user.username.as_str(), &user.name]));
        wanted.as_ref().is_none_or(named)
    };
    let found: Vec<&Star> = project.stars.iter().filter(called).collect();
    page(
        world,
        request,
        Paging::Offset,
        &found,
        |star| json!({ "starred_since": show::time(star.at), "user": show::user_basic(world, Some(star.user)) }),
    )
}

/// The user of the path, by id or name.
fn named<'w>(world: &'w World, request: &Request) -> Result<&'w world::User, Failure> {
    let name = request.param(0);
    let by_id = name.parse().ok().and_then(|id| world.user(id));
    by_id.or_else(|| world.user_by_name(name)).ok_or_else(|| Failure::not_found("User"))
}

fn listed<'w>(world: &'w World, request: &Request, wanted: impl Fn(&&'w Project) -> bool) -> Result<Reply, Failure> {
    let found = project_list::of(world, request, world.projects().filter(wanted))?;
    project_list::by_offset(world, request, &found, Paging::Limited("Project"))
}

fn own(world: &World, request: &Request) -> Result<Reply, Failure> {
    let home = Namespace::User(named(world, request)?.id);
    listed(world, request, |project| project.namespace == home)
}

fn starred(world: &World, request: &Request) -> Result<Reply, Failure> {
    let user = named(world, request)?.id;
    listed(world, request, |project| project.stars.iter().any(|star| star.user == user))
}

/// Projects in which the user did something in the last year (`ContributedProjectsFinder`).
fn contributed(world: &World, request: &Request) -> Result<Reply, Failure> {
    let user = named(world, request)?.id;
    listed(world, request, |project| worked_on(world, project.id, user))
}

fn worked_on(world: &World, project: i64, user: i64) -> bool {
    let since = world.now().saturating_sub(LONG_AGO).unwrap_or(Timestamp::MIN);
    let theirs = |deed: &Deed| deed.user == user && deed.at > since && deed.kind.action() != "reopened";
    for issue in world.issues_of(project) {
        if world.deeds_of_issue(issue, Role::Owner).iter().any(theirs) {
            return true;
        }
    }
    // What they did counts for those too who may not read it.
    let lately = Stretch::all(Along::Updated, true).between((Some(since), None));
    for (_, id) in world.places([project], lately) {
        let found = world.glance(id);
        if found.is_some_and(|found| world.deeds_of(&found, Role::Owner).iter().any(theirs)) {
            return true;
        }
    }
    false
}
