//! Jobs over REST: one alone, and what is done to it.

use gitlab_simulator::world::{Pipeline, ProjectBuilder};
use serde_json::{Value, json};

use crate::pipelines::built;
use crate::support::{OWNER, READER, missing, serve};

// `lib/api/entities/ci/job_basic.rb` and `job.rb`.
const JOB: &str = "id status stage name ref tag coverage allow_failure created_at started_at finished_at erased_at duration \
    queued_duration user commit pipeline web_url project artifacts runner artifacts_expire_at archived tag_list";

#[tokio::test]
async fn a_job_alone_tells_its_commit_and_why_it_failed() {
    let served = serve(built()).await;

    let (status, failed) = served.read("/projects/1/jobs/1", READER).await;
    assert_eq!((status, missing(&failed, JOB)), (200, vec![]));
    assert_eq!((&failed["failure_reason"], &failed["pipeline"]["id"]), (&json!("script_failure"), &json!(1)));
    assert_eq!(failed["commit"]["id"], failed["pipeline"]["sha"]);
    let passed = served.read("/projects/1/jobs/3", READER).await.1;
    assert_eq!((&passed["status"], passed.get("failure_reason")), (&json!("success"), None));
}

#[tokio::test]
async fn a_retried_job_is_another_one() {
    let served = serve(built()).await;

    let (status, again) = served.write("POST", "/projects/1/jobs/1/retry", OWNER, Value::Null).await;
    assert_eq!((status, &again["name"], &again["status"]), (201, &json!("build"), &json!("pending")));
    assert_ne!(again["id"], 1);
    // `forbidden!('Job is not retryable')`.
    let refused = served.write("POST", "/projects/1/jobs/1/retry", OWNER, Value::Null).await;
    assert_eq!(refused, (403, json!({ "message": "403 Forbidden - Job is not retryable" })));
}

#[tokio::test]
async fn only_what_waits_for_somebody_can_be_played() {
    let wait = |pipeline: &mut Pipeline| {
        pipeline.jobs[1].status = "manual";
        pipeline.jobs[1].manual = true;
    };
    let served = serve(built().with_project("acme/web", |project| project.pipeline("success", wait))).await;

    let (status, played) = served.write("POST", "/projects/1/jobs/6/play", OWNER, Value::Null).await;
    assert_eq!((status, &played["status"]), (200, &json!("pending")));
    let refused = served.write("POST", "/projects/1/jobs/1/play", OWNER, Value::Null).await;
    assert_eq!(refused, (400, json!({ "message": "400 Bad request - Unplayable Job" })));
}

#[tokio::test]
async fn jobs_need_a_user_and_ci() {
    let served = serve(built()).await;
    assert_eq!(served.read("/projects/1/jobs/1", "").await.0, 401);

    let served = serve(built().with_project("acme/web", ProjectBuilder::without_builds)).await;
    assert_eq!(served.read("/projects/1/jobs/1", READER).await.0, 403);
}

#[tokio::test]
async fn what_holds_code_is_absent_and_the_log_tells_who_asked() {
    let served = serve(built()).await;

    let paths = ["/jobs/1/trace", "/jobs/1/artifacts", "/repository/files/src%2Fmain.rs/raw", "/repository/blobs/abc"];
    for path in paths {
        assert_eq!(served.read(&format!("/projects/1{path}"), READER).await.0, 404, "{path}");
    }
    let counts = served.simulator.counts();
    assert_eq!(counts.get("GET /projects/:id/jobs/:job_id/trace"), Some(&1));
    assert_eq!(counts.get("GET /projects/:id/repository/files/:file_path/raw"), Some(&1));
}
