//! What a repository holds beside file contents: branches, tags, commits, releases, and what can be said of its history.

pub(super) mod branches;
pub(super) mod commits;
pub(super) mod compare;
pub(super) mod history;
pub(super) mod releases;
pub(super) mod statuses;
pub(super) mod tags;
