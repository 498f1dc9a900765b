//! Connections that were stored before a rule existed: here they are written past the API server, which keeps the rules.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use gitlab_connector::api::GitLabConnection;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::{DynamicObject, ListParams};
use kube::core::ApiResource;
use serde_json::{Value, json};

use super::scene::Scene;
use crate::harness::{Namespace, until};
use crate::support::acme::acme;

const QUIET: &str = "  webhooks: {mode: Disabled}\n  import: {schedule: \"\"}";
const READY: (&str, &str, &str) = ("Ready", "True", "Succeeded");

#[tokio::test]
async fn a_connection_that_was_stored_before_a_rule_existed_is_told_the_rule_and_stops_nobody() {
    // Who comes again under the same name leads at once.
    let mut scene = Scene::of(acme(), &["--identity=one"]).await;
    scene.controller.kill().await;
    let names = ["past-a-rule", "past-a-word", "past-a-type", "good"];
    let all: String = names.iter().map(|name| scene.manifest(name, QUIET) + "---\n").collect();
    scene.namespace.apply(&all).await;
    let both = |spec: &mut Value| {
        spec["import"]["since"] = json!("2025-01-01");
        spec["import"]["lookback"] = json!("30d");
    };
    store(&scene.namespace, "past-a-rule", both).await;
    store(&scene.namespace, "past-a-word", |spec| spec["interval"] = json!("soon")).await;
    store(&scene.namespace, "past-a-type", |spec| spec["scope"]["groups"] = json!("acme")).await;

    scene.controller = scene.another().await;

    scene.namespace.until_condition("good", READY).await;
    told(&scene.namespace, "past-a-rule", "spec.import.since and spec.import.lookback are both set").await;
    told(&scene.namespace, "past-a-word", "spec.interval must be a duration").await;
    // The API server takes no status of it, so that it is told by an Event.
    until("the Event", Duration::from_secs(30), async || {
        let events = scene.namespace.api::<Event>().list(&ListParams::default()).await.unwrap().items;
        let so = |event: &Event| {
            let name = event.regarding.as_ref().and_then(|object| object.name.as_deref());
            let note = event.note.as_deref().unwrap_or_default();
            (name, event.reason.as_deref()) == (Some("past-a-type"), Some("InvalidSpec"))
                && note.contains("spec.scope.groups")
        };
        if events.iter().any(so) { Ok(()) } else { Err(format!("{events:#?}")) }
    })
    .await;
    // Whoever is told the rule can keep it.
    let replace = ["--namespace", &scene.namespace.name, "replace", "-f", "-"];
    scene.namespace.cluster.kubectl_with(&all, &replace).await.says(0, &[]);
    for name in names {
        scene.namespace.until_condition(name, READY).await;
    }
}

#[tokio::test]
async fn a_connection_that_cannot_be_read_can_be_deleted() {
    let scene = Scene::new().await;
    scene.apply(QUIET).await;
    scene.until(READY).await;
    store(&scene.namespace, "acme", |spec| spec["interval"] = json!("soon")).await;
    told(&scene.namespace, "acme", "spec.interval must be a duration").await;

    let ended = scene.namespace.kubectl(&["delete", "glconn/acme", "--timeout=30s"]).await;

    ended.says(0, &["deleted"]);
}

/// Waits until a connection, whatever it looks like, is told that its spec cannot be followed, in these words.
async fn told(namespace: &Namespace, name: &str, words: &str) {
    let kind = ApiResource::erase::<GitLabConnection>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(namespace.client.clone(), &namespace.name, &kind);
    until(&format!("{name} is told"), Duration::from_secs(30), async || {
        let object = api.get(name).await.map_err(|error| error.to_string())?;
        let says = |one: &Value| {
            let message = one["message"].as_str().unwrap_or_default();
            one["type"] == "Ready"
                && one["status"] == "False"
                && one["reason"] == "InvalidSpec"
                && message.contains(words)
        };
        let conditions = object.data["status"]["conditions"].as_array();
        if conditions.is_some_and(|all| all.iter().any(says)) { Ok(()) } else { Err(format!("{:#}", object.data)) }
    })
    .await;
}

/// Changes the spec of a connection as it is stored, and nothing else.
async fn store(namespace: &Namespace, name: &str, change: impl FnOnce(&mut Value)) {
    let etcd = namespace.cluster.plane.etcd().unwrap_or_else(|error| panic!("{error}"));
    let key = format!("/registry/gitlab-connector.dev/gitlabconnections/{}/{name}", namespace.name);
    let key = BASE64_STANDARD.encode(key);
    let ask = async |what: &str, body: Value| -> Value {
        let answer = reqwest::Client::new().post(format!("{etcd}/v3/kv/{what}")).json(&body).send().await.unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    };
    let found = ask("range", json!({ "key": key })).await;
    let value = found["kvs"][0]["value"].as_str().unwrap_or_else(|| panic!("{name} is not stored: {found}"));
    let mut object: Value = serde_json::from_slice(&BASE64_STANDARD.decode(value).unwrap()).unwrap();
    change(&mut object["spec"]);
    ask("put", json!({ "key": key, "value": BASE64_STANDARD.encode(object.to_string()) })).await;
}
