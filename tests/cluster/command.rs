//! `status` and `check` for connections of a cluster, as a person calls them.

use std::time::Duration;

use gitlab_connector::api::GitLabConnection;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::harness::{Namespace, cluster};
use crate::support::acme::{READER, acme, serve};
use crate::support::binary::{self, Directory, Ended};

const CONNECTION: &str = "apiVersion: gitlab-connector.dev/v1alpha1
kind: GitLabConnection
metadata: {name: acme}
spec:
  url: https://gitlab.example.com/
  credentials: [{name: primary, secretRef: {name: tokens, key: reader}}]
  scope: {groups: [acme]}
";

/// Runs a command of ours as an administrator.
async fn run(arguments: &[&str]) -> Ended {
    let kubeconfig = cluster().await.plane.kubeconfig().to_str().unwrap();
    binary::run(&Directory::new(), &[arguments, &["--kubeconfig", kubeconfig]].concat()).await
}

fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": type_, "status": status, "reason": reason, "message": message, "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    })
}

/// Writes a status as a controller does.
async fn report(namespace: &Namespace, conditions: &[Value], import: Value) {
    let status = json!({"status": {
        "observedGeneration": 1, "conditions": conditions, "import": import,
        "webhooks": {"summary": "3/3 Project", "desired": 3, "ready": 3},
    }});
    namespace
        .api::<GitLabConnection>()
        .patch_status("acme", &PatchParams::default(), &Patch::Merge(&status))
        .await
        .unwrap();
}

#[tokio::test]
async fn status_shows_what_is_ready_and_what_a_person_has_to_do() {
    let namespace = Namespace::new().await;
    namespace.apply(CONNECTION).await;
    let here = ["status", "-n", &namespace.name];

    // Nobody has looked at it yet.
    run(&here).await.says(1, &["acme", "https://gitlab.example.com/", "Unknown"]);

    let ready = [condition("Ready", "True", "Succeeded", "all that the spec asks for is in place")];
    report(&namespace, &ready, json!({"projects": 6, "next": "2999-01-01T00:00:00Z"})).await;
    run(&here).await.says(0, &["True", "Succeeded", "6", "3/3 Project"]);
    run(&[&here[..], &["-o", "wide"]].concat())
        .await
        .says(0, &["NEXT IMPORT", "in 3", "MESSAGE", "asks for is in place"]);

    let stalled = [
        condition("Ready", "False", "SecretNotFound", "Secret 'tokens' is not there"),
        condition("Stalled", "True", "SecretNotFound", "Secret 'tokens' is not there"),
    ];
    report(&namespace, &stalled, json!({})).await;
    run(&here).await.says(3, &["False", "SecretNotFound"]);
    run(&[&["status", "acme"], &here[1..]].concat()).await.says(3, &["CONDITIONS", "Secret 'tokens' is not there"]);
}

#[tokio::test]
async fn status_gives_programs_the_objects_of_the_cluster() {
    let namespace = Namespace::new().await;
    namespace.apply(CONNECTION).await;
    report(&namespace, &[condition("Ready", "True", "Succeeded", "yes")], json!({"projects": 6})).await;

    let all = run(&["status", "-n", &namespace.name, "-o", "json"]).await;
    let one = run(&["status", "acme", "-n", &namespace.name, "-o", "yaml"]).await;

    let list: Value = serde_json::from_str(&all.stdout).unwrap();
    let object: Value = serde_saphyr::from_str(&one.stdout).unwrap();
    assert_eq!(list["kind"], "List");
    assert_eq!(list["items"], json!([object]));
    assert_eq!((&object["kind"], &object["spec"]["scope"]["groups"][0]), (&json!("GitLabConnection"), &json!("acme")));
    assert_eq!(object["metadata"]["managedFields"], Value::Null);
}

#[tokio::test]
async fn who_may_not_look_is_told_verb_and_resource_and_who_looks_for_nothing_where_to_look() {
    let namespace = Namespace::new().await;
    let is_there = |_: &ServiceAccount| true;
    namespace.until("default", "the controller-manager has made it", Duration::from_secs(30), is_there).await;
    let nobody = namespace.cluster.plane.kubeconfig_for(&namespace.name, "default").await.unwrap();
    let nobody = nobody.to_str().unwrap();

    let forbidden = binary::run(&Directory::new(), &["status", "--kubeconfig", nobody]).await;

    forbidden.says(1, &["cannot list", "gitlabconnections", &namespace.name, "ask for a Role"]);
    run(&["status", "-n", &namespace.name]).await.says(0, &["no GitLabConnection in namespace", &namespace.name]);
    run(&["status", "ghost", "-n", &namespace.name]).await.says(2, &["ghost", "status -A"]);
    run(&["status", "--context", "elsewhere"]).await.says(2, &["no context 'elsewhere'"]);
}

#[tokio::test]
async fn check_asks_gitlab_with_the_tokens_that_the_cluster_holds() {
    let gitlab = serve(acme()).await;
    let namespace = Namespace::new().await;
    namespace.apply(&CONNECTION.replace("https://gitlab.example.com/", gitlab.url())).await;
    let check = ["check", "acme", "-n", &namespace.name];

    run(&check).await.says(3, &["spec.credentials[primary].secretRef", "Secret 'tokens' is not in namespace"]);
    namespace.secret_with("tokens", &[], &[("reader", READER)]).await;
    run(&check).await.says(3, &["Secret 'tokens' is not offered as credential", "gitlab-connector.dev/use=credential"]);
    let relaxed = run(&[&check[..], &["--secret-consent=optional"]].concat()).await;
    relaxed.says(3, &["read merge requests", "ok", "manage group webhooks"]);
    namespace.secret("tokens", &[("reader", READER)]).await;
    let granted = run(&check).await;
    namespace.secret("tokens", &[("reader", "glpat-unheard-of")]).await;

    let name = format!("{}/acme", namespace.name);
    // The reader may not manage webhooks, which the connection wants.
    granted.says(3, &[&name, "read merge requests", "ok", "manage group webhooks"]);
    assert!(!granted.text().contains(READER), "{}", granted.text());
    run(&check).await.says(3, &["invalid_credentials"]);
    run(&["check", "ghost", "-n", &namespace.name]).await.says(2, &["ghost", "status -A"]);
}
