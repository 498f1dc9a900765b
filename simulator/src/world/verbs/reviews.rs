//! Asking for reviews, approving and withdrawing.

use serde_json::json;

use crate::world::{Approval, ReviewState, Reviewer, SystemAction, World};

impl Reviewer {
    /// A comment was left: the review has begun to be one, unless it was already concluded.
    pub(super) fn commented(&mut self) {
        if matches!(self.state, ReviewState::Unreviewed | ReviewState::ReviewStarted) {
            self.state = ReviewState::Reviewed;
        }
    }
}

impl World {
    /// Asks someone to review; asking again re-requests, which webhooks report in a shape of its own.
    pub fn request_review(&mut self, merge_request: i64, user: &str, reviewer: &str) -> Option<()> {
        let user = self.user_named(user);
        let id = self.user_named(reviewer);
        let now = self.now();
        let before = self.merge_request(merge_request)?.reviewers.clone();
        let again = before.iter().any(|known| known.user == id);
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.reviewers.retain(|known| known.user != id);
            merge_request.reviewers.push(Reviewer { user: id, state: ReviewState::Unreviewed, requested_at: now });
        });
        self.system_note(merge_request, user, SystemAction::Reviewer, format!("requested review from @{reviewer}"))?;
        let after = self.merge_request(merge_request)?.reviewers.clone();
        let previous = self.hook_reviewers(&before, None);
        let current = self.hook_reviewers(&after, again.then_some(id));
        let changes = if again {
            json!({ "reviewers": [previous, current] })
        } else {
            json!({ "reviewers": { "previous": previous, "current": current } })
        };
        self.emit_merge_request(merge_request, user, "update", &json!({ "changes": changes }));
        Some(())
    }

    /// Approves, as reviewer or not.
    pub fn approve(&mut self, merge_request: i64, user: &str) -> Option<()> {
        let user = self.user_named(user);
        if self.merge_request(merge_request)?.approved_by(user) {
            return Some(());
        }
        let now = self.now();
        self.system_note(merge_request, user, SystemAction::Approved, "approved this merge request".to_owned())?;
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.approvals.push(Approval { user, at: now });
            set_review_state(&mut merge_request.reviewers, user, ReviewState::Approved);
        });
        let enough = self.approvals_left(self.merge_request(merge_request)?) == 0;
        let action = if enough || !self.settings.edition.licensed() { "approved" } else { "approval" };
        self.emit_merge_request(merge_request, user, action, &json!({}));
        Some(())
    }

    /// Withdraws an approval.
    pub fn unapprove(&mut self, merge_request: i64, user: &str) -> Option<()> {
        let user = self.user_named(user);
        let was_enough = self.approvals_left(self.merge_request(merge_request)?) == 0;
        if !self.merge_request(merge_request)?.approved_by(user) {
            return Some(());
        }
        self.system_note(merge_request, user, SystemAction::Unapproved, "unapproved this merge request".to_owned())?;
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.approvals.retain(|approval| approval.user != user);
            set_review_state(&mut merge_request.reviewers, user, ReviewState::Unapproved);
        });
        let action = if was_enough || !self.settings.edition.licensed() { "unapproved" } else { "unapproval" };
        self.emit_merge_request(merge_request, user, action, &json!({}));
        Some(())
    }

    /// Asks for changes.
    pub fn request_changes(&mut self, merge_request: i64, user: &str) -> Option<()> {
        let user = self.user_named(user);
        self.system_note(merge_request, user, SystemAction::RequestedChanges, "requested changes".to_owned())?;
        self.edit_merge_request(merge_request, |merge_request| {
            set_review_state(&mut merge_request.reviewers, user, ReviewState::RequestedChanges);
        });
        self.emit_merge_request(merge_request, user, "update", &json!({}));
        Some(())
    }

    /// Takes all approvals back because of a push. Only this reset fires an event; others are silent.
    pub fn reset_approvals(&mut self, merge_request: i64, silent: bool) -> Option<()> {
        let approvals = self.merge_request(merge_request)?.approvals.clone();
        let author = self.merge_request(merge_request)?.author;
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.approvals.clear();
            for reviewer in &mut merge_request.reviewers {
                if reviewer.state == ReviewState::Approved {
                    reviewer.state = ReviewState::Unapproved;
                }
            }
        });
        if silent || approvals.is_empty() {
            return Some(());
        }
        self.touch(merge_request);
        let system = json!({ "system": true, "system_action": "approvals_reset_on_push" });
        self.emit_merge_request(merge_request, author.unwrap_or_default(), "unapproved", &system);
        Some(())
    }
}

fn set_review_state(reviewers: &mut [Reviewer], user: i64, state: ReviewState) {
    for reviewer in reviewers.iter_mut().filter(|reviewer| reviewer.user == user) {
        reviewer.state = state;
    }
}
