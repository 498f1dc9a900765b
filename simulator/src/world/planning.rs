//! Who sees issues. Pure reads of the World.

use super::World;
use super::issue::Issue;
use super::merge_request::MergeRequest;
use super::project::Project;
use super::role::{Feature, Role, Visibility};
use super::token::Caller;

impl World {
    /// Whether the caller reads issues of the project: in a private one its members do, Guests too.
    #[must_use]
    pub fn reads_issues(&self, caller: &Caller, project: &Project) -> bool {
        let open = project.visibility != Visibility::Private && project.issues_access == Feature::Enabled;
        match project.issues_access {
            Feature::Disabled => false,
            _ if open => self.sees_project(caller, project),
            _ => self.caller_role(caller, project) >= Role::Guest,
        }
    }

    /// Whether the caller sees the issue: a confidential one is for its author, its assignees and Planners upwards.
    #[must_use]
    pub fn sees_issue(&self, caller: &Caller, project: &Project, issue: &Issue) -> bool {
        let part = caller.user.is_some_and(|user| issue.author == Some(user) || issue.assignees.contains(&user));
        let trusted = !issue.confidential || part || self.caller_role(caller, project) >= Role::Planner;
        trusted && self.reads_issues(caller, project)
    }

    /// The merge requests that close an issue when they are merged. Those that are nothing but history close none.
    pub fn merge_requests_closing(&self, issue: &Issue) -> impl Iterator<Item = &MergeRequest> {
        let held = self.held_of(issue.project).into_iter().filter_map(|id| self.merge_request(id));
        let id = issue.id;
        held.filter(move |found| found.closes.contains(&id))
    }
}
