//! Threads and notes that clients write (GitLab's `lib/api/discussions.rb`, `notes.rb` and `draft_notes.rb`).

use gitlab_simulator::World;
use gitlab_simulator::world::Role;
use serde_json::{Value, json};

use crate::receiver::hooked;
use crate::support::{OWNER, READER, Served, serve, small};

const FIRST: &str = "/projects/acme%2Fweb/merge_requests/1";
const DEVELOPER: &str = "glpat-bob";

fn world() -> World {
    small()
        .with_group("acme", |group| group.member("rep", Role::Reporter))
        .with_token(DEVELOPER, |token| token.user("bob"))
        .with_token("glpat-rep", |token| token.user("rep"))
}

/// A position on the only file.
async fn position(served: &Served) -> Value {
    let refs = served.read(FIRST, READER).await.1["diff_refs"].clone();
    json!({
        "base_sha": refs["base_sha"], "start_sha": refs["start_sha"], "head_sha": refs["head_sha"],
        "position_type": "text", "new_path": "src/file_0.rs", "new_line": 3,
    })
}

#[tokio::test]
async fn a_thread_on_a_line_is_opened_answered_and_resolved() {
    let (served, receiver, _) = hooked(world(), json!({})).await;
    let body = json!({ "body": "Why?", "position": position(&served).await });

    let (status, thread) = served.write("POST", &format!("{FIRST}/discussions"), DEVELOPER, body).await;
    assert_eq!((status, &thread["individual_note"]), (201, &json!(false)));
    let note = &thread["notes"][0];
    assert_eq!((&note["type"], &note["position"]["new_line"]), (&json!("DiffNote"), &json!(3)));
    served.simulator.settled().await;
    assert_eq!(receiver.seen()[0].1["object_attributes"]["note"], json!("Why?"));
    let one = format!("{FIRST}/discussions/{}", thread["id"].as_str().unwrap());
    let (status, answer) = served.write("POST", &format!("{one}/notes"), OWNER, json!({ "body": "Because" })).await;
    assert_eq!((status, &answer["type"]), (201, &json!("DiffNote")));
    let refused = served.write("PUT", &one, "glpat-rep", json!({ "resolved": true })).await;
    assert_eq!(refused, (403, json!({ "message": "403 Forbidden" })));
    let (status, resolved) = served.write("PUT", &one, OWNER, json!({ "resolved": true })).await;
    assert_eq!((status, &resolved["notes"][0]["resolved_by"]["username"]), (200, &json!("ann")));
    assert_eq!(
        served.write("PUT", &one, OWNER, json!({ "resolved": false })).await.1["notes"][0]["resolved"],
        json!(false)
    );
    assert_eq!(served.read(&one, READER).await.1["notes"].as_array().unwrap().len(), 2);
    let absent = served.read(&format!("{FIRST}/discussions/abc"), READER).await;
    assert_eq!(absent, (404, json!({ "message": "404 Discussion Not Found" })));
}

#[tokio::test]
async fn a_position_is_whole_and_on_a_line_that_is_there() {
    let served = serve(world()).await;
    let path = format!("{FIRST}/discussions");

    let body = json!({ "body": "Why?", "position": { "position_type": "text", "new_path": "a" } });
    let (status, refused) = served.write("POST", &path, DEVELOPER, body).await;
    let words = "position[base_sha] is missing, position[start_sha] is missing, position[head_sha] is missing";
    assert_eq!((status, refused), (400, json!({ "error": words })));
    let mut elsewhere = position(&served).await;
    elsewhere["new_path"] = json!("nowhere.rs");
    let body = json!({ "body": "Why?", "position": elsewhere });
    assert_eq!(served.write("POST", &path, DEVELOPER, body).await.0, 400);
    let (_, thread) = served.write("POST", &path, DEVELOPER, json!({ "body": "In general" })).await;
    assert_eq!(thread["notes"][0]["type"], json!("DiscussionNote"));
}

#[tokio::test]
async fn authors_and_maintainers_change_notes_and_nobody_those_of_gitlab() {
    let served = serve(world()).await;
    let (_, note) = served.write("POST", &format!("{FIRST}/notes"), DEVELOPER, json!({ "body": "hm" })).await;
    let one = format!("{FIRST}/notes/{}", note["id"]);

    assert_eq!(served.write("PUT", &one, "glpat-rep", json!({ "body": "ha" })).await.0, 403);
    let (status, changed) = served.write("PUT", &one, DEVELOPER, json!({ "body": "oh" })).await;
    assert_eq!((status, &changed["body"]), (200, &json!("oh")));
    assert_eq!(
        served.write("PUT", &one, DEVELOPER, json!({ "body": "" })).await.1,
        json!({ "error": "body is empty" })
    );
    assert_eq!(served.write("DELETE", &one, OWNER, Value::Null).await.0, 204);
    assert_eq!(served.read(&one, OWNER).await.0, 404);
    served.simulator.world(|world| world.approve(1, "bob"));
    let (_, notes) = served.read(&format!("{FIRST}/notes"), READER).await;
    let system = format!("{FIRST}/notes/{}", notes[0]["id"]);
    assert_eq!(served.write("DELETE", &system, OWNER, Value::Null).await.0, 403);
}

