//! Imports are Jobs, one for each tick or request.

use std::time::Duration;

use gitlab_connector::api::RunOutcome;
use k8s_openapi::api::batch::v1::Job;
use kube::api::ListParams;

use super::scene::{NO_HOOKS, Scene};
use crate::support::rows;

/// The lines of a spec whose imports never end: nobody can make a pod for a ServiceAccount that is not there.
const ENDLESS: &str = "  import: {schedule: \"0 0 1 3 *\", podTemplate: {serviceAccountName: nobody}}";

#[tokio::test]
async fn a_connection_is_applied_and_becomes_ready_and_rows_arrive() {
    let scene = Scene::new().await;

    scene.apply(NO_HOOKS).await;

    let ready = scene.until(("Ready", "True", "Succeeded")).await;
    rows::until(&scene.database, "select count(*) from gitlab_merge_requests", 3).await;
    let status = ready.status.unwrap();
    let import = status.import.unwrap();
    let last = import.last_run.unwrap();
    assert!(last.key.starts_with("first-") && last.outcome == RunOutcome::Succeeded, "{last:?}");
    assert_eq!((last.projects, last.merge_requests, import.projects), (2, 3, Some(2)));
    assert!(import.running.is_none() && import.next.is_some());
    let all = status.conditions.iter().map(|one| (one.type_.as_str(), one.status.as_str()));
    let wanted = [("CredentialsValid", "True"), ("AccessVerified", "True"), ("WebhooksReady", "True")];
    let wanted = wanted.into_iter().chain([("ImportSucceeded", "True"), ("Ready", "True")]);
    assert_eq!(all.collect::<Vec<_>>(), wanted.collect::<Vec<_>>());
    assert_eq!(status.credentials[0].user.as_deref().map(str::is_empty), Some(false));
}

#[tokio::test]
async fn an_import_that_is_asked_for_runs_once_and_the_request_is_answered() {
    let scene = Scene::new().await;
    scene.apply(&format!("{NO_HOOKS}\n  import: {{schedule: \"\"}}")).await;
    scene.until(("Ready", "True", "Succeeded")).await;
    assert!(jobs(&scene).await.is_empty(), "no import is asked for");

    scene.annotate("gitlab-connector.dev/import-requested-at=now").await;

    let answered = scene
        .until_it("imported on request", |connection| {
            let status = connection.status.as_ref();
            status.is_some_and(|status| status.last_handled_import_at.as_deref() == Some("now"))
                && status.and_then(|status| status.import.as_ref()?.last_success.as_ref()).is_some()
        })
        .await;
    rows::until(&scene.database, "select count(*) from gitlab_merge_requests", 3).await;
    assert_eq!(jobs(&scene).await.len(), 1);
    scene.look().await;
    assert_eq!(jobs(&scene).await.len(), 1, "{answered:#?}");
}

#[tokio::test]
async fn an_audit_that_is_due_is_made_at_the_end_of_an_import_and_told_of_in_the_status() {
    let scene = Scene::new().await;

    scene.apply(&format!("{NO_HOOKS}\n  import: {{audit: {{sample: 2}}}}")).await;

    let ready = scene.until(("Ready", "True", "Succeeded")).await;
    let audit = ready.status.unwrap().import.unwrap().audit.unwrap();
    assert_eq!((audit.projects, audit.merge_requests, audit.differences), (2, 2, 0), "{audit:?}");
    rows::until(&scene.database, "select count(*) from connector_audits", 1).await;
}

#[tokio::test]
async fn a_collected_job_is_not_run_again() {
    let scene = Scene::new().await;
    scene.apply(NO_HOOKS).await;
    scene.until(("Ready", "True", "Succeeded")).await;

    scene.namespace.kubectl(&["delete", "jobs", "--all", "--wait"]).await.says(0, &["deleted"]);
    let after = scene.look().await;

    assert!(jobs(&scene).await.is_empty());
    let import = after.status.unwrap().import.unwrap();
    assert!(import.running.is_none());
    assert_eq!(import.last_run.unwrap().outcome, RunOutcome::Succeeded);
}

