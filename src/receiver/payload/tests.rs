//! What deliveries of all kinds come to.

use proptest::prelude::*;

use super::*;

macro_rules! hook {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/fixtures/hooks/", $name, ".json")).as_slice()
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
    let body = br#"{"object_kind": "merge_request", "project": {"id": 2}, "object_attributes": {"id": 93, "iid": 16}}"#;

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
    (prop::sample::select(bodies.to_vec()), any::<prop::sample::Index>(), values).prop_map(|(body, index, value)| {
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
    })
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
