//! Labels.

use jiff::Timestamp;

use super::owner::Owner;

/// A label.
#[derive(Clone, Debug)]
pub struct Label {
    /// The id.
    pub id: i64,
    /// Where it was made.
    pub owner: Owner,
    /// Its text.
    pub title: String,
    /// May be null.
    pub description: Option<String>,
    /// `#rrggbb`.
    pub color: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}
