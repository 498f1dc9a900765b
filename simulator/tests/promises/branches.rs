//! Branches, protected ones and tags over REST.

use gitlab_simulator::World;
use gitlab_simulator::world::{ProjectBuilder, Role};
use serde_json::{Value, json};

use crate::receiver::hooked;
use crate::support::{OWNER, READER, missing, serve, small};

const BRANCHES: &str = "/projects/1/repository/branches";
const TAGS: &str = "/projects/1/repository/tags";

/// The default branch, that of the open merge request "Add login", and one more; two tags.
pub(crate) fn branched() -> World {
    small().with_project("acme/web", |project| {
        project.merge_request("First", |found| found.merge("ann")).branch("stable").tag("v1.9.0").tag("v1.10.0")
    })
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().filter_map(|found| found["name"].as_str()).collect()
}

#[tokio::test]
async fn branches_are_the_default_one_those_of_open_merge_requests_and_the_others() {
    let served = serve(branched()).await;

    let (status, found) = served.read(BRANCHES, READER).await;
    assert_eq!((status, names(&found)), (200, vec!["1-add-login", "main", "stable"]));
    // `lib/api/entities/branch.rb`.
    let keys = "name commit merged protected developers_can_push developers_can_merge can_push default web_url";
    assert_eq!(missing(&found[1], keys), Vec::<String>::new());
    assert_eq!(
        (&found[1]["default"], &found[1]["can_push"], &found[2]["can_push"]),
        (&json!(true), &json!(false), &json!(true))
    );

    assert_eq!(names(&served.read(&format!("{BRANCHES}?search=%5Esta"), READER).await.1), ["stable"]);
    assert_eq!(
        names(&served.read(&format!("{BRANCHES}?regex=%5E(main%7Cstable)%24"), READER).await.1),
        ["main", "stable"]
    );
    let page = served.get(&format!("{BRANCHES}?per_page=2"), READER).await;
    assert_eq!(page.headers()["x-next-page"], "2");
}

#[tokio::test]
async fn a_branch_is_made_read_and_deleted_and_webhooks_hear_of_it() {
    let (served, receiver, _) = hooked(branched(), json!({ "push_events": true })).await;

    let made = served.write("POST", BRANCHES, OWNER, json!({ "branch": "feature/x", "ref": "main" })).await;
    assert_eq!((made.0, &made.1["name"]), (201, &json!("feature/x")));
    let twice = served.write("POST", BRANCHES, OWNER, json!({ "branch": "feature/x", "ref": "main" })).await;
    assert_eq!(twice, (400, json!({ "message": "Branch already exists" })));
    let nowhere = served.write("POST", BRANCHES, OWNER, json!({ "branch": "y", "ref": "nothing" })).await;
    assert_eq!(nowhere, (400, json!({ "message": "Invalid reference name: nothing" })));
    assert_eq!(served.read(&format!("{BRANCHES}/feature%2Fx"), READER).await.0, 200);
    assert_eq!(served.write("DELETE", &format!("{BRANCHES}/feature%2Fx"), OWNER, Value::Null).await.0, 204);
    let gone = served.read(&format!("{BRANCHES}/feature%2Fx"), READER).await;
    assert_eq!(gone, (404, json!({ "message": "404 Branch Not Found" })));
    let head = served.write("DELETE", &format!("{BRANCHES}/main"), OWNER, Value::Null).await;
    assert_eq!(head, (405, json!({ "message": "Cannot remove HEAD branch" })));

    served.simulator.settled().await;
    let mut ends: Vec<bool> = receiver.seen().iter().map(|(_, body)| body["checkout_sha"].is_null()).collect();
    ends.sort_unstable();
    assert_eq!(ends, [false, true], "one push that makes it, one that removes it");
    assert_eq!(receiver.seen()[0].1["ref"], "refs/heads/feature/x");
}

#[tokio::test]
async fn protected_branches_are_for_maintainers() {
    let served = serve(branched()).await;

    let found = served.read("/projects/1/protected_branches", OWNER).await.1;
    assert_eq!((names(&found), &found[0]["push_access_levels"][0]["access_level"]), (vec!["main"], &json!(40)));
    assert_eq!(served.read("/projects/1/protected_branches/main", OWNER).await.0, 200);
    assert_eq!(served.read("/projects/1/protected_branches", READER).await.0, 403);
}

#[tokio::test]
async fn a_repository_that_is_off_or_not_for_guests_has_no_branches() {
    let served = serve(branched().with_project("acme/web", ProjectBuilder::without_repository)).await;
    assert_eq!(served.read(BRANCHES, READER).await, (404, json!({ "message": "404 Repository Not Found" })));

    let world = branched()
        .with_group("acme", |group| group.member("gus", Role::Guest))
        .with_token("glpat-gus", |token| token.user("gus"));
    assert_eq!(serve(world).await.read(BRANCHES, "glpat-gus").await.0, 403);
}

#[tokio::test]
async fn tags_are_ordered_by_version_and_tell_their_release() {
    let world = branched().with_project("acme/web", |project| project.release("v2.0.0", |_| {}));
    let served = serve(world).await;

    let found = served.read(&format!("{TAGS}?order_by=version"), READER).await.1;
    assert_eq!(names(&found), ["v2.0.0", "v1.10.0", "v1.9.0"]);
    assert_eq!((&found[0]["release"]["tag_name"], &found[1]["release"]), (&json!("v2.0.0"), &Value::Null));
    // `lib/api/entities/tag.rb`.
    assert_eq!(missing(&found[0], "name message target commit release protected created_at"), Vec::<String>::new());
    assert_eq!(served.read(&format!("{TAGS}/v9"), READER).await, (404, json!({ "message": "404 Tag Not Found" })));
}

#[tokio::test]
async fn a_tag_is_made_and_deleted_and_webhooks_hear_of_it() {
    let (served, receiver, _) = hooked(branched(), json!({ "tag_push_events": true })).await;

    let made = served.write("POST", TAGS, OWNER, json!({ "tag_name": "v3", "ref": "main", "message": "Third" })).await;
    assert_eq!((made.0, &made.1["message"]), (201, &json!("Third")));
    let twice = served.write("POST", TAGS, OWNER, json!({ "tag_name": "v3", "ref": "main" })).await;
    assert_eq!(twice, (400, json!({ "message": "Tag v3 already exists" })));
    let nowhere = served.write("POST", TAGS, OWNER, json!({ "tag_name": "v4", "ref": "x" })).await;
    assert_eq!(nowhere, (400, json!({ "message": "Target x is invalid" })));
    assert_eq!(served.write("DELETE", &format!("{TAGS}/v3"), OWNER, Value::Null).await.0, 204);
    served.simulator.settled().await;
    let kinds: Vec<Value> = receiver.seen().iter().map(|(_, body)| body["object_kind"].clone()).collect();
    assert_eq!(kinds, ["tag_push", "tag_push"]);
}

#[tokio::test]
async fn merging_is_a_push_to_the_target_branch() {
    let (served, receiver, _) =
        hooked(branched(), json!({ "push_events": true, "merge_requests_events": false })).await;

    served.simulator.world(|world| world.merge(1, "ann")).unwrap();
    served.simulator.settled().await;
    let body = &receiver.seen()[0].1;
    // `lib/gitlab/data_builder/push.rb`.
    let keys = "object_kind event_name before after ref checkout_sha message user_id user_name user_username user_email \
        user_avatar project_id project commits total_commits_count push_options repository";
    assert_eq!(missing(body, keys), Vec::<String>::new());
    assert_eq!((&body["ref"], &body["total_commits_count"]), (&json!("refs/heads/main"), &json!(1)));
}
