//! Milestones and issues.

use crate::world::{Issue, Milestone, Owner, Project, World};

impl World {
    /// A milestone.
    #[must_use]
    pub fn milestone(&self, id: i64) -> Option<&Milestone> {
        self.milestones.get(&id)
    }

    /// A milestone, for editing.
    pub fn milestone_mut(&mut self, id: i64) -> Option<&mut Milestone> {
        self.milestones.get_mut(&id)
    }

    /// Milestones of one owner, by id.
    pub fn milestones_of(&self, owner: Owner) -> impl DoubleEndedIterator<Item = &Milestone> {
        self.milestones.values().filter(move |milestone| milestone.owner == owner)
    }

    /// The milestones that a project can use: its own, and those of the groups above.
    pub fn milestones_of_project(&self, project: &Project) -> impl Iterator<Item = &Milestone> {
        let above = self.ancestry(project.group());
        let id = project.id;
        self.milestones.values().filter(move |milestone| match milestone.owner {
            Owner::Project(owner) => owner == id,
            Owner::Group(owner) => above.contains(&owner),
        })
    }

    /// Puts a milestone in.
    pub fn insert_milestone(&mut self, milestone: Milestone) {
        self.milestones.insert(milestone.id, milestone);
    }

    /// An issue.
    #[must_use]
    pub fn issue(&self, id: i64) -> Option<&Issue> {
        self.issues.get(&id)
    }

    /// An issue, for editing (not its number or project).
    pub fn issue_mut(&mut self, id: i64) -> Option<&mut Issue> {
        self.issues.get_mut(&id)
    }

    /// The issue of a project with this number.
    #[must_use]
    pub fn issue_by_iid(&self, project: i64, iid: i64) -> Option<&Issue> {
        self.issue(*self.index(project)?.issues.get(&iid)?)
    }

    /// The issues of a project, by number.
    pub fn issues_of(&self, project: i64) -> impl DoubleEndedIterator<Item = &Issue> {
        let ids = self.index(project).into_iter().flat_map(|index| index.issues.values());
        ids.filter_map(|id| self.issue(*id))
    }

    /// Puts an issue in.
    pub fn insert_issue(&mut self, issue: Issue) {
        self.project_index.entry(issue.project).or_default().issues.insert(issue.iid, issue.id);
        self.issues.insert(issue.id, issue);
    }
}
