//! What hangs on a merge request: versions, people, reactions, events.

use gitlab_simulator::world::{FileChange, MarkEvent, Role, StateEvent};
use serde_json::{Value, json};

use crate::support::{OWNER, READER, serve, small};

const SECOND: &str = "/projects/acme%2Fweb/merge_requests/2";

fn reviewed() -> gitlab_simulator::World {
    small().with_project("acme/web", |project| {
        project.merge_request("Two", |found| found.push(2).reviewer("bob").comment("cid", "hm").approve("bob"))
    })
}

#[tokio::test]
async fn each_push_is_a_version_and_the_newest_comes_first() {
    let served = serve(reviewed()).await;

    let (status, versions) = served.read(&format!("{SECOND}/versions"), READER).await;
    assert_eq!((status, versions.as_array().unwrap().len()), (200, 2));
    let head = served.read(SECOND, READER).await.1["sha"].clone();
    assert_eq!((&versions[0]["head_commit_sha"], &versions[0]["real_size"]), (&head, &json!("3")));
    let (_, first) = served.read(&format!("{SECOND}/versions/{}", versions[1]["id"]), READER).await;
    assert_eq!(first["commits"].as_array().unwrap().len(), 1);
    assert_eq!(first["commits"][0]["id"], first["head_commit_sha"]);
}

#[tokio::test]
async fn files_have_names_and_no_text_and_the_log_counts_who_asks() {
    let served = serve(reviewed()).await;

    let (_, files) = served.read(&format!("{SECOND}/diffs"), READER).await;
    assert_eq!((&files[0]["new_path"], &files[0]["diff"]), (&json!("src/file_0.rs"), &json!("")));
    let (_, changes) = served.read(&format!("{SECOND}/changes"), READER).await;
    assert_eq!((changes["changes"].as_array().unwrap().len(), &changes["overflow"]), (3, &json!(false)));
    assert_eq!(served.simulator.counts()["GET /projects/:id/merge_requests/:iid/diffs"], 1);
}

#[tokio::test]
async fn files_tell_whether_they_came_went_or_moved() {
    let served = serve(reviewed()).await;
    served.simulator.world(|world| {
        world.edit_merge_request(2, |found| {
            let changes = [FileChange::Added, FileChange::Deleted, FileChange::Renamed("old.rs".to_owned())];
            found.files.iter_mut().zip(changes).for_each(|(file, change)| file.change = change);
        });
    });

    let files = served.read(&format!("{SECOND}/diffs"), READER).await.1;
    let told = |place: usize, key: &str| files[place][key].clone();
    assert_eq!((told(0, "new_file"), told(0, "a_mode")), (json!(true), json!("0")));
    assert_eq!((told(1, "deleted_file"), told(1, "b_mode")), (json!(true), json!("0")));
    assert_eq!((told(2, "renamed_file"), told(2, "old_path")), (json!(true), json!("old.rs")));
}

#[tokio::test]
async fn reviewers_come_with_their_state_and_participants_once() {
    let served = serve(reviewed()).await;

    let (_, reviewers) = served.read(&format!("{SECOND}/reviewers"), READER).await;
    assert_eq!((&reviewers[0]["user"]["username"], &reviewers[0]["state"]), (&json!("bob"), &json!("approved")));
    assert!(reviewers[0]["created_at"].is_string());
    let (_, people) = served.read(&format!("{SECOND}/participants"), READER).await;
    let names: Vec<&Value> = people.as_array().unwrap().iter().map(|user| &user["username"]).collect();
    assert_eq!(names, [&json!("ann"), &json!("bob"), &json!("cid")]);
}

#[tokio::test]
async fn a_reaction_counts_as_a_vote_once_and_touches_nothing() {
    let served = serve(reviewed()).await;
    let path = format!("{SECOND}/award_emoji");
    let before = served.read(SECOND, READER).await.1;

    let (status, award) = served.write("POST", &path, OWNER, json!({ "name": "thumbsup" })).await;
    assert_eq!((status, &award["awardable_type"]), (201, &json!("MergeRequest")));
    assert_eq!(served.write("POST", &path, OWNER, json!({ "name": "thumbsup" })).await.0, 404);
    let after = served.read(SECOND, READER).await.1;
    assert_eq!((&after["upvotes"], &after["updated_at"]), (&json!(1), &before["updated_at"]));
    let one = format!("{path}/{}", award["id"]);
    assert_eq!(served.write("DELETE", &one, OWNER, Value::Null).await.0, 204);
    assert_eq!(served.read(&one, OWNER).await, (404, json!({ "message": "404 Not found" })));
}

#[tokio::test]
async fn events_are_listed_and_read_alone_and_outlive_their_label() {
    let world = reviewed().with_project("acme/web", |project| {
        project.merge_request("Three", |found| {
            found.change(|found| {
                let at = found.created_at;
                found.state_events =
                    vec![StateEvent { id: 7, user: found.author, state: "closed", at, by_merge_of: None }];
                found.label_events = vec![MarkEvent { id: 9, user: None, subject: 4711, added: true, at }];
            })
        })
    });
    let served = serve(world).await;
    let third = "/projects/acme%2Fweb/merge_requests/3";

    let (_, states) = served.read(&format!("{third}/resource_state_events"), READER).await;
    assert_eq!((&states[0]["state"], &states[0]["user"]["username"]), (&json!("closed"), &json!("ann")));
    assert_eq!(served.read(&format!("{third}/resource_state_events/7"), READER).await.1, states[0]);
    let (_, label) = served.read(&format!("{third}/resource_label_events/9"), READER).await;
    assert_eq!((&label["label"], &label["action"], &label["user"]), (&Value::Null, &json!("add"), &Value::Null));
}

#[tokio::test]
async fn to_a_guest_the_events_of_a_merge_request_are_absent_not_forbidden() {
    let world = reviewed()
        .with_group("acme", |group| group.member("gus", Role::Guest))
        .with_token("glpat-guest", |token| token.user("gus"));
    let served = serve(world).await;

    // `find_noteable` looks among what the caller reads, so nothing is found (GitLab's notes_helpers.rb).
    let absent = served.read(&format!("{SECOND}/resource_state_events"), "glpat-guest").await;
    assert_eq!(absent, (404, json!({ "message": "404 Not found" })));
    assert_eq!(served.read(&format!("{SECOND}/versions"), "glpat-guest").await.0, 403);
}
