//! What people did (`lib/api/entities/event.rb`).

use serde_json::{Value, json};

use super::{extend, note, time, user_basic};
use crate::world::{Deed, DeedKind, Sha, World};

/// An event.
pub(crate) fn deed(world: &World, found: &Deed) -> Value {
    let author = user_basic(world, Some(found.user));
    let mut shown = json!({
        "id": found.id,
        "project_id": found.project,
        "action_name": found.kind.action_name(),
        "target_id": null,
        "target_iid": null,
        "target_type": null,
        "author_id": found.user,
        "target_title": null,
        "created_at": time(found.at),
        "author_username": author["username"],
    });
    if world.settings.at_least(16, 10) {
        extend(&mut shown, json!({ "imported": false, "imported_from": "none" }));
    }
    if !author.is_null() {
        shown["author"] = author;
    }
    if let Some(target) = target(world, found) {
        extend(&mut shown, target);
    }
    shown
}

fn target(world: &World, found: &Deed) -> Option<Value> {
    let shown = match found.kind {
        DeedKind::MergeRequest(_) => {
            let subject = world.merge_request(found.subject)?;
            let (id, iid) = (subject.id, subject.iid);
            json!({ "target_id": id, "target_iid": iid, "target_type": "MergeRequest", "target_title": subject.full_title() })
        }
        DeedKind::Issue(_) => {
            let subject = world.issue(found.subject)?;
            json!({ "target_id": subject.id, "target_iid": subject.iid, "target_type": "Issue", "target_title": subject.title })
        }
        DeedKind::Note(id) => {
            let subject = world.merge_request(found.subject)?;
            let written = subject.notes.iter().find(|note| note.id == id)?;
            let project = world.project(found.project)?;
            json!({
                "target_id": id,
                "target_iid": id,
                "target_type": written.type_name().unwrap_or("Note"),
                "target_title": subject.full_title(),
                "note": note(world, project, subject, written),
            })
        }
        DeedKind::IssueNote(id) => {
            let subject = world.issue(found.subject)?;
            let written = subject.notes.iter().find(|note| note.id == id)?;
            json!({
                "target_id": id,
                "target_iid": id,
                "target_type": written.type_name().unwrap_or("Note"),
                "target_title": subject.title,
                "note": note(world, world.project(found.project)?, subject, written),
            })
        }
        DeedKind::Push(before, after) => push(world, found, before, after)?,
        DeedKind::Project => json!({}),
    };
    Some(shown)
}

fn push(world: &World, found: &Deed, before: Option<Sha>, after: Sha) -> Option<Value> {
    let subject = world.merge_request(found.subject)?;
    let merged = subject.merge_commit_sha == Some(after);
    let branch = if merged { &subject.target_branch } else { &subject.source_branch };
    let commit = world.commit_of(world.project(found.project)?, after);
    Some(json!({
        "push_data": {
            "commit_count": 1,
            "action": "pushed",
            "ref_type": "branch",
            "commit_from": before.map(|sha| sha.to_string()),
            "commit_to": after.to_string(),
            "ref": branch,
            "commit_title": commit.map(|commit| commit.title.as_str()),
            "ref_count": null,
        },
    }))
}
