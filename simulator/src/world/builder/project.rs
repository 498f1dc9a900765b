//! Projects, in one expression.

use jiff::{SignedDuration, Timestamp};

use super::MergeRequestBuilder;
use crate::world::{Clock, Feature, Owner, Project, Role, Visibility, World};

/// Builds a project.
pub struct ProjectBuilder {
    pub(super) world: World,
    pub(super) id: i64,
}

impl ProjectBuilder {
    /// A direct member.
    #[must_use]
    pub fn member(mut self, username: &str, role: Role) -> Self {
        let user = self.world.user_named(username);
        self.world.add_project_member(self.id, user, role);
        self
    }

    /// A label.
    #[must_use]
    pub fn label(mut self, title: &str) -> Self {
        self.world.create_label(Owner::Project(self.id), title);
        self
    }

    /// Who sees it.
    #[must_use]
    pub fn visibility(self, visibility: Visibility) -> Self {
        self.change(|project| project.visibility = visibility)
    }

    /// Read-only.
    #[must_use]
    pub fn archived(self) -> Self {
        self.change(|project| project.archived = true)
    }

    /// Nothing was ever pushed.
    #[must_use]
    pub fn empty(self) -> Self {
        self.change(|project| project.default_branch = None)
    }

    /// Merge requests are switched off.
    #[must_use]
    pub fn without_merge_requests(self) -> Self {
        self.change(|project| project.merge_requests_access = Feature::Disabled)
    }

    /// The repository is switched off, and with it merge requests and CI/CD.
    #[must_use]
    pub fn without_repository(self) -> Self {
        self.change(|project| {
            project.repository_access = Feature::Disabled;
            project.merge_requests_access = Feature::Disabled;
            project.builds_access = Feature::Disabled;
        })
    }

    /// CI/CD is switched off.
    #[must_use]
    pub fn without_builds(self) -> Self {
        self.change(|project| project.builds_access = Feature::Disabled)
    }

    /// It once had another path.
    #[must_use]
    pub fn renamed_from(mut self, old: &str) -> Self {
        let new = self.world.project(self.id).map(|project| project.path.clone()).unwrap_or_default();
        self.world.rename_project(self.id, old);
        self.world.rename_project(self.id, &new);
        self
    }

    /// A group was invited.
    #[must_use]
    pub fn shared_with(self, group: &str, role: Role) -> Self {
        let group = self.world.group_by_path(group).map(|group| group.id);
        self.change(|project| project.shared_with.extend(group.map(|group| (group, role))))
    }

    /// Anything else.
    #[must_use]
    pub fn change(mut self, change: impl FnOnce(&mut Project)) -> Self {
        if let Some(project) = self.world.project_mut(self.id) {
            change(project);
        }
        self
    }

    /// A merge request by `ann`, unless it says by whom.
    #[must_use]
    pub fn merge_request(
        mut self,
        title: &str,
        build: impl FnOnce(MergeRequestBuilder) -> MergeRequestBuilder,
    ) -> Self {
        let last = self.world.merge_requests_of(self.id).next_back().map(|found| found.created_at);
        let now = self.world.now();
        let at = last.unwrap_or_else(|| now.checked_sub(SignedDuration::from_hours(24 * 30)).unwrap_or(now));
        let at = Timestamp::from_second(at.as_second() + 3600).unwrap_or(at);
        let clock = std::mem::replace(&mut self.world.clock, Clock::Fixed(at));
        if let Some(id) = self.world.open_merge_request(self.id, "ann", title) {
            self.world = build(MergeRequestBuilder { world: self.world, id }).world;
        }
        self.world.clock = clock;
        self
    }

    /// As many plain merge requests as wanted.
    #[must_use]
    pub fn merge_requests(self, count: usize) -> Self {
        (1..=count).fold(self, |project, number| project.merge_request(&format!("Change {number}"), |found| found))
    }
}
