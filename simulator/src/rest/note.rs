//! One note of a merge request: edited, resolved, removed; alone or in its thread.

use super::discussion::may_resolve;
use super::merge_requests::role;
use super::params::{Param, text, truth};
use super::route::Needs::{Nothing, User};
use super::route::{Route, read, write};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Note, Role, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    write("PUT", "/projects/:id/merge_requests/:iid/notes/:note_id", User, update).takes(&[BODY]),
    write("DELETE", "/projects/:id/merge_requests/:iid/notes/:note_id", User, delete),
    read("/projects/:id/merge_requests/:iid/discussions/:discussion_id/notes/:note_id", Nothing, one_of_thread),
    write("PUT", "/projects/:id/merge_requests/:iid/discussions/:discussion_id/notes/:note_id", User, update_in_thread).takes(&[BODY, RESOLVED]),
    write("DELETE", "/projects/:id/merge_requests/:iid/discussions/:discussion_id/notes/:note_id", User, delete),
];

/// lib/api/notes.rb and lib/api/discussions.rb.
static BODY: &[Param] = &[text("body")];

static RESOLVED: &[Param] = &[truth("resolved").excludes("body")];

/// The note of the last placeholder, if the caller sees it.
fn named<'w>(world: &'w World, request: &Request) -> Result<&'w Note, Failure> {
    let (project, found) = find::noteable(world, request)?;
    let role = role(world, request, project);
    let id = find::number(request, request.params.len() - 1, "note_id")?;
    let note = found.notes.iter().find(|note| note.id == id && World::sees_note(role, note));
    note.ok_or_else(Failure::no_row)
}

/// The same, if the caller may change it: its author or a Maintainer. Nobody changes what GitLab wrote.
fn changeable(world: &World, request: &Request) -> Result<i64, Failure> {
    let (project, _) = find::noteable(world, request)?;
    let note = named(world, request)?;
    let own = note.author.is_some() && note.author == request.caller.user;
    let may = own || role(world, request, project) >= Role::Maintainer;
    if note.system() || project.archived || !may {
        return Err(Failure::forbidden(""));
    }
    Ok(note.id)
}

fn shown(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::noteable(world, request)?;
    Ok(Reply::ok(show::note(world, project, found, named(world, request)?)))
}

pub(crate) fn one_of_thread(world: &World, request: &Request) -> Result<Reply, Failure> {
    shown(world, request)
}

pub(crate) fn update(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    if request.args.raw("body").is_some() && request.args.filled("body").is_none() {
        return Err(Failure::param("body is empty"));
    }
    let id = changeable(world, request)?;
    if let Some(body) = request.args.filled("body") {
        world.rewrite_note(id, &body);
    }
    shown(world, request)
}

pub(crate) fn update_in_thread(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let Some(resolved) = request.args.truth("resolved") else {
        if request.args.raw("body").is_none() {
            return Err(Failure::param("body, resolved are missing, exactly one parameter must be provided"));
        }
        return update(world, request);
    };
    let note = named(world, request)?;
    if !may_resolve(world, request, note)? {
        return Err(Failure::forbidden(""));
    }
    if !note.resolvable {
        return Err(Failure::bad_request("Note is not resolvable"));
    }
    let (id, user) = (note.id, find::caller(world, request)?.username.clone());
    match resolved {
        true => world.resolve_note(id, &user),
        false => world.unresolve_note(id),
    };
    shown(world, request)
}

pub(crate) fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = changeable(world, request)?;
    world.delete_note(id);
    Ok(Reply::no_content())
}
