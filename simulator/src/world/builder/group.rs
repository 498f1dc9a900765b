//! Groups, in one expression.

use super::ProjectBuilder;
use crate::world::{Group, Namespace, Owner, Role, Visibility, World};

/// Builds a group.
pub struct GroupBuilder {
    pub(super) world: World,
    pub(super) id: i64,
}

impl GroupBuilder {
    /// A member.
    #[must_use]
    pub fn member(mut self, username: &str, role: Role) -> Self {
        let user = self.world.user_named(username);
        self.world.add_group_member(self.id, user, role);
        self
    }

    /// A label for all below.
    #[must_use]
    pub fn label(mut self, title: &str) -> Self {
        self.world.create_label(Owner::Group(self.id), title);
        self
    }

    /// Who sees it.
    #[must_use]
    pub fn visibility(self, visibility: Visibility) -> Self {
        self.change(|group| group.visibility = visibility)
    }

    /// Anything else.
    #[must_use]
    pub fn change(mut self, change: impl FnOnce(&mut Group)) -> Self {
        if let Some(group) = self.world.group_mut(self.id) {
            change(group);
        }
        self
    }

    /// A group in this one.
    #[must_use]
    pub fn subgroup(mut self, path: &str, build: impl FnOnce(GroupBuilder) -> GroupBuilder) -> Self {
        let id = self.world.create_group(Some(self.id), path);
        self.world = build(GroupBuilder { world: self.world, id }).world;
        self
    }

    /// A project in this group.
    #[must_use]
    pub fn project(mut self, path: &str, build: impl FnOnce(ProjectBuilder) -> ProjectBuilder) -> Self {
        let id = self.world.create_project(Namespace::Group(self.id), path);
        self.world = build(ProjectBuilder { world: self.world, id }).world;
        self
    }
}
