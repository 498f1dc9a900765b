//! Tags (`lib/api/tags.rb`).

use axum::http::StatusCode;

use super::branches::matches;
use crate::rest::page::{Paging, page};
use crate::rest::params::{PAGED, Param, SORTS, one_of, text};
use crate::rest::route::Needs::{Nothing, User};
use crate::rest::route::{Route, read, write};
use crate::rest::{Failure, Reply, Request, allow, find, show};
use crate::world::{Project, Role, Tag, World};

static LIST: &[Param] = &[
    one_of("sort", SORTS).or("desc"),
    one_of("order_by", &["name", "updated"]).or("updated"),
    one_of("order_by", &["name", "updated", "version"]).or("updated").since(15, 4),
    text("search"),
    text("page_token"),
];
static CREATE: &[Param] = &[text("tag_name").required(), text("ref").required(), text("message")];

#[rustfmt::skip]
pub(in crate::rest) static ROUTES: &[Route] = &[
    read("/projects/:id/repository/tags", Nothing, list).takes(&[LIST, PAGED]),
    read("/projects/:id/repository/tags/:tag_name", Nothing, one),
    write("POST", "/projects/:id/repository/tags", User, create).takes(&[CREATE]),
    write("DELETE", "/projects/:id/repository/tags/:tag_name", User, delete),
];

fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::code(world, request)?;
    let args = &request.args;
    let search = args.filled("search");
    let wanted = |tag: &&Tag| search.as_ref().is_none_or(|text| matches(&tag.name, text));
    let mut found: Vec<&Tag> = project.tags.iter().filter(wanted).collect();
    match args.text("order_by").as_deref() {
        Some("name") => found.sort_by(|left, right| left.name.cmp(&right.name)),
        Some("version") => found.sort_by_key(|tag| version(&tag.name)),
        _ => found.sort_by_key(|tag| tag.created_at),
    }
    if args.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    page(world, request, Paging::Offset, &found, |tag| show::tag(world, project, tag))
}

/// The numbers of a name, so that v10 comes after v9.
fn version(name: &str) -> Vec<u64> {
    let numbers = name.split(|letter: char| !letter.is_ascii_digit()).filter(|part| !part.is_empty());
    numbers.map(|number| number.parse().unwrap_or(u64::MAX)).collect()
}

fn named<'w>(project: &'w Project, request: &Request) -> Result<&'w Tag, Failure> {
    let found = project.tags.iter().find(|tag| tag.name == request.param(1));
    found.ok_or_else(|| Failure::not_found("Tag"))
}

fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::code(world, request)?;
    Ok(Reply::ok(show::tag(world, project, named(project, request)?)))
}

fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    allow::code(world, request)?;
    let project = allow::change(world, request, Role::Developer)?;
    let text = |name: &str| request.args.text(name).unwrap_or_default();
    let (name, target) = (text("tag_name"), text("ref"));
    let refused = |reason: &str| Failure::message(StatusCode::BAD_REQUEST, reason);
    if project.tags.iter().any(|tag| tag.name == name) {
        return Err(refused(&format!("Tag {name} already exists")));
    }
    let sha = world.resolve_ref(project, &target).ok_or_else(|| refused(&format!("Target {target} is invalid")))?;
    let (id, user) = (project.id, find::caller(world, request)?.id);
    let created_at = world.now();
    world.create_tag(id, user, Tag { name: name.clone(), sha, message: text("message"), created_at });
    let project = allow::code(world, request)?;
    let made = project.tags.iter().find(|tag| tag.name == name).ok_or_else(Failure::no_row)?;
    Ok(Reply::created(show::tag(world, project, made)))
}

/// A tag takes its release along.
fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::code(world, request)?;
    named(project, request)?;
    let id = allow::change(world, request, Role::Developer)?.id;
    let user = find::caller(world, request)?.id;
    world.delete_tag(id, request.param(1), user);
    Ok(Reply::no_content())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(version("v9.2.0") < version("v10.0.0"));
    }
}
