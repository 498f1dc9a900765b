//! The bodies of webhooks, in GitLab's own shapes, which are not those of its REST API.

mod ci;
mod planning;
mod push;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::world::{Commit, MergeRequest, Note, Owner, Position, Project, Reviewer, World};

/// `2026-01-16 05:56:22 UTC`, as webhooks write times.
pub(crate) fn hook_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

impl Position {
    /// As REST and webhooks show it.
    pub(crate) fn shown(&self) -> Value {
        json!({
            "base_sha": self.base_sha.to_string(),
            "start_sha": self.base_sha.to_string(),
            "head_sha": self.head_sha.to_string(),
            "old_path": self.path,
            "new_path": self.path,
            "position_type": "text",
            "old_line": self.old_line,
            "new_line": self.new_line,
            "line_range": null,
        })
    }
}

impl World {
    /// The body of a merge request event.
    pub(super) fn merge_request_payload(&self, id: i64, user: i64, action: &str, extra: &Value) -> Option<Value> {
        let merge_request = self.merge_request(id)?;
        let project = self.project(merge_request.project)?;
        let mut attributes = self.hook_attributes(merge_request, project);
        attributes.insert("action".to_owned(), json!(action));
        attributes.insert("system".to_owned(), json!(false));
        if self.settings.at_least(18, 10) {
            attributes.insert("actioned_at".to_owned(), json!(hook_time(self.now())));
        }
        for key in ["oldrev", "system", "system_action"] {
            if let Some(value) = extra.get(key) {
                attributes.insert(key.to_owned(), value.clone());
            }
        }
        let mut body = json!({
            "object_kind": "merge_request",
            "event_type": "merge_request",
            "user": self.hook_user(user),
            "project": self.hook_project(project),
            "labels": self.hook_labels(&merge_request.labels),
            "changes": extra.get("changes").cloned().unwrap_or_else(|| json!({})),
            "repository": self.hook_repository(project),
        });
        // Absent rather than empty, as GitLab builds them.
        if !merge_request.assignees.is_empty() {
            body["assignees"] = self.hook_users(&merge_request.assignees);
        }
        if !merge_request.reviewers.is_empty() {
            body["reviewers"] = self.hook_reviewers(&merge_request.reviewers, None);
        }
        body["object_attributes"] = Value::Object(attributes);
        Some(body)
    }

    /// The body of a note event.
    pub(super) fn note_payload(&self, merge_request: i64, note: i64, user: Option<i64>, action: &str) -> Option<Value> {
        let merge_request = self.merge_request(merge_request)?;
        let project = self.project(merge_request.project)?;
        let note = merge_request.notes.iter().find(|known| known.id == note)?;
        let kind = if note.internal { "confidential_note" } else { "note" };
        let noteable = ("MergeRequest", merge_request.id, format!("merge_requests/{}", merge_request.iid));
        Some(json!({
            "object_kind": "note",
            "event_type": kind,
            "user": user.map(|user| self.hook_user(user)),
            "project_id": project.id,
            "project": self.hook_project(project),
            "object_attributes": self.hook_note(note, project, action, &noteable),
            "merge_request": self.hook_attributes(merge_request, project),
            "repository": self.hook_repository(project),
        }))
    }

    /// A note on something: its type, its id, and where its page is in the project.
    fn hook_note(&self, note: &Note, project: &Project, action: &str, on: &(&str, i64, String)) -> Value {
        let position = note.position().map(Position::shown);
        let (kind, id, page) = on;
        let url = format!("{}/-/{page}#note_{}", project.full_path, note.id);
        let mut attributes = json!({
            "id": note.id,
            "type": note.type_name(),
            "note": note.body,
            "description": note.body,
            "noteable_type": kind,
            "noteable_id": id,
            "author_id": note.author,
            "project_id": project.id,
            "discussion_id": note.discussion.to_string(),
            "internal": note.internal,
            "system": note.system(),
            "created_at": hook_time(note.created_at),
            "updated_at": hook_time(note.updated_at),
            "updated_by_id": null,
            "line_code": position.as_ref().map(|_| "bec9703f_0_14"),
            "commit_id": null,
            "st_diff": null,
            "attachment": null,
            "resolved_at": note.resolved.map(|(_, at)| hook_time(at)),
            "resolved_by_id": note.resolved.map(|(user, _)| user),
            "resolved_by_push": null,
            "position": position,
            "original_position": position,
            "change_position": position,
            "url": self.web_url(&url),
        });
        if self.settings.at_least(16, 11) {
            attributes["action"] = json!(action);
        }
        attributes
    }

