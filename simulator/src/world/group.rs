//! Groups and subgroups.

use jiff::Timestamp;
use jiff::civil::Date;

use super::World;
use super::project::Project;
use super::role::{Member, Role, Visibility};

/// A group, at any level.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its id, shared with no project.
    pub id: i64,
    /// The group it lies in.
    pub parent: Option<i64>,
    /// For people.
    pub name: String,
    /// The last segment of the path.
    pub path: String,
    /// The whole path.
    pub full_path: String,
    /// The names from the top, joined by ` / `.
    pub full_name: String,
    /// May be empty.
    pub description: String,
    /// Who sees it.
    pub visibility: Visibility,
    /// Read-only since 18.2.
    pub archived: bool,
    /// To be deleted on this day.
    pub marked_for_deletion_on: Option<Date>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its direct members.
    pub members: Vec<Member>,
    /// Groups that were invited, with the most they may do here.
    pub shared_with: Vec<(i64, Role)>,
}

impl World {
    /// Whether a group and those above it are neither archived nor to be deleted.
    #[must_use]
    pub fn group_active(&self, group: &Group) -> bool {
        let above = self.ancestry(Some(group.id)).into_iter().filter_map(|id| self.group(id));
        above.into_iter().all(|group| !group.archived && group.marked_for_deletion_on.is_none())
    }

    /// Whether a project and the groups above it are neither archived nor to be deleted.
    #[must_use]
    pub fn project_active(&self, project: &Project) -> bool {
        let above = project.group().and_then(|id| self.group(id));
        !project.archived
            && project.marked_for_deletion_on.is_none()
            && above.is_none_or(|group| self.group_active(group))
    }
}
