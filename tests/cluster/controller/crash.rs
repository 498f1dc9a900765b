//! Killed at any moment, or there twice, the controller leaves exactly one of everything.

use std::path::PathBuf;
use std::time::Duration;

use futures::{StreamExt, stream};
use gitlab_connector::api::{GitLabConnection, RECONCILE_REQUESTED_AT};
use gitlab_simulator::Simulator;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ListParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, ResourceExt};
use serde_json::json;

use super::gate::{Gate, Side};
use super::scene::Controller;
use crate::harness::{Namespace, until};
use crate::support::acme::{OWNER, READER, acme, serve};
use crate::support::binary::Directory;

/// Places that are killed at the same time: most of what each takes is waiting.
const AT_ONCE: usize = 4;
/// One who begins again has its name still, and leads at once.
const ONE: &str = "--identity=one";
/// Imports on request only.
const NONE: &str = "schedule: \"\"";
/// Imports that never end: nobody can make a pod for a ServiceAccount that is not there.
const ENDLESS: &str = "podTemplate: {serviceAccountName: nobody}";

/// A namespace whose controller reaches GitLab and the API server through gates.
struct Place {
    namespace: Namespace,
    gitlab: Gate,
    kubernetes: Gate,
    kubeconfig: PathBuf,
    _directory: Directory,
}

impl Place {
    /// A connection that wants a webhook and these imports. Nobody has looked at it yet.
    async fn new(simulator: &Simulator, import: &str) -> Place {
        let namespace = Namespace::new().await;
        let gitlab = Gate::to(simulator.url(), |_, _| true).await;
        let kubernetes = Gate::by(controllers(&namespace).await, |method, path| {
            method != "GET" && !path.contains("/leases") && !path.contains("/events")
        })
        .await;
        let directory = Directory::new();
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "gate",
            "clusters": [{"name": "gate", "cluster": {"server": kubernetes.url}}],
            "contexts": [{"name": "gate", "context": {"cluster": "gate", "user": ""}}],
        });
        let kubeconfig = directory.write("kubeconfig", &kubeconfig.to_string());
        let manifests = format!(
            "apiVersion: v1
kind: Secret
metadata: {{name: tokens}}
stringData: {{reader: {READER}, owner: {OWNER}, url: 'postgres://nobody@127.0.0.1:9/rows'}}
---
apiVersion: gitlab-connector.dev/v1alpha1
kind: GitLabConnection
metadata: {{name: acme}}
spec:
  url: {}
  credentials: [{{name: primary, secretRef: {{name: tokens, key: reader}}}}]
  scope: {{groups: [acme]}}
  store: {{secretRef: {{name: tokens, key: url}}}}
  webhooks:
    mode: Group
    url: http://127.0.0.1:9/webhooks/gitlab
    credentialRef: {{name: tokens, key: owner}}
  import: {{{import}}}
",
            gitlab.url
        );
        namespace.apply(&manifests).await;
        Place { namespace, gitlab, kubernetes, kubeconfig, _directory: directory }
    }

    fn gitlab(&self) -> &Gate {
        &self.gitlab
    }

    fn kubernetes(&self) -> &Gate {
        &self.kubernetes
    }

    fn start(&self) -> Controller {
        Controller::with(&self.kubeconfig, &self.namespace, &[ONE.to_owned()])
    }

    /// Waits for the end of the first pass; it leaves one of each.
    async fn until_done(&self, simulator: &Simulator, imports: bool) {
        let wanted = if imports { ("ImportSucceeded", "Unknown", "Running") } else { ("Ready", "True", "Succeeded") };
        let connection = self.namespace.until_condition("acme", wanted).await;
        self.namespace.until_condition("acme", ("WebhooksReady", "True", "Succeeded")).await;
        let uid = connection.uid().unwrap();
        assert_eq!(hooks(simulator, &uid), 1);
        let ours = ListParams::default().labels(&format!("gitlab-connector.dev/connection-uid={uid}"));
        assert_eq!(self.namespace.api::<Secret>().list(&ours).await.unwrap().items.len(), 1);
        assert_eq!(self.namespace.api::<Job>().list(&ours).await.unwrap().items.len(), usize::from(imports));
    }
}

