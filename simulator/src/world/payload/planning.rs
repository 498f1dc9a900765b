//! Bodies of issue and milestone events (`lib/gitlab/data_builder/issuable.rb`, `lib/gitlab/hook_data/issue_builder.rb`).

use serde_json::{Value, json};

use super::hook_time;
use crate::world::{Issue, Owner, Project, World};

impl World {
    /// The body of an issue event.
    pub(in crate::world) fn issue_payload(&self, id: i64, user: i64, action: &str, changes: &Value) -> Option<Value> {
        let issue = self.issue(id)?;
        let project = self.project(issue.project)?;
        let kind = if issue.confidential { "confidential_issue" } else { "issue" };
        let mut attributes = self.hook_issue(issue, project);
        attributes["action"] = json!(action);
        let mut body = json!({
            "object_kind": "issue",
            "event_type": kind,
            "user": self.hook_user(user),
            "project": self.hook_project(project),
            "object_attributes": attributes,
            "labels": self.hook_labels(&issue.labels),
            "changes": changes,
            "repository": self.hook_repository(project),
        });
        if !issue.assignees.is_empty() {
            body["assignees"] = self.hook_users(&issue.assignees);
        }
        Some(body)
    }

    /// The body of a note event on an issue (`lib/gitlab/data_builder/note.rb`).
    pub(in crate::world) fn issue_note_payload(&self, issue: i64, note: i64, user: i64, action: &str) -> Option<Value> {
        let issue = self.issue(issue)?;
        let project = self.project(issue.project)?;
        let note = issue.notes.iter().find(|known| known.id == note)?;
        let kind = if note.internal || issue.confidential { "confidential_note" } else { "note" };
        let noteable = ("Issue", issue.id, format!("issues/{}", issue.iid));
        Some(json!({
            "object_kind": "note",
            "event_type": kind,
            "user": self.hook_user(user),
            "project_id": project.id,
            "project": self.hook_project(project),
            "object_attributes": self.hook_note(note, project, action, &noteable),
            "issue": self.hook_issue(issue, project),
            "repository": self.hook_repository(project),
        }))
    }

    /// What both events say of an issue.
    fn hook_issue(&self, issue: &Issue, project: &Project) -> Value {
        let closed = issue.closed_at.is_some();
        let mut attributes = json!({
            "id": issue.id,
            "iid": issue.iid,
            "project_id": issue.project,
            "title": issue.title,
            "description": issue.description,
            "author_id": issue.author,
            "assignee_id": issue.assignees.first(),
            "assignee_ids": issue.assignees,
            "milestone_id": issue.milestone,
            "confidential": issue.confidential,
            "discussion_locked": null,
            "due_date": issue.due_date,
            "moved_to_id": null,
            "duplicated_to_id": null,
            "relative_position": null,
            "state": if closed { "closed" } else { "opened" },
            "state_id": if closed { 2 } else { 1 },
            "created_at": hook_time(issue.created_at),
            "updated_at": hook_time(issue.updated_at),
            "closed_at": issue.closed_at.map(hook_time),
            "last_edited_at": null,
            "last_edited_by_id": null,
            "updated_by_id": null,
            "severity": issue.severity.to_lowercase(),
            "type": issue.kind.title(),
        });
        let rest = json!({
            "labels": self.hook_labels(&issue.labels),
            "time_estimate": 0,
            "time_change": 0,
            "total_time_spent": 0,
            "human_time_estimate": null,
            "human_time_change": null,
            "human_total_time_spent": null,
            "customer_relations_contacts": [],
            "url": self.web_url(&format!("{}/-/issues/{}", project.full_path, issue.iid)),
        });
        super::extend(&mut attributes, rest);
        if self.settings.edition.licensed() {
            super::extend(&mut attributes, json!({ "weight": null, "health_status": null }));
        }
        attributes
    }

    /// The body of a milestone event.
    pub(in crate::world) fn milestone_payload(&self, id: i64, action: &str) -> Option<Value> {
        let milestone = self.milestone(id)?;
        let Owner::Project(project) = milestone.owner else {
            return None;
        };
        Some(json!({
            "object_kind": "milestone",
            "event_type": "milestone",
            "project": self.hook_project(self.project(project)?),
            "object_attributes": {
                "id": milestone.id,
                "iid": milestone.iid,
                "title": milestone.title,
                "description": milestone.description,
                "state": if milestone.closed { "closed" } else { "active" },
                "created_at": hook_time(milestone.created_at),
                "updated_at": hook_time(milestone.updated_at),
                "due_date": milestone.due_date,
                "start_date": milestone.start_date,
                "project_id": project,
            },
            "action": action,
        }))
    }
}
