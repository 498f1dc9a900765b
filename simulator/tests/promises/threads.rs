//! What resolving threads does, and what it leaves alone.

use gitlab_simulator::World;
use gitlab_simulator::world::SystemAction;
use serde_json::json;

use crate::receiver::hooked;
use crate::support::{READER, serve, small};

/// Two threads, of bob and of ann.
fn discussed() -> (World, [i64; 2]) {
    let mut world = small().with_time("2026-03-02T10:00:00Z");
    let first = world.diff_comment(1, "bob", "here").unwrap();
    let second = world.diff_comment(1, "ann", "and here").unwrap();
    world.advance(jiff::SignedDuration::from_hours(1));
    (world, [first, second])
}

/// `ResolvableNote.resolve!` is one `UPDATE` without callbacks.
#[tokio::test]
async fn resolving_a_thread_touches_nothing_and_fires_nothing() {
    let (world, [first, _]) = discussed();
    let (served, receiver, _) = hooked(world, json!({})).await;

    served.simulator.world(|world| world.resolve(first, "ann"));
    served.simulator.settled().await;

    let note = served.read(&format!("/projects/1/merge_requests/1/notes/{first}"), READER).await.1;
    assert_eq!((&note["resolved"], &note["updated_at"]), (&json!(true), &json!("2026-03-02T10:00:00.000Z")));
    let found = served.read("/projects/1/merge_requests/1", READER).await.1;
    assert_eq!(found["updated_at"], "2026-03-02T10:00:00.000Z");
    assert_eq!(receiver.kinds(), [""; 0]);
}

/// `MergeRequests::ResolvedDiscussionNotificationService`.
#[tokio::test]
async fn resolving_the_last_open_thread_writes_a_note_touches_and_fires_an_update() {
    let (world, [first, second]) = discussed();
    let (served, receiver, _) = hooked(world, json!({})).await;

    served.simulator.world(|world| {
        world.resolve(first, "ann");
        world.resolve(second, "bob");
    });
    served.simulator.settled().await;

    let notes = served.read("/projects/1/merge_requests/1/notes", READER).await.1;
    assert_eq!((&notes[0]["body"], &notes[0]["author"]["username"]), (&json!("resolved all threads"), &json!("bob")));
    let found = served.read("/projects/1/merge_requests/1", READER).await.1;
    assert_eq!(found["updated_at"], "2026-03-02T11:00:00.000Z");
    let seen = receiver.seen();
    assert_eq!(receiver.kinds(), ["merge_request"], "system notes fire nothing");
    assert_eq!(seen[0].1["object_attributes"]["action"], "update");
    assert_eq!((&seen[0].1["changes"], &seen[0].1["user"]["username"]), (&json!({}), &json!("bob")));
    served.simulator.world(|world| {
        let last = world.merge_request(1).unwrap().notes.last().unwrap();
        assert_eq!(last.action(), Some(SystemAction::Discussion));
    });
}

#[tokio::test]
async fn opening_a_thread_again_touches_nothing_and_resolving_it_again_says_so_again() {
    let (world, [first, second]) = discussed();
    let served = serve(world).await;
    served.simulator.world(|world| {
        world.resolve(first, "ann");
        world.resolve(second, "ann");
        world.resolve(second, "bob");
        assert_eq!(world.merge_request(1).unwrap().notes.len(), 3, "what is resolved cannot be resolved");
        let resolved = world.merge_request(1).unwrap().updated_at;
        world.advance(jiff::SignedDuration::from_hours(1));

        world.unresolve(second);
        assert_eq!(world.merge_request(1).unwrap().updated_at, resolved);

        world.resolve(second, "bob");
        assert_eq!(world.merge_request(1).unwrap().notes.len(), 4);
    });
}

/// `Notes::ResolveService` saves the note, so callbacks run.
#[tokio::test]
async fn resolving_a_single_note_touches_it_and_its_merge_request() {
    let (world, [first, _]) = discussed();
    let served = serve(world).await;

    served.simulator.world(|world| world.resolve_note(first, "ann"));

    let note = served.read(&format!("/projects/1/merge_requests/1/notes/{first}"), READER).await.1;
    assert_eq!((&note["resolved"], &note["updated_at"]), (&json!(true), &json!("2026-03-02T11:00:00.000Z")));
    let found = served.read("/projects/1/merge_requests/1", READER).await.1;
    assert_eq!(found["updated_at"], "2026-03-02T11:00:00.000Z");
}

/// `Discussions::UpdateDiffPositionService`.
#[tokio::test]
async fn a_push_under_a_thread_says_so_in_it_and_resolves_it_where_the_project_wants_that() {
    for wanted in [false, true] {
        let (mut world, [first, second]) = discussed();
        world.project_mut(1).unwrap().resolve_outdated = wanted;
        world.resolve(second, "ann");

        world.push_under(first, "ann");

        let notes = &world.merge_request(1).unwrap().notes;
        let thread: Vec<_> = notes.iter().filter(|note| note.discussion == notes[0].discussion).collect();
        assert_eq!(thread[1].action(), Some(SystemAction::Outdated));
        assert_eq!((thread[0].resolved.is_some(), thread[0].updated_at), (wanted, thread[0].created_at));
        let all = notes.iter().any(|note| note.action() == Some(SystemAction::Discussion));
        assert_eq!(all, wanted);
    }
}

/// `Note#convert_to_discussion!`, and `Notes::BuildService` for what is resolved.
#[tokio::test]
async fn an_answer_makes_a_comment_a_thread_and_stays_in_what_is_resolved() {
    let mut world = small();
    let comment = world.comment(1, "bob", "why?").unwrap();
    let answer = world.reply(comment, "ann", "because").unwrap();
    world.resolve(answer, "ann");
    world.reply(comment, "bob", "thanks");

    let notes = &world.merge_request(1).unwrap().notes;
    let people: Vec<_> = notes.iter().filter(|note| !note.system()).collect();
    assert_eq!(people.iter().map(|note| note.type_name()).collect::<Vec<_>>(), [Some("DiscussionNote"); 3]);
    assert!(people.iter().all(|note| note.discussion == people[0].discussion && note.resolved.is_some()));
}
