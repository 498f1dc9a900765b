//! Projects.

use jiff::Timestamp;
use jiff::civil::Date;

use super::approval_rule::ApprovalRule;
use super::branch::{Branch, Release, Tag};
use super::commit::Commit;
use super::role::{Feature, Member, Role, Visibility};
use super::subscription::Star;

/// Where a project lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// In a group.
    Group(i64),
    /// In a user's own namespace.
    User(i64),
}

/// A project with its repository.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its id, which survives renames.
    pub id: i64,
    /// Where it lives.
    pub namespace: Namespace,
    /// For people.
    pub name: String,
    /// The last segment of the path.
    pub path: String,
    /// The whole path.
    pub full_path: String,
    /// The names from the top, joined by ` / `.
    pub full_name: String,
    /// May be null.
    pub description: Option<String>,
    /// Who sees it.
    pub visibility: Visibility,
    /// Read-only.
    pub archived: bool,
    /// Null while the repository is empty.
    pub default_branch: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its record changed.
    pub updated_at: Timestamp,
    /// When something happened in it, to the hour.
    pub last_activity_at: Timestamp,
    /// To be deleted on this day.
    pub marked_for_deletion_on: Option<Date>,
    /// Topics.
    pub topics: Vec<String>,
    /// The project it was forked from.
    pub forked_from: Option<i64>,
    /// Who marked it, the first one first.
    pub stars: Vec<Star>,
    /// Merge requests on or off.
    pub merge_requests_access: Feature,
    /// Code on or off.
    pub repository_access: Feature,
    /// CI/CD on or off, and with it pipelines, jobs and deployments.
    pub builds_access: Feature,
    /// Who may see issues, incidents among them.
    pub issues_access: Feature,
    /// Whether a push takes approvals back (Premium), as it does unless the project says otherwise.
    pub reset_approvals_on_push: bool,
    /// Whether a push resolves threads whose lines it changes.
    pub resolve_outdated: bool,
    /// The approval rules that new merge requests begin with (Premium).
    pub approval_rules: Vec<ApprovalRule>,
    /// Its direct members.
    pub members: Vec<Member>,
    /// Groups that were invited, with the most they may do here.
    pub shared_with: Vec<(i64, Role)>,
    /// The default branch, newest first.
    pub commits: Vec<Commit>,
    /// Branches besides the default one and those of open merge requests.
    pub branches: Vec<Branch>,
    /// Tags, oldest first.
    pub tags: Vec<Tag>,
    /// Releases, oldest first.
    pub releases: Vec<Release>,
}

impl Project {
    /// Whether nothing was ever pushed.
    #[must_use]
    pub fn empty_repo(&self) -> bool {
        self.default_branch.is_none()
    }

    /// The group it lives in, if it lives in one.
    #[must_use]
    pub fn group(&self) -> Option<i64> {
        match self.namespace {
            Namespace::Group(id) => Some(id),
            Namespace::User(_) => None,
        }
    }
}
