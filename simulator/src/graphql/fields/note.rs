//! Notes, threads and places in the diff.

use std::rc::Rc;

use crate::world::{MergeRequest, Note, NoteKind, Position, Role};

use super::kit::{On, OnThread, Within, page, paragraph, permissions};
use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::order::{By, Order};
use crate::graphql::value::{Connection, Object, Thread, Value};

pub(crate) fn field(name: &str) -> Option<Within<Note, MergeRequest>> {
    Some(match name {
        "id" => |_, note, _| match note.kind {
            NoteKind::Comment | NoteKind::System(_) => Value::Gid("Note", note.id),
            NoteKind::Discussion => Value::Gid("DiscussionNote", note.id),
            NoteKind::Diff(_) => Value::Gid("DiffNote", note.id),
        },
        "body" => |_, note, _| Value::Str(&note.body),
        "bodyHtml" | "bodyFirstLineHtml" => |_, note, _| Value::Text(paragraph(&note.body)),
        "author" => |ctx, note, _| ctx.user(note.author),
        "system" => |_, note, _| Value::Bool(note.system()),
        "internal" | "confidential" => |_, note, _| Value::Bool(note.internal),
        "createdAt" => |_, note, _| Value::Time(note.created_at),
        "updatedAt" => |_, note, _| Value::Time(note.updated_at),
        "lastEditedAt" => |_, note, _| {
            let edited = !note.system() && note.updated_at != note.created_at;
            Value::time(edited.then_some(note.updated_at))
        },
        "lastEditedBy" => |ctx, note, _| {
            let edited = !note.system() && note.updated_at != note.created_at;
            ctx.user(note.author.filter(|_| edited))
        },
        "resolvable" => |_, note, _| Value::Bool(note.resolvable),
        "resolved" => |_, note, _| Value::Bool(note.resolved.is_some()),
        "resolvedAt" => |_, note, _| Value::time(note.resolved.map(|(_, at)| at)),
        "resolvedBy" => |ctx, note, _| ctx.user(note.resolved.map(|(user, _)| user)),
        "position" => |_, note, _| Value::object(note.position().map(Object::Position)),
        "systemNoteIconName" => |ctx, note, _| {
            let settings = &ctx.world.settings;
            Value::str(note.action().and_then(|action| action.icon(settings)))
        },
        "systemNoteMetadata" => |_, note, _| {
            note.action().map_or(Value::Null, |action| {
                let id = Value::Gid("SystemNoteMetadata", note.id);
                Value::record([("action", Value::Str(action.name())), ("id", id), ("descriptionVersion", Value::Null)])
            })
        },
        "discussion" => |ctx, note, of| {
            let notes = ctx.notes(of).filter(|other| other.discussion == note.discussion);
            thread(of, notes.collect())
        },
        "project" => |ctx, _, of| Value::object(ctx.project(Some(of.project)).map(Object::Project)),
        "url" => |ctx, note, of| {
            let project = ctx.world.project(of.project).map_or("", |project| &project.full_path);
            Value::Text(format!("{}/{project}/-/merge_requests/{}#note_{}", ctx.world.settings.url, of.iid, note.id))
        },
        "awardEmoji" => |_, _, _| Value::Object(Object::Connection(Rc::new(Connection::empty()))),
        "userPermissions" => |ctx, note, of| {
            let role = ctx.role(of.project);
            let own = note.author.is_some() && note.author == ctx.caller.user && !note.system();
            let resolves = note.resolvable && (role >= Role::Developer || own);
            permissions([
                ("adminNote", own || (role >= Role::Maintainer && !note.system())),
                ("awardEmoji", !ctx.caller.anonymous() && !note.system()),
                ("createNote", !ctx.caller.anonymous()),
                ("readNote", true),
                ("repositionNote", role >= Role::Developer),
                ("resolveNote", resolves),
            ])
        },
        "noteableType" => |_, _, _| Value::Str("MergeRequest"),
        "noteableId" => |_, _, of| Value::Int(of.id),
        "authorIsContributor" | "imported" => |_, _, _| Value::Bool(false),
        "externalAuthor" | "maxAccessLevelOfAuthor" => |_, _, _| Value::Null,
        _ => return None,
    })
}

