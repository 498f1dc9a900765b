//! Drafts of comments.

use serde_json::{Value, json};

use crate::world::{DraftNote, MergeRequest, Position};

/// A draft. Its position is there without one, empty.
pub(crate) fn draft_note(found: &MergeRequest, draft: &DraftNote) -> Value {
    let at = draft.position.as_ref();
    json!({
        "id": draft.id,
        "author_id": draft.author,
        "merge_request_id": found.id,
        "resolve_discussion": draft.resolves,
        "discussion_id": draft.thread.map(|thread| thread.to_string()),
        "note": draft.body,
        "commit_id": null,
        "line_code": at.map(line_code),
        "position": {
            "base_sha": at.map(|at| at.base_sha.to_string()),
            "start_sha": at.map(|at| at.base_sha.to_string()),
            "head_sha": at.map(|at| at.head_sha.to_string()),
            "old_path": at.map(|at| &at.path),
            "new_path": at.map(|at| &at.path),
            "position_type": "text",
            "old_line": at.and_then(|at| at.old_line),
            "new_line": at.and_then(|at| at.new_line),
            "line_range": null,
        },
    })
}

/// `<file>_<old line>_<new line>`, the file as a hash.
fn line_code(at: &Position) -> String {
    let seed = at.path.bytes().fold(0_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let file = crate::world::Sha::from_seed(seed);
    format!("{file}_{}_{}", at.old_line.unwrap_or_default(), at.new_line.unwrap_or_default())
}
