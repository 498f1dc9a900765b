//! What work is planned with: issues, incidents among them, and milestones.

mod filter;
pub(super) mod issue_awards;
pub(super) mod issue_changes;
pub(super) mod issue_details;
pub(super) mod issue_events;
pub(super) mod issue_notes;
pub(super) mod issues;
pub(super) mod milestone_changes;
pub(super) mod milestones;
