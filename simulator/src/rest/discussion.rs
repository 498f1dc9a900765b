//! One thread of a merge request: opened, answered, resolved.

use serde_json::{Value, json};

use super::merge_requests::role;
use super::params::{Param, one_of, text, truth};
use super::route::Needs::{Nothing, User};
use super::route::{Route, read, write};
use super::{Failure, Reply, Request, find, show};
use crate::world::{MergeRequest, Note, Position, Project, Role, Sha, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/merge_requests/:iid/discussions/:discussion_id", Nothing, one),
    write("POST", "/projects/:id/merge_requests/:iid/discussions", User, open).takes(&[NEW, POSITION]),
    write("PUT", "/projects/:id/merge_requests/:iid/discussions/:discussion_id", User, resolve).takes(&[RESOLVED]),
    read("/projects/:id/merge_requests/:iid/discussions/:discussion_id/notes", Nothing, notes),
    write("POST", "/projects/:id/merge_requests/:iid/discussions/:discussion_id/notes", User, answer).takes(&[NEW]),
];

/// lib/api/discussions.rb.
static NEW: &[Param] = &[text("body").required()];

static RESOLVED: &[Param] = &[truth("resolved").required()];

/// Where in the diff a thread is to stand.
pub(super) static POSITION: &[Param] = &[one_of("position[position_type]", &["text", "image", "file"])];

/// The notes of the thread of the third placeholder that the caller sees.
fn thread<'w>(world: &'w World, request: &Request) -> Result<(&'w Project, &'w MergeRequest, Vec<&'w Note>), Failure> {
    let (project, found) = find::noteable(world, request)?;
    let role = role(world, request, project);
    let id = request.param(2);
    let notes = found.notes.iter().filter(|note| note.discussion.to_string() == id && World::sees_note(role, note));
    Ok((project, found, notes.collect()))
}

fn shown(world: &World, request: &Request) -> Result<Value, Failure> {
    let (project, found, notes) = thread(world, request)?;
    show::discussion(world, project, found, &notes).ok_or_else(|| Failure::not_found("Discussion"))
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    Ok(Reply::ok(shown(world, request)?))
}

/// The notes of a thread, not paged.
pub(crate) fn notes(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found, notes) = thread(world, request)?;
    if notes.is_empty() {
        return Err(Failure::not_found("Notes"));
    }
    Ok(Reply::ok(notes.iter().map(|note| show::note(world, project, found, note)).collect()))
}

/// The merge request, if the caller may comment on it: whoever reads it, unless it is locked or its project archived.
pub(super) fn commentable(world: &World, request: &Request) -> Result<(i64, String), Failure> {
    let (project, found) = find::noteable(world, request)?;
    let locked = found.discussion_locked == Some(true);
    if project.archived || (locked && role(world, request, project) < Role::Guest) {
        return Err(Failure::forbidden(""));
    }
    Ok((found.id, find::caller(world, request)?.username.clone()))
}

pub(crate) fn open(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (id, author) = commentable(world, request)?;
    let at = position(world, request, id)?;
    let body = request.args.text("body").unwrap_or_default();
    let note = world.discuss(id, &author, &body, at).ok_or_else(Failure::no_row)?;
    let (project, found) = find::noteable(world, request)?;
    let made = found.notes.iter().find(|known| known.id == note).ok_or_else(Failure::no_row)?;
    Ok(Reply::created(json!({
        "id": made.discussion.to_string(),
        "individual_note": false,
        "notes": [show::note(world, project, found, made)],
    })))
}

/// `position`, which has to name all three commits, and a file that is changed.
pub(super) fn position(world: &World, request: &Request, merge_request: i64) -> Result<Option<Position>, Failure> {
    let args = &request.args;
    if args.raw("position").is_none_or(Value::is_null) {
        return Ok(None);
    }
    let named = |name: &str| args.filled(&format!("position[{name}]"));
    let absent =
        ["base_sha", "start_sha", "head_sha", "position_type"].into_iter().filter(|name| named(name).is_none());
    let absent: Vec<String> = absent.map(|name| format!("position[{name}] is missing")).collect();
    if !absent.is_empty() {
        return Err(Failure::param(&absent.join(", ")));
    }
    let line = |name: &str| args.integer(&format!("position[{name}]"));
    let sha = |name: &str| named(name).and_then(|text| Sha::parse(&text));
    let (new_line, old_line) = (line("new_line")?, line("old_line")?);
    let path = named("new_path").or_else(|| named("old_path")).unwrap_or_default();
    let found = world.merge_request(merge_request).ok_or_else(Failure::no_row)?;
    let changed = found.files.iter().any(|file| file.path == path) && (new_line.is_some() || old_line.is_some());
    match (sha("base_sha"), sha("head_sha")) {
        (Some(base_sha), Some(head_sha)) if changed => {
            Ok(Some(Position { base_sha, head_sha, path, new_line, old_line }))
        }
        _ => {
            let words = r#"Note {:line_code=>["can't be blank", "must be a valid line code"]}"#;
            Err(Failure::bad_request(words))
        }
    }
}

pub(crate) fn answer(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (_, author) = commentable(world, request)?;
    let (_, _, notes) = thread(world, request)?;
    let first = notes.first().ok_or_else(|| Failure::not_found("Discussion"))?;
    if first.system() {
        return Err(Failure::bad_request("Discussion can not be replied to."));
    }
    let first = first.id;
    let body = request.args.text("body").unwrap_or_default();
    let note = world.reply(first, &author, &body).ok_or_else(Failure::no_row)?;
    let (project, found) = find::noteable(world, request)?;
    let made = found.notes.iter().find(|known| known.id == note).ok_or_else(Failure::no_row)?;
    Ok(Reply::created(show::note(world, project, found, made)))
}

/// Whether the caller may resolve a note: a Developer, its author, or the merge request's (GitLab's `NotePolicy`).
pub(super) fn may_resolve(world: &World, request: &Request, note: &Note) -> Result<bool, Failure> {
    let (project, found) = find::noteable(world, request)?;
    let user = Some(find::caller(world, request)?.id);
    let own = note.author == user || found.author == user;
    Ok(!project.archived && (own || role(world, request, project) >= Role::Developer))
}

pub(crate) fn resolve(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (_, _, notes) = thread(world, request)?;
    let first = *notes.first().ok_or_else(|| Failure::not_found("Discussion"))?;
    if !first.resolvable || !may_resolve(world, request, first)? {
        return Err(Failure::forbidden(""));
    }
    let (note, user) = (first.id, find::caller(world, request)?.username.clone());
    match request.args.is("resolved") {
        true => world.resolve(note, &user),
        false => world.unresolve(note),
    };
    Ok(Reply::ok(shown(world, request)?))
}
