//! What webhooks hear of pipelines, jobs and deployments.

use serde_json::{Value, json};

use crate::receiver::{Receiver, hooked};
use crate::support::{OWNER, Served, missing, small};

// The keys are those of `lib/gitlab/data_builder/{pipeline,build,deployment}.rb`.
const PIPELINE: &str = "id iid name ref tag sha before_sha source status detailed_status stages created_at finished_at duration \
    queued_duration protected_ref variables url";
const JOB: &str = "object_kind ref tag before_sha sha build_id build_name build_stage build_status build_created_at \
    build_started_at build_finished_at build_duration build_queued_duration build_allow_failure build_failure_reason \
    retries_count pipeline_id runner project_id project_name user commit repository project environment";
const DEPLOYMENT: &str = "object_kind status status_changed_at deployment_id deployable_id deployable_url environment \
    environment_tier environment_slug environment_external_url project ref short_sha user user_url commit_url commit_title";

async fn listening() -> (Served, Receiver) {
    let events = json!({ "pipeline_events": true, "job_events": true, "deployment_events": true });
    let world = small().with_project("acme/web", |project| project.merge_request("Merged", |found| found.merge("ann")));
    let (served, receiver, _) = hooked(world, events).await;
    (served, receiver)
}

fn of_kind(receiver: &Receiver, kind: &str) -> Vec<Value> {
    receiver.seen().into_iter().map(|(_, body)| body).filter(|body| body["object_kind"] == kind).collect()
}

#[tokio::test]
async fn a_pipeline_is_heard_of_from_its_beginning_to_its_end() {
    let (served, receiver) = listening().await;

    let id = served.simulator.world(|world| world.start_pipeline(1, "main", "bob", "push")).unwrap();
    served.simulator.world(|world| world.finish_pipeline(id, "success")).unwrap();
    served.simulator.settled().await;

    let pipelines = of_kind(&receiver, "pipeline");
    let mut statuses: Vec<&str> =
        pipelines.iter().filter_map(|body| body["object_attributes"]["status"].as_str()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["pending", "running", "success"]);
    for body in &pipelines {
        assert_eq!(missing(&body["object_attributes"], PIPELINE), Vec::<String>::new());
        assert_eq!(body["builds"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_failed_job_is_heard_of_with_its_reason_and_its_retry_counts() {
    let (served, receiver) = listening().await;

    let id = served.simulator.world(|world| world.start_pipeline(1, "main", "bob", "push")).unwrap();
    served.simulator.world(|world| world.finish_pipeline(id, "failed")).unwrap();
    let job = served.simulator.world(|world| world.pipeline(id).unwrap().jobs[0].id);
    served.simulator.world(|world| world.retry_job(id, job)).unwrap();
    served.simulator.settled().await;

    let jobs = of_kind(&receiver, "build");
    let failed = jobs.iter().find(|body| body["build_status"] == "failed").unwrap();
    assert_eq!(missing(failed, JOB), Vec::<String>::new());
    assert_eq!((&failed["build_failure_reason"], &failed["commit"]["id"]), (&json!("script_failure"), &json!(id)));
    let again = jobs.iter().find(|body| body["build_id"] != job && body["build_name"] == "build").unwrap();
    assert_eq!((&again["build_status"], &again["retries_count"]), (&json!("pending"), &json!(1)));
}

#[tokio::test]
async fn a_rollback_deploys_what_was_deployed_before() {
    let (served, receiver) = listening().await;

    let first = served.simulator.world(|world| world.deploy(1, "production", "main", "bob")).unwrap();
    served.simulator.world(|world| {
        let id = world.open_merge_request(1, "ann", "Break it").unwrap();
        world.merge(id, "ann").unwrap();
        world.deploy(1, "production", "main", "bob").unwrap();
    });
    let rolled = served.simulator.world(|world| world.roll_back(1, "production", "bob")).unwrap();
    served.simulator.settled().await;

    let sha = |id: i64| served.simulator.world(|world| world.deployment(id).unwrap().sha.to_string());
    assert_eq!(sha(first), sha(rolled));
    let deployments = of_kind(&receiver, "deployment");
    assert_eq!(deployments.len(), 6, "each is running, then successful");
    for body in &deployments {
        assert_eq!(missing(body, DEPLOYMENT), Vec::<String>::new());
        assert_eq!(body["environment_tier"], "production");
    }
}

#[tokio::test]
async fn a_test_delivery_needs_something_to_tell() {
    let (served, receiver) = listening().await;
    let test = |trigger: &'static str| {
        let served = &served;
        async move { served.write("POST", &format!("/projects/1/hooks/1/test/{trigger}"), OWNER, Value::Null).await }
    };

    // The sentence is that of `app/services/concerns/integrations/project_test_data.rb`.
    let (status, refused) = test("pipeline_events").await;
    assert_eq!((status, &refused["message"]), (422, &json!("Ensure the project has CI pipelines.")));
    served.simulator.world(|world| world.start_pipeline(1, "main", "bob", "push")).unwrap();
    served.simulator.settled().await;
    assert_eq!(test("pipeline_events").await.0, 201);
    assert_eq!(of_kind(&receiver, "pipeline").len(), 3);
}
