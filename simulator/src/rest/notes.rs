//! Notes and discussions of a merge request, and how lists of them are made for issues too.

use super::merge_requests::role;
use super::page::{Paging, page};
use super::params::{PAGED, Param, SORTS, one_of, text, truth};
use super::route::Needs::{Nothing, User};
use super::route::{Route, read, write};
use super::show::Noteable;
use super::{Failure, Reply, Request, find, show};
use crate::world::{Note, Project, Sha, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/merge_requests/:iid/notes", Nothing, list).takes(&[LIST, PAGED]),
    read("/projects/:id/merge_requests/:iid/notes/:note_id", Nothing, one),
    write("POST", "/projects/:id/merge_requests/:iid/notes", User, create).takes(&[NEW]),
    read("/projects/:id/merge_requests/:iid/discussions", Nothing, discussions).takes(&[PAGED]),
];

/// lib/api/notes.rb.
pub(super) static LIST: &[Param] = &[
    one_of("order_by", &["created_at", "updated_at"]).or("created_at"),
    one_of("sort", SORTS).or("desc"),
    one_of("activity_filter", &["all_notes", "only_comments", "only_activity"]).or("all_notes"),
];

pub(super) static NEW: &[Param] = &[text("body").required(), truth("internal")];

pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::merge_request(world, request)?;
    page_of(world, request, project, found, &found.notes)
}

/// A page of the notes that the caller sees.
pub(super) fn page_of<'w>(
    world: &World,
    request: &Request,
    project: &Project,
    found: impl Into<Noteable<'w>>,
    notes: &[Note],
) -> Result<Reply, Failure> {
    let (found, role) = (found.into(), role(world, request, project));
    let wanted = request.args.text("activity_filter").unwrap_or_default();
    let mut notes: Vec<&Note> = notes.iter().filter(|note| World::sees_note(role, note)).collect();
    match wanted.as_str() {
        "only_comments" => notes.retain(|note| !note.system()),
        "only_activity" => notes.retain(|note| note.system()),
        _ => {}
    }
    match request.args.text("order_by").as_deref() {
        Some("updated_at") => notes.sort_by_key(|note| (note.updated_at, note.id)),
        _ => notes.sort_by_key(|note| (note.created_at, note.id)),
    }
    if request.args.text("sort").as_deref() != Some("asc") {
        notes.reverse();
    }
    page(world, request, Paging::Offset, &notes, |note| show::note(world, project, found, note))
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::merge_request(world, request)?;
    let role = role(world, request, project);
    let id = request.param(2).parse::<i64>().map_err(|_| Failure::param("note_id is invalid"))?;
    let note = found.notes.iter().find(|note| note.id == id && World::sees_note(role, note));
    let note = note.ok_or_else(Failure::no_row)?;
    Ok(Reply::ok(show::note(world, project, found, note)))
}

pub(crate) fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::merge_request(world, request)?;
    let (project, id) = (project.id, found.id);
    let author = request.caller.user.and_then(|user| world.user(user)).ok_or_else(Failure::unauthorized)?;
    let author = author.username.clone();
    let body = request.args.text("body").ok_or_else(|| Failure::param("body is missing"))?;
    let internal = request.args.is("internal");
    let note = match internal {
        true => world.internal_comment(id, &author, &body),
        false => world.comment(id, &author, &body),
    };
    let made = note.and_then(|note| world.merge_request_of_note(note)?.notes.iter().find(|known| known.id == note));
    let parts = made.zip(world.project(project)).zip(world.merge_request(id));
    let ((note, project), found) = parts.ok_or_else(Failure::no_row)?;
    Ok(Reply::created(show::note(world, project, found, note)))
}

pub(crate) fn discussions(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::merge_request(world, request)?;
    threads_of(world, request, project, found, &found.notes)
}

/// A page of the threads that the caller sees.
pub(super) fn threads_of<'w>(
    world: &World,
    request: &Request,
    project: &Project,
    found: impl Into<Noteable<'w>>,
    notes: &[Note],
) -> Result<Reply, Failure> {
    let (found, role) = (found.into(), role(world, request, project));
    let mut threads: Vec<(Sha, Vec<&Note>)> = Vec::new();
    for note in notes.iter().filter(|note| World::sees_note(role, note)) {
        match threads.iter_mut().find(|(id, _)| *id == note.discussion) {
            Some((_, notes)) => notes.push(note),
            None => threads.push((note.discussion, vec![note])),
        }
    }
    page(world, request, Paging::Offset, &threads, |(_, notes)| {
        show::discussion(world, project, found, notes).unwrap_or_default()
    })
}
