//! Reactions.

use jiff::Timestamp;

/// A reaction to a merge request or an issue, such as `thumbsup`.
#[derive(Clone, Debug)]
pub struct Award {
    /// Unique among reactions.
    pub id: i64,
    /// Whose.
    pub user: i64,
    /// The emoji's name.
    pub name: String,
    /// When.
    pub at: Timestamp,
}
