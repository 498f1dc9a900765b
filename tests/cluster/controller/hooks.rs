//! The webhooks of a connection in GitLab, and the Secret that keeps what they send.

use std::time::Duration;

use gitlab_connector::api::GitLabConnection;
use gitlab_simulator::{Fault, FaultKind};
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;

use super::scene::{HOOKS, Scene};
use crate::harness::until;
use crate::support::acme::acme;

#[tokio::test]
async fn a_connection_gets_its_webhook_and_the_secret_that_it_sends_is_kept() {
    let scene = Scene::new().await;

    scene.apply(HOOKS).await;

    let ready = scene.until(("WebhooksReady", "True", "Succeeded")).await;
    let hooks = scene.hooks();
    assert_eq!(hooks.len(), 1, "{hooks:#?}");
    assert!(hooks[0].url.ends_with(ready.metadata.uid.as_ref().unwrap()));
    let state = state(&scene).await;
    assert_eq!(hooks[0].token, text(&state, "secret"));
    let owner = &state.metadata.owner_references.as_ref().unwrap()[0];
    assert_eq!((owner.kind.as_str(), owner.controller), ("GitLabConnection", Some(true)));
    let webhooks = ready.status.unwrap().webhooks.unwrap();
    assert_eq!((webhooks.summary.as_deref(), webhooks.desired, webhooks.ready), (Some("1/1 Group"), 1, 1));
}

#[tokio::test]
async fn a_hook_edited_by_hand_is_repaired() {
    let scene = Scene::new().await;
    scene.apply(HOOKS).await;
    scene.until(("WebhooksReady", "True", "Succeeded")).await;
    let id = scene.hooks()[0].id;

    scene.gitlab.world(|world| world.hook_mut(id).unwrap().events = ["push_events"].into());
    scene.look().await;

    let hooks = scene.hooks();
    assert_eq!((hooks.len(), hooks[0].id), (1, id));
    assert!(hooks[0].events.contains("merge_requests_events") && !hooks[0].events.contains("push_events"));
}

#[tokio::test]
async fn a_new_webhook_secret_reaches_gitlab_and_the_old_one_is_accepted_meanwhile() {
    let scene = Scene::new().await;
    scene.namespace.secret("hook", &[("value", "the-first-secret")]).await;
    scene.apply(&HOOKS.replace("{mode", "{secretRef: {name: hook, key: value}, mode")).await;
    scene.until(("WebhooksReady", "True", "Succeeded")).await;
    assert_eq!(scene.hooks()[0].token.as_deref(), Some("the-first-secret"));

    scene.namespace.secret("hook", &[("value", "the-second-secret")]).await;

    let second = async || match scene.hooks()[0].token.as_deref() {
        Some("the-second-secret") => Ok(()),
        other => Err(format!("{other:?}")),
    };
    until("GitLab has the new secret", Duration::from_secs(15), second).await;
    let state = state(&scene).await;
    assert_eq!(text(&state, "secret").as_deref(), Some("the-second-secret"));
    assert_eq!(text(&state, "previous").as_deref(), Some("the-first-secret"));
    assert_eq!(scene.hooks().len(), 1);
}

#[tokio::test]
async fn a_webhook_secret_that_somebody_removes_is_made_anew() {
    let scene = Scene::new().await;
    scene.apply(HOOKS).await;
    scene.until(("WebhooksReady", "True", "Succeeded")).await;
    let before = state(&scene).await;

    let name = before.metadata.name.clone().unwrap();
    scene.namespace.kubectl(&["delete", "secret", &name]).await.says(0, &["deleted"]);

    let again = |secret: &Secret| secret.metadata.uid != before.metadata.uid;
    scene.namespace.until::<Secret>(&name, "made anew", Duration::from_secs(10), again).await;
    let same = async || {
        let (kept, sent) = (text(&state(&scene).await, "secret"), scene.hooks()[0].token.clone());
        if kept == sent { Ok(()) } else { Err(format!("{kept:?} is kept and {sent:?} is sent")) }
    };
    until("GitLab sends what is kept", Duration::from_secs(15), same).await;
    assert_eq!(scene.hooks().len(), 1);
}

#[tokio::test]
async fn a_controller_killed_at_any_moment_while_it_makes_a_webhook_leaves_exactly_one() {
    // One identity: the next process takes the lease of the killed one at once, as a container that is restarted does.
    let mut scene = Scene::of(acme(), &["--identity=controller"]).await;
    // Answered late: the webhook is there, and nobody has said so yet.
    for pattern in ["POST /groups/:id/hooks", "GET /groups/:id/hooks"] {
        scene.gitlab.faults().add(Fault::at(pattern, FaultKind::Latency { millis: 300 }));
    }
    scene.apply(HOOKS).await;

    // From before the Secret is made until after the status is written: about 4 s.
    for millis in (500..6000).step_by(550) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        scene.controller.kill().await;
        assert!(scene.hooks().len() <= 1, "{:#?}", scene.hooks());
        scene.controller = scene.another().await;
    }
    scene.gitlab.faults().clear();

    scene.until(("WebhooksReady", "True", "Succeeded")).await;
    assert_eq!(scene.hooks().len(), 1, "{:#?}", scene.hooks());
}

#[tokio::test]
async fn two_connections_of_one_name_in_two_namespaces_do_not_disturb_each_other() {
    let (one, other) = (Scene::new().await, Scene::new().await);
    one.apply(HOOKS).await;
    other.namespace.apply(&one.manifest("acme", HOOKS)).await;

    let wanted = ("WebhooksReady", "True", "Succeeded");
    one.until(wanted).await;
    other.namespace.until_condition("acme", wanted).await;
    assert_eq!(one.hooks().len(), 2, "one each");
    other.namespace.kubectl(&["delete", "glconn/acme", "--wait", "--timeout=60s"]).await.says(0, &["deleted"]);

    let left = one.hooks();
    let uid = one.namespace.api::<GitLabConnection>().get("acme").await.unwrap().metadata.uid.unwrap();
    assert_eq!(left.len(), 1);
    assert!(left[0].url.ends_with(&uid));
}

async fn state(scene: &Scene) -> Secret {
    let params = ListParams::default().labels("gitlab-connector.dev/connection-uid");
    let secrets = scene.namespace.api::<Secret>().list(&params).await.unwrap().items;
    secrets.into_iter().next().unwrap()
}

fn text(secret: &Secret, key: &str) -> Option<String> {
    let value = secret.data.as_ref()?.get(key)?;
    Some(String::from_utf8(value.0.clone()).unwrap())
}
