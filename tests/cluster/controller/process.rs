//! One process of several leads.

use std::time::{Duration, Instant};

use gitlab_connector::api::GitLabConnection;
use k8s_openapi::api::coordination::v1::Lease;

use super::scene::{Controller, HOOKS, NO_HOOKS, Scene};
use crate::harness::until;
use crate::support::acme::{OWNER, READER};
use crate::support::postgres::PASSWORD;

fn leads(controller: &Controller) -> bool {
    controller.log().contains(r#""message":"leading""#)
}

async fn until_leading(controller: &Controller, patience: Duration) -> Duration {
    let began = Instant::now();
    let look = async || if leads(controller) { Ok(()) } else { Err(controller.log()) };
    until("it leads", patience, look).await;
    began.elapsed()
}

#[tokio::test]
async fn one_of_two_controllers_leads_and_the_other_follows_within_five_seconds_of_its_end() {
    let mut scene = Scene::new().await;
    until_leading(&scene.controller, Duration::from_secs(20)).await;
    let second = scene.another().await;
    scene.apply(NO_HOOKS).await;
    scene.until(("Ready", "True", "Succeeded")).await;
    assert!(!leads(&second), "{}", second.log());

    scene.controller.terminate();
    let took = until_leading(&second, Duration::from_secs(5)).await;

    let ended = scene.controller.child.wait().await.unwrap();
    assert!(ended.success(), "{ended:?} after {took:?}: {}", scene.controller.log());
    let lease = scene.namespace.api::<Lease>().get("gitlab-connector-controller").await.unwrap().spec.unwrap();
    assert_eq!(lease.lease_transitions, Some(2));
    scene.look().await;
}

#[tokio::test]
async fn a_killed_controller_is_followed_within_twenty_seconds_and_nothing_is_done_twice() {
    let mut scene = Scene::new().await;
    until_leading(&scene.controller, Duration::from_secs(20)).await;
    scene.apply(NO_HOOKS).await;
    let before = scene.until(("Ready", "True", "Succeeded")).await;
    let second = scene.another().await;
    let follows = async || if second.log().contains("metrics and health") { Ok(()) } else { Err(second.log()) };
    until("the second is there", Duration::from_secs(20), follows).await;

    scene.controller.kill().await;
    let took = until_leading(&second, Duration::from_secs(20)).await;

    assert!(took > Duration::from_secs(5), "{took:?}: the lease was not honoured");
    let after = scene.look().await;
    let last = |connection: &GitLabConnection| connection.status.clone().unwrap().import.unwrap().last_run.unwrap().key;
    assert_eq!(last(&before), last(&after));
}

#[tokio::test]
async fn probes_and_metrics_tell_how_it_is_and_no_secret() {
    let scene = Scene::new().await;
    scene.apply(HOOKS).await;
    scene.until(("Ready", "True", "Succeeded")).await;

    let log = scene.controller.log();
    let address = log.split(r#""address":""#).nth(1).unwrap().split('"').next().unwrap();
    let get = async |path: &str| {
        let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(get("/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(get("/readyz").await, (200, "ok\n".to_owned()));
    let (_, metrics) = get("/metrics").await;

    let namespace = &scene.namespace.name;
    for series in [
        r#"gitlab_connector_reconcile_duration_seconds_count{outcome="changed"}"#,
        "gitlab_connector_objects_in_backoff 0",
        &format!(
            r#"gitlab_connector_status_condition{{namespace="{namespace}",name="acme",type="Ready",status="True",reason="Succeeded"}} 1"#
        ),
        "gitlab_connector_api_requests_total{operation=",
        "gitlab_connector_credential_expiry_timestamp_seconds{",
        r#"gitlab_connector_hooks{state="ready"} 1"#,
        r#"gitlab_connector_imports{state="succeeded"} 1"#,
        r#"gitlab_connector_import_items_total{kind="merge_request"} 3"#,
        r#"gitlab_connector_kube_writes_total{kind="GitLabConnection",verb="apply"}"#,
        r#"gitlab_connector_kube_writes_total{kind="Job",verb="create"} 1"#,
        "gitlab_connector_leader 1",
        r#"gitlab_connector_watch_last_event_timestamp_seconds{kind="Secret"}"#,
        "gitlab_connector_process_resident_memory_bytes",
    ] {
        assert!(metrics.contains(series), "no {series} in\n{metrics}");
    }
    let explained = include_str!("../../../docs/metrics.md");
    for name in metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
        assert!(explained.contains(&format!("`{name}")), "docs/metrics.md does not explain {name}");
    }
    for secret in [READER, OWNER, "http://", PASSWORD] {
        assert!(!metrics.contains(secret), "{secret} in\n{metrics}");
    }
    scene.namespace.kubectl(&["delete", "glconn/acme", "--wait", "--timeout=60s"]).await.says(0, &["deleted"]);
    let gone = async || match get("/metrics").await.1.contains(r#"name="acme""#) {
        false => Ok(()),
        true => Err("its series are still there".to_owned()),
    };
    until("the series die with the connection", Duration::from_secs(5), gone).await;
}
