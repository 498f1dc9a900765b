//! What happens to a merge request, in one expression.

use jiff::SignedDuration;

use super::time;
use crate::world::{Clock, FileStats, MergeRequest, World};

/// Lets things happen to a merge request.
pub struct MergeRequestBuilder {
    pub(super) world: World,
    pub(super) id: i64,
}

impl MergeRequestBuilder {
    /// By whom.
    #[must_use]
    pub fn by(mut self, username: &str) -> Self {
        let user = self.world.user_named(username);
        self.change(|merge_request| merge_request.author = Some(user))
    }

    /// When it was created.
    #[must_use]
    pub fn created(mut self, at: &str) -> Self {
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
    pub fn at(mut self, at: &str) -> Self {
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
        (1..=count).fold(self, |found, number| found.comment("bob", &format!("Comment {number}")))
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

    /// The thread of the last comment is resolved.
    #[must_use]
    pub fn resolve(self, username: &str) -> Self {
        self.step(|world, id| {
            let last = world.merge_request(id)?.notes.iter().rfind(|note| note.resolvable)?.id;
            world.resolve(last, username)
        })
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

    /// Nobody's review is asked for but these people's.
    #[must_use]
    pub fn reviewers(self, usernames: &[&str]) -> Self {
        let author = self.author();
        self.step(|world, id| world.set_reviewers(id, &author, usernames))
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

    /// It cannot be merged as it is.
    #[must_use]
    pub fn conflict(self) -> Self {
        self.step(World::conflict)
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

    /// Opened again.
    #[must_use]
    pub fn reopen(self, username: &str) -> Self {
        self.step(|world, id| world.reopen(id, username))
    }

    /// How much changed, in one file.
    #[must_use]
    pub fn diff(self, additions: i64, deletions: i64) -> Self {
        let file = FileStats { path: "src/lib.rs".to_owned(), additions, deletions, ..FileStats::default() };
        self.change(|merge_request| merge_request.files = vec![file])
    }

    /// GitLab never counted how much changed.
    #[must_use]
    pub fn uncounted(self) -> Self {
        self.change(|merge_request| merge_request.files.clear())
    }

    /// Anything else, which touches nothing by itself.
    #[must_use]
    pub fn change(mut self, change: impl FnOnce(&mut MergeRequest)) -> Self {
        self.world.edit_merge_request(self.id, change);
        self
    }

    fn author(&self) -> String {
        let author = self.world.merge_request(self.id).and_then(|found| found.author);
        let author = author.and_then(|author| self.world.user(author));
        author.map_or_else(|| "ann".to_owned(), |author| author.username.clone())
    }

    fn step(mut self, step: impl FnOnce(&mut World, i64) -> Option<()>) -> Self {
        self.world.advance(STEP);
        step(&mut self.world, self.id);
        self
    }
}

/// Between two steps.
const STEP: SignedDuration = SignedDuration::from_mins(10);
