//! What people did, over REST.

use gitlab_simulator::World;
use gitlab_simulator::world::Role;
use serde_json::{Value, json};

use crate::support::{OWNER, READER, missing, serve, small};

fn busy() -> World {
    small().with_project("acme/web", |project| {
        project.issue("Login is slow", |_| {}).merge_request("Faster login", |found| {
            found
                .at("2026-02-01T10:00:00Z")
                .comment("bob", "nit: naming")
                .at("2026-02-02T10:00:00Z")
                .approve("bob")
                .at("2026-02-03T10:00:00Z")
                .push(1)
                .at("2026-02-04T10:00:00Z")
                .merge("ann")
        })
    })
}

fn actions(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap_or_else(|| panic!("{list}"))
        .iter()
        .filter_map(|found| found["action_name"].as_str())
        .collect()
}

#[tokio::test]
async fn a_project_tells_what_was_done_in_it() {
    let served = serve(busy()).await;
    let path = "/projects/1/events?after=2026-01-31&before=2026-03-01";

    let (status, found) = served.read(path, READER).await;
    assert_eq!(status, 200);
    assert_eq!(actions(&found), ["pushed to", "accepted", "pushed to", "approved", "commented on"]);
    // `lib/api/entities/event.rb`.
    let keys = "id project_id action_name target_id target_iid target_type author_id target_title created_at author author_username";
    assert_eq!(missing(&found[1], keys), Vec::<String>::new());
    assert_eq!((&found[1]["target_type"], &found[1]["target_title"]), (&json!("MergeRequest"), &json!("Faster login")));
    assert_eq!((&found[0]["push_data"]["ref"], &found[0]["target_id"]), (&json!("main"), &Value::Null));
    assert_eq!(found[4]["note"]["body"], "nit: naming");

    assert_eq!(actions(&served.read(&format!("{path}&action=merged"), READER).await.1), ["accepted"]);
    assert_eq!(actions(&served.read(&format!("{path}&target_type=note"), READER).await.1), ["commented on"]);
    assert_eq!(actions(&served.read(&format!("{path}&sort=asc&per_page=1"), READER).await.1), ["commented on"]);
    assert_eq!(served.read(&format!("{path}&action=x"), READER).await.0, 400);
    let none = served.read("/projects/1/events?after=2026-02-04&before=2026-02-05", READER).await.1;
    assert_eq!(actions(&none), Vec::<&str>::new(), "both days are left out");
}

#[tokio::test]
async fn a_user_tells_what_they_did_where_the_caller_may_look() {
    let world = busy()
        .with_group("acme", |group| group.member("gus", Role::Guest))
        .with_token("glpat-gus", |token| token.user("gus"));
    let served = serve(world).await;

    let range = "after=2026-01-31&before=2026-03-01";
    assert_eq!(
        actions(&served.read(&format!("/users/bob/events?{range}"), OWNER).await.1),
        ["approved", "commented on"]
    );
    assert_eq!(actions(&served.read(&format!("/events?{range}"), READER).await.1), ["approved", "commented on"]);
    let all = served.read(&format!("/events?scope=all&{range}"), READER).await.1;
    assert_eq!(actions(&all).len(), 5);
    // A Guest of a private project reads its issues, not its merge requests.
    let issues = served.read("/users/ann/events", "glpat-gus").await.1;
    assert_eq!((actions(&issues), &issues[0]["target_type"]), (vec!["opened"], &json!("Issue")));
    assert_eq!(served.read("/users/nobody/events", OWNER).await, (404, json!({ "message": "404 User Not Found" })));
}
