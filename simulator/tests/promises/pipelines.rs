//! Pipelines over REST: one alone, the latest, its bridges, and what is done to it.

use gitlab_simulator::World;
use gitlab_simulator::world::{Job, JobKind, Pipeline, ProjectBuilder, Role};
use serde_json::{Value, json};

use crate::support::{OWNER, READER, missing, serve, small};

// `lib/api/entities/ci/pipeline.rb` and `pipeline_with_metadata.rb`.
const SINGLE: &str = "id iid project_id sha ref status source created_at updated_at web_url before_sha tag yaml_errors user \
    started_at finished_at committed_at duration queued_duration coverage detailed_status name";

/// Two merged merge requests, and a pipeline between them and one after them.
pub(crate) fn built() -> World {
    small().with_project("acme/web", |project| {
        project
            .merge_request("First", |found| found.merge("ann"))
            .pipeline("failed", |_| {})
            .merge_request("Second", |found| found.merge("ann"))
            .pipeline("success", |_| {})
    })
}

#[tokio::test]
async fn a_pipeline_alone_tells_more_than_in_a_list() {
    let served = serve(built()).await;

    let (status, body) = served.read("/projects/1/pipelines/1", READER).await;
    assert_eq!((status, missing(&body, SINGLE)), (200, vec![]));
    assert_eq!((&body["status"], &body["detailed_status"]["label"]), (&json!("failed"), &json!("failed")));
    let listed = served.read("/projects/1/pipelines", READER).await.1;
    assert_eq!(listed[0].get("duration"), None);
}

#[tokio::test]
async fn the_latest_pipeline_is_that_of_the_head() {
    let served = serve(built()).await;

    let (status, body) = served.read("/projects/1/pipelines/latest", READER).await;
    assert_eq!((status, &body["id"]), (200, &json!(2)));
    assert_eq!(served.read("/projects/1/pipelines/latest?ref=main", READER).await.1["id"], 2);
    // GitLab authorises a pipeline that is not there, which is forbidden: `authorize! :read_pipeline, latest_pipeline`.
    let (status, body) = served.read("/projects/1/pipelines/latest?ref=nothing", READER).await;
    assert_eq!((status, body), (403, json!({ "message": "403 Forbidden" })));
}

#[tokio::test]
async fn a_bridge_tells_the_pipeline_that_it_started() {
    let world = built().with_project("acme/web", |project| {
        project.pipeline("success", |pipeline| {
            let bridge = Job { id: 900, name: "deploy".to_owned(), status: "success", ..Job::default() };
            pipeline.jobs.push(Job { kind: JobKind::Bridge(Some(2)), ..bridge });
        })
    });
    let served = serve(world).await;

    let bridges = served.read("/projects/1/pipelines/3/bridges", READER).await.1;
    assert_eq!((bridges.as_array().unwrap().len(), &bridges[0]["downstream_pipeline"]["id"]), (1, &json!(2)));
    let none = served.read("/projects/1/pipelines/3/bridges?scope[]=failed", READER).await.1;
    assert_eq!(none, json!([]));
    assert_eq!(served.read("/projects/1/pipelines/3/bridges?scope[]=x", READER).await.0, 400);
}

#[tokio::test]
async fn pipelines_are_hidden_where_ci_is_off() {
    let served = serve(built().with_project("acme/web", ProjectBuilder::without_builds)).await;

    for path in ["/1", "/1/bridges", "/latest", "/1/test_report_summary"] {
        let (status, body) = served.read(&format!("/projects/1/pipelines{path}"), READER).await;
        assert_eq!((status, body), (403, json!({ "message": "403 Forbidden" })), "{path}");
    }
}

#[tokio::test]
async fn developers_start_retry_and_cancel_and_owners_delete() {
    let world = built()
        .with_group("acme", |group| group.member("gus", Role::Reporter))
        .with_token("glpat-dev", |token| token.user("bob"))
        .with_token("glpat-gus", |token| token.user("gus"));
    let served = serve(world).await;

    let (status, body) = served.write("POST", "/projects/1/pipeline", "glpat-dev", json!({ "ref": "main" })).await;
    assert_eq!((status, &body["source"], &body["status"]), (201, &json!("api"), &json!("running")));
    let id = body["id"].as_i64().unwrap();
    let (status, body) =
        served.write("POST", &format!("/projects/1/pipelines/{id}/cancel"), "glpat-dev", Value::Null).await;
    assert_eq!((status, &body["status"]), (200, &json!("canceled")));
    let (status, body) = served.write("POST", "/projects/1/pipelines/1/retry", "glpat-dev", Value::Null).await;
    assert_eq!((status, &body["status"]), (201, &json!("running")));

    assert_eq!(served.write("POST", "/projects/1/pipelines/1/retry", "glpat-gus", Value::Null).await.0, 403);
    assert_eq!(served.write("DELETE", "/projects/1/pipelines/1", "glpat-dev", Value::Null).await.0, 403);
    assert_eq!(served.write("DELETE", "/projects/1/pipelines/1", OWNER, Value::Null).await.0, 204);
    assert_eq!(served.read("/projects/1/pipelines/1", OWNER).await, (404, json!({ "message": "404 Not found" })));
}

#[tokio::test]
async fn a_pipeline_needs_a_branch_that_is_there() {
    let served = serve(built()).await;

    let refused = served.write("POST", "/projects/1/pipeline", OWNER, json!({ "ref": "nothing" })).await;
    assert_eq!(refused, (400, json!({ "message": { "base": ["Reference not found"] } })));
    let refused = served.write("POST", "/projects/1/pipeline", OWNER, json!({})).await;
    assert_eq!(refused, (400, json!({ "error": "ref is missing" })));
}

#[tokio::test]
async fn variables_are_for_whoever_started_the_pipeline_and_maintainers() {
    let served = serve(built()).await;

    assert_eq!(served.read("/projects/1/pipelines/1/variables", OWNER).await, (200, json!([])));
    assert_eq!(served.read("/projects/1/pipelines/1/variables", READER).await.0, 403);
}

#[tokio::test]
async fn a_pipeline_whose_failures_are_allowed_passes_with_warnings() {
    let allow = |pipeline: &mut Pipeline| {
        pipeline.jobs[1].status = "failed";
        pipeline.jobs[1].allow_failure = true;
    };
    let served = serve(built().with_project("acme/web", |project| project.pipeline("success", allow))).await;

    let body = served.read("/projects/1/pipelines/3", READER).await.1;
    assert_eq!(body["detailed_status"]["label"], "passed with warnings");
}
