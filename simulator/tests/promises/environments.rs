//! Environments over REST.

use gitlab_simulator::World;
use gitlab_simulator::world::ProjectBuilder;
use serde_json::{Value, json};

use crate::support::{OWNER, READER, missing, serve, small};

const PATH: &str = "/projects/1/environments";

fn deployed() -> World {
    small().with_project("acme/web", |project| {
        project
            .merge_request("First", |found| found.merge("ann"))
            .deployment("production", |_| {})
            .environment("review/login")
    })
}

#[tokio::test]
async fn an_environment_alone_tells_its_last_deployment() {
    let served = serve(deployed()).await;

    let (status, body) = served.read(&format!("{PATH}/1"), READER).await;
    // `lib/api/entities/environment.rb`.
    let keys = "id name slug external_url created_at updated_at tier state project last_deployment";
    assert_eq!((status, missing(&body, keys)), (200, vec![]));
    assert_eq!((&body["last_deployment"]["id"], &body["tier"]), (&json!(1), &json!("production")));
    assert_eq!(body["last_deployment"].get("environment"), None);
    let review = served.read(&format!("{PATH}/2"), READER).await.1;
    assert_eq!((&review["last_deployment"], &review["tier"]), (&Value::Null, &json!("development")));
}

#[tokio::test]
async fn environments_are_found_by_name_or_by_a_part_of_three_letters() {
    let served = serve(deployed()).await;

    let listed = served.read(&format!("{PATH}?search=REV"), READER).await.1;
    assert_eq!((listed.as_array().unwrap().len(), listed[0].get("last_deployment")), (1, None));
    assert_eq!(served.read(&format!("{PATH}?name=production"), READER).await.1[0]["id"], 1);
    let short = served.read(&format!("{PATH}?search=re"), READER).await;
    assert_eq!(short, (400, json!({ "message": "400 Bad request - Search query is less than 3 characters" })));
    assert_eq!(served.read(&format!("{PATH}?search=rev&name=x"), READER).await.0, 400);
    let page = served.get(&format!("{PATH}?per_page=1"), READER).await;
    assert_eq!(page.headers()["x-total"], "2");
}

#[tokio::test]
async fn an_environment_is_made_changed_stopped_and_deleted() {
    let served = serve(deployed()).await;

    let (status, made) = served.write("POST", PATH, OWNER, json!({ "name": "staging" })).await;
    assert_eq!((status, &made["tier"], &made["state"]), (201, &json!("staging"), &json!("available")));
    let twice = served.write("POST", PATH, OWNER, json!({ "name": "staging" })).await;
    assert_eq!(twice, (400, json!({ "message": { "name": ["has already been taken"] } })));
    let place = format!("{PATH}/3");
    let url = json!({ "external_url": "https://staging.example.com" });
    assert_eq!(served.write("PUT", &place, OWNER, url.clone()).await.1["external_url"], url["external_url"]);

    assert_eq!(served.write("DELETE", &place, OWNER, Value::Null).await.0, 403, "it still runs");
    assert_eq!(served.write("POST", &format!("{place}/stop"), OWNER, Value::Null).await.1["state"], "stopped");
    assert_eq!(served.write("DELETE", &place, OWNER, Value::Null).await.0, 204);
    assert_eq!(served.read(&place, OWNER).await, (404, json!({ "message": "404 Not found" })));
}

#[tokio::test]
async fn stale_environments_are_those_of_a_week_ago_or_older() {
    let world = deployed().with_time("2026-01-20T00:00:00Z");
    let served = serve(world).await;
    served.simulator.world(|world| {
        for id in [1, 2] {
            world.edit_environment(id, |found| found.updated_at = "2026-01-01T00:00:00Z".parse().unwrap());
        }
        world.edit_deployment(1, |found| found.updated_at = "2026-01-08T00:00:00Z".parse().unwrap());
    });

    let stop = |before: &'static str| {
        let served = &served;
        async move { served.write("POST", &format!("{PATH}/stop_stale"), OWNER, json!({ "before": before })).await }
    };
    assert_eq!(stop("2026-01-19T00:00:00Z").await, (400, json!({ "message": "400 Bad request - Invalid Date" })));
    assert_eq!(stop("2026-01-05T00:00:00Z").await.0, 200);
    assert_eq!(served.read(&format!("{PATH}?states=stopped"), OWNER).await.1[0]["name"], "review/login");
    assert_eq!(served.read(&format!("{PATH}/1"), OWNER).await.1["state"], "available", "it was deployed to");
}

#[tokio::test]
async fn environments_need_a_user_and_ci() {
    let served = serve(deployed()).await;
    assert_eq!(served.read(PATH, "").await.0, 401);

    let served = serve(deployed().with_project("acme/web", ProjectBuilder::without_builds)).await;
    assert_eq!(served.read(PATH, READER).await.0, 403);
}

/// `cleanup_environments` of MergeRequests::PostMergeService and MergeRequests::CloseService.
#[tokio::test]
async fn a_review_app_stops_when_its_branch_is_merged() {
    let served = serve(small()).await;
    let id = served.simulator.world(|world| {
        let branch = world.merge_request(1).unwrap().source_branch.clone();
        world.environment_named(1, &format!("review/{branch}"))
    });
    let state = async || served.read(&format!("/projects/1/environments/{id}"), READER).await.1["state"].clone();

    assert_eq!(state().await, "available");
    served.simulator.world(|world| world.merge(1, "ann"));
    assert_eq!(state().await, "stopped");
}
