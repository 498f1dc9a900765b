//! Comments of a review that is being written.

use super::commit::Sha;
use super::note::Position;

/// A comment that only its author sees, until it is published.
#[derive(Clone, Debug, Default)]
pub struct DraftNote {
    /// Unique among drafts.
    pub id: i64,
    /// Whose.
    pub author: i64,
    /// The text.
    pub body: String,
    /// The thread that it answers in.
    pub thread: Option<Sha>,
    /// Whether publishing it resolves that thread.
    pub resolves: bool,
    /// Where in the diff it is to stand.
    pub position: Option<Position>,
}