#[tokio::test]
async fn a_job_with_our_labels_that_is_not_ours_counts_for_nothing() {
    let scene = Scene::new().await;
    scene.apply(NO_HOOKS).await;
    let before = scene.until(("Ready", "True", "Succeeded")).await;
    let uid = before.metadata.uid.clone().unwrap();

    // As a tenant makes it who has seen the UID in the URL of a webhook.
    let forged: Job = serde_json::from_value(serde_json::json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "name": "forged",
            "labels": {"app.kubernetes.io/name": "gitlab-connector", "app.kubernetes.io/component": "import",
                       "app.kubernetes.io/managed-by": "gitlab-connector", "gitlab-connector.dev/connection-uid": uid},
            "annotations": {"gitlab-connector.dev/run": "forged", "gitlab-connector.dev/started-at": "2999-01-01T00:00:00Z"}
        },
        "spec": {"suspend": true, "template": {"spec": {"restartPolicy": "Never",
            "containers": [{"name": "import", "image": "none"}]}}}
    }))
    .unwrap();
    scene.namespace.api::<Job>().create(&kube::api::PostParams::default(), &forged).await.unwrap();
    scene.annotate("gitlab-connector.dev/import-requested-at=now").await;

    let answered = scene
        .until_it("imported on request", |connection| {
            let status = connection.status.as_ref();
            status.is_some_and(|status| status.last_handled_import_at.as_deref() == Some("now"))
                && status.and_then(|status| status.import.as_ref()).is_some_and(|import| import.running.is_none())
        })
        .await;
    let last = answered.status.unwrap().import.unwrap().last_run.unwrap();
    assert!(last.key.starts_with("request-") && last.outcome == RunOutcome::Succeeded, "{last:?}");
}

#[tokio::test]
async fn a_job_that_somebody_deletes_is_a_failed_run_and_is_tried_again() {
    let scene = Scene::new().await;
    scene.apply(&format!("{NO_HOOKS}\n{ENDLESS}")).await;
    scene.until(("ImportSucceeded", "Unknown", "Running")).await;

    scene.namespace.kubectl(&["delete", "jobs", "--all", "--wait=false"]).await.says(0, &["deleted"]);

    let failed = scene.until(("ImportSucceeded", "False", "Failed")).await;
    let import = failed.status.unwrap().import.unwrap();
    assert_eq!((import.failed_runs, import.running), (1, None));
    let next = import.next.unwrap().0;
    let finished = import.last_run.unwrap().finished_at.unwrap().0;
    assert!(next.duration_since(finished) <= jiff::SignedDuration::from_secs(61), "{next} after {finished}");
}

#[tokio::test]
async fn a_job_that_the_api_server_refuses_is_told_of_and_runs_once_the_spec_is_mended() {
    let scene = Scene::new().await;
    scene.apply(&format!("{NO_HOOKS}\n  import: {{podTemplate: {{labels: {{\"no label\": x}}}}}}")).await;

    let refused = scene.until(("ImportSucceeded", "False", "InvalidSpec")).await;

    let status = refused.status.unwrap();
    let message = &status.conditions.iter().find(|one| one.type_ == "ImportSucceeded").unwrap().message;
    assert!(message.contains("spec.template.labels") && message.contains("no label"), "{message}");
    assert!(status.conditions.iter().any(|one| one.type_ == "AccessVerified" && one.status == "True"));
    scene.apply(NO_HOOKS).await;
    scene.until(("Ready", "True", "Succeeded")).await;
}

#[tokio::test]
async fn an_import_whose_pods_cannot_start_runs_once_the_spec_is_mended_and_did_not_fail() {
    let scene = Scene::new().await;
    scene.apply(&format!("{NO_HOOKS}\n{ENDLESS}")).await;
    scene.until(("ImportSucceeded", "Unknown", "Running")).await;
    let stuck = jobs(&scene).await.remove(0).metadata.name;

    scene.apply(NO_HOOKS).await;

    let ready = scene.until(("Ready", "True", "Succeeded")).await;
    let last = ready.status.unwrap().import.unwrap().last_run.unwrap();
    assert!(last.key.starts_with("first-") && last.key.ends_with("-anew-1"), "{last:?}");
    let left = jobs(&scene).await;
    assert!(left.len() == 1 && left[0].metadata.name != stuck, "{left:#?}");
    assert!(!scene.controller.log().contains("\"outcome\":\"Failed\""), "{}", scene.controller.log());
}

