//! What notes, events and reactions hang on.

use crate::world::{Issue, MergeRequest, StateEvent};

/// A merge request or an issue, as far as what hangs on it tells.
#[derive(Clone, Copy)]
pub(crate) struct Noteable<'w> {
    /// As `noteable_type` and `resource_type` spell it.
    pub(super) kind: &'static str,
    pub(super) id: i64,
    pub(super) iid: i64,
    pub(super) states: &'w [StateEvent],
}

impl<'w> From<&'w MergeRequest> for Noteable<'w> {
    fn from(found: &'w MergeRequest) -> Noteable<'w> {
        Noteable { kind: "MergeRequest", id: found.id, iid: found.iid, states: &found.state_events }
    }
}

impl<'w> From<&'w Issue> for Noteable<'w> {
    fn from(found: &'w Issue) -> Noteable<'w> {
        Noteable { kind: "Issue", id: found.id, iid: found.iid, states: &found.state_events }
    }
}
