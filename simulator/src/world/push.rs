//! Pushes: a branch or a tag names another commit than before.

use super::commit::Sha;

/// A push.
#[derive(Clone, Debug)]
pub struct Push {
    /// Where to.
    pub project: i64,
    /// Who pushed.
    pub user: i64,
    /// The branch or tag.
    pub name: String,
    /// Whether it is a tag.
    pub tag: bool,
    /// What it named before; zeros for one that is new.
    pub before: Sha,
    /// What it names now; zeros for one that is gone.
    pub after: Sha,
}
