//! What a change of an issue leaves: events of states, labels and milestones, and notes about the rest.

use crate::world::{Issue, MarkEvent, StateEvent, SystemAction, World};

impl World {
    /// Records how an issue differs from what it was before (`Issuable::CommonSystemNotesService`).
    pub(super) fn record_issue(&mut self, before: &Issue, user: i64, merged: Option<i64>) -> Option<()> {
        let after = self.issue(before.id)?.clone();
        self.record_words(before, &after, user)?;
        self.record_assignees(before, &after, user)?;
        self.record_milestone(before, &after, user)?;
        for label in after.labels.iter().filter(|label| !before.labels.contains(label)) {
            let mark = self.mark("label_event", user, *label, true);
            self.issue_mut(after.id)?.label_events.push(mark);
        }
        for label in before.labels.iter().filter(|label| !after.labels.contains(label)) {
            let mark = self.mark("label_event", user, *label, false);
            self.issue_mut(after.id)?.label_events.push(mark);
        }
        let state = if after.closed_at.is_some() { "closed" } else { "reopened" };
        if before.closed_at.is_some() != after.closed_at.is_some() {
            let (id, at) = (self.next_id("state_event"), self.now());
            let event = StateEvent { id, user: Some(user), state, at, by_merge_of: merged };
            self.issue_mut(after.id)?.state_events.push(event);
        }
        Some(())
    }

    fn record_words(&mut self, before: &Issue, after: &Issue, user: i64) -> Option<()> {
        if before.title != after.title {
            let body = format!("changed title from **{}** to **{}**", before.title, after.title);
            self.issue_system_note(after.id, user, SystemAction::Title, body)?;
        }
        if before.description.as_deref().unwrap_or_default() != after.description.as_deref().unwrap_or_default() {
            self.issue_system_note(after.id, user, SystemAction::Description, "changed the description".to_owned())?;
        }
        Some(())
    }

    fn record_assignees(&mut self, before: &Issue, after: &Issue, user: i64) -> Option<()> {
        match self.assignment(&before.assignees, &after.assignees) {
            Some(body) => self.issue_system_note(after.id, user, SystemAction::Assignee, body).map(drop),
            None => Some(()),
        }
    }

    /// A change from one to another is one event, of the new one.
    fn record_milestone(&mut self, before: &Issue, after: &Issue, user: i64) -> Option<()> {
        let Some(subject) = after.milestone.or(before.milestone).filter(|_| before.milestone != after.milestone) else {
            return Some(());
        };
        let mark = self.mark("milestone_event", user, subject, after.milestone.is_some());
        self.issue_mut(after.id)?.milestone_events.push(mark);
        Some(())
    }

    fn mark(&mut self, kind: &'static str, user: i64, subject: i64, added: bool) -> MarkEvent {
        MarkEvent { id: self.next_id(kind), user: Some(user), subject, added, at: self.now() }
    }
}