    /// What both events say of a merge request.
    fn hook_attributes(&self, merge_request: &MergeRequest, project: &Project) -> Map<String, Value> {
        let source = merge_request.source_project.and_then(|id| self.project(id));
        let status = self.detailed_merge_status(merge_request);
        let attributes = json!({
            "id": merge_request.id,
            "iid": merge_request.iid,
            "author_id": merge_request.author,
            "assignee_id": merge_request.assignees.first(),
            "assignee_ids": merge_request.assignees,
            "reviewer_ids": merge_request.reviewers.iter().map(|reviewer| reviewer.user).collect::<Vec<_>>(),
            "title": merge_request.full_title(),
            "description": merge_request.description,
            "state": merge_request.state.name(),
            "state_id": merge_request.state.id(),
            "created_at": hook_time(merge_request.created_at),
            "updated_at": hook_time(merge_request.updated_at),
            "prepared_at": merge_request.prepared_at.map(hook_time),
            "last_edited_at": null,
            "last_edited_by_id": null,
            "updated_by_id": null,
            "draft": merge_request.draft,
            "work_in_progress": merge_request.draft,
            "source_branch": merge_request.source_branch,
            "target_branch": merge_request.target_branch,
            "source_project_id": merge_request.source_project,
            "target_project_id": merge_request.project,
            "head_pipeline_id": self.head_pipeline(merge_request),
            "merge_commit_sha": merge_request.merge_commit_sha.map(|sha| sha.to_string()),
            "merge_error": merge_request.merge_error,
            "merge_params": { "force_remove_source_branch": "1" },
            "merge_status": merge_request.merge_status(),
            "detailed_merge_status": status,
            "merge_user_id": merge_request.merge_user,
            "merge_when_pipeline_succeeds": merge_request.auto_merge,
            "milestone_id": null,
            "blocking_discussions_resolved": merge_request.discussions_resolved(),
            "first_contribution": false,
        });
        let mut attributes = match attributes {
            Value::Object(attributes) => attributes,
            _ => Map::new(),
        };
        let rest = json!({
            "time_estimate": 0,
            "time_change": 0,
            "total_time_spent": 0,
            "human_time_estimate": null,
            "human_time_change": null,
            "human_total_time_spent": null,
            "labels": self.hook_labels(&merge_request.labels),
            "last_commit": self.hook_last_commit(merge_request, project),
            "source": source.map(|source| self.hook_project(source)),
            "target": self.hook_project(project),
            "url": self.web_url(&format!("{}/-/merge_requests/{}", project.full_path, merge_request.iid)),
        });
        if let Value::Object(rest) = rest {
            attributes.extend(rest);
        }
        if self.settings.edition.enterprise() {
            let rules = json!([{
                "id": merge_request.id,
                "approvals_required": self.approvals_required(merge_request),
                "name": "All Members",
                "rule_type": "any_approver",
                "merge_request_id": merge_request.id,
            }]);
            attributes.insert("approval_rules".to_owned(), rules);
        }
        attributes
    }

    fn hook_last_commit(&self, merge_request: &MergeRequest, project: &Project) -> Option<Value> {
        Some(self.hook_commit(merge_request.commits.first()?, project))
    }

    fn hook_commit(&self, commit: &Commit, project: &Project) -> Value {
        json!({
            "id": commit.sha.to_string(),
            "message": commit.message,
            "title": commit.title,
            "timestamp": commit.committed_at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
            "url": self.web_url(&format!("{}/-/commit/{}", project.full_path, commit.sha)),
            "author": { "name": commit.author_name, "email": commit.author_email },
        })
    }

    fn hook_user(&self, id: i64) -> Value {
        let Some(user) = self.user(id) else {
            return Value::Null;
        };
        json!({
            "id": user.id,
            "name": user.name,
            "username": user.username,
            "avatar_url": null,
            "email": user.public_email.as_deref().unwrap_or("[REDACTED]"),
        })
    }

    /// Users as webhooks show them.
    pub(super) fn hook_users(&self, ids: &[i64]) -> Value {
        ids.iter().map(|id| self.hook_user(*id)).collect()
    }

    /// Reviewers as webhooks show them; `again` is the one whose review was requested anew.
    pub(super) fn hook_reviewers(&self, reviewers: &[Reviewer], again: Option<i64>) -> Value {
        let show = |reviewer: &Reviewer| {
            let mut user = self.hook_user(reviewer.user);
            user["state"] = json!(reviewer.state.name());
            if self.settings.at_least(18, 6) {
                user["re_requested"] = json!(again == Some(reviewer.user));
            }
            user
        };
        reviewers.iter().filter(|reviewer| self.user(reviewer.user).is_some()).map(show).collect()
    }

    /// Labels as webhooks show them.
    pub(super) fn hook_labels(&self, ids: &[i64]) -> Value {
        let labels = ids.iter().filter_map(|id| self.label(*id));
        let show = labels.map(|label| {
            let (kind, project, group) = match label.owner {
                Owner::Project(id) => ("ProjectLabel", Some(id), None),
                Owner::Group(id) => ("GroupLabel", None, Some(id)),
            };
            json!({
                "id": label.id,
                "title": label.title,
                "color": label.color,
                "project_id": project,
                "created_at": hook_time(label.created_at),
                "updated_at": hook_time(label.updated_at),
                "template": false,
                "description": label.description,
                "type": kind,
                "group_id": group,
            })
        });
        show.collect()
    }

    fn hook_project(&self, project: &Project) -> Value {
        let web = self.web_url(&project.full_path);
        let http = format!("{web}.git");
        let ssh = format!("ssh://git@gitlab.example.com/{}.git", project.full_path);
        let namespace = project.full_name.rsplit_once(" / ").map_or("", |(above, _)| above);
        json!({
            "id": project.id,
            "name": project.name,
            "description": project.description,
            "web_url": web,
            "avatar_url": null,
            "git_ssh_url": ssh,
            "git_http_url": http,
            "namespace": namespace,
            "visibility_level": project.visibility.level(),
            "path_with_namespace": project.full_path,
            "default_branch": project.default_branch,
            "ci_config_path": null,
            "homepage": web,
            "url": ssh,
            "ssh_url": ssh,
            "http_url": http,
        })
    }

    fn hook_repository(&self, project: &Project) -> Value {
        json!({
            "name": project.name,
            "url": format!("ssh://git@gitlab.example.com/{}.git", project.full_path),
            "description": project.description,
            "homepage": self.web_url(&project.full_path),
        })
    }
}

/// Adds keys to a body.
fn extend(body: &mut Value, more: Value) {
    if let (Value::Object(body), Value::Object(more)) = (body, more) {
        body.extend(more);
    }
}
