//! Versions of a diff, and the files it changes.

use serde_json::{Value, json};

use super::time;
use crate::world::{DiffVersion, FileChange, FileStats, MergeRequest, Settings, Sha};

/// A version of the diff.
pub(crate) fn version(found: &MergeRequest, version: &DiffVersion) -> Value {
    json!({
        "id": version.id,
        "head_commit_sha": version.head.to_string(),
        "base_commit_sha": version.base.to_string(),
        "start_commit_sha": version.start.to_string(),
        "created_at": time(version.at),
        "merge_request_id": found.id,
        "state": "collected",
        "real_size": version.files.to_string(),
        "patch_id_sha": Sha::from_seed(version.id.unsigned_abs()).to_string(),
    })
}

/// A changed file, without its text.
pub(crate) fn file(settings: &Settings, file: &FileStats) -> Value {
    let (added, deleted) = (file.change == FileChange::Added, file.change == FileChange::Deleted);
    let before = match &file.change {
        FileChange::Renamed(before) => Some(before),
        _ => None,
    };
    let mut shown = json!({
        "diff": "",
        "new_path": file.path,
        "old_path": before.unwrap_or(&file.path),
        "a_mode": if added { "0" } else { "100644" },
        "b_mode": if deleted { "0" } else { "100644" },
        "new_file": added,
        "renamed_file": before.is_some(),
        "deleted_file": deleted,
    });
    if settings.at_least(16, 9) {
        shown["generated_file"] = json!(false);
    }
    if settings.at_least(18, 4) {
        shown["collapsed"] = json!(false);
        shown["too_large"] = json!(false);
    }
    shown
}
