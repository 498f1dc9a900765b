//! What a delivery says, as rows. Pure: bytes in, rows out, whatever the bytes are.
//!
//! Events carry most of a merge request, but no diff statistics, approvals or system notes, and times only to the second.
//! So their rows are partial, and every merge request named is marked to be read again.

use jiff::Timestamp;

use super::wire::{Envelope, Label, MergeRequest, MergeRequestHook, Note, NoteHook, Person};
use crate::store::{Batch, Delivery, Mark, rows};

/// The longest kind of event that is kept; GitLab's are shorter than this.
const LONGEST_EVENT: usize = 64;

/// An authentic delivery, as far as it can be understood.
#[derive(Debug, PartialEq)]
pub(super) struct Reading {
    /// The kind of event, such as `merge_request`.
    event: String,
    outcome: Outcome,
    project_id: Option<i64>,
    project_path: Option<String>,
    iid: Option<i64>,
    /// When it happened, by GitLab's clock.
    pub(super) happened_at: Option<Timestamp>,
    merge_request: Option<rows::MergeRequest>,
    note: Option<rows::Note>,
}

/// What becomes of an authentic delivery. All of them are answered with success: GitLab disables hooks that fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// Its rows are stored and its merge request is due to be read again.
    Stored,
    /// Its project is not one that the connection follows, or not yet: then the next import finds it.
    NotFollowed,
    /// A kind of event that we have no use for.
    Ignored,
    /// Not JSON, or not the JSON that its kind of event should have.
    Malformed,
    /// The database would not take its rows. The merge request is still read again.
    Unstorable,
}

impl Outcome {
    pub(super) fn name(self) -> &'static str {
        match self {
            Outcome::Stored => "stored",
            Outcome::NotFollowed => "not_followed",
            Outcome::Ignored => "ignored",
            Outcome::Malformed => "malformed",
            Outcome::Unstorable => "unstorable",
        }
    }
}

impl Reading {
    /// The project whose rows this delivery would change.
    pub(super) fn project_id(&self) -> Option<i64> {
        self.project_id
    }

    /// What to commit, given the path under which the project is stored, if it is.
    pub(super) fn batch(&self, id: &str, stored_path: Option<&str>) -> (Batch, Outcome) {
        let outcome = match (self.outcome, stored_path) {
            (Outcome::Stored, None) => Outcome::NotFollowed,
            (outcome, _) => outcome,
        };
        let mut batch = self.record(id, outcome);
        let (Some(stored_path), Some(project_id)) = (stored_path, self.project_id) else {
            return (batch, outcome);
        };

        // A renamed project is asked for under its new path. Without a time we could not tell old news from new.
        if let (Some(path), Some(_)) = (&self.project_path, self.happened_at)
            && path != stored_path
        {
            batch.projects.push(rows::Project {
                id: project_id,
                path_with_namespace: path.clone(),
                ..rows::Project::default()
            });
        }
        if outcome == Outcome::Stored {
            batch.merge_request_events.extend(self.merge_request.clone());
            batch.notes.extend(self.note.clone());
            batch.refresh.extend(self.mark(stored_path));
        }
        (batch, outcome)
    }

    /// What to commit when the database would not take [`Reading::batch`].
    pub(super) fn batch_without_rows(&self, id: &str, stored_path: Option<&str>) -> Batch {
        let mut batch = self.record(id, Outcome::Unstorable);
        batch.refresh.extend(stored_path.and_then(|path| self.mark(path)));
        batch
    }

    fn record(&self, id: &str, outcome: Outcome) -> Batch {
        Batch {
            as_of: self.happened_at,
            deliveries: vec![Delivery {
                id: id.to_owned(),
                event: self.event.clone(),
                project_id: self.project_id,
                iid: self.iid,
                outcome: outcome.name().to_owned(),
            }],
            ..Batch::default()
        }
    }

    fn mark(&self, stored_path: &str) -> Option<Mark> {
        Some(Mark {
            project_id: self.project_id?,
            project_path: self.project_path.clone().unwrap_or_else(|| stored_path.to_owned()),
            iid: self.iid?,
        })
    }
}

/// Reads a delivery's `body`; `header` is its `X-Gitlab-Event`. Bodies of texts are kept only if `text` says so.
pub(super) fn read(header: &str, body: &[u8], text: bool) -> Reading {
    let Ok(envelope) = serde_json::from_slice::<Envelope>(body) else {
        return unread(event_name(header), Outcome::Malformed);
    };
    let kind = envelope.object_kind.as_deref().or(envelope.event_name.as_deref());
    let reading = match kind {
        Some("merge_request") => read_merge_request(body, text),
        Some("note") => read_note(body, text),
        _ => Some(unread(String::new(), Outcome::Ignored)),
    };
    let mut reading = reading.unwrap_or_else(|| unread(String::new(), Outcome::Malformed));

    reading.event = event_name(kind.unwrap_or(header));
    reading.happened_at = reading.happened_at.or(envelope.updated_at);
    let (id, path) = match envelope.project {
        Some(project) => (project.id, project.path_with_namespace),
        None => (None, envelope.path_with_namespace),
    };
    reading.project_id = reading.project_id.or(id).or(envelope.project_id);
    // The path belongs to the project only if the event is about no other one.
    reading.project_path = path.filter(|_| reading.project_id == id.or(envelope.project_id));
    complete(reading)
}

fn unread(event: String, outcome: Outcome) -> Reading {
    Reading {
        event,
        outcome,
        project_id: None,
        project_path: None,
        iid: None,
        happened_at: None,
        merge_request: None,
        note: None,
    }
}

