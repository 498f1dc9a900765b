//! What GitLab records beside notes: changes of state, labels and milestones, each with an endpoint of its own.
//!
//! Since 13.x none of these leaves a system note.

use jiff::Timestamp;

/// A change of state: `opened`, `closed`, `reopened`, `merged`.
#[derive(Clone, Debug)]
pub struct StateEvent {
    /// Unique among state events.
    pub id: i64,
    /// Who did it; null where GitLab lost it.
    pub user: Option<i64>,
    /// `closed`, `reopened` or `merged`.
    pub state: &'static str,
    /// When.
    pub at: Timestamp,
    /// The merge request whose merge closed the issue.
    pub by_merge_of: Option<i64>,
}

/// A label or a milestone that was set or taken away.
#[derive(Clone, Debug)]
pub struct MarkEvent {
    /// Unique among events of its kind.
    pub id: i64,
    /// Who did it; null where GitLab lost it.
    pub user: Option<i64>,
    /// The label or milestone.
    pub subject: i64,
    /// Set, else taken away.
    pub added: bool,
    /// When.
    pub at: Timestamp,
}

impl MarkEvent {
    /// REST's `action`.
    #[must_use]
    pub fn action(&self) -> &'static str {
        if self.added { "add" } else { "remove" }
    }
}
