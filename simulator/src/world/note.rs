//! Notes: what people write on a merge request, and what GitLab writes about it.

use jiff::Timestamp;

use super::commit::Sha;
use super::settings::Settings;

/// Where in the diff a note stands.
#[derive(Clone, Debug)]
pub struct Position {
    /// The merge base.
    pub base_sha: Sha,
    /// The commit commented on.
    pub head_sha: Sha,
    /// The file.
    pub path: String,
    /// The line in the new version, else in the old one.
    pub new_line: Option<i64>,
    /// The line in the old version.
    pub old_line: Option<i64>,
}

/// What people write.
#[derive(Clone, Debug, Default)]
pub enum NoteKind {
    /// A comment on its own: `type` is null.
    #[default]
    Comment,
    /// Part of a thread: `DiscussionNote`.
    Discussion,
    /// On a line of the diff: `DiffNote`.
    Diff(Position),
    /// Written by GitLab about an action.
    System(SystemAction),
}

/// What GitLab writes a note about; the names of GitLab's `system_note_metadata.action`.
///
/// Merging, closing, reopening, labels and milestones are not among them: since 13.x they are resource events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SystemAction {
    /// An approval.
    Approved,
    /// An approval withdrawn.
    Unapproved,
    /// Approvals taken back by a push.
    ApprovalsReset,
    /// Marked as draft, or ready, or renamed.
    Title,
    /// Someone was asked to review, or no more.
    Reviewer,
    /// Changes were requested.
    RequestedChanges,
    /// A request for changes was bypassed.
    Override,
    /// Someone was assigned, or no more.
    Assignee,
    /// Commits were pushed.
    Commit,
    /// The merge was left to GitLab, or no more.
    Merge,
    /// The last open thread was resolved.
    Discussion,
    /// A push changed the lines that a thread stands on.
    Outdated,
    /// The description changed.
    Description,
    /// The target branch changed.
    Branch,
    /// Only members may comment from now on.
    Locked,
    /// Everybody may comment again.
    Unlocked,
    /// Mentioned elsewhere.
    CrossReference,
}

impl SystemAction {
    /// GitLab's name of the action.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SystemAction::Approved => "approved",
            SystemAction::Unapproved => "unapproved",
            SystemAction::ApprovalsReset => "approvals_reset",
            SystemAction::Title => "title",
            SystemAction::Reviewer => "reviewer",
            SystemAction::RequestedChanges => "requested_changes",
            SystemAction::Override => "override",
            SystemAction::Assignee => "assignee",
            SystemAction::Commit => "commit",
            SystemAction::Merge => "merge",
            SystemAction::Discussion => "discussion",
            SystemAction::Outdated => "outdated",
            SystemAction::Description => "description",
            SystemAction::Branch => "branch",
            SystemAction::Locked => "locked",
            SystemAction::Unlocked => "unlocked",
            SystemAction::CrossReference => "cross_reference",
        }
    }

    /// GraphQL's `systemNoteIconName` on a merge request. GitLab 16 drew new ones; not every action has one
    /// (`app/helpers/system_note_helper.rb`).
    #[must_use]
    pub fn icon(self, settings: &Settings) -> Option<&'static str> {
        let new = settings.at_least(16, 0);
        Some(match self {
            SystemAction::Approved if new => "check",
            SystemAction::Approved => "approval",
            SystemAction::Unapproved => "unapproval",
            SystemAction::ApprovalsReset => return None,
            SystemAction::Title | SystemAction::Description | SystemAction::Outdated if new => "pencil",
            SystemAction::Title | SystemAction::Description | SystemAction::Outdated => "pencil-square",
            SystemAction::Reviewer | SystemAction::Assignee => "user",
            SystemAction::RequestedChanges => "error",
            SystemAction::Override => "review-warning",
            SystemAction::Commit => "commit",
            SystemAction::Merge if new => "mr-system-note-empty",
            SystemAction::Merge => "git-merge",
            SystemAction::Discussion => "comment",
            SystemAction::Branch => "fork",
            SystemAction::Locked => "lock",
            SystemAction::Unlocked => "lock-open",
            SystemAction::CrossReference => "comment-dots",
        })
    }
}

/// A note on a merge request.
#[derive(Clone, Debug)]
pub struct Note {
    /// Unique in the instance, beyond 2^31 on a big one.
    pub id: i64,
    /// Comment, thread, diff or system.
    pub kind: NoteKind,
    /// The text.
    pub body: String,
    /// Null where GitLab lost it.
    pub author: Option<i64>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was edited.
    pub updated_at: Timestamp,
    /// Seen from Planner upwards only.
    pub internal: bool,
    /// Whether its thread can be resolved.
    pub resolvable: bool,
    /// Who resolved it, and when.
    pub resolved: Option<(i64, Timestamp)>,
    /// The thread it belongs to.
    pub discussion: Sha,
}

impl Note {
    /// Whether GitLab wrote it.
    #[must_use]
    pub fn system(&self) -> bool {
        matches!(self.kind, NoteKind::System(_))
    }

    /// What GitLab wrote it about.
    #[must_use]
    pub fn action(&self) -> Option<SystemAction> {
        match self.kind {
            NoteKind::System(action) => Some(action),
            _ => None,
        }
    }

    /// Where in the diff it stands.
    #[must_use]
    pub fn position(&self) -> Option<&Position> {
        match &self.kind {
            NoteKind::Diff(position) => Some(position),
            _ => None,
        }
    }

    /// REST's `type`.
    #[must_use]
    pub fn type_name(&self) -> Option<&'static str> {
        match self.kind {
            NoteKind::Comment | NoteKind::System(_) => None,
            NoteKind::Discussion => Some("DiscussionNote"),
            NoteKind::Diff(_) => Some("DiffNote"),
        }
    }
}
