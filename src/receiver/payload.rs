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
    let merge_request_id = note.noteable_id.or(attributes.id);
    Some(Reading {
        project_id: attributes.target_project_id.or(note.project_id),
        iid: attributes.iid,
        happened_at: note.updated_at,
        note: merge_request_id.and_then(|id| note_row(&note, id, text)),
        merge_request: merge_request_row(&attributes, text),
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    macro_rules! hook {
        ($name:literal) => {
            include_bytes!(concat!("../../tests/fixtures/hooks/", $name, ".json")).as_slice()
        };
    }

    fn stored(body: &[u8]) -> Batch {
        let (batch, outcome) = read("Merge Request Hook", body, false).batch("d", Some("g/flight"));
        assert_eq!(outcome, Outcome::Stored);
        batch
    }

    fn merge_request(body: &[u8]) -> rows::MergeRequest {
        stored(body).merge_request_events.remove(0)
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The merge request of all fixtures, as it was opened.
    fn opened() -> rows::MergeRequest {
        rows::MergeRequest {
            id: 93,
            iid: 16,
            project_id: 2,
            title: Some("Add validation".into()),
            state: Some("opened".into()),
            draft: Some(false),
            author_id: Some(1),
            source_project_id: Some(2),
            source_branch: Some("feature/x".into()),
            target_branch: Some("main".into()),
            labels: Some(vec!["enhancement".into()]),
            assignee_ids: Some(vec![1]),
            reviewer_ids: Some(vec![25]),
            sha: Some("e59094b8de0f2f91abbe4760a52d9137260252d8".into()),
            web_url: Some("https://gitlab.example.com/g/flight/-/merge_requests/16".into()),
            created_at: at("2026-01-16T05:56:22Z"),
            updated_at: at("2026-01-16T05:56:25Z"),
            prepared_at: Some(at("2026-01-16T05:56:25Z")),
            ..rows::MergeRequest::default()
        }
    }

    #[test]
    fn an_opened_merge_request_becomes_a_row_a_mark_and_a_record() {
        let batch = stored(hook!("merge_request_open"));

        assert_eq!(batch.merge_request_events, [opened()]);
        assert_eq!(batch.refresh, [Mark { project_id: 2, project_path: "g/flight".into(), iid: 16 }]);
        assert_eq!(
            batch.deliveries,
            [Delivery {
                id: "d".into(),
                event: "merge_request".into(),
                project_id: Some(2),
                iid: Some(16),
                outcome: "stored".into(),
            }]
        );
        assert_eq!(batch.as_of, Some(at("2026-01-16T05:56:26Z")));
        assert_eq!((batch.projects, batch.notes), (vec![], vec![]));
    }

    #[test]
    fn a_push_brings_the_new_head() {
        let expected = rows::MergeRequest {
            sha: Some("f1d2d2f924e986ac86fdf7b36c94bcdf32beec15".into()),
            updated_at: at("2026-01-16T06:10:00Z"),
            ..opened()
        };

        assert_eq!(merge_request(hook!("merge_request_push")), expected);
    }

    #[test]
    fn labels_are_those_after_the_change() {
        let row = merge_request(hook!("merge_request_labels"));

        assert_eq!(row.labels, Some(vec!["bug".into(), "enhancement".into()]));
    }

    #[test]
    fn a_merge_says_when_and_by_whom() {
        let row = merge_request(hook!("merge_request_merge"));

        assert_eq!(row.state.as_deref(), Some("merged"));
        assert_eq!(row.merged_at, Some(at("2026-01-17T09:00:01Z")));
        assert_eq!(row.merge_user_id, Some(8));
        assert_eq!(row.merge_commit_sha.as_deref(), Some("3b18e512dba79e4c8300dd08aeb37f8e728b8dad"));
        assert_eq!(row.closed_at, None);
    }

    #[test]
    fn a_close_says_when() {
        let row = merge_request(hook!("merge_request_close"));

        assert_eq!(row.state.as_deref(), Some("closed"));
        assert_eq!(row.closed_at, Some(at("2026-01-17T10:00:00Z")));
        assert_eq!(row.merged_at, None);
    }

    #[test]
    fn leaving_draft_says_when() {
        let row = merge_request(hook!("merge_request_ready"));

        assert_eq!(row.draft, Some(false));
        assert_eq!(row.ready_at, Some(at("2026-01-16T06:30:00Z")));
    }

    #[test]
    fn changes_of_any_shape_are_passed_over() {
        let row = merge_request(hook!("merge_request_rerequested_review"));

        assert_eq!(row.reviewer_ids, Some(vec![25]));
        assert_eq!(row.ready_at, None);
    }

    #[test]
    fn approvals_change_nothing_here_but_are_read_again() {
        for body in [hook!("merge_request_approved"), hook!("merge_request_approvals_reset")] {
            let batch = stored(body);

            assert_eq!(batch.approvals, []);
            assert_eq!(batch.refresh.len(), 1);
        }
    }

    #[test]
    fn what_an_old_gitlab_leaves_out_is_unknown() {
        let expected = rows::MergeRequest {
            state: Some("merged".into()),
            draft: Some(true),
            author_id: None,
            source_project_id: None,
            labels: None,
            assignee_ids: None,
            reviewer_ids: None,
            sha: None,
            created_at: at("2022-03-01T10:00:00Z"),
            updated_at: at("2022-03-02T10:00:00Z"),
            prepared_at: None,
            // Without `actioned_at` the last update is the best that is known, and the actor is who merged.
            merged_at: Some(at("2022-03-02T10:00:00Z")),
            merge_user_id: Some(1),
            ..opened()
        };

        assert_eq!(merge_request(hook!("merge_request_old_gitlab")), expected);
    }

    #[test]
    fn a_comment_becomes_a_note_and_its_merge_request_a_row() {
        let batch = stored(hook!("note_create"));

        let note = rows::Note {
            id: 1244,
            merge_request_id: 93,
            project_id: 2,
            author_id: Some(25),
            internal: Some(false),
            note_type: Some("DiffNote".into()),
            discussion_id: Some("6a9c1750b37d513a43987b574953fceb50b03ce7".into()),
            resolvable: Some(true),
            resolved: Some(false),
            created_at: at("2026-01-16T18:21:36Z"),
            updated_at: at("2026-01-16T18:21:36Z"),
            ..rows::Note::default()
        };
        assert_eq!(batch.notes, [note]);
        let expected = rows::MergeRequest { updated_at: at("2026-01-16T18:21:36Z"), ..opened() };
        assert_eq!(batch.merge_request_events, [expected]);
        assert_eq!(batch.refresh[0].iid, 16);
    }

    #[test]
    fn a_resolved_comment_is_resolved() {
        let note = stored(hook!("note_update_resolved")).notes.remove(0);

        assert_eq!((note.resolvable, note.resolved), (Some(true), Some(true)));
    }

    #[test]
    fn texts_are_kept_only_where_the_connection_asks_for_them() {
        let texts = |text| {
            let (mr, _) = read("", hook!("merge_request_open"), text).batch("d", Some("g/flight"));
            let (note, _) = read("", hook!("note_internal"), text).batch("d", Some("g/flight"));
            assert_eq!(note.notes[0].internal, Some(true));
            (mr.merge_request_events[0].description.clone(), note.notes[0].body.clone())
        };

        assert_eq!(texts(false), (None, None));
        assert_eq!(texts(true), (Some("Checks every field.".into()), Some("Customer: ACME".into())));
    }

    #[test]
    fn what_is_not_about_a_merge_request_is_recorded_and_ignored() {
        for (event, body) in [
            ("note", hook!("note_on_issue")),
            ("note", hook!("note_on_commit")),
            ("push", hook!("push")),
            ("pipeline", hook!("pipeline")),
            ("project_create", hook!("system_project_create")),
            ("", b"{}".as_slice()),
            ("", br#"{"object_kind": "moon_phase\u0007"}"#.as_slice()),
        ] {
            let (batch, outcome) = read("", body, true).batch("d", Some("g/flight"));

            assert_eq!(outcome, Outcome::Ignored, "{event}");
            assert_eq!(batch.deliveries[0].outcome, "ignored");
            assert!(batch.deliveries[0].event.starts_with(event));
            assert_eq!((batch.merge_request_events, batch.notes, batch.refresh), (vec![], vec![], vec![]));
        }
    }

    #[test]
    fn what_cannot_be_read_is_recorded_under_its_header() {
        for body in [
            b"".as_slice(),
            b"hello",
            b"[]",
            b"{\"object_kind\"",
            b"{\"object_kind\": \"\xff\"}",
            br#"{"object_kind": "merge_request"}"#,
            br#"{"object_kind": "merge_request", "object_attributes": []}"#,
            br#"{"object_kind": "merge_request", "object_attributes": {"id": 1}}"#,
            br#"{"object_kind": "note", "object_attributes": {"noteable_type": "MergeRequest"}}"#,
        ] {
            let (batch, outcome) = read("Merge Request Hook", body, true).batch("d", None);

            assert_eq!(outcome, Outcome::Malformed, "{}", String::from_utf8_lossy(body));
            assert_eq!(batch.deliveries.len(), 1);
        }
    }

    #[test]
    fn a_merge_request_without_its_times_is_only_read_again() {
        let body =
            br#"{"object_kind": "merge_request", "project": {"id": 2}, "object_attributes": {"id": 93, "iid": 16}}"#;

        let batch = stored(body);

        assert_eq!(batch.merge_request_events, []);
        assert_eq!(batch.refresh, [Mark { project_id: 2, project_path: "g/flight".into(), iid: 16 }]);
    }

    #[test]
    fn a_project_that_is_not_followed_gets_no_rows() {
        let (batch, outcome) = read("", hook!("note_create"), true).batch("d", None);

        assert_eq!(outcome, Outcome::NotFollowed);
        assert_eq!(batch.deliveries[0].outcome, "not_followed");
        assert_eq!((batch.merge_request_events, batch.notes, batch.refresh), (vec![], vec![], vec![]));
    }

    #[test]
    fn a_renamed_project_is_known_by_its_new_path() {
        let (batch, outcome) = read("System Hook", hook!("system_project_rename"), true).batch("d", Some("g/flight"));

        assert_eq!(outcome, Outcome::Ignored);
        assert_eq!(batch.projects.len(), 1);
        assert_eq!((batch.projects[0].id, batch.projects[0].path_with_namespace.as_str()), (2, "g/flight2"));
        assert_eq!(batch.as_of, Some(at("2026-01-16T07:38:22Z")));

        let (batch, _) = read("", hook!("merge_request_open"), true).batch("d", Some("g/old-name"));
        assert_eq!(batch.projects[0].path_with_namespace, "g/flight");
        assert_eq!(batch.refresh[0].project_path, "g/flight");
    }

    #[test]
    fn rows_that_the_database_refuses_leave_a_record_and_a_mark() {
        let batch = read("", hook!("note_create"), true).batch_without_rows("d", Some("g/flight"));

        assert_eq!(batch.deliveries[0].outcome, "unstorable");
        assert_eq!((batch.refresh.len(), batch.merge_request_events, batch.notes), (1, vec![], vec![]));
    }

    /// Every fixture with one value anywhere in it replaced by another.
    fn mutated() -> impl Strategy<Value = Vec<u8>> {
        let bodies = [
            hook!("merge_request_open"),
            hook!("merge_request_rerequested_review"),
            hook!("merge_request_old_gitlab"),
            hook!("note_create"),
            hook!("system_project_rename"),
        ];
        let values = prop_oneof![
            Just("null".to_owned()),
            Just("[]".to_owned()),
            Just("[[{}]]".to_owned()),
            Just("{}".to_owned()),
            Just("\"\\u0000\"".to_owned()),
            any::<i64>().prop_map(|number| number.to_string()),
            any::<f64>().prop_map(|number| format!("{number:e}")),
            "\\PC{0,20}".prop_map(|text| serde_json::to_string(&text).unwrap()),
            "[0-9]{1,4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} UTC".prop_map(|text| format!("\"{text}\"")),
        ];
        (prop::sample::select(bodies.to_vec()), any::<prop::sample::Index>(), values).prop_map(
            |(body, index, value)| {
                // The fixtures hold one key a line.
                let lines: Vec<&str> = std::str::from_utf8(body).unwrap().lines().collect();
                let scalars: Vec<usize> = (0..lines.len())
                    .filter(|line| lines[*line].contains("\": ") && !lines[*line].ends_with(['{', '[']))
                    .collect();
                let chosen = scalars[index.index(scalars.len())];
                let (key, old) = lines[chosen].split_once("\": ").unwrap();
                let comma = if old.ends_with(',') { "," } else { "" };
                let changed = format!("{key}\": {value}{comma}");
                lines
                    .iter()
                    .enumerate()
                    .map(|(line, text)| if line == chosen { &changed } else { *text })
                    .collect::<String>()
                    .into_bytes()
            },
        )
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(body in prop::collection::vec(any::<u8>(), 0..200), header in ".{0,100}") {
            let _ = read(&header, &body, true).batch("d", Some("g/flight"));
        }

        #[test]
        fn one_strange_value_spoils_no_more_than_its_delivery(body in mutated()) {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());

            let (batch, _) = read("", &body, true).batch("d", Some("g/flight"));

            prop_assert_eq!(batch.deliveries.len(), 1);
            prop_assert!(batch.deliveries[0].event.len() <= 4 * LONGEST_EVENT);
            for row in &batch.merge_request_events {
                prop_assert!(!row.title.as_deref().unwrap_or_default().contains('\0'));
            }
        }
    }
}
