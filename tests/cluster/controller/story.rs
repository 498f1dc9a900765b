//! The status at every moment, as those read it who wait for a connection: kstatus, Argo CD, Flux, people.

use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use gitlab_connector::api::GitLabConnection;
use gitlab_connector::api::conditions::{READY, RECONCILING, STALLED};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::ListParams;
use kube::runtime::{WatchStreamExt as _, watcher};

use super::scene::{HOOKS, Scene};
use crate::support::acme::{OWNER, READER};

/// Every version of the connection that a watch tells of.
fn record(scene: &Scene) -> Arc<Mutex<Vec<GitLabConnection>>> {
    let versions = Arc::new(Mutex::new(Vec::new()));
    let (kept, api) = (Arc::clone(&versions), scene.namespace.api::<GitLabConnection>());
    tokio::spawn(async move {
        let events = watcher(api, watcher::Config::default()).default_backoff().applied_objects();
        events.for_each(async |version| kept.lock().unwrap().extend(version)).await;
    });
    versions
}

fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == kind)
}

#[tokio::test]
async fn the_status_is_sound_at_every_moment_of_a_connection_s_life() {
    let scene = Scene::new().await;
    let versions = record(&scene);
    scene.namespace.secret("tokens", &[("reader", "glpat-mistyped"), ("owner", OWNER)]).await;
    scene.apply(HOOKS).await;
    scene.until(("CredentialsValid", "False", "invalid_credentials")).await;
    scene.namespace.secret("tokens", &[("reader", READER), ("owner", OWNER)]).await;
    scene.until(("Ready", "True", "Succeeded")).await;
    scene.apply(&format!("{HOOKS}\n  interval: 20m")).await;
    scene.until(("Ready", "True", "Succeeded")).await;
    scene.namespace.kubectl(&["delete", "glconn/acme", "--wait", "--timeout=60s"]).await.says(0, &["deleted"]);

    let versions = versions.lock().unwrap();
    assert!(versions.len() > 5, "{}", versions.len());
    let mut before: Vec<Condition> = Vec::new();
    for version in versions.iter() {
        let status = version.status.clone().unwrap_or_default();
        let now = status.conditions;
        let ready = condition(&now, READY);
        let (stalled, reconciling) = (condition(&now, STALLED), condition(&now, RECONCILING));
        if status.observed_generation == Some(-1) {
            assert!(now.is_empty());
            continue;
        }
        assert!(ready.is_some(), "{now:#?}");
        assert!(stalled.is_none() || reconciling.is_none(), "{now:#?}");
        assert!(now.iter().all(|one| one.observed_generation == status.observed_generation), "{now:#?}");
        match ready.map(|ready| ready.status.as_str()) {
            Some("True") => assert!(stalled.is_none() && reconciling.is_none(), "{now:#?}"),
            _ => assert!(stalled.is_some() || reconciling.is_some(), "{now:#?}"),
        }
        for one in &now {
            assert!(!one.message.contains("2026-"), "a time in a message: {one:#?}");
            let old = condition(&before, &one.type_).filter(|old| old.status == one.status);
            assert!(old.is_none_or(|old| old.last_transition_time == one.last_transition_time), "{old:?} {one:?}");
        }
        before = now;
    }
}

#[tokio::test]
async fn people_are_told_of_transitions_once() {
    let scene = Scene::new().await;
    scene.namespace.secret("tokens", &[("reader", "glpat-mistyped"), ("owner", OWNER)]).await;
    scene.apply(HOOKS).await;
    scene.until(("Ready", "False", "invalid_credentials")).await;
    scene.namespace.secret("tokens", &[("reader", READER), ("owner", OWNER)]).await;
    scene.until(("Ready", "True", "Succeeded")).await;
    scene.look().await;

    let mut told: Vec<_> = scene
        .namespace
        .api::<Event>()
        .list(&ListParams::default())
        .await
        .unwrap()
        .into_iter()
        .filter(|event| event.reporting_controller.as_deref() == Some("gitlab-connector"))
        .map(|event| (event.action.unwrap(), event.reason.unwrap(), event.type_.unwrap()))
        .collect();
    told.sort();

    let wanted = [
        ("ImportSucceeded", "Succeeded", "Normal"),
        ("Ready", "Succeeded", "Normal"),
        ("Ready", "invalid_credentials", "Warning"),
    ];
    assert_eq!(told, wanted.map(|(action, reason, kind)| (action.into(), reason.into(), kind.into())));
}
