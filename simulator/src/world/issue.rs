//! Issues, incidents among them.

use jiff::Timestamp;
use jiff::civil::Date;

use super::award::Award;
use super::note::Note;
use super::resource_event::{MarkEvent, StateEvent};

/// What an issue is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IssueKind {
    /// A plain one.
    #[default]
    Issue,
    /// Something is broken for users.
    Incident,
    /// A part of an issue.
    Task,
}

impl IssueKind {
    /// REST's `issue_type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            IssueKind::Issue => "issue",
            IssueKind::Incident => "incident",
            IssueKind::Task => "task",
        }
    }

    /// As webhooks spell it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            IssueKind::Issue => "Issue",
            IssueKind::Incident => "Incident",
            IssueKind::Task => "Task",
        }
    }
}

/// An issue.
#[derive(Clone, Debug, Default)]
pub struct Issue {
    /// Unique in the instance.
    pub id: i64,
    /// Its number in the project.
    pub iid: i64,
    /// The project.
    pub project: i64,
    /// Issue, incident or task.
    pub kind: IssueKind,
    /// What it is about.
    pub title: String,
    /// May be null.
    pub description: Option<String>,
    /// `UNKNOWN`, `LOW`, `MEDIUM`, `HIGH` or `CRITICAL`; incidents alone have one that means something.
    pub severity: &'static str,
    /// Seen by the author, assignees and Planner upwards only.
    pub confidential: bool,
    /// Null where GitLab lost it.
    pub author: Option<i64>,
    /// Who works on it.
    pub assignees: Vec<i64>,
    /// Ids of labels.
    pub labels: Vec<i64>,
    /// The milestone.
    pub milestone: Option<i64>,
    /// The day it is to be done by.
    pub due_date: Option<Date>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
    /// When it was closed; open without.
    pub closed_at: Option<Timestamp>,
    /// Who closed it.
    pub closed_by: Option<i64>,
    /// What was written about it, oldest first.
    pub notes: Vec<Note>,
    /// When it was closed and opened again.
    pub state_events: Vec<StateEvent>,
    /// Labels that came and went.
    pub label_events: Vec<MarkEvent>,
    /// Milestones that came and went.
    pub milestone_events: Vec<MarkEvent>,
    /// Reactions.
    pub awards: Vec<Award>,
}

impl Issue {
    /// Comments that people wrote.
    #[must_use]
    pub fn user_notes_count(&self) -> usize {
        self.notes.iter().filter(|note| !note.system()).count()
    }

    /// How many reacted so: `thumbsup` and `thumbsdown` are votes.
    #[must_use]
    pub fn reactions(&self, name: &str) -> usize {
        self.awards.iter().filter(|award| award.name == name).count()
    }

    /// What somebody did is somebody else's from now on: the ghost's, when an account is deleted.
    pub(super) fn hand_over(&mut self, from: i64, to: i64) {
        let notes = self.notes.iter_mut().map(|note| &mut note.author);
        let own = [&mut self.author, &mut self.closed_by];
        for author in notes.chain(own).filter(|author| **author == Some(from)) {
            *author = Some(to);
        }
        self.assignees.retain(|assignee| *assignee != from);
    }
}
