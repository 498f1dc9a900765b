//! Webhooks as they are managed.

use gitlab_simulator::World;
use gitlab_simulator::world::{Edition, Role};
use serde_json::{Value, json};

use crate::support::{OWNER, READER, Served, serve, small};

const HOOKS: &str = "/projects/acme%2Fweb/hooks";
const URL: &str = "https://receiver.example.com/webhooks/gitlab";

async fn made(served: &Served, body: Value) -> Value {
    let (status, hook) = served.write("POST", HOOKS, OWNER, body).await;
    assert_eq!(status, 201, "{hook}");
    hook
}

#[tokio::test]
async fn a_hook_has_gitlabs_defaults_and_keeps_its_secrets() {
    let served = serve(small()).await;

    let hook =
        made(&served, json!({ "url": URL, "token": "geheim", "custom_headers": [{ "key": "X-A", "value": "1" }] }))
            .await;
    assert_eq!(hook["push_events"], true);
    assert_eq!(hook["merge_requests_events"], false);
    assert_eq!(hook["enable_ssl_verification"], true);
    assert_eq!(hook["alert_status"], "executable");
    assert_eq!((&hook["token_present"], &hook["signing_token_present"]), (&json!(true), &json!(false)));
    assert_eq!(hook["custom_headers"], json!([{ "key": "X-A" }]));
    assert!(!hook.to_string().contains("geheim"));
}

#[tokio::test]
async fn before_19_nothing_says_whether_a_secret_is_there() {
    let served = serve(small().with_version("18.11")).await;

    let signing = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let hook = made(&served, json!({ "url": URL, "token": "geheim", "signing_token": signing })).await;
    assert_eq!((hook.get("token_present"), hook.get("signing_token_present")), (None, None));
    let id = hook["id"].as_i64().unwrap();
    assert!(served.simulator.read(|world| world.hook(id).unwrap().signing_token.is_none()));
}

#[tokio::test]
async fn before_17_1_names_are_ignored() {
    let served = serve(small().with_version("16.11")).await;

    let hook = made(&served, json!({ "url": URL, "name": "ours" })).await;
    assert_eq!(hook.get("name"), None);
}

#[tokio::test]
async fn a_new_url_takes_the_secret_and_the_headers_along() {
    let served = serve(small()).await;
    let hook =
        made(&served, json!({ "url": URL, "token": "geheim", "custom_headers": [{ "key": "X-A", "value": "1" }] }))
            .await;
    let path = format!("{HOOKS}/{}", hook["id"]);

    let (_, same) = served.write("PUT", &path, OWNER, json!({ "url": URL, "note_events": true })).await;
    assert_eq!((&same["token_present"], &same["note_events"]), (&json!(true), &json!(true)));
    let (_, moved) = served.write("PUT", &path, OWNER, json!({ "url": format!("{URL}/x") })).await;
    assert_eq!((&moved["token_present"], &moved["custom_headers"]), (&json!(false), &json!([])));
    let (_, whole) = served.write("PUT", &path, OWNER, json!({ "url": URL, "token": "neu" })).await;
    assert_eq!(whole["token_present"], true);
}

#[tokio::test]
async fn custom_headers_are_merged_and_go_one_by_one() {
    let served = serve(small()).await;
    let hook = made(&served, json!({ "url": URL, "custom_headers": [{ "key": "X-A", "value": "1" }] })).await;
    let path = format!("{HOOKS}/{}", hook["id"]);

    let change = json!({ "custom_headers": [{ "key": "X-B", "value": "2" }] });
    let (_, both) = served.write("PUT", &path, OWNER, change).await;
    assert_eq!(both["custom_headers"], json!([{ "key": "X-A" }, { "key": "X-B" }]));
    let (status, _) = served.write("DELETE", &format!("{path}/custom_headers/X-A"), OWNER, Value::Null).await;
    assert_eq!(status, 204);
    assert_eq!(served.read(&path, OWNER).await.1["custom_headers"], json!([{ "key": "X-B" }]));
}

#[tokio::test]
async fn a_change_of_nothing_is_refused() {
    let served = serve(small()).await;
    let hook = made(&served, json!({ "url": URL })).await;

    let refused = served.write("PUT", &format!("{HOOKS}/{}", hook["id"]), OWNER, Value::Null).await;
    assert_eq!(refused, (400, json!({ "error": "No parameters provided" })));
}

