//! One label of a project or a group (GitLab's `lib/api/labels.rb` and its helpers).

use gitlab_simulator::world::Role;
use serde_json::{Value, json};

use crate::support::{OWNER, READER, serve, small};

#[tokio::test]
async fn a_label_is_named_by_its_name_or_its_id() {
    let served = serve(small()).await;
    let body = json!({ "name": "backend", "color": "#ff0000", "description": "servers" });

    let (status, made) = served.write("POST", "/projects/acme%2Fweb/labels", OWNER, body.clone()).await;
    assert_eq!((status, &made["name"], &made["color"]), (201, &json!("backend"), &json!("#ff0000")));
    let by_id = served.read(&format!("/projects/acme%2Fweb/labels/{}", made["id"]), OWNER).await;
    assert_eq!(by_id, served.read("/projects/acme%2Fweb/labels/backend", OWNER).await);
    let again = served.write("POST", "/projects/acme%2Fweb/labels", OWNER, body).await;
    assert_eq!(again, (409, json!({ "message": "Label already exists" })));
}

#[tokio::test]
async fn a_label_of_the_group_is_read_in_the_project_and_changed_in_the_group() {
    let served = serve(small().with_group("acme", |group| group.label("shared"))).await;

    assert_eq!(served.read("/projects/acme%2Fweb/labels/shared", OWNER).await.0, 200);
    let body = json!({ "new_name": "ours" });
    let there = served.write("PUT", "/projects/acme%2Fweb/labels/shared", OWNER, body.clone()).await;
    assert_eq!(there, (404, json!({ "message": "404 Label Not Found" })));
    let (status, label) = served.write("PUT", "/groups/acme/labels/shared", OWNER, body).await;
    assert_eq!((status, &label["name"]), (200, &json!("ours")));
}

#[tokio::test]
async fn what_is_no_colour_or_no_change_is_refused() {
    let served = serve(small().with_group("acme", |group| group.label("shared"))).await;

    let body = json!({ "name": "odd", "color": "#12" });
    let (status, refused) = served.write("POST", "/groups/acme/labels", OWNER, body).await;
    assert_eq!((status, refused), (400, json!({ "message": { "color": ["must be a valid color code"] } })));
    let (status, refused) = served.write("PUT", "/groups/acme/labels/shared", OWNER, json!({})).await;
    let words = "new_name, color, description are missing, at least one parameter must be provided";
    assert_eq!((status, refused), (400, json!({ "error": words })));
}

#[tokio::test]
async fn a_removed_label_leaves_its_merge_requests_untouched() {
    let world =
        small().with_project("acme/web", |project| project.merge_request("Two", |found| found.label("backend")));
    let served = serve(world).await;
    let before = served.read("/projects/acme%2Fweb/merge_requests/2", OWNER).await.1;

    assert_eq!(served.write("DELETE", "/projects/acme%2Fweb/labels/backend", OWNER, Value::Null).await.0, 204);
    let after = served.read("/projects/acme%2Fweb/merge_requests/2", OWNER).await.1;
    assert_eq!((&before["labels"], &after["labels"]), (&json!(["backend"]), &json!([])));
    assert_eq!(before["updated_at"], after["updated_at"]);
}

#[tokio::test]
async fn guests_make_no_labels() {
    let world = small()
        .with_group("acme", |group| group.member("gus", Role::Guest))
        .with_token("glpat-guest", |token| token.user("gus"));
    let served = serve(world).await;

    let body = json!({ "name": "mine", "color": "red" });
    let refused = served.write("POST", "/projects/acme%2Fweb/labels", "glpat-guest", body).await;
    assert_eq!(refused, (403, json!({ "message": "403 Forbidden" })));
}

/// The form from before 12.4, deprecated and still there (lib/api/labels.rb): python-gitlab saves labels by it.
#[tokio::test]
async fn a_label_can_be_named_in_the_body_too() {
    let served = serve(small()).await;
    let made = json!({ "name": "later", "color": "#ff8800" });
    let (_, label) = served.write("POST", "/projects/acme%2Fweb/labels", OWNER, made).await;

    let change = json!({ "name": "later", "color": "#00ff88" });
    let (status, changed) = served.write("PUT", "/projects/acme%2Fweb/labels", OWNER, change).await;
    assert_eq!((status, &changed["id"], &changed["color"]), (200, &label["id"], &json!("#00ff88")));
    let nameless = served.write("PUT", "/projects/acme%2Fweb/labels", OWNER, json!({ "color": "#00ff88" })).await;
    let error = "label_id, name are missing, exactly one parameter must be provided";
    assert_eq!(nameless, (400, json!({ "error": error })));
    let gone = json!({ "label_id": label["id"] });
    assert_eq!(served.write("DELETE", "/projects/acme%2Fweb/labels", OWNER, gone.clone()).await.0, 204);
    let again = served.write("DELETE", "/projects/acme%2Fweb/labels", OWNER, gone).await;
    assert_eq!(again, (404, json!({ "message": "404 Label Not Found" })));
}

/// `Labels::PromoteService`.
#[tokio::test]
async fn a_promoted_label_takes_the_place_of_all_that_are_called_so() {
    let world = small()
        .with_project("acme/web", |project| project.merge_request("Two", |found| found.label("urgent")))
        .with_group("acme", |group| {
            group.project("api", |project| project.merge_request("Three", |found| found.label("urgent")))
        });
    let served = serve(world).await;

    let (status, label) = served.write("PUT", "/projects/acme%2Fweb/labels/urgent/promote", OWNER, Value::Null).await;
    assert_eq!((status, &label["name"], label.get("priority")), (200, &json!("urgent"), None));
    let of_group = served.read("/groups/acme/labels", READER).await.1;
    assert_eq!((of_group.as_array().unwrap().len(), &of_group[0]["id"]), (1, &label["id"]));
    let other = served.read("/projects/acme%2Fapi/merge_requests?with_labels_details=true", READER).await.1;
    assert_eq!(other[0]["labels"][0]["id"], label["id"]);
    let again = served.write("PUT", "/projects/acme%2Fweb/labels/urgent/promote", OWNER, Value::Null).await;
    assert_eq!(again.0, 404, "it is no label of the project any more");
}
