//! One process of several leads.

use std::time::{Duration, Instant};

use gitlab_connector::api::GitLabConnection;
use k8s_openapi::api::coordination::v1::Lease;

use super::scene::{Controller, NO_HOOKS, Scene};
use crate::harness::until;

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
    let second = scene.another();
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
    let second = scene.another();
    tokio::time::sleep(Duration::from_secs(3)).await;

    scene.controller.kill().await;
    let took = until_leading(&second, Duration::from_secs(20)).await;

    assert!(took > Duration::from_secs(5), "{took:?}: the lease was not honoured");
    let after = scene.look().await;
    let last = |connection: &GitLabConnection| connection.status.clone().unwrap().import.unwrap().last_run.unwrap().key;
    assert_eq!(last(&before), last(&after));
}
