//! An API server that goes away: on a control plane of its own, because other tests need theirs.

use std::time::Duration;

use control_plane::{ControlPlane, Options};
use gitlab_connector::api::{self, GitLabConnection};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::core::ApiResource;
use kube::runtime::{conditions, wait::await_condition};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::scene::Controller;
use crate::harness::until;
use crate::support::binary::Directory;

#[tokio::test]
async fn an_api_server_that_restarts_is_survived_and_one_that_stays_away_ends_the_process() {
    let directory = Directory::new();
    let plane = ControlPlane::start(Options { directory: directory.path().into(), audit: false }).await.unwrap();
    let client = plane.client().unwrap();
    define(&client, &serde_json::to_value(api::crd()).unwrap()).await;
    let kind = ApiResource::erase::<GitLabConnection>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "default", &kind);
    let spec = json!({"url": "https://gitlab.invalid/", "scope": {"groups": ["acme"]},
                      "credentials": [{"name": "a", "secretRef": {"name": "nowhere", "key": "k"}}]});
    make(&api, "acme", &spec).await;
    let mut controller = Controller::outside(plane.kubeconfig(), "default");
    let looked = async |value: &str| {
        let annotated = json!({"metadata": {"annotations": {"gitlab-connector.dev/reconcile-requested-at": value}}});
        api.patch("acme", &PatchParams::default(), &Patch::Merge(&annotated)).await.unwrap();
        let look = async || {
            let object = api.get("acme").await.unwrap();
            if object.data["status"]["lastHandledReconcileAt"] == value { Ok(()) } else { Err(controller.log()) }
        };
        until("it is looked at", Duration::from_secs(60), look).await;
    };
    looked("before").await;

    plane.stop_api_server().unwrap();
    let noticed = async || if controller.log().contains("a watch broke") { Ok(()) } else { Err(controller.log()) };
    until("the controller notices", Duration::from_secs(60), noticed).await;
    plane.start_api_server().await.unwrap();
    looked("after").await;
    let leading = controller.log().matches(r#""message":"leading""#).count();
    assert_eq!(leading, 1, "it is the same process: {}", controller.log());

    plane.stop_api_server().unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(15), controller.child.wait()).await;
    assert!(!ended.expect("before another one may lead").unwrap().success());
}

async fn define(client: &Client, crd: &Value) {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let name = crd["metadata"]["name"].as_str().unwrap();
    crds.patch(name, &PatchParams::apply("tests").force(), &Patch::Apply(crd)).await.unwrap();
    let established = await_condition(crds, name, conditions::is_crd_established());
    tokio::time::timeout(Duration::from_secs(30), established).await.unwrap().unwrap();
}

/// With our finalizer, as those have it that were looked at before.
async fn make(api: &Api<DynamicObject>, name: &str, spec: &Value) {
    let object = serde_json::from_value(json!({
        "apiVersion": "gitlab-connector.dev/v1alpha1", "kind": "GitLabConnection",
        "metadata": {"name": name, "finalizers": ["gitlab-connector.dev/webhooks"]}, "spec": spec,
    }))
    .unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
}
