//! One deployment over REST, and what is done to it.

use gitlab_simulator::World;
use gitlab_simulator::world::{Clock, Deployment, Edition, MergeRequest};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{OWNER, READER, missing, serve, small};

const PATH: &str = "/projects/1/deployments";

/// A merge request is deployed, then two more at once.
fn deployed() -> World {
    small().with_project("acme/web", |project| {
        project
            .merge_request("First", |found| found.merge("ann"))
            .deployment("production", |_| {})
            .merge_request("Second", |found| found.merge("ann"))
            .merge_request("Third", |found| found.merge("ann"))
            .deployment("production", |_| {})
    })
}

#[tokio::test]
async fn enterprise_builds_tell_the_approvals_of_a_deployment() {
    // `lib/api/entities/deployment.rb` and `ee/lib/ee/api/entities/deployment_extended.rb`.
    let keys = "id iid ref sha created_at updated_at status user environment deployable";
    let served = serve(deployed()).await;
    let (status, body) = served.read(&format!("{PATH}/1"), READER).await;
    assert_eq!((status, missing(&body, keys), &body["approvals"]), (200, vec![], &json!([])));

    let served = serve(deployed().with_edition(Edition::Community)).await;
    assert_eq!(served.read(&format!("{PATH}/1"), READER).await.1.get("approvals"), None);
}

#[tokio::test]
async fn a_deployment_ships_what_was_merged_since_the_one_before() {
    let served = serve(deployed()).await;

    let shipped = served.read(&format!("{PATH}/2/merge_requests"), READER).await.1;
    let titles: Vec<&str> = shipped.as_array().unwrap().iter().filter_map(|found| found["title"].as_str()).collect();
    assert_eq!(titles, ["Third", "Second"]);
}

/// One link each, and everybody asks for it: app/services/deployments/link_merge_requests_service.rb.
#[tokio::test]
async fn a_merge_request_is_linked_to_the_first_deployment_of_an_environment_that_brought_it() {
    let failed = |deployment: &mut Deployment| deployment.status = "failed";
    let to_release = |found: &mut MergeRequest| found.target_branch = "release".to_owned();
    let world = small().with_project("acme/web", |project| {
        project
            .merge_request("First", |found| found.merge("ann"))
            .merge_request("Elsewhere", |found| found.change(to_release).merge("ann"))
            .deployment("production", |_| {})
            .merge_request("Second", |found| found.merge("ann"))
            .deployment("production", failed)
            .deployment("review/second", |_| {})
            .deployment("staging", |_| {})
            .deployment("production", |_| {})
    });
    let served = serve(world).await;
    served.simulator.world(|world| world.roll_back(1, "production", "ann"));
    served.simulator.world(|world| world.deploy(1, "production", "main", "ann"));

    // The fifth is the second to production that succeeded; the sixth rolls it back, the seventh brings it again.
    for (deployment, brought) in [(1, vec![2]), (2, vec![]), (3, vec![]), (4, vec![4, 2]), (5, vec![4]), (6, vec![])] {
        let rows = served.read(&format!("{PATH}/{deployment}/merge_requests"), READER).await.1;
        let rest: Vec<i64> = rows.as_array().unwrap().iter().filter_map(|found| found["iid"].as_i64()).collect();
        let query = format!(
            r#"{{ project(fullPath: "acme/web") {{ mergeRequests(deploymentId: "{deployment}") {{ nodes {{ iid }} }} }} }}"#
        );
        let answer = served.ask("POST", "/api/graphql", READER, json!({ "query": query })).await;
        let nodes = crate::support::answer(answer).await.1["data"]["project"]["mergeRequests"]["nodes"].clone();
        let graphql: Vec<i64> =
            nodes.as_array().unwrap().iter().filter_map(|found| found["iid"].as_str()?.parse().ok()).collect();
        assert_eq!((&rest, &graphql), (&brought, &brought), "{deployment}");
    }
    let in_review = served.read("/projects/1/merge_requests?environment=review/second", READER).await.1;
    assert_eq!(in_review, json!([]));
    let in_production = served.read("/projects/1/merge_requests?environment=production", READER).await.1;
    assert_eq!(in_production.as_array().unwrap().len(), 2);
}

