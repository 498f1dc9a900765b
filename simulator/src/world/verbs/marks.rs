//! Setting and taking away labels and milestones. Each leaves an event of its own, and no note.

use serde_json::json;

use crate::world::{MarkEvent, World};

use super::merge_requests::change;

impl World {
    /// Sets a label, which is made in the project where there is none yet.
    pub fn add_label(&mut self, merge_request: i64, user: &str, label: &str) -> Option<()> {
        let project = self.merge_request(merge_request)?.project;
        let label = self.label_named(project, label);
        if self.merge_request(merge_request)?.labels.contains(&label) {
            return Some(());
        }
        self.mark_label(merge_request, user, label, true)
    }

    /// Takes a label away.
    pub fn remove_label(&mut self, merge_request: i64, user: &str, label: &str) -> Option<()> {
        let subject = self.merge_request(merge_request)?;
        let titled = |id: &i64| self.label(*id).is_some_and(|known| known.title == label);
        match subject.labels.iter().copied().find(titled) {
            Some(label) => self.mark_label(merge_request, user, label, false),
            None => Some(()),
        }
    }

    /// Sets a milestone, or takes it away. A change from one to another is one event, of the new one.
    pub fn set_milestone(&mut self, merge_request: i64, user: &str, milestone: Option<i64>) -> Option<()> {
        let user = self.user_named(user);
        let before = self.merge_request(merge_request)?.milestone;
        let Some(subject) = milestone.or(before).filter(|_| milestone != before) else {
            return Some(());
        };
        let id = self.next_id("milestone_event");
        let at = self.now();
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.milestone = milestone;
            merge_request.updated_at = at;
            let event = MarkEvent { id, user: Some(user), subject, added: milestone.is_some(), at };
            merge_request.milestone_events.push(event);
        })?;
        let changes = json!({ "milestone_id": change(&before, &milestone) });
        self.emit_merge_request(merge_request, user, "update", &json!({ "changes": changes }));
        Some(())
    }

    fn mark_label(&mut self, merge_request: i64, user: &str, label: i64, added: bool) -> Option<()> {
        let user = self.user_named(user);
        let id = self.next_id("label_event");
        let at = self.now();
        let before = self.merge_request(merge_request)?.labels.clone();
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.labels.retain(|known| *known != label);
            merge_request.labels.extend(added.then_some(label));
            merge_request.updated_at = at;
            merge_request.label_events.push(MarkEvent { id, user: Some(user), subject: label, added, at });
        })?;
        let after = &self.merge_request(merge_request)?.labels;
        let changes = json!({ "labels": change(&self.hook_labels(&before), &self.hook_labels(after)) });
        self.emit_merge_request(merge_request, user, "update", &json!({ "changes": changes }));
        Some(())
    }
}
