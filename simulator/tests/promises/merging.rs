//! Merging what conflicts, and leaving merges to GitLab (`lib/api/merge_requests.rb`, `app/services/auto_merge`).

use gitlab_simulator::World;
use serde_json::{Value, json};

use crate::support::{OWNER, READER, Served, answer, serve, small};

const FIRST: &str = "/projects/acme%2Fweb/merge_requests/1";

fn merge() -> String {
    format!("{FIRST}/merge")
}

/// One merge request that needs an approval.
fn guarded() -> World {
    let mut world = small();
    world.edit_merge_request(1, |found| found.approvals_required = 1);
    world
}

/// Starts a pipeline of the merge request's branch.
fn start(served: &Served) -> i64 {
    served.simulator.world(|world| {
        let branch = world.merge_request(1).unwrap().source_branch.clone();
        world.start_pipeline(1, &branch, "ann", "push").unwrap()
    })
}

async fn last_note(served: &Served) -> Value {
    served.read(&format!("{FIRST}/notes"), READER).await.1[0]["body"].clone()
}

#[tokio::test]
async fn conflicts_stop_a_merge_until_a_push_resolves_them() {
    let served = serve(small()).await;
    let updated = served.read(FIRST, READER).await.1["updated_at"].clone();
    let verb = json!({ "project": "acme/web", "iid": 1 });
    served.ask("POST", "/-/simulator/conflict", "", verb).await;

    let shown = served.read(FIRST, READER).await.1;
    assert_eq!((&shown["has_conflicts"], &shown["merge_status"]), (&json!(true), &json!("cannot_be_merged")));
    assert_eq!((&shown["detailed_merge_status"], &shown["updated_at"]), (&json!("conflict"), &updated));
    let query = r#"{ project(fullPath: "acme/web") { mergeRequest(iid: "1") {
        conflicts mergeable mergeStatusEnum detailedMergeStatus mergeabilityChecks { identifier status } } } }"#;
    let asked = answer(served.ask("POST", "/api/graphql", READER, json!({ "query": query })).await).await.1;
    let found = &asked["data"]["project"]["mergeRequest"];
    assert_eq!((&found["conflicts"], &found["mergeable"]), (&json!(true), &json!(false)));
    assert_eq!(found["mergeStatusEnum"], "CANNOT_BE_MERGED");
    assert_eq!(found["detailedMergeStatus"], "CONFLICT");
    let failed = json!({ "identifier": "CONFLICT", "status": "FAILED" });
    assert!(found["mergeabilityChecks"].as_array().unwrap().contains(&failed));

    // Whether it can be merged is asked before the head.
    let refused = served.write("PUT", &merge(), OWNER, json!({ "sha": "0000" })).await;
    assert_eq!(refused, (422, json!({ "message": "Branch cannot be merged" })));
    assert_eq!(served.write("PUT", &format!("{FIRST}/rebase"), OWNER, Value::Null).await.0, 202);
    let error = served.read(FIRST, READER).await.1["merge_error"].clone();
    assert_eq!(error, "Rebase failed: Rebase locally, resolve all conflicts, then push the branch.");

    served.simulator.world(|world| world.push_commits(1, "ann", 1));
    let shown = served.read(FIRST, READER).await.1;
    assert_eq!((&shown["has_conflicts"], &shown["merge_error"]), (&json!(false), &Value::Null));
    assert_eq!(served.write("PUT", &merge(), OWNER, Value::Null).await.0, 200);
}

/// Conflicts were one of the checks of `mergeable_state?` until 17.0.
#[tokio::test]
async fn an_older_gitlab_does_not_allow_to_merge_conflicts() {
    let world = small().with_version("16.3");
    let served = serve(world).await;
    served.simulator.world(|world| world.conflict(1));

    let refused = served.write("PUT", &merge(), OWNER, Value::Null).await;
    assert_eq!(refused, (405, json!({ "message": "405 Method Not Allowed" })));
    assert_eq!(served.read(FIRST, READER).await.1["detailed_merge_status"], "broken_status");
}

#[tokio::test]
async fn what_is_left_to_gitlab_is_merged_when_its_pipeline_succeeds() {
    for version in ["16.3", "19.1"] {
        let served = serve(small().with_version(version)).await;
        let later = json!({ "merge_when_pipeline_succeeds": true });
        assert_eq!(served.write("PUT", &merge(), OWNER, later.clone()).await.0, 405, "{version}: nothing to wait for");
        let pipeline = start(&served);

        let (status, left) = served.write("PUT", &merge(), OWNER, later).await;
        assert_eq!((status, &left["state"]), (200, &json!("opened")), "{version}");
        assert_eq!(left["merge_when_pipeline_succeeds"], true);
        assert_eq!(left["head_pipeline"]["id"], pipeline);
        assert!(last_note(&served).await.as_str().unwrap().starts_with("enabled an automatic merge when"));

        served.simulator.world(|world| world.finish_pipeline(pipeline, "success"));
        let merged = served.read(FIRST, READER).await.1;
        assert_eq!((&merged["state"], &merged["merge_user"]["username"]), (&json!("merged"), &json!("ann")));
    }
}

/// Merging when checks pass came with 17.0; before that, GitLab waited for pipelines alone.
#[tokio::test]
async fn since_17_0_a_merge_waits_for_approvals_too() {
    let served = serve(guarded()).await;
    let later = json!({ "auto_merge": true });

    assert_eq!(served.write("PUT", &merge(), OWNER, Value::Null).await.0, 405);
    assert_eq!(served.write("PUT", &merge(), OWNER, later).await.0, 200);
    served.simulator.world(|world| world.approve(1, "bob"));
    assert_eq!(served.read(FIRST, READER).await.1["state"], "merged");

    let served = serve(guarded().with_version("16.3")).await;
    let later = json!({ "merge_when_pipeline_succeeds": true });
    assert_eq!(served.write("PUT", &merge(), OWNER, later.clone()).await.0, 405);
    start(&served);
    assert_eq!(served.write("PUT", &merge(), OWNER, later).await.0, 405);
}

#[tokio::test]
async fn an_automatic_merge_is_canceled_by_people_and_aborted_by_pushes() {
    let served = serve(guarded()).await;
    let cancel = format!("{FIRST}/cancel_merge_when_pipeline_succeeds");
    let later = json!({ "auto_merge": true });

    served.write("PUT", &merge(), OWNER, later.clone()).await;
    assert_eq!(served.write("POST", &cancel, OWNER, Value::Null).await, (201, json!({ "status": "success" })));
    assert_eq!(last_note(&served).await, "canceled the automatic merge");
    let (status, body) = served.write("POST", &cancel, OWNER, Value::Null).await;
    assert_eq!((status, &body["status"], &body["http_status"]), (201, &json!("error"), &json!(406)));

    served.write("PUT", &merge(), OWNER, later).await;
    served.simulator.world(|world| world.push_commits(1, "ann", 1));
    let shown = served.read(FIRST, READER).await.1;
    assert_eq!((&shown["merge_when_pipeline_succeeds"], &shown["merge_user"]), (&json!(false), &Value::Null));
    assert_eq!(last_note(&served).await, "aborted the automatic merge because source branch was updated");
    served.simulator.world(|world| world.approve(1, "bob"));
    assert_eq!(served.read(FIRST, READER).await.1["state"], "opened");
}
