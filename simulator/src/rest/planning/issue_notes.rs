//! Notes and discussions of an issue (`lib/api/notes.rb`, `lib/api/discussions.rb`).

use super::issues::named;
use crate::rest::notes::{LIST, NEW, page_of, threads_of};
use crate::rest::params::{PAGED, Param, text};
use crate::rest::route::Needs::{Nothing, User};
use crate::rest::route::{Route, read, write};
use crate::rest::{Failure, Reply, Request, find, show};
use crate::world::{Issue, Note, Project, Role, World};

static BODY: &[Param] = &[text("body")];

#[rustfmt::skip]
pub(in crate::rest) static ROUTES: &[Route] = &[
    read("/projects/:id/issues/:noteable_id/notes", Nothing, list).takes(&[LIST, PAGED]),
    read("/projects/:id/issues/:noteable_id/notes/:note_id", Nothing, one),
    write("POST", "/projects/:id/issues/:noteable_id/notes", User, create).takes(&[NEW]),
    write("PUT", "/projects/:id/issues/:noteable_id/notes/:note_id", User, update).takes(&[BODY]),
    write("DELETE", "/projects/:id/issues/:noteable_id/notes/:note_id", User, delete),
    read("/projects/:id/issues/:noteable_id/discussions", Nothing, discussions).takes(&[PAGED]),
    read("/projects/:id/issues/:noteable_id/discussions/:discussion_id", Nothing, discussion),
];

fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, issue) = named(world, request)?;
    page_of(world, request, project, issue, &issue.notes)
}

fn discussions(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, issue) = named(world, request)?;
    threads_of(world, request, project, issue, &issue.notes)
}

fn discussion(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, issue) = named(world, request)?;
    let role = world.caller_role(&request.caller, project);
    let id = request.param(2);
    let seen = issue.notes.iter().filter(|note| note.discussion.to_string() == id && World::sees_note(role, note));
    let shown = show::discussion(world, project, issue, &seen.collect::<Vec<_>>());
    shown.map(Reply::ok).ok_or_else(|| Failure::not_found("Discussion"))
}

/// The note of the last placeholder, if the caller sees it.
fn note<'w>(world: &'w World, request: &Request) -> Result<(&'w Project, &'w Issue, &'w Note), Failure> {
    let (project, issue) = named(world, request)?;
    let role = world.caller_role(&request.caller, project);
    let id = find::number(request, 2, "note_id")?;
    let found = issue.notes.iter().find(|note| note.id == id && World::sees_note(role, note));
    Ok((project, issue, found.ok_or_else(Failure::no_row)?))
}

fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, issue, found) = note(world, request)?;
    Ok(Reply::ok(show::note(world, project, issue, found)))
}

/// Whoever reads the issue may comment on it, unless its project is archived.
fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (project, issue) = named(world, request)?;
    if project.archived {
        return Err(Failure::forbidden(""));
    }
    let (issue, author) = (issue.id, find::caller(world, request)?.username.clone());
    let body = request.args.text("body").unwrap_or_default();
    let made = world.comment_issue(issue, &author, &body, request.args.is("internal"));
    let (project, issue) = named(world, request)?;
    let made = issue.notes.iter().find(|note| Some(note.id) == made).ok_or_else(Failure::no_row)?;
    Ok(Reply::created(show::note(world, project, issue, made)))
}

/// The issue and the note, if the caller may change it: its author or a Maintainer. Nobody changes what GitLab wrote.
fn changeable(world: &World, request: &Request) -> Result<(i64, i64), Failure> {
    let (project, issue, found) = note(world, request)?;
    let own = found.author.is_some() && found.author == request.caller.user;
    let may = own || world.caller_role(&request.caller, project) >= Role::Maintainer;
    if found.system() || project.archived || !may {
        return Err(Failure::forbidden(""));
    }
    Ok((issue.id, found.id))
}

fn update(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    if request.args.raw("body").is_some() && request.args.filled("body").is_none() {
        return Err(Failure::param("body is empty"));
    }
    let (issue, note) = changeable(world, request)?;
    let user = find::caller(world, request)?.id;
    if let Some(body) = request.args.filled("body") {
        world.rewrite_issue_note(issue, note, user, &body);
    }
    one(world, request)
}

fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (issue, note) = changeable(world, request)?;
    world.delete_issue_note(issue, note);
    Ok(Reply::no_content())
}
