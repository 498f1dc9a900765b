//! Merge requests with what hangs on them: reviewers, approvals, notes, commits and the size of the change.

use jiff::Timestamp;

use super::World;
use super::approval_rule::ApprovalRule;
use super::award::Award;
use super::commit::{Commit, Sha};
use super::diff_version::DiffVersion;
use super::draft_note::DraftNote;
use super::note::Note;
use super::resource_event::{MarkEvent, StateEvent};

/// Where a merge request stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MergeRequestState {
    /// Under way.
    #[default]
    Opened,
    /// Given up.
    Closed,
    /// Done.
    Merged,
    /// Being merged.
    Locked,
}

impl MergeRequestState {
    /// As REST and GraphQL spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            MergeRequestState::Opened => "opened",
            MergeRequestState::Closed => "closed",
            MergeRequestState::Merged => "merged",
            MergeRequestState::Locked => "locked",
        }
    }

    /// As webhooks number it.
    #[must_use]
    pub fn id(self) -> i64 {
        match self {
            MergeRequestState::Opened => 1,
            MergeRequestState::Closed => 2,
            MergeRequestState::Merged => 3,
            MergeRequestState::Locked => 4,
        }
    }
}

/// Where a review stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReviewState {
    /// Asked for, not begun.
    #[default]
    Unreviewed,
    /// Comments are being written.
    ReviewStarted,
    /// Comments were left.
    Reviewed,
    /// Changes were asked for.
    RequestedChanges,
    /// Approved.
    Approved,
    /// Approved once, withdrawn.
    Unapproved,
}

impl ReviewState {
    /// As webhooks spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ReviewState::Unreviewed => "unreviewed",
            ReviewState::ReviewStarted => "review_started",
            ReviewState::Reviewed => "reviewed",
            ReviewState::RequestedChanges => "requested_changes",
            ReviewState::Approved => "approved",
            ReviewState::Unapproved => "unapproved",
        }
    }

    /// GitLab's `MergeRequestReviewState`.
    #[must_use]
    pub fn enum_name(self) -> &'static str {
        match self {
            ReviewState::Unreviewed => "UNREVIEWED",
            ReviewState::ReviewStarted => "REVIEW_STARTED",
            ReviewState::Reviewed => "REVIEWED",
            ReviewState::RequestedChanges => "REQUESTED_CHANGES",
            ReviewState::Approved => "APPROVED",
            ReviewState::Unapproved => "UNAPPROVED",
        }
    }
}

/// Someone asked to review.
#[derive(Clone, Copy, Debug)]
pub struct Reviewer {
    /// Who.
    pub user: i64,
    /// How far they are.
    pub state: ReviewState,
    /// When they were asked.
    pub requested_at: Timestamp,
}

/// An approval that stands.
#[derive(Clone, Copy, Debug)]
pub struct Approval {
    /// By whom.
    pub user: i64,
    /// Since when.
    pub at: Timestamp,
}

/// What happened to a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FileChange {
    /// Its lines changed.
    #[default]
    Edited,
    /// It was not there before.
    Added,
    /// It is not there any more.
    Deleted,
    /// It had this path before.
    Renamed(String),
}

/// How much of one file changed.
#[derive(Clone, Debug, Default)]
pub struct FileStats {
    /// The file.
    pub path: String,
    /// What happened to it.
    pub change: FileChange,
    /// Added lines.
    pub additions: i64,
    /// Deleted lines.
    pub deletions: i64,
}

