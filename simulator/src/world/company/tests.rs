//! What one believes of a company, within wide bounds.

use std::collections::HashMap;

use crate::world::{MergeRequest, MergeRequestState, NoteKind, Scale, SystemAction, UserState, World};

const HOUR: f64 = 3_600.0;

fn big() -> World {
    World::company(11, Scale { projects: 12, merge_requests: 6_000, people: 60, days: 700, ..Scale::default() })
}

/// The share of the rows for which something holds, in percent.
fn percent(rows: &[&MergeRequest], holds: impl Fn(&MergeRequest) -> bool) -> usize {
    rows.iter().filter(|row| holds(row)).count() * 100 / rows.len().max(1)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn the_figures_are_those_of_a_company_that_does_well() {
    let world = big();
    let rows: Vec<&MergeRequest> = world.merge_requests().collect();
    let cycle =
        rows.iter().filter_map(|row| Some((row.merged_at?.duration_since(row.created_at)).as_secs_f64() / HOUR));
    let cycle = median(cycle.collect());
    let first = |row: &&MergeRequest| {
        let others = row.notes.iter().find(|note| note.author != row.author && note.action().is_none())?;
        Some(others.created_at.duration_since(row.created_at).as_secs_f64() / HOUR)
    };
    let review = median(rows.iter().filter_map(first).collect());

    assert!((12.0..96.0).contains(&cycle), "cycle time {cycle} h");
    assert!((0.5..40.0).contains(&review), "first review {review} h");
    let state = |state| percent(&rows, |row| row.state == state);
    assert!((78..95).contains(&state(MergeRequestState::Merged)), "{} % merged", state(MergeRequestState::Merged));
    assert!((4..13).contains(&state(MergeRequestState::Closed)), "{} % closed", state(MergeRequestState::Closed));
    assert!((1..9).contains(&state(MergeRequestState::Opened)), "{} % open", state(MergeRequestState::Opened));
    assert!((30..75).contains(&percent(&rows, |row| row.versions.len() > 1)));
    let notes: usize = rows.iter().map(|row| row.notes.len()).sum();
    assert!((5..20).contains(&(notes / rows.len())), "{} notes each", notes / rows.len());
}

#[test]
fn everything_that_happens_to_merge_requests_happens() {
    let world = big();
    let rows: Vec<&MergeRequest> = world.merge_requests().collect();
    let count = |holds: &dyn Fn(&MergeRequest) -> bool| rows.iter().filter(|row| holds(row)).count();
    let ghost = world.user_by_name("ghost").map(|ghost| ghost.id);
    let blocked = world.users().filter(|user| user.state == UserState::Blocked).count();

    assert!(blocked > 0);
    assert!(count(&|row| row.author == ghost) > 10);
    assert!(count(&|row| row.author.is_none()) > 1);
    assert!(count(&|row| row.draft) > 10);
    assert!(count(&|row| row.source_project.is_none()) > 20);
    assert!(count(&|row| row.source_branch.starts_with("renovate/")) > 300);
    assert!(count(&|row| row.title.starts_with("Revert \"")) > 50);
    assert!(count(&|row| row.target_branch != "main") > 1);
    assert!(count(&|row| row.milestone.is_some()) > 500);
    assert!(count(&|row| row.state_events.iter().any(|event| event.state == "reopened")) > 50);
    assert!(count(&|row| row.label_events.iter().any(|event| !event.added)) > 50);
    assert!(count(&|row| row.commits.iter().any(|commit| commit.message.contains("\nCo-"))) > 500);
    assert!(count(&|row| row.notes.iter().any(|note| note.internal)) > 20);
    assert!(count(&|row| row.merged_at > Some(row.updated_at)) > 100);
    assert!(count(&|row| row.approvals.is_empty() && row.merged_at.is_some()) > 50);
    for action in [
        SystemAction::Approved,
        SystemAction::ApprovalsReset,
        SystemAction::RequestedChanges,
        SystemAction::Title,
        SystemAction::Reviewer,
        SystemAction::Commit,
        SystemAction::Discussion,
    ] {
        let happened = count(&|row| row.notes.iter().any(|note| note.action() == Some(action)));
        assert!(happened > 50, "{action:?} on {happened}");
    }
}

#[test]
fn history_keeps_the_order_of_things() {
    let world = big();
    let until = Scale::default().until;
    for row in world.merge_requests() {
        assert!(row.notes.is_sorted_by_key(|note| (note.created_at, note.id)), "{}", row.id);
        assert!(
            row.notes.iter().all(|note| (row.created_at..=row.updated_at).contains(&note.created_at)),
            "{}",
            row.id
        );
        assert!(row.created_at <= row.updated_at && row.updated_at <= until, "{}", row.id);
        assert!(row.commits.is_sorted_by_key(|commit| std::cmp::Reverse(commit.committed_at)), "{}", row.id);
        assert_eq!(row.versions.last().map(|version| version.head), row.sha);
        assert_eq!(row.commits.iter().map(|commit| commit.additions).sum::<i64>(), row.additions());
        assert!(row.notes.iter().all(|note| note.created_at.subsec_nanosecond() % 1_000_000 == 0));
        let approved = row.notes.iter().filter(|note| note.action() == Some(SystemAction::Approved)).count();
        assert!(approved >= row.approvals.len());
    }
}

#[test]
fn a_revert_takes_back_what_was_merged_before_in_the_same_project() {
    let world = big();
    let mut found = 0;
    for row in world.merge_requests() {
        let text = row.description.as_deref().unwrap_or_default();
        let Some(iid) = text.strip_prefix("This reverts merge request !").and_then(|iid| iid.parse().ok()) else {
            continue;
        };
        let reverted = world.merge_request_by_iid(row.project, iid).unwrap();
        assert_eq!(row.title, format!("Revert \"{}\"", reverted.title));
        assert!(reverted.state == MergeRequestState::Merged);
        found += 1;
    }
    assert!(found > 50);
}

#[test]
fn ids_are_unique_and_tell_whose_they_are() {
    let world = World::company(2, Scale { merge_requests: 600, ..Scale::default() });
    let mut notes = HashMap::new();
    for row in world.merge_requests() {
        for note in &row.notes {
            assert!(notes.insert(note.id, row.id).is_none());
        }
    }
    for (note, owner) in notes {
        assert_eq!(world.merge_request_of_note(note).unwrap().id, owner);
    }
}

#[test]
fn people_work_on_working_days() {
    let world = big();
    let weekend = |at: jiff::Timestamp| {
        let day = at.to_zoned(jiff::tz::TimeZone::UTC).weekday();
        matches!(day, jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday)
    };
    let rows: Vec<&MergeRequest> = world.merge_requests().collect();
    let comments: Vec<_> =
        rows.iter().flat_map(|row| &row.notes).filter(|note| matches!(note.kind, NoteKind::Comment)).collect();
    let late = comments.iter().filter(|note| weekend(note.created_at)).count();

    assert!(percent(&rows, |row| weekend(row.created_at)) < 4);
    assert!(late * 100 / comments.len() < 4);
}
