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

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::{
    Clock, Edition, Feature, FileStats, Group, LabelOwner, MergeRequest, Namespace, Project, Role,
    Scope, Token, User, UserKind, Version, Visibility, World,
};

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

    /// A group at the top, or the one that is there already.
    #[must_use]
    pub fn with_group(
        mut self,
        path: &str,
        build: impl FnOnce(GroupBuilder<'_>) -> GroupBuilder<'_>,
    ) -> World {
        let known = self.group_by_path(path).map(|group| group.id);
        let id = known.unwrap_or_else(|| self.create_group(None, path));
        build(GroupBuilder {
            world: &mut self,
            id,
        });
        self.outbox.clear();
        self
    }

    /// A project in a user's own namespace.
    #[must_use]
    pub fn with_personal_project(
        mut self,
        username: &str,
        path: &str,
        build: impl FnOnce(ProjectBuilder<'_>) -> ProjectBuilder<'_>,
    ) -> World {
        let user = self.user_named(username);
        let id = self.create_project(Namespace::User(user), path);
        build(ProjectBuilder {
            world: &mut self,
            id,
        });
        self.outbox.clear();
        self
    }

    /// Changes a project that is there, by its full path.
    #[must_use]
    pub fn with_project(
        mut self,
        path: &str,
        build: impl FnOnce(ProjectBuilder<'_>) -> ProjectBuilder<'_>,
    ) -> World {
        if let Some(id) = self.project_by_path(path).map(|project| project.id) {
            build(ProjectBuilder {
                world: &mut self,
                id,
            });
        }
        self.outbox.clear();
        self
    }

    /// A personal token. Without further words: `root`'s, with scope `api`.
    #[must_use]
    pub fn with_token(
        mut self,
        secret: &str,
        build: impl FnOnce(TokenBuilder<'_>) -> TokenBuilder<'_>,
    ) -> World {
        let root = self.user_named("root");
        let id = self.create_token(secret, root, &[Scope::Api]);
        build(TokenBuilder {
            world: &mut self,
            id,
        });
        self
    }

    /// A group token with its bot.
    #[must_use]
    pub fn with_group_token(
        mut self,
        secret: &str,
        group: &str,
        role: Role,
        scopes: &[Scope],
    ) -> World {
        if let Some(group) = self.group_by_path(group).map(|group| group.id) {
            self.create_group_token(secret, group, role, scopes);
        }
        self
    }

    /// A project token with its bot.
    #[must_use]
    pub fn with_project_token(
        mut self,
        secret: &str,
        project: &str,
        role: Role,
        scopes: &[Scope],
    ) -> World {
        if let Some(project) = self.project_by_path(project).map(|project| project.id) {
            self.create_project_token(secret, project, role, scopes);
        }
        self
    }
}

/// Builds a group.
pub struct GroupBuilder<'w> {
    world: &'w mut World,
    id: i64,
}

impl GroupBuilder<'_> {
    /// A member.
    #[must_use]
    pub fn member(self, username: &str, role: Role) -> Self {
        let user = self.world.user_named(username);
        self.world.add_group_member(self.id, user, role);
        self
    }

    /// A label for all below.
    #[must_use]
    pub fn label(self, title: &str) -> Self {
        self.world.create_label(LabelOwner::Group(self.id), title);
        self
    }

    /// Who sees it.
    #[must_use]
    pub fn visibility(self, visibility: Visibility) -> Self {
        self.change(|group| group.visibility = visibility)
    }

    /// Anything else.
    #[must_use]
    pub fn change(self, change: impl FnOnce(&mut Group)) -> Self {
        if let Some(group) = self.world.group_mut(self.id) {
            change(group);
        }
        self
    }

    /// A group in this one.
    #[must_use]
    pub fn subgroup(
        self,
        path: &str,
        build: impl FnOnce(GroupBuilder<'_>) -> GroupBuilder<'_>,
    ) -> Self {
        let id = self.world.create_group(Some(self.id), path);
        build(GroupBuilder {
            world: self.world,
            id,
        });
        self
    }

    /// A project in this group.
    #[must_use]
    pub fn project(
        self,
        path: &str,
        build: impl FnOnce(ProjectBuilder<'_>) -> ProjectBuilder<'_>,
    ) -> Self {
        let id = self.world.create_project(Namespace::Group(self.id), path);
        build(ProjectBuilder {
            world: self.world,
            id,
        });
        self
    }
}

/// Builds a project.
pub struct ProjectBuilder<'w> {
    world: &'w mut World,
    id: i64,
}

impl ProjectBuilder<'_> {
    /// A direct member.
    #[must_use]
    pub fn member(self, username: &str, role: Role) -> Self {
        let user = self.world.user_named(username);
        self.world.add_project_member(self.id, user, role);
        self
    }

    /// A label.
    #[must_use]
    pub fn label(self, title: &str) -> Self {
        self.world.create_label(LabelOwner::Project(self.id), title);
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
    pub fn renamed_from(self, old: &str) -> Self {
        let new = self
            .world
            .project(self.id)
            .map(|project| project.path.clone())
            .unwrap_or_default();
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
    pub fn change(self, change: impl FnOnce(&mut Project)) -> Self {
        if let Some(project) = self.world.project_mut(self.id) {
            change(project);
        }
        self
    }

    /// A merge request by `ann`, unless it says by whom.
    #[must_use]
    pub fn merge_request(
        self,
        title: &str,
        build: impl FnOnce(MergeRequestBuilder<'_>) -> MergeRequestBuilder<'_>,
    ) -> Self {
        let last = self
            .world
            .merge_requests_of(self.id)
            .next_back()
            .map(|found| found.created_at);
        let now = self.world.now();
        let at = last.unwrap_or_else(|| {
            now.checked_sub(SignedDuration::from_hours(24 * 30))
                .unwrap_or(now)
        });
        let at = Timestamp::from_second(at.as_second() + 3600).unwrap_or(at);
        let clock = std::mem::replace(&mut self.world.clock, Clock::Fixed(at));
        if let Some(id) = self.world.open_merge_request(self.id, "ann", title) {
            build(MergeRequestBuilder {
                world: self.world,
                id,
            });
        }
        self.world.clock = clock;
        self
    }

    /// As many plain merge requests as wanted.
    #[must_use]
    pub fn merge_requests(self, count: usize) -> Self {
        (1..=count).fold(self, |project, number| {
            project.merge_request(&format!("Change {number}"), |found| found)
        })
    }
}

/// Lets things happen to a merge request.
pub struct MergeRequestBuilder<'w> {
    world: &'w mut World,
    id: i64,
}

impl MergeRequestBuilder<'_> {
    /// By whom.
    #[must_use]
    pub fn by(self, username: &str) -> Self {
        let user = self.world.user_named(username);
        self.change(|merge_request| merge_request.author = Some(user))
    }

    /// When it was created.
    #[must_use]
    pub fn created(self, at: &str) -> Self {
        let at = time(at);
        self.world.clock = Clock::Fixed(at);
        self.change(|merge_request| {
            merge_request.created_at = at;
            merge_request.updated_at = at;
            merge_request.prepared_at = Some(at);
        })
    }

    /// When the next step happens.
    #[must_use]
    pub fn at(self, at: &str) -> Self {
        // Each step goes ten minutes on first.
        self.world.clock = Clock::Fixed(time(at));
        self.world.advance(-STEP);
        self
    }

    /// A comment.
    #[must_use]
    pub fn comment(self, author: &str, body: &str) -> Self {
        self.step(|world, id| world.comment(id, author, body).map(drop))
    }

    /// As many comments as wanted.
    #[must_use]
    pub fn comments(self, count: usize) -> Self {
        (1..=count).fold(self, |found, number| {
            found.comment("bob", &format!("Comment {number}"))
        })
    }

    /// A comment for members only.
    #[must_use]
    pub fn internal_comment(self, author: &str, body: &str) -> Self {
        self.step(|world, id| world.internal_comment(id, author, body).map(drop))
    }

    /// A comment on a line of the diff.
    #[must_use]
    pub fn diff_comment(self, author: &str, body: &str) -> Self {
        self.step(|world, id| world.diff_comment(id, author, body).map(drop))
    }

    /// Commits are pushed.
    #[must_use]
    pub fn push(self, count: usize) -> Self {
        let author = self.author();
        self.step(|world, id| world.push_commits(id, &author, count))
    }

    /// A review is requested.
    #[must_use]
    pub fn reviewer(self, username: &str) -> Self {
        let author = self.author();
        self.step(|world, id| world.request_review(id, &author, username))
    }

    /// Someone is assigned.
    #[must_use]
    pub fn assignee(self, username: &str) -> Self {
        let author = self.author();
        self.step(|world, id| world.assign(id, &author, username))
    }

    /// A label is set.
    #[must_use]
    pub fn label(self, title: &str) -> Self {
        let author = self.author();
        self.step(|world, id| world.add_label(id, &author, title))
    }

    /// A draft becomes ready.
    #[must_use]
    pub fn ready(self) -> Self {
        let author = self.author();
        self.step(|world, id| world.mark_ready(id, &author))
    }

    /// An approval.
    #[must_use]
    pub fn approve(self, username: &str) -> Self {
        self.step(|world, id| world.approve(id, username))
    }

    /// An approval is withdrawn.
    #[must_use]
    pub fn unapprove(self, username: &str) -> Self {
        self.step(|world, id| world.unapprove(id, username))
    }

    /// Changes are requested.
    #[must_use]
    pub fn request_changes(self, username: &str) -> Self {
        self.step(|world, id| world.request_changes(id, username))
    }

    /// Merged.
    #[must_use]
    pub fn merge(self, username: &str) -> Self {
        self.step(|world, id| world.merge(id, username))
    }

    /// Closed.
    #[must_use]
    pub fn close(self, username: &str) -> Self {
        self.step(|world, id| world.close(id, username))
    }

    /// How much changed, in one file.
    #[must_use]
    pub fn diff(self, additions: i64, deletions: i64) -> Self {
        let file = FileStats {
            path: "src/lib.rs".to_owned(),
            additions,
            deletions,
        };
        self.change(|merge_request| merge_request.files = vec![file])
    }

    /// Anything else, which touches nothing by itself.
    #[must_use]
    pub fn change(self, change: impl FnOnce(&mut MergeRequest)) -> Self {
        self.world.edit_merge_request(self.id, change);
        self
    }

    fn author(&self) -> String {
        let author = self
            .world
            .merge_request(self.id)
            .and_then(|found| found.author);
        let author = author.and_then(|author| self.world.user(author));
        author.map_or_else(|| "ann".to_owned(), |author| author.username.clone())
    }

    fn step(self, step: impl FnOnce(&mut World, i64) -> Option<()>) -> Self {
        self.world.advance(STEP);
        step(self.world, self.id);
        self
    }
}

/// Between two steps.
const STEP: SignedDuration = SignedDuration::from_mins(10);

/// Builds a token.
pub struct TokenBuilder<'w> {
    world: &'w mut World,
    id: i64,
}

impl TokenBuilder<'_> {
    /// Whose.
    #[must_use]
    pub fn user(self, username: &str) -> Self {
        let user = self.world.user_named(username);
        self.change(|token| token.user = user)
    }

    /// What for.
    #[must_use]
    pub fn scopes(self, scopes: &[Scope]) -> Self {
        self.change(|token| token.scopes = scopes.to_vec())
    }

    /// Dead from this day on.
    #[must_use]
    pub fn expires(self, day: &str) -> Self {
        let day: Option<Date> = day.parse().ok();
        self.change(|token| token.expires_at = day)
    }

    /// Past its day already.
    #[must_use]
    pub fn expired(self) -> Self {
        self.expires("2020-01-01")
    }

    /// Taken back.
    #[must_use]
    pub fn revoked(self) -> Self {
        self.change(|token| token.revoked = true)
    }

    /// Anything else.
    #[must_use]
    pub fn change(self, change: impl FnOnce(&mut Token)) -> Self {
        if let Some(token) = self.world.token_mut(self.id) {
            change(token);
        }
        self
    }
}

/// A time written in a test; the epoch shows that it could not be read.
fn time(text: &str) -> Timestamp {
    text.parse().unwrap_or(Timestamp::UNIX_EPOCH)
}