/// A merge request.
#[derive(Clone, Debug, Default)]
pub struct MergeRequest {
    /// Unique in the instance.
    pub id: i64,
    /// Its number in the project.
    pub iid: i64,
    /// Where it is to be merged.
    pub project: i64,
    /// Where it comes from; null once the fork was deleted.
    pub source_project: Option<i64>,
    /// Without the `Draft: ` prefix, which [`MergeRequest::full_title`] adds.
    pub title: String,
    /// May be null.
    pub description: Option<String>,
    /// Where it stands.
    pub state: MergeRequestState,
    /// Not ready for review.
    pub draft: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When anything about it changed.
    pub updated_at: Timestamp,
    /// When its diffs were ready.
    pub prepared_at: Option<Timestamp>,
    /// May be later than `updated_at`, and null on old merged ones.
    pub merged_at: Option<Timestamp>,
    /// May be null on old closed ones.
    pub closed_at: Option<Timestamp>,
    /// Null where GitLab lost it.
    pub author: Option<i64>,
    /// Who merged.
    pub merge_user: Option<i64>,
    /// Who closed.
    pub closed_by: Option<i64>,
    /// From.
    pub source_branch: String,
    /// To.
    pub target_branch: String,
    /// The head of the source branch; null when the branch or its diff is missing.
    pub sha: Option<Sha>,
    /// Whether the target branch changed the same lines.
    pub conflicts: bool,
    /// Why rebasing failed.
    pub merge_error: Option<&'static str>,
    /// Whether GitLab is to merge it when it can, for `merge_user`.
    pub auto_merge: bool,
    /// The commit of the target branch that the source branch left it at; zeros where there was none yet.
    pub base: Sha,
    /// Made by merging.
    pub merge_commit_sha: Option<Sha>,
    /// Made by squashing.
    pub squash_commit_sha: Option<Sha>,
    /// Whether commits are squashed.
    pub squash: bool,
    /// Ids of labels.
    pub labels: Vec<i64>,
    /// The milestone.
    pub milestone: Option<i64>,
    /// Users who work on it.
    pub assignees: Vec<i64>,
    /// Users who are to review it.
    pub reviewers: Vec<Reviewer>,
    /// Approvals that stand, by reviewers or others.
    pub approvals: Vec<Approval>,
    /// How many approvals the rule for any approver asks for (Premium).
    pub approvals_required: i64,
    /// The other rules (Premium).
    pub rules: Vec<ApprovalRule>,
    /// Changed files.
    pub files: Vec<FileStats>,
    /// Its commits, newest first.
    pub commits: Vec<Commit>,
    /// Its notes, oldest first.
    pub notes: Vec<Note>,
    /// Comments that are not published yet, oldest first.
    pub drafts: Vec<DraftNote>,
    /// Whether only members may comment; null where nobody ever said.
    pub discussion_locked: Option<bool>,
    /// Changes of its state, oldest first.
    pub state_events: Vec<StateEvent>,
    /// Labels set and taken away, oldest first.
    pub label_events: Vec<MarkEvent>,
    /// Milestones set and taken away, oldest first.
    pub milestone_events: Vec<MarkEvent>,
    /// The versions of its diff, oldest first.
    pub versions: Vec<DiffVersion>,
    /// Ids of the issues that merging closes.
    pub closes: Vec<i64>,
    /// The latest pipeline of the source branch, if it is none of history: [`World::head_pipeline`](super::World::head_pipeline)
    /// knows both.
    pub head_pipeline: Option<i64>,
    /// Reactions, oldest first.
    pub awards: Vec<Award>,
}

impl MergeRequest {
    /// The title as people see it.
    #[must_use]
    pub fn full_title(&self) -> String {
        if self.draft {
            return format!("Draft: {}", self.title);
        }
        self.title.clone()
    }

    /// The commit that the source branch left the target branch at. Where nothing was merged before, its name is made up.
    #[must_use]
    pub fn merge_base(&self) -> Sha {
        if self.base == Sha::default() { Sha::from_seed(self.id.unsigned_abs()) } else { self.base }
    }

    /// Added lines.
    #[must_use]
    pub fn additions(&self) -> i64 {
        self.files.iter().map(|file| file.additions).sum()
    }

    /// Deleted lines.
    #[must_use]
    pub fn deletions(&self) -> i64 {
        self.files.iter().map(|file| file.deletions).sum()
    }

    /// Thumbs up.
    #[must_use]
    pub fn upvotes(&self) -> i64 {
        self.votes("thumbsup")
    }

    /// Thumbs down.
    #[must_use]
    pub fn downvotes(&self) -> i64 {
        self.votes("thumbsdown")
    }

    fn votes(&self, name: &str) -> i64 {
        let votes = self.awards.iter().filter(|award| award.name == name);
        i64::try_from(votes.count()).unwrap_or_default()
    }

    /// Comments that are not GitLab's own.
    #[must_use]
    pub fn user_notes_count(&self) -> i64 {
        let users = self.notes.iter().filter(|note| !note.system());
        i64::try_from(users.count()).unwrap_or_default()
    }

    /// Whether the user's approval stands.
    #[must_use]
    pub fn approved_by(&self, user: i64) -> bool {
        self.approvals.iter().any(|approval| approval.user == user)
    }

    /// Whether every thread that blocks merging is resolved.
    #[must_use]
    pub fn discussions_resolved(&self) -> bool {
        self.notes.iter().all(|note| !note.resolvable || note.resolved.is_some())
    }

    /// What somebody did is somebody else's from now on: the ghost's, when an account is deleted.
    pub(super) fn hand_over(&mut self, from: i64, to: i64) {
        let notes = self.notes.iter_mut().map(|note| &mut note.author);
        let own = [&mut self.author, &mut self.merge_user, &mut self.closed_by];
        for author in notes.chain(own).filter(|author| **author == Some(from)) {
            *author = Some(to);
        }
        self.assignees.retain(|assignee| *assignee != from);
        self.reviewers.retain(|reviewer| reviewer.user != from);
        self.approvals.retain(|approval| approval.user != from);
    }
}

impl World {
    /// How many approvals the rules ask for; without a licence there are none (GitLab's `ApprovalState`).
    #[must_use]
    pub fn approvals_required(&self, merge_request: &MergeRequest) -> i64 {
        if !self.settings.edition.licensed() {
            return 0;
        }
        merge_request.approvals_required + merge_request.rules.iter().map(|rule| rule.required).sum::<i64>()
    }

    /// Approvals the rules still miss.
    #[must_use]
    pub fn approvals_left(&self, merge_request: &MergeRequest) -> i64 {
        if !self.settings.edition.licensed() {
            return 0;
        }
        let given = i64::try_from(merge_request.approvals.len()).unwrap_or_default();
        let others = merge_request.rules.iter().map(|rule| self.rule_left(merge_request, rule));
        (merge_request.approvals_required - given).max(0) + others.sum::<i64>()
    }
}
