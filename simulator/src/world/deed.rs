//! What people did, read off the things that it left: merge requests, notes, issues, projects.

use jiff::Timestamp;

use super::World;
use super::commit::Sha;
use super::issue::Issue;
use super::merge_request::MergeRequest;
use super::note::SystemAction;
use super::project::{Namespace, Project};
use super::role::Role;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeedKind {
    /// A merge request was opened, merged, closed, reopened or approved.
    MergeRequest(&'static str),
    /// An issue was opened, closed or reopened.
    Issue(&'static str),
    /// A note was written on a merge request; its id.
    Note(i64),
    /// A note was written on an issue; its id.
    IssueNote(i64),
    /// Commits were pushed: from what, to what.
    Push(Option<Sha>, Sha),
    /// A project was made.
    Project,
}

impl DeedKind {
    /// As filters spell it (`Event.actions`).
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            DeedKind::MergeRequest(action) | DeedKind::Issue(action) => action,
            DeedKind::Note(_) | DeedKind::IssueNote(_) => "commented",
            DeedKind::Push(..) => "pushed",
            DeedKind::Project => "created",
        }
    }

    /// As answers spell it (`Event#action_name`).
    #[must_use]
    pub fn action_name(self) -> &'static str {
        match self {
            DeedKind::MergeRequest("created") | DeedKind::Issue("created") => "opened",
            DeedKind::MergeRequest("merged") => "accepted",
            DeedKind::Note(_) | DeedKind::IssueNote(_) => "commented on",
            DeedKind::Push(..) => "pushed to",
            other => other.action(),
        }
    }

    /// As filters spell what it was done to; empty for pushes.
    #[must_use]
    pub fn target(self) -> &'static str {
        match self {
            DeedKind::MergeRequest(_) => "merge_request",
            DeedKind::Issue(_) => "issue",
            DeedKind::Note(_) | DeedKind::IssueNote(_) => "note",
            DeedKind::Push(..) => "",
            DeedKind::Project => "project",
        }
    }
}

/// Something that a person did.
#[derive(Clone, Debug)]
pub struct Deed {
    /// Unique, and the same every time.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub user: i64,
    /// Where.
    pub project: i64,
    /// What.
    pub kind: DeedKind,
    /// The merge request or issue.
    pub subject: i64,
}

/// Ids of deeds come from those of what they left; the last digits tell of what kind that is.
fn numbered(id: i64, kind: i64) -> i64 {
    id.saturating_mul(16).saturating_add(kind)
}

impl World {
    /// What was done to a merge request, as far as a caller with this role sees it.
    #[must_use]
    pub fn deeds_of(&self, found: &MergeRequest, role: Role) -> Vec<Deed> {
        let deed = |id: i64, at: Timestamp, user: Option<i64>, kind: DeedKind| {
            Some(Deed { id, at, user: user?, project: found.project, kind, subject: found.id })
        };
        let opened = deed(numbered(found.id, 1), found.created_at, found.author, DeedKind::MergeRequest("created"));
        let states = found.state_events.iter().flat_map(|event| {
            let changed = deed(numbered(event.id, 2), event.at, event.user, DeedKind::MergeRequest(event.state));
            let pushed = found
                .merge_commit_sha
                .filter(|_| event.state == "merged")
                .and_then(|sha| deed(numbered(event.id, 3), event.at, event.user, DeedKind::Push(None, sha)));
            [changed, pushed]
        });
        let seen = found.notes.iter().filter(|note| World::sees_note(role, note));
        let notes = seen.map(|note| match note.action() {
            None => deed(numbered(note.id, 4), note.created_at, note.author, DeedKind::Note(note.id)),
            Some(SystemAction::Approved) => {
                deed(numbered(note.id, 5), note.created_at, note.author, DeedKind::MergeRequest("approved"))
            }
            Some(SystemAction::Commit) => {
                let head = found.commits.iter().find(|commit| commit.committed_at <= note.created_at)?;
                let before = head.parents.first().copied();
                deed(numbered(note.id, 6), note.created_at, note.author, DeedKind::Push(before, head.sha))
            }
            Some(_) => None,
        });
        std::iter::once(opened).chain(states).chain(notes).flatten().collect()
    }

    /// What was done to an issue, as far as somebody with this role sees it.
    #[must_use]
    pub fn deeds_of_issue(&self, issue: &Issue, role: Role) -> Vec<Deed> {
        let deed = |id: i64, at: Timestamp, user: Option<i64>, kind: DeedKind| {
            Some(Deed { id, at, user: user?, project: issue.project, kind, subject: issue.id })
        };
        let opened = deed(numbered(issue.id, 7), issue.created_at, issue.author, DeedKind::Issue("created"));
        let states = issue.state_events.iter();
        let states =
            states.map(|event| deed(numbered(event.id, 8), event.at, event.user, DeedKind::Issue(event.state)));
        let seen = issue.notes.iter().filter(|note| !note.system() && World::sees_note(role, note));
        let notes =
            seen.map(|note| deed(numbered(note.id, 10), note.created_at, note.author, DeedKind::IssueNote(note.id)));
        std::iter::once(opened).chain(states).chain(notes).flatten().collect()
    }

    /// That a project was made, in a user's own namespace; who made those of groups is not known.
    #[must_use]
    pub fn deed_of_project(&self, project: &Project) -> Option<Deed> {
        let Namespace::User(user) = project.namespace else {
            return None;
        };
        let (id, at) = (numbered(project.id, 9), project.created_at);
        Some(Deed { id, at, user, project: project.id, kind: DeedKind::Project, subject: project.id })
    }
}