pub(crate) fn discussion_field(name: &str) -> Option<OnThread> {
    Some(match name {
        "id" | "replyId" => |_, thread, _| match thread.notes.first() {
            Some(note) => Value::Text(format!("gid://gitlab/Discussion/{}", note.discussion)),
            None => Value::Null,
        },
        "createdAt" => |_, thread, _| Value::time(thread.notes.first().map(|note| note.created_at)),
        "resolvable" => |_, thread, _| Value::Bool(thread.notes.iter().any(|note| note.resolvable)),
        "resolved" => |_, thread, _| Value::Bool(resolved(thread).is_some()),
        "resolvedAt" => |_, thread, _| Value::time(resolved(thread).map(|(_, at)| at)),
        "resolvedBy" => |ctx, thread, _| ctx.user(resolved(thread).map(|(user, _)| user)),
        "noteable" => |_, thread, _| Value::Object(Object::MergeRequest(thread.merge_request)),
        "userPermissions" => |ctx, thread, _| {
            let role = ctx.role(thread.merge_request.project);
            permissions([
                ("adminNote", role >= Role::Maintainer),
                ("createNote", !ctx.caller.anonymous()),
                ("resolveNote", role >= Role::Developer),
            ])
        },
        "notes" => |_, thread, arguments| {
            let notes = thread.notes.iter().map(|note| Object::Note(note, thread.merge_request));
            page(notes.collect(), Order::ascending(By::CreatedAt), arguments)
        },
        _ => return None,
    })
}

pub(crate) fn position_field(name: &str) -> Option<On<Position>> {
    Some(match name {
        "filePath" | "newPath" | "oldPath" => |_, position, _| Value::Str(&position.path),
        "newLine" => |_, position, _| position.new_line.map_or(Value::Null, Value::Int),
        "oldLine" => |_, position, _| position.old_line.map_or(Value::Null, Value::Int),
        "positionType" => |_, _, _| Value::Str("text"),
        "diffRefs" => |_, position, _| {
            Value::record([
                ("baseSha", Value::Sha(position.base_sha)),
                ("startSha", Value::Sha(position.base_sha)),
                ("headSha", Value::Sha(position.head_sha)),
            ])
        },
        "height" | "width" | "x" | "y" => |_, _, _| Value::Null,
        _ => return None,
    })
}

/// When, and by whom, the last of a thread's notes was resolved; none while one is open.
fn resolved(thread: &Thread<'_>) -> Option<(i64, jiff::Timestamp)> {
    let resolvable = thread.notes.iter().filter(|note| note.resolvable);
    let all: Option<Vec<_>> = resolvable.map(|note| note.resolved).collect();
    all?.into_iter().max_by_key(|(_, at)| *at)
}

fn thread<'w>(merge_request: &'w MergeRequest, notes: Vec<&'w Note>) -> Value<'w> {
    Value::Object(Object::Discussion(Rc::new(Thread { merge_request, notes })))
}

/// A page of the notes of a merge request, oldest first.
pub(crate) fn page_of<'w>(ctx: &Context<'w>, merge_request: &'w MergeRequest, arguments: &Arguments) -> Value<'w> {
    let system = match arguments.text("filter") {
        Some("ONLY_ACTIVITY") => Some(true),
        Some("ONLY_COMMENTS") => Some(false),
        _ => None,
    };
    let notes = ctx.notes(merge_request).filter(|note| system.is_none_or(|system| note.system() == system));
    let rows = notes.map(|note| Object::Note(note, merge_request));
    page(rows.collect(), Order::ascending(By::CreatedAt), arguments)
}

/// A page of the threads of a merge request, oldest first.
pub(crate) fn discussions<'w>(ctx: &Context<'w>, merge_request: &'w MergeRequest, arguments: &Arguments) -> Value<'w> {
    let mut threads: Vec<Thread<'w>> = Vec::new();
    for note in ctx.notes(merge_request) {
        let known = threads.iter_mut().find(|thread| thread.notes[0].discussion == note.discussion);
        match known {
            Some(thread) => thread.notes.push(note),
            None => threads.push(Thread { merge_request, notes: vec![note] }),
        }
    }
    let rows = threads.into_iter().map(|thread| Object::Discussion(Rc::new(thread)));
    page(rows.collect(), Order::NUMBERED, arguments)
}

/// A note by its id, if the caller sees it.
pub(crate) fn by_id<'w>(ctx: &Context<'w>, id: Option<i64>) -> Value<'w> {
    let Some(merge_request) = id.and_then(|id| ctx.world.merge_request_of_note(id)) else {
        return Value::Null;
    };
    if matches!(ctx.merge_request(Some(merge_request)), Value::Null) {
        return Value::Null;
    }
    let note = ctx.notes(merge_request).find(|note| Some(note.id) == id);
    Value::object(note.map(|note| Object::Note(note, merge_request)))
}
