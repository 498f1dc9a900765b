//! A namespace for one test.

use std::fmt::Debug;
use std::process::{Command, Stdio};
use std::time::Duration;

use gitlab_connector::api::GitLabConnection;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::PostParams;
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Cluster, cluster, until};
use crate::support::binary::Ended;

/// A namespace that is deleted with this value, with everything in it.
pub(crate) struct Namespace {
    pub(crate) name: String,
    /// An administrator of the whole cluster.
    pub(crate) client: Client,
    pub(crate) cluster: &'static Cluster,
}

impl Namespace {
    pub(crate) async fn new() -> Namespace {
        let cluster = cluster().await;
        let client = cluster.plane.client().unwrap();
        let name = format!("test-{:08x}", fastrand::u32(..));
        let namespace = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
        Api::<v1::Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
        Namespace { name, client, cluster }
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }

    /// Runs kubectl in this namespace.
    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> Ended {
        self.cluster.kubectl(&[&["--namespace", &self.name], arguments].concat()).await
    }

    /// Applies manifests as `kubectl apply -f -` does.
    pub(crate) async fn apply(&self, manifests: &str) {
        let ended = self.cluster.kubectl_with(manifests, &["--namespace", &self.name, "apply", "-f", "-"]).await;
        assert_eq!(ended.code, Some(0), "{}\n{manifests}", ended.text());
    }

    /// What the pods wrote whose names begin so.
    pub(crate) fn logs(&self, pod: &str) -> String {
        self.cluster.kubelet.as_ref().map(|kubelet| kubelet.logs(&self.name, pod)).unwrap_or_default()
    }

    /// Makes a Secret that is offered for everything, or replaces its values.
    pub(crate) async fn secret(&self, name: &str, values: &[(&str, &str)]) {
        let uses = "credential,webhook,database,ca,proxy,header";
        self.secret_with(name, &[("gitlab-connector.dev/use", uses)], values).await;
    }

    /// Makes a Secret with these annotations, or replaces its values.
    pub(crate) async fn secret_with(&self, name: &str, annotations: &[(&str, &str)], values: &[(&str, &str)]) {
        let map = |pairs: &[(&str, &str)]| -> serde_json::Map<_, _> {
            pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
        };
        let metadata = json!({"name": name, "annotations": map(annotations)});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": map(values)});
        self.apply(&secret.to_string()).await;
    }

    /// Waits until an object is as it should be.
    pub(crate) async fn until<K>(&self, name: &str, what: &str, patience: Duration, so: impl Fn(&K) -> bool) -> K
    where
        K: Resource<Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Serialize,
        K::DynamicType: Default,
    {
        let objects = self.api::<K>();
        let look = async || match objects.get_opt(name).await {
            Ok(Some(object)) if so(&object) => Ok(object),
            Ok(Some(object)) => Err(shown(object)),
            Ok(None) => Err(format!("there is no '{name}'")),
            Err(error) => Err(error.to_string()),
        };
        until(&format!("{name}: {what}"), patience, look).await
    }

    /// Waits until a condition of a connection is this, for the generation that the connection has now.
    pub(crate) async fn until_condition(&self, name: &str, condition: (&str, &str, &str)) -> GitLabConnection {
        let (type_, status, reason) = condition;
        let what = format!("{type_} is {status} because of {reason}");
        let so = |connection: &GitLabConnection| {
            condition_of(connection, type_).is_some_and(|found| {
                found.status == status
                    && found.reason == reason
                    && found.observed_generation == connection.metadata.generation
            })
        };
        self.until(name, &what, Duration::from_secs(60), so).await
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("logs of the pods of {}:\n{}", self.name, self.logs(""));
        }
        let _ = Command::new(self.cluster.plane.kubectl())
            .args(["delete", "namespace", &self.name, "--wait=false"])
            .env("KUBECONFIG", self.cluster.plane.kubeconfig())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// A condition of a connection.
fn condition_of<'a>(connection: &'a GitLabConnection, type_: &str) -> Option<&'a Condition> {
    connection.status.as_ref()?.conditions.iter().find(|condition| condition.type_ == type_)
}

/// An object as YAML, without what only servers read.
fn shown<K: Resource + Serialize>(mut object: K) -> String {
    object.meta_mut().managed_fields = None;
    serde_saphyr::to_string(&object).unwrap()
}
