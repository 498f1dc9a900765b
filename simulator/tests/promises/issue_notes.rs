//! What is written about issues and incidents, and what GitLab records of their changes.

use gitlab_simulator::World;
use gitlab_simulator::world::Role;
use serde_json::{Value, json};

use crate::receiver::hooked;
use crate::support::{OWNER, READER, Served, missing, serve, small};

const ISSUE: &str = "/projects/1/issues/1";
const INCIDENT: &str = "/projects/1/issues/2";
const DEVELOPER: &str = "glpat-bob";
const GUEST: &str = "glpat-gus";

fn world() -> World {
    small()
        .with_group("acme", |group| group.member("gus", Role::Guest))
        .with_token(DEVELOPER, |token| token.user("bob"))
        .with_token(GUEST, |token| token.user("gus"))
        .with_project("acme/web", |project| {
            project.milestone("1.0", |_| {}).issue("Login is slow", |_| {}).incident("Everything is down", |_| {})
        })
}

/// One property of all that a list holds.
async fn each(served: &Served, path: &str, property: &str) -> Value {
    let (status, list) = served.read(path, READER).await;
    assert_eq!(status, 200, "{path}: {list}");
    list.as_array().unwrap().iter().map(|one| one[property].clone()).collect()
}

/// lib/api/notes.rb serves issues as it serves merge requests, and incidents are issues.
#[tokio::test]
async fn notes_of_issues_are_written_read_edited_and_deleted() {
    let served = serve(world()).await;

    for issue in [ISSUE, INCIDENT] {
        let notes = format!("{issue}/notes");
        let (status, made) = served.write("POST", &notes, DEVELOPER, json!({ "body": "Since when?" })).await;
        assert_eq!((status, &made["noteable_type"], &made["resolvable"]), (201, &json!("Issue"), &json!(false)));
        assert_eq!(issue.rsplit('/').next(), Some(made["noteable_iid"].to_string().as_str()));
        let own = format!("{notes}/{}", made["id"]);
        assert_eq!(served.read(&own, READER).await, (200, made.clone()));
        assert_eq!(served.read(issue, READER).await.1["user_notes_count"], 1);
        let thread = served.read(&format!("{issue}/discussions"), READER).await.1[0].clone();
        assert_eq!((&thread["individual_note"], &thread["notes"]), (&json!(true), &json!([made])));
        let id = thread["id"].as_str().unwrap();
        assert_eq!(served.read(&format!("{issue}/discussions/{id}"), READER).await, (200, thread.clone()));

        let words = json!({ "body": "Since Monday?" });
        assert_eq!(served.write("PUT", &own, GUEST, words.clone()).await.0, 403);
        assert_eq!(served.write("PUT", &own, DEVELOPER, words).await.1["body"], "Since Monday?");
        assert_eq!(served.write("DELETE", &own, OWNER, Value::Null).await.0, 204);
        assert_eq!(served.read(&own, READER).await, (404, json!({ "message": "404 Not found" })));
    }
    let empty = served.write("POST", &format!("{ISSUE}/notes"), DEVELOPER, json!({})).await;
    assert_eq!(empty, (400, json!({ "error": "body is missing" })));
}

#[tokio::test]
async fn guests_comment_on_what_they_see_and_read_no_internal_notes() {
    let mut world = world();
    world.comment_issue(1, "ann", "A customer's name", true);
    world.open_issue(1, "ann", "A secret");
    world.issue_mut(3).unwrap().confidential = true;
    let served = serve(world).await;

    assert_eq!(served.read(&format!("{ISSUE}/notes"), GUEST).await, (200, json!([])));
    assert_eq!(each(&served, &format!("{ISSUE}/notes"), "internal").await, json!([true]));
    assert_eq!(served.write("POST", &format!("{ISSUE}/notes"), GUEST, json!({ "body": "Mine" })).await.0, 201);
    let hidden = served.write("POST", "/projects/1/issues/3/notes", GUEST, json!({ "body": "?" })).await;
    assert_eq!(hidden, (404, json!({ "message": "404 Not found" })));
    assert_eq!(served.write("POST", &format!("{ISSUE}/notes"), "", json!({ "body": "?" })).await.0, 401);
}

/// `Issuable::CommonSystemNotesService`: states, labels and milestones are events; titles, descriptions, people are notes.
#[tokio::test]
async fn changes_of_an_issue_leave_events_and_notes() {
    let served = serve(world()).await;
    for change in [
        json!({ "add_labels": "bug,slow", "milestone_id": 1, "title": "Login hangs", "assignee_ids": [3] }),
        json!({ "remove_labels": "bug", "state_event": "close", "milestone_id": 0 }),
        json!({ "state_event": "reopen" }),
    ] {
        let changed = served.write("PUT", ISSUE, OWNER, change).await;
        assert_eq!(changed.0, 200, "{}", changed.1);
    }

    let (states, labels) = (format!("{ISSUE}/resource_state_events"), format!("{ISSUE}/resource_label_events"));
    let milestones = format!("{ISSUE}/resource_milestone_events");
    assert_eq!(each(&served, &states, "state").await, json!(["closed", "reopened"]));
    assert_eq!(each(&served, &labels, "action").await, json!(["add", "add", "remove"]));
    assert_eq!(each(&served, &milestones, "action").await, json!(["add", "remove"]));
    let first = served.read(&labels, READER).await.1[0].clone();
    assert_eq!((&first["label"]["name"], &first["resource_type"]), (&json!("bug"), &json!("Issue")));
    assert_eq!(served.read(&format!("{labels}/{}", first["id"]), READER).await, (200, first));
    let notes = format!("{ISSUE}/notes?sort=asc");
    let words = json!(["changed title from **Login is slow** to **Login hangs**", "assigned to @ann"]);
    assert_eq!(each(&served, &notes, "body").await, words);
    assert_eq!(each(&served, &notes, "system").await, json!([true, true]));
    assert_eq!(served.read(&format!("{states}/4711"), READER).await.0, 404);
    assert_eq!(served.read(&states, "").await.0, 401);
}

