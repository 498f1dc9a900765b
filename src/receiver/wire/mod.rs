//! The parts of GitLab's payloads that we read, as they arrive over twelve years of versions.
//!
//! A field that is missing, null or of another type than documented is unknown, not an error: a payload is worth what can
//! be understood of it. Only JSON that is broken, or objects where lists belong, make a payload unreadable.

mod lenient;

use jiff::Timestamp;
use serde::Deserialize;

/// What every payload has in common, enough to tell its kind.
///
/// `X-Gitlab-Event` is not enough: a system hook calls everything `System Hook`.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) object_kind: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) event_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) project_id: Option<i64>,
    pub(super) project: Option<Project>,
    /// Of lifecycle events, which have no `project`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) path_with_namespace: Option<String>,
    /// Of lifecycle events, which have no `object_attributes`.
    #[serde(default, deserialize_with = "lenient::time")]
    pub(super) updated_at: Option<Timestamp>,
}

/// A `merge_request` event.
#[derive(Debug, Deserialize)]
pub(super) struct MergeRequestHook {
    pub(super) object_attributes: Option<MergeRequest>,
    /// Who acted.
    pub(super) user: Option<Person>,
    #[serde(default, deserialize_with = "lenient::object")]
    pub(super) changes: Option<Changes>,
    /// Absent when nobody is assigned.
    #[serde(default, deserialize_with = "lenient::list")]
    pub(super) assignees: Option<Vec<Person>>,
    /// Absent when nobody was asked.
    #[serde(default, deserialize_with = "lenient::list")]
    pub(super) reviewers: Option<Vec<Person>>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub(super) labels: Option<Vec<Label>>,
}

/// A `note` event. The merge request is there when the note is on one.
#[derive(Debug, Deserialize)]
pub(super) struct NoteHook {
    pub(super) object_attributes: Option<Note>,
    pub(super) merge_request: Option<MergeRequest>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Project {
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) id: Option<i64>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) path_with_namespace: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Person {
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) id: Option<i64>,
}

/// What an update changed. Only `draft` is read: other values come as objects, lists or lists of lists.
#[derive(Debug, Deserialize)]
pub(super) struct Changes {
    #[serde(default, deserialize_with = "lenient::object")]
    pub(super) draft: Option<Change>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Change {
    #[serde(default, deserialize_with = "lenient::flag")]
    pub(super) previous: Option<bool>,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub(super) current: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Label {
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) title: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Commit {
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct MergeRequest {
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) id: Option<i64>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) iid: Option<i64>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) title: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) description: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) state: Option<String>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) state_id: Option<i64>,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub(super) draft: Option<bool>,
    /// What `draft` was called before GitLab 14.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub(super) work_in_progress: Option<bool>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) author_id: Option<i64>,
    #[serde(default, deserialize_with = "lenient::numbers")]
    pub(super) assignee_ids: Option<Vec<i64>>,
    #[serde(default, deserialize_with = "lenient::numbers")]
    pub(super) reviewer_ids: Option<Vec<i64>>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) source_branch: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) target_branch: Option<String>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) source_project_id: Option<i64>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) target_project_id: Option<i64>,
    #[serde(default, deserialize_with = "lenient::time")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::time")]
    pub(super) updated_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::time")]
    pub(super) prepared_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) merge_commit_sha: Option<String>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) merge_user_id: Option<i64>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub(super) labels: Option<Vec<Label>>,
    pub(super) last_commit: Option<Commit>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) url: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) action: Option<String>,
    /// When the action happened, since GitLab 18.10. `updated_at` may be older.
    #[serde(default, deserialize_with = "lenient::time")]
    pub(super) actioned_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Note {
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) id: Option<i64>,
    #[serde(default, deserialize_with = "lenient::text", rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) note: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) noteable_type: Option<String>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) project_id: Option<i64>,
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) author_id: Option<i64>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) discussion_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub(super) internal: Option<bool>,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub(super) system: Option<bool>,
    #[serde(default, deserialize_with = "lenient::time")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::time")]
    pub(super) updated_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::time")]
    pub(super) resolved_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_that_no_database_stores_is_dropped() {
        let read: MergeRequest = serde_json::from_str(r#"{"title": "a\u0000b"}"#).unwrap();

        assert_eq!(read.title.as_deref(), Some("ab"));
    }

    #[test]
    fn a_field_of_another_type_is_unknown_and_the_rest_is_read() {
        let json =
            r#"{"id": 7, "iid": "sixteen", "draft": null, "assignee_ids": [1, "x"], "updated_at": 5, "title": ["t"]}"#;

        let read: MergeRequest = serde_json::from_str(json).unwrap();

        assert_eq!(read.id, Some(7));
        assert_eq!((read.iid, read.draft, read.assignee_ids), (None, None, None));
        assert_eq!((read.updated_at, read.title), (None, None));
    }
}
