//! Versions of a diff, and the files it changes.

use serde_json::{Value, json};

use super::time;
use crate::world::{DiffVersion, FileStats, MergeRequest, Settings, Sha};

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
    let mut shown = json!({
        "diff": "",
        "new_path": file.path,
        "old_path": file.path,
        "a_mode": "100644",
        "b_mode": "100644",
        "new_file": false,
        "renamed_file": false,
        "deleted_file": false,
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
