//! What happens to issues, incidents among them, and to milestones.

use serde_json::{Map, Value, json};

use crate::world::outbox::Event;
use crate::world::{Issue, IssueKind, Milestone, Owner, World};

use super::merge_requests::change;

const ISSUE: Event = Event::of_projects("issues_events", "issue_hooks", "Issue Hook");
const CONFIDENTIAL: Event =
    Event::of_projects("confidential_issues_events", "confidential_issue_hooks", "Confidential Issue Hook");
const MILESTONE: Event = Event::of_projects("milestone_events", "milestone_hooks", "Milestone Hook");

impl World {
    /// Opens an issue.
    pub fn open_issue(&mut self, project: i64, author: &str, title: &str) -> Option<i64> {
        self.add_issue(project, author, |issue| title.clone_into(&mut issue.title))
    }

    /// Opens an incident of a severity, `HIGH` for instance.
    pub fn open_incident(&mut self, project: i64, author: &str, title: &str, severity: &'static str) -> Option<i64> {
        self.add_issue(project, author, |issue| {
            title.clone_into(&mut issue.title);
            issue.kind = IssueKind::Incident;
            issue.severity = severity;
        })
    }

    /// Opens an issue, filled in before webhooks hear of it.
    pub(crate) fn add_issue(&mut self, project: i64, author: &str, fill: impl FnOnce(&mut Issue)) -> Option<i64> {
        self.project(project)?;
        let author = self.user_named(author);
        let now = self.now();
        let id = self.next_id("issue");
        let iid = self.issues_of(project).next_back().map_or(1, |last| last.iid + 1);
        let mut issue = Issue {
            id,
            iid,
            project,
            severity: "UNKNOWN",
            author: Some(author),
            created_at: now,
            updated_at: now,
            ..Issue::default()
        };
        fill(&mut issue);
        // Labels, milestone and people that it begins with are recorded; its text is not.
        let bare = Issue { labels: Vec::new(), milestone: None, assignees: Vec::new(), ..issue.clone() };
        self.insert_issue(issue);
        self.record_issue(&bare, author, None);
        self.touch_project(project);
        self.emit_issue(id, author, "open", &json!({}));
        Some(id)
    }

    /// Changes an issue. Closing and opening again have actions of their own.
    pub fn edit_issue(&mut self, issue: i64, user: i64, edit: impl FnOnce(&mut Issue)) -> Option<()> {
        self.edit_issue_by(issue, user, None, edit)
    }

    fn edit_issue_by(
        &mut self,
        issue: i64,
        user: i64,
        merged: Option<i64>,
        edit: impl FnOnce(&mut Issue),
    ) -> Option<()> {
        let now = self.now();
        let subject = self.issue_mut(issue)?;
        let before = subject.clone();
        edit(subject);
        subject.updated_at = now;
        let after = subject.clone();
        let action = match (before.closed_at, after.closed_at) {
            (None, Some(_)) => "close",
            (Some(_), None) => "reopen",
            _ => "update",
        };
        self.record_issue(&before, user, merged)?;
        self.emit_issue(issue, user, action, &changes(&before, &after));
        Some(())
    }

    /// Closes an issue that is open.
    pub fn close_issue(&mut self, issue: i64, user: i64) -> Option<()> {
        self.close_issue_by(issue, user, None)
    }

    /// Closes an issue because a merge request was merged that says so.
    pub(super) fn close_issue_by_merge(&mut self, issue: i64, user: i64, merged: i64) -> Option<()> {
        self.close_issue_by(issue, user, Some(merged))
    }

    fn close_issue_by(&mut self, issue: i64, user: i64, merged: Option<i64>) -> Option<()> {
        let now = self.now();
        if self.issue(issue)?.closed_at.is_some() {
            return Some(());
        }
        self.edit_issue_by(issue, user, merged, |issue| {
            issue.closed_at = Some(now);
            issue.closed_by = Some(user);
        })
    }

    /// Opens a closed issue again.
    pub fn reopen_issue(&mut self, issue: i64, user: i64) -> Option<()> {
        if self.issue(issue)?.closed_at.is_none() {
            return Some(());
        }
        self.edit_issue(issue, user, |issue| {
            issue.closed_at = None;
            issue.closed_by = None;
        })
    }

    /// Makes a milestone.
    pub fn create_milestone(&mut self, owner: Owner, title: &str) -> i64 {
        let id = self.next_id("milestone");
        let iid = self.milestones_of(owner).map(|milestone| milestone.iid).max().unwrap_or_default() + 1;
        let now = self.now();
        let title = title.to_owned();
        self.insert_milestone(Milestone {
            id,
            iid,
            owner,
            title,
            created_at: now,
            updated_at: now,
            ..Milestone::default()
        });
        self.emit_milestone(id, "create");
        id
    }

    /// Changes a milestone; closing it and taking that back is heard of.
    pub fn edit_milestone(&mut self, milestone: i64, edit: impl FnOnce(&mut Milestone)) -> Option<()> {
        let now = self.now();
        let subject = self.milestone_mut(milestone)?;
        let before = subject.closed;
        edit(subject);
        subject.updated_at = now;
        let after = subject.closed;
        if before != after {
            self.emit_milestone(milestone, if after { "close" } else { "reopen" });
        }
        Some(())
    }

    fn emit_issue(&mut self, issue: i64, user: i64, action: &str, changes: &Value) {
        let Some(subject) = self.issue(issue) else {
            return;
        };
        let (project, event) = (subject.project, if subject.confidential { &CONFIDENTIAL } else { &ISSUE });
        self.emit(project, event, |world| world.issue_payload(issue, user, action, changes));
    }

    /// Only those of projects are heard of here.
    fn emit_milestone(&mut self, milestone: i64, action: &str) {
        if let Some(Owner::Project(project)) = self.milestone(milestone).map(|milestone| milestone.owner) {
            self.emit(project, &MILESTONE, |world| world.milestone_payload(milestone, action));
        }
    }
}

/// What webhooks are told of a change (`Gitlab::HookData::IssueBuilder::SAFE_HOOK_ATTRIBUTES`).
fn changes(before: &Issue, after: &Issue) -> Value {
    let state = |issue: &Issue| if issue.closed_at.is_some() { 2 } else { 1 };
    let all = [
        ("title", change(&before.title, &after.title)),
        ("description", change(&before.description, &after.description)),
        ("confidential", change(&before.confidential, &after.confidential)),
        ("milestone_id", change(&before.milestone, &after.milestone)),
        ("assignee_ids", change(&before.assignees, &after.assignees)),
        ("label_ids", change(&before.labels, &after.labels)),
        ("state_id", change(&state(before), &state(after))),
    ];
    let changed = all.into_iter().filter(|(_, change)| change["previous"] != change["current"]);
    Value::Object(changed.map(|(name, change)| (name.to_owned(), change)).collect::<Map<_, _>>())
}
