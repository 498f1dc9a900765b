//! A deletion takes our webhooks away, and never hangs.

use std::time::{Duration, Instant};

use gitlab_connector::api::GitLabConnection;
use gitlab_simulator::{Fault, FaultKind};
use k8s_openapi::api::core::v1::Namespace as KubeNamespace;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;

use super::scene::{Controller, HOOKS, Scene};
use crate::harness::{Namespace, until};
use crate::support::acme::acme;

async fn hooked(options: &[&str], more: &str) -> Scene {
    let scene = Scene::of(acme(), options).await;
    scene.apply(more).await;
    scene.until(("WebhooksReady", "True", "Succeeded")).await;
    assert_eq!(scene.hooks().len(), 1);
    scene
}

impl Scene {
    async fn delete(&self) {
        let ended = self.namespace.kubectl(&["delete", "glconn/acme", "--wait", "--timeout=60s"]).await;
        ended.says(0, &["deleted"]);
    }

    async fn orphaned(&self) -> Option<Event> {
        let events = self.namespace.api::<Event>().list(&ListParams::default()).await.unwrap();
        events.into_iter().find(|event| event.reason.as_deref() == Some("HooksOrphaned"))
    }
}

#[tokio::test]
async fn deleting_a_connection_removes_its_hooks() {
    let scene = hooked(&[], HOOKS).await;

    scene.delete().await;

    assert!(scene.hooks().is_empty());
    assert!(scene.orphaned().await.is_none());
}

#[tokio::test]
async fn hooks_stay_where_the_spec_says_so() {
    let scene = hooked(&[], &HOOKS.replace("{mode", "{deletionPolicy: Orphan, mode")).await;

    scene.delete().await;

    assert_eq!(scene.hooks().len(), 1);
    assert!(scene.orphaned().await.is_none(), "it is as the person wants it");
}

#[tokio::test]
async fn a_connection_whose_secret_is_gone_goes_and_says_what_it_leaves() {
    let scene = hooked(&[], HOOKS).await;
    scene.namespace.kubectl(&["delete", "secret/tokens"]).await.says(0, &["deleted"]);

    scene.delete().await;

    assert_eq!(scene.hooks().len(), 1);
    let event = scene.orphaned().await.unwrap();
    assert_eq!(event.type_.as_deref(), Some("Warning"));
}

#[tokio::test]
async fn a_connection_whose_token_is_refused_goes_at_once() {
    let scene = hooked(&[], HOOKS).await;
    scene.namespace.secret("tokens", &[("reader", "glpat-unknown"), ("owner", "glpat-unknown")]).await;
    let began = Instant::now();

    scene.delete().await;

    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(scene.orphaned().await.is_some());
}

#[tokio::test]
async fn a_deletion_waits_for_a_gitlab_that_is_away_and_no_longer_than_its_deadline() {
    let scene = hooked(&["--deletion-deadline=12s"], HOOKS).await;
    scene.gitlab.faults().add(Fault::at("*", FaultKind::Status { status: 503 }));
    let began = Instant::now();

    scene.delete().await;

    assert!(began.elapsed() > Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(scene.orphaned().await.is_some());
}

#[tokio::test]
async fn a_deletion_during_an_outage_removes_the_hooks_once_gitlab_is_back() {
    let scene = hooked(&[], HOOKS).await;
    scene.gitlab.faults().add(Fault::at("*", FaultKind::Status { status: 503 }));
    scene.namespace.kubectl(&["delete", "glconn/acme", "--wait=false"]).await.says(0, &["deleted"]);
    let connections = scene.namespace.api::<GitLabConnection>();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(connections.get_opt("acme").await.unwrap().is_some(), "it waits");

    scene.gitlab.faults().clear();

    let gone = async || match connections.get_opt("acme").await {
        Ok(None) => Ok(()),
        other => Err(format!("{other:?}")),
    };
    until("acme is gone", Duration::from_secs(60), gone).await;
    assert!(scene.hooks().is_empty());
}

#[tokio::test]
async fn a_namespace_that_is_deleted_whole_is_gone_within_a_minute() {
    let mut scene = hooked(&[], HOOKS).await;
    // One that lives there may lose its own rights first, and could not let anything go.
    let home = Namespace::new().await;
    scene.controller.kill().await;
    scene.controller = Controller::elsewhere(&scene.namespace, &home);

    let name = &scene.namespace.name;
    scene.namespace.kubectl(&["delete", "namespace", name, "--wait=false"]).await.says(0, &["deleted"]);

    let namespaces: Api<KubeNamespace> = Api::all(scene.namespace.client.clone());
    let gone = async || match namespaces.get_opt(name).await {
        Ok(None) => Ok(()),
        other => Err(format!("{other:?}")),
    };
    until("the namespace is gone", Duration::from_secs(60), gone).await;
}
