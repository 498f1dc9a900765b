//! The versions of a merge request's diff: one for each push.

use jiff::Timestamp;

use super::commit::Sha;

/// A version of the diff.
#[derive(Clone, Debug)]
pub struct DiffVersion {
    /// Unique in the instance.
    pub id: i64,
    /// The head of the source branch.
    pub head: Sha,
    /// The merge base.
    pub base: Sha,
    /// The target branch's head.
    pub start: Sha,
    /// How many commits it has.
    pub commits: usize,
    /// How many files it changes.
    pub files: usize,
    /// When it was pushed.
    pub at: Timestamp,
}