/// `ResourceStateEvent#source_merge_request`.
#[tokio::test]
async fn the_event_of_an_issue_that_a_merge_closed_names_the_merge_request() {
    let mut world = world();
    world.edit_merge_request(1, |found| found.closes = vec![1]);
    world.merge(1, "bob");
    world.close_issue(2, 1);
    let served = serve(world).await;

    for (issue, by) in [(ISSUE, json!([1])), (INCIDENT, json!([null]))] {
        assert_eq!(each(&served, &format!("{issue}/resource_state_events"), "source_merge_request_id").await, by);
    }
}

/// lib/gitlab/data_builder/note.rb: the issue stands where a merge request would, and hides what is written on it.
#[tokio::test]
async fn webhooks_hear_of_comments_on_issues() {
    let switches = json!({ "note_events": true, "confidential_note_events": true });
    let (served, receiver, _) = hooked(world(), switches).await;
    served.simulator.world(|world| world.comment_issue(1, "bob", "Since when?", false));
    served.simulator.settled().await;
    served.simulator.world(|world| {
        world.issue_mut(2).unwrap().confidential = true;
        world.comment_issue(2, "bob", "Since the deployment", false)
    });
    served.simulator.settled().await;

    let seen: Vec<Value> = receiver.seen().into_iter().map(|(_, body)| body).collect();
    let kinds: Vec<&Value> = seen.iter().map(|body| &body["event_type"]).collect();
    assert_eq!(kinds, ["note", "confidential_note"]);
    let keys = "object_kind event_type user project_id project object_attributes issue repository";
    assert_eq!((missing(&seen[0], keys), seen[0].get("merge_request")), (vec![], None));
    let attributes = &seen[0]["object_attributes"];
    assert_eq!((&attributes["noteable_type"], &seen[0]["issue"]["iid"]), (&json!("Issue"), &json!(1)));
    assert!(attributes["url"].as_str().unwrap().contains("/acme/web/-/issues/1#note_"), "{attributes}");
}

#[tokio::test]
async fn who_comments_on_an_issue_takes_part_in_it_and_leaves_an_event() {
    let served = serve(world()).await;
    served.write("POST", &format!("{ISSUE}/notes"), DEVELOPER, json!({ "body": "Since when?" })).await;

    assert_eq!(each(&served, &format!("{ISSUE}/participants"), "username").await, json!(["ann", "bob"]));
    assert_eq!(served.read(ISSUE, READER).await.1["subscribed"], true);
    let events = served.read("/projects/1/events?target_type=note", READER).await.1;
    assert_eq!(
        (&events[0]["action_name"], &events[0]["note"]["noteable_type"]),
        (&json!("commented on"), &json!("Issue"))
    );
    assert_eq!(events[0]["target_title"], "Login is slow");
}

/// lib/api/award_emoji.rb.
#[tokio::test]
async fn a_reaction_to_an_issue_counts_as_a_vote_once_and_touches_nothing() {
    let served = serve(world()).await;
    let path = format!("{ISSUE}/award_emoji");
    let before = served.read(ISSUE, READER).await.1;

    let (status, award) = served.write("POST", &path, DEVELOPER, json!({ "name": "thumbsup" })).await;
    assert_eq!((status, &award["awardable_type"]), (201, &json!("Issue")));
    assert_eq!(served.write("POST", &path, DEVELOPER, json!({ "name": "thumbsup" })).await.0, 404);
    let after = served.read(ISSUE, READER).await.1;
    assert_eq!((&after["upvotes"], &after["updated_at"]), (&json!(1), &before["updated_at"]));
    assert_eq!(each(&served, "/projects/1/issues?my_reaction_emoji=thumbsup", "iid").await, json!([1]));
    assert_eq!(each(&served, "/projects/1/issues?my_reaction_emoji=None", "iid").await, json!([2]));
    let one = format!("{path}/{}", award["id"]);
    assert_eq!(served.read(&one, READER).await, (200, award));
    assert_eq!(served.write("DELETE", &one, GUEST, Value::Null).await.0, 401);
    assert_eq!(served.write("DELETE", &one, DEVELOPER, Value::Null).await.0, 204);
    assert_eq!(served.read(&path, READER).await, (200, json!([])));
}

/// `Users::MigrateRecordsToGhostUserService`.
#[tokio::test]
async fn issues_and_comments_of_a_deleted_user_are_the_ghosts() {
    let mut world = world();
    world.comment_issue(1, "bob", "Since when?", false);
    let issue = world.open_issue(1, "bob", "Another").unwrap();
    let bob = world.user_named("bob");
    world.delete_user(bob);
    let served = serve(world).await;

    let note = served.read(&format!("{ISSUE}/notes"), OWNER).await.1[0].clone();
    assert_eq!((issue, &note["author"]["username"]), (3, &json!("ghost")));
    assert_eq!(served.read("/projects/1/issues/3", OWNER).await.1["author"]["username"], "ghost");
}
