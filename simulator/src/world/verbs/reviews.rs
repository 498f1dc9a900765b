//! Asking for reviews, approving and withdrawing.

use serde_json::json;

use crate::world::{Approval, ReviewState, Reviewer, SystemAction, World};

use super::merge_requests::change;

impl World {
    /// Asks someone to review; asking a reviewer again is another thing (see [`World::request_again`]).
    pub fn request_review(&mut self, merge_request: i64, user: &str, reviewer: &str) -> Option<()> {
        let id = self.user_named(reviewer);
        let known: Vec<i64> = self.merge_request(merge_request)?.reviewers.iter().map(|known| known.user).collect();
        if known.contains(&id) {
            return self.request_again(merge_request, user, reviewer);
        }
        let names = known.iter().filter_map(|id| self.user(*id)).map(|known| known.username.clone());
        let all: Vec<String> = names.chain([reviewer.to_owned()]).collect();
        self.set_reviewers(merge_request, user, &all.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Asks for nobody's review but these people's. Who is asked and who no more stands in one note.
    pub fn set_reviewers(&mut self, merge_request: i64, user: &str, reviewers: &[&str]) -> Option<()> {
        let user = self.user_named(user);
        let ids: Vec<i64> = reviewers.iter().map(|reviewer| self.user_named(reviewer)).collect();
        let now = self.now();
        let subject = self.merge_request(merge_request)?;
        let before = subject.reviewers.clone();
        let place = |id: &i64| before.iter().find(|known| known.user == *id).copied();
        let new = |id: i64| {
            // Who has approved already is a reviewer who has approved.
            let state = if subject.approved_by(id) { ReviewState::Approved } else { ReviewState::Unreviewed };
            Reviewer { user: id, state, requested_at: now }
        };
        let after: Vec<Reviewer> = ids.iter().map(|id| place(id).unwrap_or_else(|| new(*id))).collect();
        let asked: Vec<i64> = ids.iter().copied().filter(|id| place(id).is_none()).collect();
        let removed: Vec<i64> = before.iter().map(|known| known.user).filter(|id| !ids.contains(id)).collect();
        if asked.is_empty() && removed.is_empty() {
            return Some(());
        }
        let parts = [("requested review from", asked), ("removed review request for", removed)];
        let said = parts.iter().filter(|(_, people)| !people.is_empty());
        let body = said.map(|(what, people)| format!("{what} {}", self.mentions(people))).collect::<Vec<_>>();
        self.edit_merge_request(merge_request, |merge_request| merge_request.reviewers.clone_from(&after))?;
        self.system_note(merge_request, user, SystemAction::Reviewer, body.join(" and "))?;
        let changes = change(&self.hook_reviewers(&before, None), &self.hook_reviewers(&after, None));
        self.emit_merge_request(merge_request, user, "update", &json!({ "changes": { "reviewers": changes } }));
        Some(())
    }

    /// Asks a reviewer once more: their approval is gone without an event of its own. The note is of 16.8; webhooks
    /// hear of it since 18.6, in a shape of its own.
    pub fn request_again(&mut self, merge_request: i64, user: &str, reviewer: &str) -> Option<()> {
        let user = self.user_named(user);
        let id = self.user_named(reviewer);
        let before = self.merge_request(merge_request)?.reviewers.clone();
        let approved = self.merge_request(merge_request)?.approved_by(id);
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.approvals.retain(|approval| approval.user != id);
            set_review_state(&mut merge_request.reviewers, id, ReviewState::Unreviewed);
        })?;
        if self.settings.at_least(16, 8) {
            let and = if approved { " and removed approval" } else { "" };
            let body = format!("requested review from @{reviewer}{and}");
            self.system_note(merge_request, user, SystemAction::Reviewer, body)?;
        }
        if self.settings.at_least(18, 6) {
            let after = self.merge_request(merge_request)?.reviewers.clone();
            let changes = [self.hook_reviewers(&before, None), self.hook_reviewers(&after, Some(id))];
            self.emit_merge_request(merge_request, user, "update", &json!({ "changes": { "reviewers": changes } }));
        }
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
        self.check_passed(merge_request);
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

    /// Submits a review that asks for changes, which 16.9 brought: an approval is gone without a word. The note is of
    /// 17.0, and webhooks hear of it since 19.3 only (`MergeRequests::UpdateReviewerStateService`).
    pub fn request_changes(&mut self, merge_request: i64, user: &str) -> Option<()> {
        self.submit_review(merge_request, user, ReviewState::RequestedChanges)
    }

    /// Submits a review without approving or asking for changes.
    pub fn review(&mut self, merge_request: i64, user: &str) -> Option<()> {
        self.submit_review(merge_request, user, ReviewState::Reviewed)
    }

    /// Lets the merge go on although changes were requested, where that blocks it (Premium).
    pub fn bypass_reviews(&mut self, merge_request: i64, user: &str) -> Option<()> {
        let user = self.user_named(user);
        let body = "bypassed reviews on this merge request".to_owned();
        self.system_note(merge_request, user, SystemAction::Override, body)?;
        self.emit_merge_request(merge_request, user, "update", &json!({}));
        Some(())
    }

    /// Takes all approvals back for another reason than a push: no note, no event, and nothing is touched.
    pub fn reset_approvals(&mut self, merge_request: i64) -> Option<()> {
        self.edit_merge_request(merge_request, |merge_request| {
            for approval in std::mem::take(&mut merge_request.approvals) {
                set_review_state(&mut merge_request.reviewers, approval.user, ReviewState::Unapproved);
            }
        })
    }

    /// Takes all approvals back because of a push (Premium). The note is of 16.9, the event of 18.6.
    pub(super) fn reset_approvals_by_push(&mut self, merge_request: i64, user: i64) -> Option<()> {
        let subject = self.merge_request(merge_request)?;
        let approvers: Vec<i64> = subject.approvals.iter().map(|approval| approval.user).collect();
        if approvers.is_empty() {
            return Some(());
        }
        let was_enough = self.approvals_left(subject) == 0;
        self.reset_approvals(merge_request)?;
        if self.settings.at_least(16, 9) {
            let body = format!("reset approvals from {} by pushing to the branch", self.mentions(&approvers));
            self.system_note(merge_request, user, SystemAction::ApprovalsReset, body)?;
        }
        if self.settings.at_least(18, 6) {
            let enough = self.approvals_left(self.merge_request(merge_request)?) == 0;
            let action = if was_enough && !enough { "unapproved" } else { "unapproval" };
            let system = json!({ "system": true, "system_action": "approvals_reset_on_push" });
            self.emit_merge_request(merge_request, user, action, &system);
        }
        Some(())
    }

    fn submit_review(&mut self, merge_request: i64, user: &str, state: ReviewState) -> Option<()> {
        let user = self.user_named(user);
        let before = self.merge_request(merge_request)?.reviewers.clone();
        let asks = state == ReviewState::RequestedChanges;
        let approved = self.merge_request(merge_request)?.approved_by(user);
        if asks && !self.settings.at_least(16, 9) || approved && !asks {
            return None;
        }
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.approvals.retain(|approval| !asks || approval.user != user);
            set_review_state(&mut merge_request.reviewers, user, state);
        });
        if asks && self.settings.at_least(17, 0) {
            self.system_note(merge_request, user, SystemAction::RequestedChanges, "requested changes".to_owned())?;
        }
        if self.settings.at_least(19, 3) && before.iter().any(|reviewer| reviewer.user == user) {
            let after = &self.merge_request(merge_request)?.reviewers;
            let changes = change(&self.hook_reviewers(&before, None), &self.hook_reviewers(after, None));
            self.emit_merge_request(merge_request, user, "update", &json!({ "changes": { "reviewers": changes } }));
        }
        Some(())
    }

    /// `@a`, `@a and @b`, `@a, @b, and @c`.
    pub(super) fn mentions(&self, users: &[i64]) -> String {
        let names = users.iter().filter_map(|id| self.user(*id)).map(|user| format!("@{}", user.username));
        let names: Vec<String> = names.collect();
        match names.as_slice() {
            [first, second] => format!("{first} and {second}"),
            [first @ .., last] if !first.is_empty() => format!("{}, and {last}", first.join(", ")),
            _ => names.concat(),
        }
    }
}

fn set_review_state(reviewers: &mut [Reviewer], user: i64, state: ReviewState) {
    for reviewer in reviewers.iter_mut().filter(|reviewer| reviewer.user == user) {
        reviewer.state = state;
    }
}
