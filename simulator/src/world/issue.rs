//! Issues, incidents among them.

use jiff::Timestamp;
use jiff::civil::Date;

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
}