/// A client with the rights of the controller.
async fn controllers(namespace: &Namespace) -> Client {
    let kubeconfig = Kubeconfig::read_from(namespace.rights_of("controller").await).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

/// Hooks of a connection in GitLab.
fn hooks(simulator: &Simulator, uid: &str) -> usize {
    simulator.read(|world| world.hooks().filter(|hook| hook.url.ends_with(uid)).count())
}

/// Kills a controller while a request is held, starts it again, and waits for the end.
async fn killed(simulator: &Simulator, import: &str, gate: fn(&Place) -> &Gate, (number, side): (usize, Side)) {
    let place = Place::new(simulator, import).await;
    gate(&place).hold(number, side);
    let mut controller = place.start();
    gate(&place).until_held(number).await;
    controller.kill().await;
    gate(&place).open();
    // Whatever was said before it died: it has to look again.
    let request = Patch::Merge(json!({"metadata": {"annotations": {RECONCILE_REQUESTED_AT: "again"}}}));
    let connections = place.namespace.api::<GitLabConnection>();
    connections.patch("acme", &PatchParams::default(), &request).await.unwrap();
    let _again = place.start();
    let handled = |connection: &GitLabConnection| {
        connection.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref()) == Some("again")
    };
    place.namespace.until("acme", "looked at again", Duration::from_secs(60), handled).await;
    place.until_done(simulator, import == ENDLESS).await;
}

/// What passes a gate in a pass that nobody disturbs, and thus each moment at which to kill: before every request, and
/// after those that change something.
async fn moments(simulator: &Simulator, import: &str, gate: fn(&Place) -> &Gate) -> Vec<(usize, Side)> {
    let place = Place::new(simulator, import).await;
    let _controller = place.start();
    place.until_done(simulator, import == ENDLESS).await;
    let came = gate(&place).came();
    let writes = came.iter().enumerate().filter(|(_, request)| !request.starts_with("GET"));
    assert!(writes.clone().count() > 0, "{came:#?}");
    let after = writes.map(|(number, _)| (number, Side::After));
    (0..came.len()).map(|number| (number, Side::Before)).chain(after).collect()
}

#[tokio::test]
async fn killed_at_any_request_to_gitlab_the_controller_makes_exactly_one_webhook() {
    let simulator = serve(acme()).await;
    let gate = Place::gitlab;
    let moments = moments(&simulator, NONE, gate).await;

    let kills = moments.into_iter().map(|moment| killed(&simulator, NONE, gate, moment));
    stream::iter(kills.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

#[tokio::test]
async fn killed_at_any_write_to_kubernetes_the_controller_makes_exactly_one_webhook_secret_and_job() {
    let simulator = serve(acme()).await;
    let gate = Place::kubernetes;
    let moments = moments(&simulator, ENDLESS, gate).await;

    let kills = moments.into_iter().map(|moment| killed(&simulator, ENDLESS, gate, moment));
    stream::iter(kills.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

#[tokio::test]
async fn two_controllers_at_once_end_with_exactly_one_webhook_and_never_with_none_between() {
    let simulator = serve(acme()).await;
    let place = Place::new(&simulator, ENDLESS).await;
    // Both are about to make one before either has.
    place.gitlab.gather(2, |method, path| method == "POST" && path.ends_with("/hooks"));
    let _one = place.start();
    let home = Namespace::new().await;

    let _other = Controller::elsewhere(&place.namespace, &home);

    let log = async || {
        let changes = simulator.requests().into_iter().filter(|request| request.method != "GET");
        let changes = changes.map(|request| (request.method, request.status));
        changes.collect::<Vec<_>>()
    };
    until("one of two is removed", Duration::from_secs(60), async || {
        let log = log().await;
        let many = |method: &str| log.iter().filter(|(found, status)| found == method && *status < 300).count();
        if (many("POST"), many("DELETE")) == (2, 1) { Ok(()) } else { Err(format!("{log:?}")) }
    })
    .await;
    place.until_done(&simulator, true).await;
    let mut there = 0;
    for (method, status) in log().await.into_iter().filter(|(_, status)| *status < 300) {
        match method.as_str() {
            "POST" => there += 1,
            "DELETE" => there -= 1,
            _ => {}
        }
        assert!(there > 0, "after {method} {status}");
    }
}