#[tokio::test]
async fn a_quota_that_forbids_a_job_is_named_as_what_it_is_and_is_no_fault_of_the_spec() {
    let scene = Scene::new().await;
    let quota = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: none}, spec: {hard: {count/jobs.batch: '0'}}}";
    scene.namespace.apply(quota).await;
    // The controller that counts does not run here.
    let status = r#"{"status": {"hard": {"count/jobs.batch": "0"}, "used": {"count/jobs.batch": "0"}}}"#;
    let patch = ["patch", "resourcequota/none", "--subresource=status", "--type=merge", "-p", status];
    scene.namespace.kubectl(&patch).await.says(0, &["patched"]);

    scene.apply(NO_HOOKS).await;

    let forbidden = scene.until(("ImportSucceeded", "False", "JobForbidden")).await;
    let conditions = forbidden.status.unwrap().conditions;
    let of = |kind: &str| conditions.iter().find(|condition| condition.type_ == kind);
    assert!(of("ImportSucceeded").unwrap().message.contains("quota"), "{conditions:#?}");
    assert_eq!(of("Reconciling").unwrap().reason, "ProgressingWithRetry");
    assert!(of("Stalled").is_none());
    scene.namespace.kubectl(&["delete", "resourcequota/none"]).await.says(0, &["deleted"]);
    scene.look().await;
    let ready = scene.until(("Ready", "True", "Succeeded")).await;
    assert!(ready.status.unwrap().conditions.iter().all(|condition| condition.type_ != "Reconciling"));
    scene.look().await;
    let job = jobs(&scene).await.remove(0);
    let stays = job.spec.unwrap().ttl_seconds_after_finished;
    assert_eq!(stays, Some(3600), "it is kept for longer until its end is told of");
}

#[tokio::test]
async fn suspended_imports_do_not_start_and_a_running_one_pauses() {
    let scene = Scene::new().await;
    scene.apply(&format!("{NO_HOOKS}\n{ENDLESS}")).await;
    scene.until(("ImportSucceeded", "Unknown", "Running")).await;
    let name = jobs(&scene).await[0].metadata.name.clone().unwrap();

    scene.apply(&format!("{NO_HOOKS}\n{}", ENDLESS.replace("import: {", "import: {suspend: true, "))).await;
    let paused = |job: &Job| job.spec.as_ref().is_some_and(|spec| spec.suspend == Some(true));
    scene.namespace.until(&name, "paused", Duration::from_secs(30), paused).await;
    scene.until(("ImportSucceeded", "True", "Suspended")).await;
    // Who waits for a connection that is as it was asked for need not wait for ever.
    scene.until(("Ready", "True", "Succeeded")).await;
    scene.apply(&format!("{NO_HOOKS}\n{ENDLESS}")).await;

    let on = |job: &Job| job.spec.as_ref().is_some_and(|spec| spec.suspend != Some(true));
    scene.namespace.until(&name, "goes on", Duration::from_secs(30), on).await;
    assert_eq!(jobs(&scene).await.len(), 1);
}

async fn jobs(scene: &Scene) -> Vec<Job> {
    scene.namespace.api::<Job>().list(&ListParams::default()).await.unwrap().items
}

#[tokio::test]
async fn nothing_of_ours_is_written_into_the_spec() {
    let scene = Scene::new().await;
    scene.apply(&format!("{NO_HOOKS}\n  import: {{schedule: \"\"}}")).await;
    let applied = scene.connection().await;

    let ready = scene.until(("Ready", "True", "Succeeded")).await;

    assert_eq!((ready.spec, ready.metadata.generation), (applied.spec, Some(1)));
    for ours in ready.metadata.managed_fields.unwrap() {
        let fields = ours.fields_v1.unwrap().0;
        let manager = ours.manager.unwrap();
        assert!(manager.starts_with("kubectl") || fields.get("f:spec").is_none(), "{manager}: {fields}");
    }
}