#[tokio::test]
async fn one_note_of_a_thread_is_resolved_and_says_if_it_cannot_be() {
    let served = serve(world()).await;
    let (_, thread) = served.write("POST", &format!("{FIRST}/discussions"), DEVELOPER, json!({ "body": "Why?" })).await;
    let thread = format!("{FIRST}/discussions/{}", thread["id"].as_str().unwrap());
    let (_, found) = served.read(&thread, READER).await;
    let note = format!("{thread}/notes/{}", found["notes"][0]["id"]);

    let both = served.write("PUT", &note, DEVELOPER, json!({ "body": "x", "resolved": true })).await;
    assert_eq!(both, (400, json!({ "error": "resolved, body are mutually exclusive" })));
    let (status, resolved) = served.write("PUT", &note, DEVELOPER, json!({ "resolved": true })).await;
    assert_eq!((status, &resolved["resolved"]), (200, &json!(true)));
    assert_eq!(served.read(&note, READER).await.1["id"], found["notes"][0]["id"]);
}

#[tokio::test]
async fn a_locked_discussion_is_for_members() {
    let served = serve(world()).await;
    served.write("PUT", FIRST, OWNER, json!({ "discussion_locked": true })).await;

    assert_eq!(served.read(FIRST, READER).await.1["discussion_locked"], json!(true));
    let member = served.write("POST", &format!("{FIRST}/discussions"), "glpat-rep", json!({ "body": "in" })).await;
    assert_eq!(member.0, 201);
    served.simulator.world(|world| {
        world.project_mut(1).unwrap().visibility = gitlab_simulator::world::Visibility::Public;
        let user = world.user_named("stranger");
        world.create_token("glpat-stranger", user, &[gitlab_simulator::world::Scope::Api]);
    });
    let stranger =
        served.write("POST", &format!("{FIRST}/discussions"), "glpat-stranger", json!({ "body": "x" })).await;
    assert_eq!(stranger.0, 403);
}

#[tokio::test]
async fn drafts_are_their_authors_until_they_are_published_as_a_review() {
    let served = serve(world().with_project("acme/web", |project| project)).await;
    served.simulator.world(|world| world.request_review(1, "ann", "bob"));
    let drafts = format!("{FIRST}/draft_notes");
    let body = json!({ "note": "nit", "position": position(&served).await });

    let (status, draft) = served.write("POST", &drafts, DEVELOPER, body).await;
    assert_eq!((status, &draft["note"], &draft["position"]["new_line"]), (201, &json!("nit"), &json!(3)));
    let reviewers = format!("{FIRST}/reviewers");
    assert_eq!(served.read(&reviewers, READER).await.1[0]["state"], json!("review_started"));
    served.write("POST", &drafts, DEVELOPER, json!({ "note": "fine otherwise" })).await;
    assert_eq!(served.read(&drafts, OWNER).await.1, json!([]));
    assert_eq!(served.read(&drafts, DEVELOPER).await.1.as_array().unwrap().len(), 2);
    let one = format!("{drafts}/{}", draft["id"]);
    assert_eq!(served.read(&one, OWNER).await.0, 404);
    let (_, changed) = served.write("PUT", &one, DEVELOPER, json!({ "note": "nit: name" })).await;
    assert_eq!(changed["note"], json!("nit: name"));
    let published = served.write("POST", &format!("{drafts}/bulk_publish"), DEVELOPER, Value::Null).await;
    assert_eq!(published.0, 204);
    assert_eq!(served.read(&drafts, DEVELOPER).await.1, json!([]));
    let (_, notes) = served.read(&format!("{FIRST}/notes?activity_filter=only_comments"), READER).await;
    assert_eq!(notes.as_array().unwrap().len(), 2);
    assert_eq!(served.read(&reviewers, READER).await.1[0]["state"], json!("reviewed"));
}

#[tokio::test]
async fn a_draft_that_resolves_its_thread_does_so_when_it_is_published() {
    let served = serve(world()).await;
    let (_, thread) = served.write("POST", &format!("{FIRST}/discussions"), DEVELOPER, json!({ "body": "Why?" })).await;
    let body = json!({ "note": "done", "in_reply_to_discussion_id": thread["id"], "resolve_discussion": true });

    let (_, draft) = served.write("POST", &format!("{FIRST}/draft_notes"), OWNER, body).await;
    let publish = format!("{FIRST}/draft_notes/{}/publish", draft["id"]);
    assert_eq!(served.write("PUT", &publish, DEVELOPER, Value::Null).await.0, 404);
    assert_eq!(served.write("PUT", &publish, OWNER, Value::Null).await.0, 204);
    let (_, found) = served.read(&format!("{FIRST}/discussions/{}", thread["id"].as_str().unwrap()), READER).await;
    assert_eq!((found["notes"].as_array().unwrap().len(), &found["notes"][0]["resolved"]), (2, &json!(true)));
}
