//! Releases over REST, and what webhooks hear of them.

use gitlab_simulator::world::Role;
use serde_json::{Value, json};

use crate::branches::branched;
use crate::receiver::hooked;
use crate::support::{OWNER, READER, missing, serve};

const PATH: &str = "/projects/1/releases";

// `lib/api/entities/release.rb`.
const RELEASE: &str = "name tag_name description created_at released_at author commit upcoming_release commit_path tag_path assets \
    evidences _links";

#[tokio::test]
async fn releases_come_newest_first_and_the_latest_has_an_address() {
    let world = branched().with_project("acme/web", |project| {
        project
            .release("v2.0.0", |release| release.released_at = "2026-01-01T00:00:00Z".parse().unwrap())
            .release("v3.0.0", |release| release.released_at = "2026-02-01T00:00:00Z".parse().unwrap())
    });
    let served = serve(world).await;

    let (status, found) = served.read(PATH, READER).await;
    assert_eq!((status, missing(&found[0], RELEASE), &found[0]["tag_name"]), (200, vec![], &json!("v3.0.0")));
    assert_eq!(served.read("/groups/acme/releases?sort=asc", READER).await.1[0]["tag_name"], "v2.0.0");
    let latest = served.get(&format!("{PATH}/permalink/latest"), READER).await;
    assert_eq!(
        (latest.status().as_u16(), &latest.headers()["location"]),
        (302, &"/api/v4/projects/1/releases/v3.0.0".parse().unwrap())
    );
    assert_eq!(served.read(&format!("{PATH}/v9"), READER).await, (404, json!({ "message": "404 Not Found" })));
}

#[tokio::test]
async fn a_guest_is_told_neither_tag_nor_commit() {
    let world = branched()
        .with_project("acme/web", |project| project.release("v2.0.0", |_| {}))
        .with_group("acme", |group| group.member("gus", Role::Guest))
        .with_token("glpat-gus", |token| token.user("gus"));
    let served = serve(world).await;

    let found = served.read(PATH, "glpat-gus").await.1;
    assert_eq!((&found[0]["name"], found[0].get("tag_name"), found[0].get("commit")), (&json!("v2.0.0"), None, None));
    assert_eq!(served.read(&format!("{PATH}/v2.0.0"), "glpat-gus").await.0, 403);
}

#[tokio::test]
async fn a_release_is_made_changed_and_deleted_and_webhooks_hear_of_it() {
    let (served, receiver, _) = hooked(branched(), json!({ "releases_events": true })).await;

    let unknown = served.write("POST", PATH, OWNER, json!({ "tag_name": "v5" })).await;
    assert_eq!(unknown, (422, json!({ "message": "Ref is not specified" })));
    let made = served.write("POST", PATH, OWNER, json!({ "tag_name": "v5", "ref": "main", "name": "Five" })).await;
    assert_eq!((made.0, &made.1["name"], missing(&made.1, RELEASE)), (201, &json!("Five"), vec![]));
    let twice = served.write("POST", PATH, OWNER, json!({ "tag_name": "v5" })).await;
    assert_eq!(twice, (409, json!({ "message": "Release already exists" })));
    let changed = served.write("PUT", &format!("{PATH}/v5"), OWNER, json!({ "description": "All new" })).await;
    assert_eq!((&changed.1["name"], &changed.1["description"]), (&json!("Five"), &json!("All new")));
    assert_eq!(served.write("DELETE", &format!("{PATH}/v5"), OWNER, Value::Null).await.1["name"], "Five");
    assert_eq!(served.read("/projects/1/repository/tags/v5", READER).await.0, 200, "the tag stays");

    served.simulator.settled().await;
    let mut actions: Vec<Value> = receiver.seen().iter().map(|(_, body)| body["action"].clone()).collect();
    actions.sort_by_key(ToString::to_string);
    assert_eq!(actions, ["create", "delete", "update"]);
    // `lib/gitlab/hook_data/release_builder.rb`.
    let keys = "id created_at description name released_at tag object_kind project url action assets commit";
    assert_eq!(missing(&receiver.seen()[0].1, keys), Vec::<String>::new());
}
