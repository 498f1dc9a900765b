//! Notes, of merge requests and of issues.

use serde_json::{Value, json};

use super::merge_requests::imported;
use super::noteable::Noteable;
use super::{extend, time, user_basic};
use crate::world::{Note, Project, World};

/// A note.
pub(crate) fn note<'w>(world: &World, project: &Project, found: impl Into<Noteable<'w>>, note: &Note) -> Value {
    let found = found.into();
    let mut shown = json!({
        "id": note.id,
        "type": note.type_name(),
        "body": note.body,
        "author": user_basic(world, note.author),
        "created_at": time(note.created_at),
        "updated_at": time(note.updated_at),
        "system": note.system(),
        "noteable_id": found.id,
        "noteable_type": found.kind,
        "noteable_iid": found.iid,
        "project_id": project.id,
        "resolvable": note.resolvable,
        "confidential": note.internal,
        "internal": note.internal,
        "commands_changes": {},
    });
    if world.settings.at_least(17, 2) {
        extend(&mut shown, Value::Object(imported()));
    }
    if note.resolvable {
        shown["resolved"] = json!(note.resolved.is_some());
        shown["resolved_by"] = user_basic(world, note.resolved.map(|(user, _)| user));
        shown["resolved_at"] = json!(note.resolved.map(|(_, at)| time(at)));
    }
    if let Some(position) = note.position() {
        shown["commit_id"] = Value::Null;
        shown["position"] = position.shown();
    }
    shown
}

/// A thread: the notes that the caller sees of it, the first one first.
pub(crate) fn discussion<'w>(
    world: &World,
    project: &Project,
    found: impl Into<Noteable<'w>>,
    notes: &[&Note],
) -> Option<Value> {
    let (found, first) = (found.into(), notes.first()?);
    Some(json!({
        "id": first.discussion.to_string(),
        "individual_note": notes.len() == 1 && first.type_name().is_none(),
        "notes": notes.iter().map(|one| note(world, project, found, one)).collect::<Vec<_>>(),
    }))
}
