//! A GitLab that accepts everything and says nothing holds up nobody: not other connections, and of its own only what needs it.

use std::time::Duration;

use gitlab_simulator::{Fault, FaultKind, Simulator};
use k8s_openapi::api::batch::v1::Job;
use kube::api::ListParams;

use super::scene::{HOOKS, NO_HOOKS, Scene};
use crate::harness::until;
use crate::support::acme::{acme, serve};

/// More than were ever looked at at once.
const MANY: usize = 20;

/// Waits until so many requests hang.
async fn until_it_hangs(gitlab: &Simulator, requests: usize) {
    until("GitLab hangs", Duration::from_secs(60), async || {
        let struck: usize = gitlab.faults().list().iter().map(|armed| armed.struck).sum();
        if struck >= requests { Ok(()) } else { Err(struck.to_string()) }
    })
    .await;
}

#[tokio::test]
async fn twenty_connections_to_a_gitlab_that_hangs_hold_up_no_other() {
    let scene = Scene::new().await;
    let slow = serve(acme()).await;
    slow.faults().add(Fault::at("*", FaultKind::Hang));
    let tokens: Vec<_> = (0..MANY).map(|number| (format!("token-{number}"), format!("glpat-{number}"))).collect();
    let tokens: Vec<_> = tokens.iter().map(|(key, token)| (key.as_str(), token.as_str())).collect();
    scene.namespace.secret("slow", &tokens).await;
    let manifests: Vec<_> = tokens
        .iter()
        .map(|(key, _)| {
            let manifest = scene.manifest(&format!("slow-{key}"), NO_HOOKS).replace(scene.gitlab.url(), slow.url());
            manifest.replace("name: tokens, key: reader", &format!("name: slow, key: {key}"))
        })
        .collect();
    scene.namespace.apply(&manifests.join("---\n")).await;
    until_it_hangs(&slow, MANY).await;

    scene.apply(HOOKS).await;

    scene.until(("Ready", "True", "Succeeded")).await;
    let asked = scene.namespace.until_condition("slow-token-0", ("Ready", "Unknown", "Progressing")).await;
    assert_eq!(asked.status.unwrap().observed_generation, asked.metadata.generation);
    assert!(slow.requests().iter().all(|request| request.status == 0), "none of them was answered");
}

#[tokio::test]
async fn an_import_starts_and_its_end_is_told_of_while_a_look_at_the_webhooks_hangs() {
    let scene = Scene::new().await;
    scene.apply(&format!("{HOOKS}\n  import: {{schedule: \"\"}}")).await;
    scene.until(("WebhooksReady", "True", "Succeeded")).await;
    scene.gitlab.faults().add(Fault::at("GET /groups/:id/hooks", FaultKind::Hang));
    scene.annotate("gitlab-connector.dev/reconcile-requested-at=now").await;
    until_it_hangs(&scene.gitlab, 1).await;

    scene.annotate("gitlab-connector.dev/import-requested-at=now").await;

    let imported = scene
        .until_it("imported", |connection| {
            let import = connection.status.as_ref().and_then(|status| status.import.as_ref());
            import.is_some_and(|import| import.last_success.is_some())
        })
        .await;
    let status = imported.status.unwrap();
    assert_eq!(status.last_handled_import_at.as_deref(), Some("now"));
    assert_eq!(status.last_handled_reconcile_at, None, "that look has not come to its end");
    assert_eq!(scene.namespace.api::<Job>().list(&ListParams::default()).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_changed_spec_is_not_said_to_be_observed_before_gitlab_answered_for_it() {
    let scene = Scene::new().await;
    scene.apply(&format!("{NO_HOOKS}\n  import: {{schedule: \"\"}}")).await;
    let before = scene.until(("Ready", "True", "Succeeded")).await;
    scene.gitlab.faults().add(Fault::at("*", FaultKind::Hang));

    scene.apply(&format!("{NO_HOOKS}\n  import: {{schedule: \"\"}}\n  interval: 7m")).await;

    until_it_hangs(&scene.gitlab, 1).await;
    let meanwhile = scene.connection().await;
    assert!(meanwhile.metadata.generation > before.metadata.generation);
    assert_eq!(meanwhile.status, before.status);
    scene.gitlab.faults().clear();
    // The look that hangs is of no use any more.
    scene.apply(&format!("{NO_HOOKS}\n  import: {{schedule: \"\"}}\n  interval: 8m")).await;
    scene
        .until_it("observed", |connection| {
            connection.status.as_ref().and_then(|status| status.observed_generation) == connection.metadata.generation
        })
        .await;
}
