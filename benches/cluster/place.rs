//! Where it is measured: a control plane, a GitLab, and the connections.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    pin::pin,
    time::{Duration, Instant},
};

use control_plane::{
    ControlPlane,
    kubelet::{self, Kubelet},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use gitlab_connector::api::{self, GitLabConnection};
use gitlab_simulator::{
    Options, Simulator, World,
    world::{Namespace, Role, Scope, UserKind},
};
use k8s_openapi::api::core::v1::{Namespace as KubeNamespace, Secret};
use kube::{
    Api, Client, ResourceExt as _,
    api::PostParams,
    runtime::{WatchStreamExt as _, watcher},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{INTERVAL, Plan, counts::Counts, postgres};

pub(crate) const NAMESPACE: &str = "bench";
pub(crate) const IMAGE: &str = "gitlab-connector:bench";
/// Users whose tokens share the work.
const USERS: usize = 10;
/// Objects that are made at the same time.
const AT_ONCE: usize = 16;
/// GitLab is across a network.
const LATENCY: Duration = Duration::from_millis(20);

pub(crate) struct Place {
    pub(crate) directory: PathBuf,
    /// Where the receiver listens.
    pub(crate) receiver: SocketAddr,
    plan: Plan,
    plane: ControlPlane,
    client: Client,
    gitlab: Simulator,
    _kubelet: Kubelet,
}

impl Place {
    pub(crate) async fn lay_out(plan: Plan) -> Place {
        let directory = std::env::temp_dir().join(format!("gitlab-connector-bench-cluster-{}", std::process::id()));
        let options = control_plane::Options { directory: directory.clone(), audit: true };
        let plane = ControlPlane::start(options).await.unwrap_or_else(|error| panic!("{error}"));
        let client = plane.client().expect("a client");
        let images = [(IMAGE.to_owned(), PathBuf::from(env!("CARGO_BIN_EXE_gitlab-connector")))].into();
        let options =
            kubelet::Options { directory: directory.join("pods"), images, api_server: plane.address().unwrap() };
        let kubelet = kubelet::start(client.clone(), options).expect("a kubelet");
        let gitlab = Simulator::start(world(plan.connections), Options::latency(LATENCY)).await.expect("a GitLab");
        let place = Place { receiver: free_address(), directory, plan, plane, client, gitlab, _kubelet: kubelet };
        place.prepare().await;
        place
    }

    async fn prepare(&self) {
        Api::all(self.client.clone()).create(&PostParams::default(), &api::crd()).await.expect("the CRD is made");
        let namespace: KubeNamespace = object(json!({"metadata": {"name": NAMESPACE}}));
        Api::all(self.client.clone()).create(&PostParams::default(), &namespace).await.expect("a namespace is made");
        let database = match self.plan.imports {
            true => postgres::by_network(&postgres::database().await),
            false => "postgres://nobody@127.0.0.1:1/none".into(),
        };
        let mut values: BTreeMap<String, String> =
            (0..USERS).map(|user| (format!("token-{user}"), token(user))).collect();
        values.insert("database".to_owned(), database.expose_secret().to_owned());
        let secret: Secret = object(json!({
            "metadata": {"name": "secrets", "annotations": {"gitlab-connector.dev/use": "credential,database"}},
            "stringData": values,
        }));
        Api::namespaced(self.client.clone(), NAMESPACE)
            .create(&PostParams::default(), &secret)
            .await
            .expect("a Secret");
        let manifests = Command::new(self.plane.helm())
            .args(["template", "gitlab-connector", "charts/gitlab-connector", "--namespace", NAMESPACE])
            .args(["--show-only=templates/rbac.yaml", "--show-only=templates/serviceaccounts.yaml"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .await
            .expect("helm runs");
        let file = self.directory.join("rights.yaml");
        std::fs::write(&file, manifests.stdout).expect("a file");
        let applied = Command::new(self.plane.kubectl())
            .args(["apply", "--namespace", NAMESPACE, "-f"])
            .arg(file)
            .env("KUBECONFIG", self.plane.kubeconfig())
            .output()
            .await
            .expect("kubectl runs");
        assert!(applied.status.success(), "{applied:?}");
    }

    pub(crate) fn receiver_url(&self) -> String {
        format!("http://{}/webhooks/gitlab", self.receiver)
    }

    /// A kubeconfig with the rights of the controller or the receiver.
    pub(crate) async fn rights_of(&self, component: &str) -> PathBuf {
        let account = format!("gitlab-connector-{component}");
        self.plane.kubeconfig_for(NAMESPACE, &account).await.expect("a token")
    }

    pub(crate) async fn apply_all(&self) {
        let api: Api<GitLabConnection> = Api::namespaced(self.client.clone(), NAMESPACE);
        let make = |number: usize| {
            let (api, connection) = (api.clone(), object(self.connection(number)));
            async move { api.create(&PostParams::default(), &connection).await }
        };
        let all = stream::iter((0..self.plan.connections).map(make)).buffer_unordered(AT_ONCE);
        all.try_for_each(|_| async { Ok(()) }).await.expect("the connections are made");
    }

    fn connection(&self, number: usize) -> Value {
        let schedule = if self.plan.imports { "0 5 1 1 *" } else { "" };
        json!({
            "apiVersion": "gitlab-connector.dev/v1alpha1", "kind": "GitLabConnection",
            "metadata": {"name": format!("c{number}")},
            "spec": {
                "url": self.gitlab.url(),
                "credentials": [{"name": "primary", "secretRef": {"name": "secrets", "key": format!("token-{}", number % USERS)}}],
                "scope": {"groups": [group(number)]},
                "import": {"schedule": schedule, "parallelism": 1},
                "store": {"secretRef": {"name": "secrets", "key": "database"}},
                "interval": format!("{}s", INTERVAL.as_secs()),
            },
        })
    }

    /// Waits until every connection is Ready.
    pub(crate) async fn until_all_ready(&self) {
        let api: Api<GitLabConnection> = Api::namespaced(self.client.clone(), NAMESPACE);
        let mut changes = pin!(watcher(api, watcher::Config::default()).default_backoff().applied_objects());
        let mut ready = std::collections::BTreeSet::new();
        let (began, mut told) = (Instant::now(), 0);
        while ready.len() < self.plan.connections {
            let Some(Ok(connection)) = changes.next().await else { continue };
            let conditions = connection.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
            if conditions.iter().any(|one| one.type_ == "Ready" && one.status == "True") {
                ready.insert(connection.name_any());
            }
            if began.elapsed().as_secs() / 60 > told {
                told += 1;
                println!("    {} are Ready after {told} min", ready.len());
            }
        }
    }

    /// Waits until so many looks more have asked GitLab.
    pub(crate) async fn until_looked(&self, looks: usize) {
        let count = || self.gitlab.counts().get("GET /metadata").copied().unwrap_or_default();
        let wanted = count() + looks;
        while count() < wanted {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends the servers and takes their files away.
    pub(crate) fn leave(self) {
        let directory = self.directory.clone();
        drop(self);
        let _ = std::fs::remove_dir_all(directory);
    }

    pub(crate) fn counts(&self) -> Counts {
        let account = |component| format!("system:serviceaccount:{NAMESPACE}:gitlab-connector-{component}");
        let users = ["controller", "receiver"].map(|component| (account(component), component));
        Counts::read(self.gitlab.counts(), self.plane.audit_log().expect("an audit log"), &users)
    }
}

/// A group with a project and a merge request for each connection; users own an equal share of them.
fn world(connections: usize) -> World {
    let mut world = World::new();
    for user in 0..USERS {
        let id = world.create_user(&format!("user-{user}"), UserKind::Human);
        world.create_token(&token(user), id, &[Scope::Api]);
    }
    for number in 0..connections {
        let id = world.create_group(None, &group(number));
        let user = world.user_named(&format!("user-{}", number % USERS));
        world.add_group_member(id, user, Role::Owner);
        let project = world.create_project(Namespace::Group(id), "web");
        world.open_merge_request(project, &format!("user-{}", number % USERS), "Add a page");
    }
    world
}

fn group(number: usize) -> String {
    format!("group-{number}")
}

fn token(user: usize) -> String {
    format!("glpat-of-user-{user}")
}

/// An address that nobody listens on at present.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("an object")
}
