//! Issues, incidents and milestones, in one expression.

use super::{GroupBuilder, ProjectBuilder};
use crate::world::{Issue, Milestone, Owner};

impl ProjectBuilder {
    /// An open issue by `ann`, changed as wished.
    #[must_use]
    pub fn issue(mut self, title: &str, change: impl FnOnce(&mut Issue)) -> Self {
        if let Some(issue) = self.world.open_issue(self.id, "ann", title).and_then(|id| self.world.issue_mut(id)) {
            change(issue);
        }
        self
    }

    /// An open incident by `ann`, changed as wished.
    #[must_use]
    pub fn incident(mut self, title: &str, change: impl FnOnce(&mut Issue)) -> Self {
        let id = self.world.open_incident(self.id, "ann", title, "UNKNOWN");
        if let Some(incident) = id.and_then(|id| self.world.issue_mut(id)) {
            change(incident);
        }
        self
    }

    /// A milestone of the project.
    #[must_use]
    pub fn milestone(mut self, title: &str, change: impl FnOnce(&mut Milestone)) -> Self {
        let id = self.world.create_milestone(Owner::Project(self.id), title);
        if let Some(milestone) = self.world.milestone_mut(id) {
            change(milestone);
        }
        self
    }
}

impl GroupBuilder {
    /// A milestone for all below.
    #[must_use]
    pub fn milestone(mut self, title: &str, change: impl FnOnce(&mut Milestone)) -> Self {
        let id = self.world.create_milestone(Owner::Group(self.id), title);
        if let Some(milestone) = self.world.milestone_mut(id) {
            change(milestone);
        }
        self
    }
}
