//! A connection at rest: nothing is written, and GitLab is asked what its interval says and no more.

use std::time::Duration;

use super::scene::{HOOKS, Scene};

#[tokio::test]
async fn a_connection_at_rest_causes_no_write_and_no_event_over_many_intervals() {
    let scene = Scene::new().await;
    scene.apply(&format!("{HOOKS}\n  interval: 1s\n  import: {{schedule: \"@monthly\"}}")).await;
    scene.until(("Ready", "True", "Succeeded")).await;
    // What a first look leaves to a second, such as the end of the first import.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = scene.connection().await;
    scene.gitlab.forget_requests();
    let moment = scene.namespace.cluster.moment();

    tokio::time::sleep(Duration::from_secs(10)).await;

    let us = scene.namespace.user_of("controller");
    let requests = scene.namespace.cluster.requests_since(moment);
    let writes: Vec<_> = requests
        .iter()
        .filter(|one| one.user.username == us && one.writes() && one.object_ref.resource != "leases")
        .collect();
    assert!(writes.is_empty(), "{writes:#?}");
    assert_eq!(scene.connection().await.metadata.resource_version, before.metadata.resource_version);
    let asked = scene.gitlab.requests();
    assert!(asked.iter().all(|one| one.method == "GET"), "{asked:#?}");
    assert!(asked.len() > 20, "it was looked at: {}", asked.len());
}

#[tokio::test]
async fn a_look_for_any_other_cause_asks_gitlab_nothing() {
    let scene = Scene::new().await;
    scene.apply(&format!("{HOOKS}\n  interval: 1h\n  import: {{schedule: \"@monthly\"}}")).await;
    scene.until(("Ready", "True", "Succeeded")).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    scene.gitlab.forget_requests();
    let moment = scene.namespace.cluster.moment();

    scene.annotate("example.com/note=1").await;
    scene.namespace.secret("unrelated", &[("key", "value")]).await;
    scene.namespace.kubectl(&["label", "secret/tokens", "touched=yes"]).await.says(0, &[]);
    tokio::time::sleep(Duration::from_secs(3)).await;

    let requests = scene.namespace.cluster.requests_since(moment);
    let us = scene.namespace.user_of("controller");
    let looked = requests.iter().filter(|one| {
        one.user.username == us && (one.verb.as_str(), one.object_ref.resource.as_str()) == ("get", "gitlabconnections")
    });
    assert!(looked.count() >= 1, "it was looked at");
    assert!(scene.gitlab.requests().is_empty(), "{:#?}", scene.gitlab.requests());
}
