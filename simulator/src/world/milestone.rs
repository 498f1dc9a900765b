//! Milestones of projects and groups.

use jiff::Timestamp;
use jiff::civil::Date;

use super::owner::Owner;

/// A milestone.
#[derive(Clone, Debug, Default)]
pub struct Milestone {
    /// Unique in the instance.
    pub id: i64,
    /// Its number in the project or group.
    pub iid: i64,
    /// Whose.
    pub owner: Owner,
    /// What it is called.
    pub title: String,
    /// May be empty.
    pub description: String,
    /// Over.
    pub closed: bool,
    /// When it begins.
    pub start_date: Option<Date>,
    /// When it ends.
    pub due_date: Option<Date>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}
