//! Labels.

use jiff::Timestamp;

/// Where a label was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelOwner {
    /// In a project, for that project.
    Project(i64),
    /// In a group, for all below it.
    Group(i64),
}

/// A label.
#[derive(Clone, Debug)]
pub struct Label {
    /// The id.
    pub id: i64,
    /// Where it was made.
    pub owner: LabelOwner,
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
