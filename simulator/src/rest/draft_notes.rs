//! Drafts of comments: seen by their author alone, until they are published.

use super::discussion::{POSITION, commentable, position};
use super::params::{Param, text, truth};
use super::route::Needs::User;
use super::route::{Route, read, since, write};
use super::{Failure, Reply, Request, find, show};
use crate::world::{DraftNote, MergeRequest, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    since(15, 9, read("/projects/:id/merge_requests/:iid/draft_notes", User, list)),
    since(15, 10, write("POST", "/projects/:id/merge_requests/:iid/draft_notes", User, create)).takes(&[NEW, POSITION]),
    since(15, 11, write("POST", "/projects/:id/merge_requests/:iid/draft_notes/bulk_publish", User, publish_all)),
    since(15, 9, read("/projects/:id/merge_requests/:iid/draft_notes/:draft_note_id", User, one)),
    since(15, 10, write("PUT", "/projects/:id/merge_requests/:iid/draft_notes/:draft_note_id", User, update)).takes(&[POSITION]),
    since(15, 9, write("DELETE", "/projects/:id/merge_requests/:iid/draft_notes/:draft_note_id", User, delete)),
    since(15, 10, write("PUT", "/projects/:id/merge_requests/:iid/draft_notes/:draft_note_id/publish", User, publish)),
];

/// lib/api/draft_notes.rb.
static NEW: &[Param] = &[text("note").required(), text("in_reply_to_discussion_id"), truth("resolve_discussion")];

/// The caller's own drafts on the merge request of the path.
fn own<'w>(world: &'w World, request: &Request) -> Result<(&'w MergeRequest, Vec<&'w DraftNote>), Failure> {
    let (_, found) = find::noteable(world, request)?;
    let user = find::caller(world, request)?.id;
    Ok((found, found.drafts.iter().filter(|draft| draft.author == user).collect()))
}

fn named<'w>(world: &'w World, request: &Request) -> Result<(&'w MergeRequest, &'w DraftNote), Failure> {
    let (found, drafts) = own(world, request)?;
    let id = find::number(request, 2, "draft_note_id")?;
    let draft = drafts.into_iter().find(|draft| draft.id == id).ok_or_else(Failure::no_row)?;
    Ok((found, draft))
}

/// All of them, not paged.
pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (found, drafts) = own(world, request)?;
    Ok(Reply::ok(drafts.iter().map(|draft| show::draft_note(found, draft)).collect()))
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (found, draft) = named(world, request)?;
    Ok(Reply::ok(show::draft_note(found, draft)))
}

pub(crate) fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (id, _) = commentable(world, request)?;
    let author = find::caller(world, request)?.id;
    let position = position(world, request, id)?;
    let wanted = request.args.filled("in_reply_to_discussion_id");
    let found = world.merge_request(id).ok_or_else(Failure::no_row)?;
    let threads = found.notes.iter().map(|note| note.discussion);
    let thread = wanted.as_ref().and_then(|wanted| threads.clone().find(|thread| thread.to_string() == *wanted));
    if wanted.is_some() && thread.is_none() {
        return Err(Failure::bad_request("Thread to reply to cannot be found"));
    }
    let body = request.args.text("note").unwrap_or_default();
    let resolves = request.args.is("resolve_discussion");
    let draft = DraftNote { id: 0, author, body, thread, resolves, position };
    let made = world.draft_note(id, draft).ok_or_else(Failure::no_row)?;
    let found = world.merge_request(id).ok_or_else(Failure::no_row)?;
    let draft = found.drafts.iter().find(|draft| draft.id == made).ok_or_else(Failure::no_row)?;
    Ok(Reply::created(show::draft_note(found, draft)))
}

pub(crate) fn update(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let body = request.args.filled("note").ok_or_else(|| Failure::bad_request("Missing params to modify"))?;
    let (found, draft) = named(world, request)?;
    let (merge_request, id) = (found.id, draft.id);
    let at = position(world, request, merge_request)?;
    world.edit_drafts(merge_request, |drafts| {
        let known = drafts.iter_mut().filter(|known| known.id == id);
        known.for_each(|known| (known.body, known.position) = (body.clone(), at.clone()));
    });
    one(world, request)
}

pub(crate) fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (found, draft) = named(world, request)?;
    let (merge_request, id) = (found.id, draft.id);
    world.edit_drafts(merge_request, |drafts| drafts.retain(|known| known.id != id));
    Ok(Reply::no_content())
}

pub(crate) fn publish(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    commentable(world, request)?;
    let (found, draft) = named(world, request)?;
    let (merge_request, id) = (found.id, draft.id);
    world.publish_draft(merge_request, id);
    Ok(Reply::no_content())
}

/// Publishes all, which is a review.
pub(crate) fn publish_all(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (id, _) = commentable(world, request)?;
    let user = find::caller(world, request)?.id;
    world.publish_drafts(id, user);
    Ok(Reply::no_content())
}