/// Puts the project into the rows, whoever named it. Without project and number a delivery names no merge request.
fn complete(mut reading: Reading) -> Reading {
    if reading.outcome == Outcome::Stored && (reading.project_id.is_none() || reading.iid.is_none()) {
        reading.outcome = Outcome::Malformed;
    }
    let project_id = reading.project_id.unwrap_or_default();
    if let Some(row) = &mut reading.merge_request {
        row.project_id = project_id;
    }
    if let Some(row) = &mut reading.note {
        row.project_id = project_id;
    }
    reading
}

fn read_merge_request(body: &[u8], text: bool) -> Option<Reading> {
    let hook: MergeRequestHook = serde_json::from_slice(body).ok()?;
    let attributes = hook.object_attributes?;
    let happened_at = attributes.actioned_at.or(attributes.updated_at);
    let action = attributes.action.as_deref();
    let became_ready = hook
        .changes
        .and_then(|changes| changes.draft)
        .is_some_and(|draft| draft.previous == Some(true) && draft.current == Some(false));

    let mut merge_request = merge_request_row(&attributes, text);
    if let Some(row) = &mut merge_request {
        let at = |happened: bool| happened_at.filter(|_| happened);
        row.merged_at = at(action == Some("merge"));
        row.closed_at = at(action == Some("close"));
        row.ready_at = at(became_ready);
        if action == Some("merge") && row.merge_user_id.is_none() {
            row.merge_user_id = hook.user.as_ref().and_then(|user| user.id);
        }
        row.assignee_ids = row.assignee_ids.take().or_else(|| ids(hook.assignees.as_deref()));
        row.reviewer_ids = row.reviewer_ids.take().or_else(|| ids(hook.reviewers.as_deref()));
        row.labels = row.labels.take().or_else(|| titles(hook.labels.as_deref()));
    }
    Some(Reading {
        project_id: attributes.target_project_id,
        iid: attributes.iid,
        happened_at,
        merge_request,
        ..unread(String::new(), Outcome::Stored)
    })
}

fn read_note(body: &[u8], text: bool) -> Option<Reading> {
    let hook: NoteHook = serde_json::from_slice(body).ok()?;
    let note = hook.object_attributes?;
    if note.noteable_type.as_deref().is_some_and(|kind| kind != "MergeRequest") {
        return Some(unread(String::new(), Outcome::Ignored));
    }
    let attributes = hook.merge_request?;
    let merge_request = merge_request_row(&attributes, text);
    Some(Reading {
        project_id: attributes.target_project_id.or(note.project_id),
        iid: attributes.iid,
        happened_at: note.updated_at,
        // Nothing is stored of a merge request that is not there itself.
        note: merge_request.as_ref().and_then(|row| note_row(&note, row.id, text)),
        merge_request,
        ..unread(String::new(), Outcome::Stored)
    })
}

/// The row of a merge request, or nothing if the event lacks what makes one. The project is filled in later.
fn merge_request_row(attributes: &MergeRequest, text: bool) -> Option<rows::MergeRequest> {
    let created_at = attributes.created_at?;
    let updated_at = attributes.updated_at?;
    Some(rows::MergeRequest {
        id: attributes.id?,
        iid: attributes.iid?,
        title: attributes.title.clone(),
        description: attributes.description.clone().filter(|_| text),
        state: attributes.state.clone().or_else(|| attributes.state_id.and_then(state)),
        draft: attributes.draft.or(attributes.work_in_progress),
        author_id: attributes.author_id,
        merge_user_id: attributes.merge_user_id,
        source_project_id: attributes.source_project_id,
        source_branch: attributes.source_branch.clone(),
        target_branch: attributes.target_branch.clone(),
        labels: titles(attributes.labels.as_deref()),
        assignee_ids: attributes.assignee_ids.clone(),
        reviewer_ids: attributes.reviewer_ids.clone(),
        sha: attributes.last_commit.as_ref().and_then(|commit| commit.id.clone()),
        merge_commit_sha: attributes.merge_commit_sha.clone(),
        web_url: attributes.url.clone(),
        created_at,
        updated_at,
        prepared_at: attributes.prepared_at,
        ..rows::MergeRequest::default()
    })
}

fn note_row(note: &Note, merge_request_id: i64, text: bool) -> Option<rows::Note> {
    let created_at = note.created_at?;
    Some(rows::Note {
        id: note.id?,
        merge_request_id,
        author_id: note.author_id,
        system: note.system.unwrap_or_default(),
        internal: note.internal,
        note_type: note.kind.clone(),
        discussion_id: note.discussion_id.clone(),
        // Comments outside of a thread cannot be resolved.
        resolvable: Some(matches!(note.kind.as_deref(), Some("DiffNote" | "DiscussionNote"))),
        resolved: Some(note.resolved_at.is_some()),
        body: note.note.clone().filter(|_| text),
        created_at,
        updated_at: note.updated_at.unwrap_or(created_at),
        ..rows::Note::default()
    })
}

fn state(state_id: i64) -> Option<String> {
    let state = match state_id {
        1 => "opened",
        2 => "closed",
        3 => "merged",
        4 => "locked",
        _ => return None,
    };
    Some(state.to_owned())
}

fn ids(people: Option<&[Person]>) -> Option<Vec<i64>> {
    Some(people?.iter().filter_map(|person| person.id).collect())
}

fn titles(labels: Option<&[Label]>) -> Option<Vec<String>> {
    Some(labels?.iter().filter_map(|label| label.title.clone()).collect())
}

/// The kind of event as it is recorded: short and printable, whoever wrote it.
fn event_name(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(LONGEST_EVENT).collect()
}

#[cfg(test)]
mod tests;