#[tokio::test]
async fn bad_urls_are_refused_without_detail() {
    let mut world = small();
    world.settings.allow_local_webhooks = false;
    let served = serve(world).await;

    for url in [
        "ftp://example.com",
        "not a url",
        "http://127.0.0.1:8080/x",
        "http://10.0.0.7/x",
        "https://example.com/{missing}",
    ] {
        let refused = served.write("POST", HOOKS, OWNER, json!({ "url": url })).await;
        assert_eq!(refused, (422, json!({ "error": "Invalid url given" })), "{url}");
    }
    let absent = served.write("POST", HOOKS, OWNER, json!({ "token": "x" })).await;
    assert_eq!(absent, (400, json!({ "error": "url is missing" })));
}

#[tokio::test]
async fn duplicates_are_accepted_until_the_limit() {
    let mut world = small();
    world.settings.project_hook_limit = 2;
    let served = serve(world).await;
    made(&served, json!({ "url": URL })).await;
    made(&served, json!({ "url": URL })).await;

    let refused = served.write("POST", HOOKS, OWNER, json!({ "url": URL })).await;
    assert_eq!(refused, (422, json!({ "error": "Maximum number of project hooks (2) exceeded" })));
}

#[tokio::test]
async fn deleting_twice_is_not_found() {
    let served = serve(small()).await;
    let hook = made(&served, json!({ "url": URL })).await;
    let path = format!("{HOOKS}/{}", hook["id"]);

    assert_eq!(served.write("DELETE", &path, OWNER, Value::Null).await.0, 204);
    assert_eq!(served.write("DELETE", &path, OWNER, Value::Null).await, (404, json!({ "message": "404 Not found" })));
}

#[tokio::test]
async fn hooks_are_for_maintainers_with_api() {
    let world = small().with_token("glpat-bob", |token| token.user("bob"));
    let served = serve(world).await;

    let forbidden = (403, json!({ "message": "403 Forbidden" }));
    assert_eq!(served.read(HOOKS, READER).await, forbidden, "a Developer may not even list them");
    assert_eq!(served.write("POST", HOOKS, "glpat-bob", json!({ "url": URL })).await, forbidden);
    let (status, body) = served.write("POST", HOOKS, READER, json!({ "url": URL })).await;
    assert_eq!((status, &body["error"], &body["scope"]), (403, &json!("insufficient_scope"), &json!("api")));
}

#[tokio::test]
async fn group_hooks_are_for_owners() {
    let world = small()
        .with_group("acme", |group| group.member("mia", Role::Maintainer))
        .with_token("glpat-mia", |token| token.user("mia"));
    let served = serve(world).await;

    assert_eq!(served.write("POST", "/groups/acme/hooks", "glpat-mia", json!({ "url": URL })).await.0, 403);
    let (status, hook) = served.write("POST", "/groups/acme/hooks", OWNER, json!({ "url": URL })).await;
    assert_eq!((status, &hook["subgroup_events"]), (201, &json!(false)));
    assert!(hook["group_id"].is_i64());
}

#[tokio::test]
async fn the_community_edition_has_no_group_hooks() {
    let served = serve(small().with_edition(Edition::Community)).await;

    let refused = served.write("POST", "/groups/acme/hooks", OWNER, json!({ "url": URL })).await;
    assert_eq!(refused, (404, json!({ "error": "404 Not Found" })));
}

#[tokio::test]
async fn system_hooks_are_for_administrators() {
    let world = small().with_token("glpat-root", |token| token.user("root"));
    let served = serve(world).await;

    assert_eq!(served.read("/hooks", OWNER).await, (403, json!({ "message": "403 Forbidden" })));
    let (status, hook) = served.write("POST", "/hooks", "glpat-root", json!({ "url": URL })).await;
    assert_eq!((status, &hook["push_events"], hook.get("alert_status")), (201, &json!(false), None));
}

#[tokio::test]
async fn a_moved_project_redirects_reads_and_refuses_writes() {
    let world = small().with_project("acme/web", |project| project.renamed_from("site"));
    let served = serve(world).await;

    let moved = served.get("/projects/acme%2Fsite/merge_requests?state=all", READER).await;
    let location = moved.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(moved.status(), 301);
    assert_eq!(location, format!("{}/api/v4/projects/1/merge_requests?state=all", served.simulator.url()));
    let refused = served.write("POST", "/projects/acme%2Fsite/hooks", OWNER, json!({ "url": URL })).await;
    assert_eq!(refused, (405, json!({ "message": "Non GET methods are not allowed for moved projects" })));
}

#[tokio::test]
async fn before_16_7_a_moved_project_is_gone() {
    let world: World = small().with_project("acme/web", |project| project.renamed_from("site"));
    let served = serve(world.with_version("15.11")).await;

    assert_eq!(served.read("/projects/acme%2Fsite", READER).await.0, 404);
}