/// Deployments::LinkMergeRequestWorker comes after the deployment, whenever it has the time.
#[tokio::test]
async fn merge_requests_are_linked_some_time_after_a_deployment() {
    let served = serve(small().with_project("acme/web", |project| project)).await;
    served.simulator.world(|world| {
        world.settings.linking_delay = SignedDuration::from_secs(60);
        let first = world.open_merge_request(1, "ann", "First").unwrap();
        world.merge(first, "ann").unwrap();
        world.deploy(1, "production", "main", "ann").unwrap();
    });
    let brought = format!("{PATH}/1/merge_requests");
    let filtered = "/projects/1/merge_requests?environment=production";

    for later in [59, 60] {
        served.simulator.world(|world| {
            let ended = world.deployment(1).unwrap().finished_at.unwrap();
            world.clock = Clock::Fixed(ended + SignedDuration::from_secs(later));
        });
        for list in [brought.as_str(), filtered] {
            let rows = served.read(list, READER).await.1;
            assert_eq!(rows.as_array().unwrap().len(), usize::from(later == 60), "{list} {later}");
        }
    }
}

#[tokio::test]
async fn a_deployment_is_made_by_hand_and_moves_on() {
    let served = serve(deployed()).await;
    let made = json!({ "environment": "qa", "ref": "main", "sha": "main", "tag": false, "status": "running" });

    let (status, body) = served.write("POST", PATH, OWNER, made.clone()).await;
    assert_eq!((status, &body["environment"]["name"], &body["deployable"]), (201, &json!("qa"), &Value::Null));
    let place = format!("{PATH}/{}", body["id"]);
    let running = served.write("DELETE", &place, OWNER, Value::Null).await;
    assert_eq!(running, (400, json!({ "message": "Cannot destroy running deployment" })));
    assert_eq!(served.write("PUT", &place, OWNER, json!({ "status": "failed" })).await.1["status"], "failed");
    assert_eq!(served.write("DELETE", &place, OWNER, Value::Null).await.0, 204);

    let mut wrong = made;
    wrong["ref"] = json!("nothing");
    let refused = served.write("POST", PATH, OWNER, wrong.clone()).await;
    assert_eq!(refused, (400, json!({ "message": { "ref": ["The branch or tag does not exist"] } })));
    wrong["status"] = json!("blocked");
    let refused = served.write("POST", PATH, OWNER, wrong).await;
    assert_eq!(refused, (400, json!({ "error": "status does not have a valid value" })));
}

#[tokio::test]
async fn what_is_deployed_now_cannot_be_deleted() {
    let served = serve(deployed()).await;

    let refused = served.write("DELETE", &format!("{PATH}/2"), OWNER, Value::Null).await;
    assert_eq!(refused, (400, json!({ "message": "Deployment currently deployed to environment" })));
    assert_eq!(served.write("DELETE", &format!("{PATH}/1"), OWNER, Value::Null).await.0, 204);
}

#[tokio::test]
async fn a_deployment_by_a_job_is_changed_by_no_client() {
    let by_job = |deployment: &mut gitlab_simulator::world::Deployment| deployment.deployable = Some((1, 1));
    let served = serve(deployed().with_project("acme/web", |project| project.deployment("qa", by_job))).await;

    let (status, body) = served.write("PUT", &format!("{PATH}/3"), OWNER, json!({ "status": "failed" })).await;
    let message = "403 Forbidden - Deployments created using GitLab CI can not be updated using the API";
    assert_eq!((status, body), (403, json!({ "message": message })));
}

/// The words are those of app/finders/deployments_finder.rb.
#[tokio::test]
async fn deployments_refuse_what_would_be_slow() {
    let served = serve(small()).await;
    let path = "/projects/1/deployments?";

    for (query, reason) in [
        ("updated_after=2026-01-01&order_by=id", "`updated_at` filter requires `updated_at` sort"),
        ("finished_after=2026-01-01&status=success", "`finished_at` filter requires `finished_at` sort."),
        (
            "order_by=finished_at",
            "`finished_at` sort requires `finished_at` filter or a filter with at least one of the finished statuses.",
        ),
        (
            "finished_after=2026-01-01&order_by=finished_at&status=failed",
            "`finished_at` filter must be combined with `success` status filter.",
        ),
        (
            "finished_after=2026-01-01&updated_after=2026-01-01",
            "Both `updated_at` filter and `finished_at` filter can not be specified",
        ),
    ] {
        let expected = (400, json!({ "message": format!("400 Bad request - {reason}") }));
        assert_eq!(served.read(&format!("{path}{query}"), READER).await, expected, "{query}");
    }
    let fine = "finished_after=2026-01-01&order_by=finished_at&status=success";
    assert_eq!(served.read(&format!("{path}{fine}"), READER).await.0, 200);
    let old = serve(small().with_version("15.11")).await;
    assert_eq!(old.read(&format!("{path}updated_after=2026-01-01&order_by=id"), READER).await.0, 200);
}
