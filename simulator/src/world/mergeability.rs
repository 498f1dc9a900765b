//! What stands between a merge request and merging (`MergeRequest.all_mergeability_checks` in GitLab's source).

use super::{MergeRequest, MergeRequestState, ReviewState, Reviewer, World};

impl World {
    /// Why it can or cannot be merged, as REST and (in upper case) GraphQL spell it.
    #[must_use]
    pub fn detailed_merge_status(&self, merge_request: &MergeRequest) -> &'static str {
        if merge_request.state != MergeRequestState::Opened {
            return "not_open";
        }
        if merge_request.draft {
            return "draft_status";
        }
        if self.approvals_left(merge_request) > 0 {
            return "not_approved";
        }
        let changes = |reviewer: &Reviewer| reviewer.state == ReviewState::RequestedChanges;
        if merge_request.reviewers.iter().any(changes) {
            return "requested_changes";
        }
        match (merge_request.conflicts, self.settings.at_least(17, 0)) {
            (false, _) => "mergeable",
            (true, true) => "conflict",
            (true, false) => "broken_status",
        }
    }

    /// Whether the latest pipeline of its branch is not over yet.
    #[must_use]
    pub fn head_pipeline_runs(&self, merge_request: &MergeRequest) -> bool {
        let pipeline = self.head_pipeline(merge_request).and_then(|id| self.pipeline(id));
        pipeline.is_some_and(|pipeline| ["created", "pending", "running"].contains(&pipeline.status))
    }

    /// The strategy by which GitLab can merge later, which it cannot when it could do so now: since 17.0 it waits for all
    /// checks, before that for a pipeline alone (`available_for?` of the services in app/services/auto_merge).
    #[must_use]
    pub fn auto_merge_strategy(&self, merge_request: &MergeRequest) -> Option<&'static str> {
        let status = self.detailed_merge_status(merge_request);
        let runs = self.head_pipeline_runs(merge_request);
        if !self.settings.at_least(17, 0) {
            return (runs && status == "mergeable").then_some("merge_when_pipeline_succeeds");
        }
        let broken = merge_request.sha.is_none() || merge_request.conflicts || status == "not_open";
        (!broken && (runs || status != "mergeable")).then_some("merge_when_checks_pass")
    }
}

impl MergeRequest {
    /// What Git says of merging it.
    #[must_use]
    pub fn merge_status(&self) -> &'static str {
        if self.conflicts { "cannot_be_merged" } else { "can_be_merged" }
    }
}
