//! What is left to GitLab to merge, and what cannot be merged because of conflicts.

use serde_json::json;

use crate::world::{SystemAction, World};

impl World {
    /// Leaves the merge to GitLab, which does it once all checks pass: a note, and an `update` hook.
    pub fn auto_merge(&mut self, merge_request: i64, user: &str) -> Option<()> {
        let user = self.user_named(user);
        let sha = self.merge_request(merge_request)?.sha?;
        let wanted = if self.settings.at_least(17, 0) { "all merge checks for" } else { "the pipeline for" };
        let ending = if self.settings.at_least(17, 0) { "pass" } else { "succeeds" };
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.merge_user = Some(user);
            merge_request.auto_merge = true;
        });
        let body = format!("enabled an automatic merge when {wanted} {sha} {ending}");
        self.system_note(merge_request, user, SystemAction::Merge, body)?;
        self.emit_merge_request(merge_request, user, "update", &json!({}));
        Some(())
    }

    /// Leaves the merge to GitLab no longer.
    pub fn cancel_auto_merge(&mut self, merge_request: i64, user: i64) -> Option<()> {
        self.stop_waiting(merge_request, user, "canceled the automatic merge".to_owned())
    }

    /// Something happened that GitLab does not merge after.
    pub(super) fn abort_auto_merge(&mut self, merge_request: i64, user: i64, reason: &str) -> Option<()> {
        self.stop_waiting(merge_request, user, format!("aborted the automatic merge because {reason}"))
    }

    fn stop_waiting(&mut self, merge_request: i64, user: i64, body: String) -> Option<()> {
        self.merge_request(merge_request).filter(|found| found.auto_merge)?;
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.auto_merge = false;
            merge_request.merge_user = None;
        });
        self.system_note(merge_request, user, SystemAction::Merge, body).map(drop)
    }

    /// One of the checks passes now, which only pipelines told before 17.0.
    pub(super) fn check_passed(&mut self, merge_request: i64) {
        if self.settings.at_least(17, 0) {
            self.merge_what_waits(merge_request);
        }
    }

    /// Merges what was left to GitLab, if nothing stands in its way any more.
    pub(super) fn merge_what_waits(&mut self, merge_request: i64) -> Option<()> {
        let found = self.merge_request(merge_request)?;
        let pipeline = self.head_pipeline(found).and_then(|id| self.pipeline(id));
        let passed = pipeline.is_none_or(|pipeline| pipeline.status == "success");
        if !found.auto_merge || !passed || self.detailed_merge_status(found) != "mergeable" {
            return None;
        }
        let user = self.user(found.merge_user?)?.username.clone();
        self.merge(merge_request, &user)
    }

    /// The target branch changes the same lines. GitLab notes it without touching the merge request
    /// (`Gitlab::Timeless`); a push to the source branch brings them together.
    pub fn conflict(&mut self, merge_request: i64) -> Option<()> {
        self.edit_merge_request(merge_request, |merge_request| merge_request.conflicts = true)
    }

    /// Rebasing fails because of conflicts, and says so on the merge request.
    pub(crate) fn fail_to_rebase(&mut self, merge_request: i64) -> Option<()> {
        let error = "Rebase failed: Rebase locally, resolve all conflicts, then push the branch.";
        self.edit_merge_request(merge_request, |merge_request| merge_request.merge_error = Some(error))
    }
}
