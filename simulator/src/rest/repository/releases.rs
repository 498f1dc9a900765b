//! Releases of projects and groups (`lib/api/releases.rb`).

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::rest::page::{Paging, page};
use crate::rest::params::{PAGED, Param, SORTS, one_of, text, time, truth};
use crate::rest::route::Needs::{Nothing, User};
use crate::rest::route::{Route, read, since, write};
use crate::rest::{Failure, Reply, Request, allow, find, show};
use crate::world::{Project, Release, Role, World};

static LIST: &[Param] = &[
    one_of("order_by", &["released_at", "created_at"]).or("released_at"),
    one_of("sort", SORTS).or("desc"),
    truth("include_html_description"),
    time("updated_before").since(16, 0),
    time("updated_after").since(16, 0),
];
static OF_GROUP: &[Param] = &[one_of("sort", SORTS).or("desc"), truth("simple").or("false")];
static CREATE: &[Param] = &[
    text("tag_name").required(),
    text("tag_message"),
    text("name"),
    text("description"),
    text("ref"),
    time("released_at"),
];
static UPDATE: &[Param] = &[text("name"), text("description"), time("released_at")];

#[rustfmt::skip]
pub(in crate::rest) static ROUTES: &[Route] = &[
    read("/projects/:id/releases", Nothing, list).takes(&[LIST, PAGED]),
    since(15, 4, read("/projects/:id/releases/permalink/latest", Nothing, latest)),
    read("/projects/:id/releases/:tag_name", Nothing, one),
    write("POST", "/projects/:id/releases", User, create).takes(&[CREATE]),
    write("PUT", "/projects/:id/releases/:tag_name", User, update).takes(&[UPDATE]),
    write("DELETE", "/projects/:id/releases/:tag_name", User, delete),
    read("/groups/:id/releases", Nothing, of_group).takes(&[OF_GROUP, PAGED]),
];

fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    let (after, before) = (request.args.time("updated_after")?, request.args.time("updated_before")?);
    let within = |release: &&Release| {
        after.is_none_or(|after| release.created_at >= after)
            && before.is_none_or(|before| release.created_at <= before)
    };
    let mut found: Vec<&Release> = project.releases.iter().filter(within).collect();
    if request.args.text("order_by").as_deref() == Some("created_at") {
        found.sort_by_key(|release| release.created_at);
    } else {
        found.sort_by_key(|release| release.released_at);
    }
    if request.args.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    page(world, request, Paging::Offset, &found, |release| show::release(world, &request.caller, project, release))
}

fn of_group(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?;
    let below = std::iter::once(group.id).chain(world.descendant_groups(group.id));
    let projects = below.flat_map(|id| world.projects_of_group(id)).filter_map(|id| world.project(*id));
    let seen = projects.filter(|project| world.sees_project(&request.caller, project));
    let mut found: Vec<(&Project, &Release)> =
        seen.flat_map(|project| project.releases.iter().map(move |release| (project, release))).collect();
    found.sort_by_key(|(_, release)| release.released_at);
    if request.args.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    page(world, request, Paging::Offset, &found, |(project, release)| {
        show::release(world, &request.caller, project, release)
    })
}

fn named<'w>(project: &'w Project, tag: &str) -> Result<&'w Release, Failure> {
    project.releases.iter().find(|release| release.tag == tag).ok_or_else(|| Failure::not_found(""))
}

fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::code(world, request)?;
    Ok(Reply::ok(show::release(world, &request.caller, project, named(project, request.param(1))?)))
}

/// Leads to the release that counts from the latest time that is over.
fn latest(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::code(world, request)?;
    let out = project.releases.iter().filter(|release| release.released_at <= world.now());
    let found = out.max_by_key(|release| release.released_at).ok_or_else(|| Failure::not_found(""))?;
    let tag = percent_encoding::utf8_percent_encode(&found.tag, percent_encoding::NON_ALPHANUMERIC);
    let tag = tag.to_string().replace("%2E", ".").replace("%2D", "-").replace("%5F", "_");
    let path = format!("/api/v4/projects/{}/releases/{tag}", project.id);
    let text = format!("This resource has been moved temporarily to {path}.");
    let mut reply = Reply { status: StatusCode::FOUND, body: Some(json!(text)), ..Reply::default() };
    reply.headers.push(("location", path));
    Ok(reply)
}

fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::change(world, request, Role::Developer)?;
    let args = &request.args;
    let tag = args.text("tag_name").unwrap_or_default();
    if named(project, &tag).is_ok() {
        return Err(Failure::conflict("Release already exists"));
    }
    let user = find::caller(world, request)?.id;
    let project = project.id;
    make_tag(world, request, project, &tag)?;
    let now = world.now();
    world.create_release(
        project,
        Release {
            id: 0,
            name: args.filled("name").unwrap_or_else(|| tag.clone()),
            description: args.text("description").unwrap_or_default(),
            tag: tag.clone(),
            author: Some(user),
            created_at: now,
            released_at: args.time("released_at")?.unwrap_or(now),
        },
    );
    shown(world, request, &tag).map(Reply::created)
}

/// A tag that is not there is made from `ref`, which is needed then.
fn make_tag(world: &mut World, request: &Request, project: i64, name: &str) -> Result<(), Failure> {
    let subject = world.project(project).ok_or_else(Failure::no_row)?;
    if subject.tags.iter().any(|tag| tag.name == name) {
        return Ok(());
    }
    let refused = |reason: &str| Failure::message(StatusCode::UNPROCESSABLE_ENTITY, reason);
    let target = request.args.filled("ref").ok_or_else(|| refused("Ref is not specified"))?;
    let sha = world.resolve_ref(subject, &target);
    let sha = sha.ok_or_else(|| Failure::message(StatusCode::BAD_REQUEST, &format!("Target {target} is invalid")))?;
    let user = find::caller(world, request)?.id;
    let message = request.args.text("tag_message").unwrap_or_default();
    let created_at = world.now();
    world.create_tag(project, user, crate::world::Tag { name: name.to_owned(), sha, message, created_at });
    Ok(())
}

fn update(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = to_change(world, request)?;
    let tag = request.param(1).to_owned();
    let args = &request.args;
    let (name, description, released_at) = (args.filled("name"), args.text("description"), args.time("released_at")?);
    world.edit_release(project, &tag, |release| {
        release.name = name.unwrap_or_else(|| std::mem::take(&mut release.name));
        release.description = description.unwrap_or_else(|| std::mem::take(&mut release.description));
        release.released_at = released_at.unwrap_or(release.released_at);
    });
    shown(world, request, &tag).map(Reply::ok)
}

/// The tag stays. GitLab answers with what it deleted.
fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = to_change(world, request)?;
    let body = shown(world, request, request.param(1))?;
    world.delete_release(project, request.param(1));
    Ok(Reply::ok(body))
}

fn to_change(world: &World, request: &Request) -> Result<i64, Failure> {
    let project = allow::change(world, request, Role::Developer)?;
    named(project, request.param(1))?;
    Ok(project.id)
}

fn shown(world: &World, request: &Request, tag: &str) -> Result<Value, Failure> {
    let project = find::project(world, request)?;
    Ok(show::release(world, &request.caller, project, named(project, tag)?))
}
