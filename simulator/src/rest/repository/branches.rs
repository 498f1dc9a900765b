//! Branches, and those that are protected (`lib/api/branches.rb`, `lib/api/protected_branches.rb`).

use axum::http::StatusCode;
use regex::Regex;

use crate::rest::page::{Paging, page};
use crate::rest::params::{PAGED, Param, one_of, text};
use crate::rest::route::Needs::{Nothing, User};
use crate::rest::route::{Route, read, write};
use crate::rest::{Failure, Reply, Request, allow, find, show};
use crate::world::{Branch, Project, Role, World};

static LIST: &[Param] =
    &[text("search"), text("regex"), one_of("sort", &["name_asc", "updated_asc", "updated_desc"]), text("page_token")];
static CREATE: &[Param] = &[text("branch").required(), text("ref").required()];
static PROTECTED: &[Param] = &[text("search")];

#[rustfmt::skip]
pub(in crate::rest) static ROUTES: &[Route] = &[
    read("/projects/:id/repository/branches", Nothing, list).takes(&[LIST, PAGED]),
    read("/projects/:id/repository/branches/:branch", Nothing, one),
    write("POST", "/projects/:id/repository/branches", User, create).takes(&[CREATE]),
    write("DELETE", "/projects/:id/repository/branches/:branch", User, delete),
    read("/projects/:id/protected_branches", User, protected).takes(&[PROTECTED, PAGED]),
    read("/projects/:id/protected_branches/:name", User, one_protected),
];

fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::repository(world, request)?;
    let args = &request.args;
    let mut found = world.branches_of(project);
    if let Some(text) = args.filled("search") {
        found.retain(|branch| matches(&branch.name, &text));
    }
    if let Some(pattern) = args.filled("regex") {
        let pattern = Regex::new(&pattern).map_err(|_| Failure::param("regex is an invalid regexp"))?;
        found.retain(|branch| pattern.is_match(&branch.name));
    }
    match args.text("sort").as_deref() {
        Some("updated_asc") => found.sort_by_key(|branch| branch.committed_at),
        Some("updated_desc") => found.sort_by_key(|branch| std::cmp::Reverse(branch.committed_at)),
        _ => {}
    }
    page(world, request, Paging::Offset, &found, |branch| show::branch(world, &request.caller, project, branch))
}

/// `^login` finds what begins so, `login$` what ends so, `login` what has it.
pub(super) fn matches(name: &str, search: &str) -> bool {
    let name = name.to_lowercase();
    let search = search.to_lowercase();
    match (search.strip_prefix('^'), search.strip_suffix('$')) {
        (Some(begin), _) if begin.ends_with('$') => name == begin.trim_end_matches('$'),
        (Some(begin), _) => name.starts_with(begin),
        (None, Some(end)) => name.ends_with(end),
        (None, None) => name.contains(&search),
    }
}

fn named(world: &World, project: &Project, name: &str) -> Result<Branch, Failure> {
    let found = world.branches_of(project).into_iter().find(|branch| branch.name == name);
    found.ok_or_else(|| Failure::not_found("Branch"))
}

fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::repository(world, request)?;
    let found = named(world, project, request.param(1))?;
    Ok(Reply::ok(show::branch(world, &request.caller, project, &found)))
}

fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    allow::repository(world, request)?;
    let project = allow::change(world, request, Role::Developer)?;
    let text = |name: &str| request.args.text(name).unwrap_or_default();
    let (name, from) = (text("branch"), text("ref"));
    let refused = |reason: &str| Failure::message(StatusCode::BAD_REQUEST, reason);
    if named(world, project, &name).is_ok() {
        return Err(refused("Branch already exists"));
    }
    let sha = world.resolve_ref(project, &from).ok_or_else(|| refused(&format!("Invalid reference name: {from}")))?;
    let (id, user) = (project.id, find::caller(world, request)?.id);
    world.create_branch(id, &name, sha, user);
    let project = allow::repository(world, request)?;
    let made = named(world, project, &name)?;
    Ok(Reply::created(show::branch(world, &request.caller, project, &made)))
}

fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    allow::repository(world, request)?;
    let project = allow::change(world, request, Role::Developer)?;
    let found = named(world, project, request.param(1))?;
    let refused = |reason: &str| Failure::message(StatusCode::METHOD_NOT_ALLOWED, reason);
    if project.default_branch.as_ref() == Some(&found.name) {
        return Err(refused("Cannot remove HEAD branch"));
    }
    if found.protected {
        return Err(refused("Protected branch cannot be removed"));
    }
    let (id, user) = (project.id, find::caller(world, request)?.id);
    world.delete_branch(id, &found.name, user);
    Ok(Reply::no_content())
}

fn protected_of(world: &World, request: &Request) -> Result<Vec<Branch>, Failure> {
    let project = find::project(world, request)?;
    if !world.administers_project(&request.caller, project) {
        return Err(Failure::forbidden(""));
    }
    Ok(world.branches_of(project).into_iter().filter(|branch| branch.protected).collect())
}

fn protected(world: &World, request: &Request) -> Result<Reply, Failure> {
    let mut found = protected_of(world, request)?;
    if let Some(text) = request.args.filled("search") {
        found.retain(|branch| branch.name.contains(&text));
    }
    let numbered: Vec<(usize, Branch)> = found.into_iter().enumerate().collect();
    page(world, request, Paging::Offset, &numbered, |(place, branch)| show::protected_branch(world, *place, branch))
}

fn one_protected(world: &World, request: &Request) -> Result<Reply, Failure> {
    let mut found = protected_of(world, request)?.into_iter().enumerate();
    let (place, branch) = found.find(|(_, branch)| branch.name == request.param(1)).ok_or_else(Failure::no_row)?;
    Ok(Reply::ok(show::protected_branch(world, place, &branch)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_may_be_anchored() {
        assert!(
            matches("feature/login", "LOGIN") && matches("feature/login", "^feature") && matches("login", "^login$")
        );
        assert!(
            matches("feature/login", "login$") && !matches("feature/login", "^login") && !matches("login-2", "^login$")
        );
    }
}
