//! Branches and tags that are not derived from merge requests.

use jiff::Timestamp;

use super::commit::Sha;

/// A branch.
#[derive(Clone, Debug, Default)]
pub struct Branch {
    /// Its name.
    pub name: String,
    /// Its head.
    pub sha: Sha,
    /// Whether pushes are restricted.
    pub protected: bool,
    /// When its head was committed.
    pub committed_at: Timestamp,
}

/// A tag.
#[derive(Clone, Debug, Default)]
pub struct Tag {
    /// Its name.
    pub name: String,
    /// What it names.
    pub sha: Sha,
    /// Of an annotated tag.
    pub message: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A release, made of a tag.
#[derive(Clone, Debug, Default)]
pub struct Release {
    /// Unique in the instance.
    pub id: i64,
    /// The tag's name.
    pub tag: String,
    /// What it is called.
    pub name: String,
    /// May be empty.
    pub description: String,
    /// Who made it.
    pub author: Option<i64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it counts from; in the future for upcoming ones.
    pub released_at: Timestamp,
}
