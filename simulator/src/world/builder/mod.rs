//! Worlds in one expression, for tests.
//!
//! ```
//! use gitlab_simulator::World;
//! use gitlab_simulator::world::{Role, Scope};
//!
//! let world = World::new()
//!     .with_group("acme", |group| {
//!         group.member("ann", Role::Owner).project("web", |project| {
//!             project.merge_request("Add login", |merge_request| {
//!                 merge_request.by("ann").comment("bob", "nit: naming").approve("bob").merge("ann")
//!             })
//!         })
//!     })
//!     .with_token("glpat-reader", |token| token.user("ann").scopes(&[Scope::ReadApi]));
//!
//! assert!(world.project_by_path("acme/web").is_some());
//! ```
//!
//! Users come into being when they are named. Each step of a merge request happens ten minutes after the one before,
//! unless [`MergeRequestBuilder::at`] says when.

mod delivery;
mod group;
mod merge_request;
mod planning;
mod project;
mod token;

use jiff::{SignedDuration, Timestamp};

use super::{Clock, Edition, Namespace, Role, Scope, User, UserKind, Version, World};

pub use group::GroupBuilder;
pub use merge_request::MergeRequestBuilder;
pub use project::ProjectBuilder;
pub use token::TokenBuilder;

impl World {
    /// Chooses the version, `16.11` for instance; what cannot be read changes nothing.
    #[must_use]
    pub fn with_version(mut self, version: &str) -> World {
        self.settings.version = Version::parse(version).unwrap_or(self.settings.version);
        self
    }

    /// Chooses the edition.
    #[must_use]
    pub fn with_edition(mut self, edition: Edition) -> World {
        self.settings.edition = edition;
        self
    }

    /// Stops the clock at a time.
    #[must_use]
    pub fn with_time(mut self, now: &str) -> World {
        self.clock = Clock::Fixed(time(now));
        self
    }

    /// Lets the stopped clock go on by this much.
    pub fn advance(&mut self, by: SignedDuration) {
        self.clock = match self.clock {
            Clock::Fixed(at) => Clock::Fixed(at.checked_add(by).unwrap_or(at)),
            Clock::Real(moved) => Clock::Real(moved.checked_add(by).unwrap_or(moved)),
        };
    }

    /// A user, changed as wished.
    #[must_use]
    pub fn with_user(mut self, username: &str, change: impl FnOnce(&mut User)) -> World {
        let id = self.user_named(username);
        if let Some(user) = self.user_mut(id) {
            change(user);
        }
        self
    }

    /// A bot.
    #[must_use]
    pub fn with_bot(mut self, username: &str) -> World {
        self.create_user(username, UserKind::ProjectBot);
        self
    }

    /// The group with this full path, made with the groups above it where there is none yet.
    #[must_use]
    pub fn with_group(mut self, path: &str, build: impl FnOnce(GroupBuilder) -> GroupBuilder) -> World {
        let id = self.group_at(path);
        let mut world = build(GroupBuilder { world: self, id }).world;
        world.outbox.clear();
        world
    }

    /// A project in a user's own namespace.
    #[must_use]
    pub fn with_personal_project(
        mut self,
        username: &str,
        path: &str,
        build: impl FnOnce(ProjectBuilder) -> ProjectBuilder,
    ) -> World {
        let user = self.user_named(username);
        let id = self.create_project(Namespace::User(user), path);
        let mut world = build(ProjectBuilder { world: self, id }).world;
        world.outbox.clear();
        world
    }

    /// Changes a project that is there, by its full path.
    #[must_use]
    pub fn with_project(self, path: &str, build: impl FnOnce(ProjectBuilder) -> ProjectBuilder) -> World {
        let Some(id) = self.project_by_path(path).map(|project| project.id) else {
            return self;
        };
        let mut world = build(ProjectBuilder { world: self, id }).world;
        world.outbox.clear();
        world
    }

    /// A personal token. Without further words: `root`'s, with scope `api`.
    #[must_use]
    pub fn with_token(mut self, secret: &str, build: impl FnOnce(TokenBuilder) -> TokenBuilder) -> World {
        let root = self.user_named("root");
        let id = self.create_token(secret, root, &[Scope::Api]);
        build(TokenBuilder { world: self, id }).world
    }

    /// A group token with its bot.
    #[must_use]
    pub fn with_group_token(mut self, secret: &str, group: &str, role: Role, scopes: &[Scope]) -> World {
        if let Some(group) = self.group_by_path(group).map(|group| group.id) {
            self.create_group_token(secret, group, role, scopes);
        }
        self
    }

    /// A project token with its bot.
    #[must_use]
    pub fn with_project_token(mut self, secret: &str, project: &str, role: Role, scopes: &[Scope]) -> World {
        if let Some(project) = self.project_by_path(project).map(|project| project.id) {
            self.create_project_token(secret, project, role, scopes);
        }
        self
    }

    fn group_at(&mut self, path: &str) -> i64 {
        if let Some(known) = self.group_by_path(path) {
            return known.id;
        }
        match path.rsplit_once('/') {
            Some((above, path)) => {
                let above = self.group_at(above);
                self.create_group(Some(above), path)
            }
            None => self.create_group(None, path),
        }
    }
}

/// A time written in a test; the epoch shows that it could not be read.
fn time(text: &str) -> Timestamp {
    text.parse().unwrap_or(Timestamp::UNIX_EPOCH)
}
