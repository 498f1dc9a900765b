//! Milestones over REST.

use gitlab_simulator::World;
use gitlab_simulator::world::{Feature, Role};
use serde_json::{Value, json};

use crate::receiver::hooked;
use crate::support::{OWNER, READER, missing, serve, small};

const PATH: &str = "/projects/1/milestones";

fn planned() -> World {
    small()
        .with_group("acme", |group| group.milestone("2026", |_| {}))
        .with_project("acme/web", |project| {
            project
                .milestone("Someday", |_| {})
                .milestone("1.0", |found| found.due_date = "2026-03-01".parse().ok())
                .issue("Login is slow", |issue| issue.milestone = Some(3))
                .merge_request("Faster login", |found| found.change(|found| found.milestone = Some(3)))
        })
        .with_time("2026-06-01T00:00:00Z")
}

fn titles(list: &Value) -> Vec<&str> {
    list.as_array().unwrap_or_else(|| panic!("{list}")).iter().filter_map(|found| found["title"].as_str()).collect()
}

#[tokio::test]
async fn milestones_come_by_their_due_dates() {
    let served = serve(planned()).await;

    let (status, found) = served.read(PATH, READER).await;
    assert_eq!((status, titles(&found)), (200, vec!["1.0", "Someday"]));
    // `lib/api/entities/milestone.rb`.
    let keys = "id iid project_id title description state created_at updated_at due_date start_date expired web_url";
    assert_eq!((missing(&found[0], keys), &found[0]["expired"]), (vec![], &json!(true)));
    let above = served.read(&format!("{PATH}?include_parent_milestones=true"), READER).await.1;
    assert_eq!(titles(&above), ["1.0", "2026", "Someday"]);
    let of_group = served.read("/groups/acme/milestones", READER).await.1;
    assert_eq!((titles(&of_group), &of_group[0]["group_id"]), (vec!["2026"], &json!(1)));
    assert_eq!(titles(&served.read(&format!("{PATH}?search=some"), READER).await.1), ["Someday"]);
    assert_eq!(served.read(&format!("{PATH}?state=x"), READER).await.0, 400);
}

#[tokio::test]
async fn a_milestone_tells_what_is_in_it() {
    let served = serve(planned()).await;

    assert_eq!(titles(&served.read(&format!("{PATH}/3/issues"), READER).await.1), ["Login is slow"]);
    assert_eq!(titles(&served.read(&format!("{PATH}/3/merge_requests"), READER).await.1), ["Faster login"]);
    // That of a group is not the project's own.
    assert_eq!(served.read(&format!("{PATH}/1"), READER).await, (404, json!({ "message": "404 Not found" })));
}

#[tokio::test]
async fn a_milestone_is_made_closed_and_deleted_by_planners() {
    let world = planned()
        .with_group("acme", |group| group.member("gus", Role::Guest))
        .with_token("glpat-gus", |token| token.user("gus"));
    let (served, receiver, _) = hooked(world, json!({ "milestone_events": true })).await;

    let body = json!({ "title": "2.0", "due_date": "2026-12-01" });
    assert_eq!(served.write("POST", PATH, "glpat-gus", body.clone()).await.0, 403);
    let (status, made) = served.write("POST", PATH, OWNER, body.clone()).await;
    assert_eq!((status, &made["due_date"], &made["iid"]), (201, &json!("2026-12-01"), &json!(3)));
    assert_eq!(served.write("POST", PATH, OWNER, body).await.0, 400);
    let place = format!("{PATH}/{}", made["id"]);
    let closed = served.write("PUT", &place, OWNER, json!({ "state_event": "close" })).await.1;
    assert_eq!((&closed["state"], &closed["due_date"]), (&json!("closed"), &json!("2026-12-01")));
    assert_eq!(served.write("PUT", &place, OWNER, json!({})).await.0, 400);
    assert_eq!(served.write("DELETE", &place, OWNER, Value::Null).await.0, 204);

    served.simulator.settled().await;
    let mut actions: Vec<String> = receiver.seen().iter().map(|(_, body)| body["action"].to_string()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["\"close\"", "\"create\""]);
}

#[tokio::test]
async fn without_issues_and_merge_requests_there_are_no_milestones() {
    let off = planned().with_project("acme/web", |project| {
        project.change(|project| {
            project.issues_access = Feature::Disabled;
            project.merge_requests_access = Feature::Disabled;
        })
    });

    assert_eq!(serve(off).await.read(PATH, OWNER).await.0, 403);
}
