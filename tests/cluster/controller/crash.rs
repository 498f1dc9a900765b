//! Killed at any moment, or there twice, the controller leaves exactly one of everything.

use std::path::PathBuf;
use std::time::Duration;

use futures::{StreamExt, future::join_all, stream};
use gitlab_connector::api::{GitLabConnection, RECONCILE_REQUESTED_AT};
use gitlab_simulator::{Logged, Simulator};
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
metadata: {{name: tokens, annotations: {{gitlab-connector.dev/use: 'credential,database,webhook'}}}}
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

    /// Sets the secret that the spec names for the webhooks, and names it.
    async fn set_secret(&self, value: &str) {
        let secret = Patch::Merge(json!({"stringData": {"hook": value}}));
        self.namespace.api::<Secret>().patch("tokens", &PatchParams::default(), &secret).await.unwrap();
        let named = Patch::Merge(json!({"spec": {"webhooks": {"secretRef": {"name": "tokens", "key": "hook"}}}}));
        let connections = self.namespace.api::<GitLabConnection>();
        connections.patch("acme", &PatchParams::default(), &named).await.unwrap();
    }

    /// The secret that GitLab sends, and the one that is kept.
    async fn secrets(&self, simulator: &Simulator) -> [String; 2] {
        let uid = self.namespace.api::<GitLabConnection>().get("acme").await.unwrap().uid().unwrap();
        let hook = simulator.read(|world| world.hooks().find(|hook| hook.url.ends_with(&uid)).cloned());
        let kept = self.namespace.api::<Secret>().list(&owned_by(&uid)).await.unwrap().items.remove(0);
        [hook.unwrap().token.unwrap(), String::from_utf8(kept.data.unwrap()["secret"].0.clone()).unwrap()]
    }

    async fn ask_for_a_look(&self) -> String {
        let value = format!("{:08x}", fastrand::u32(..));
        let request = Patch::Merge(json!({"metadata": {"annotations": {RECONCILE_REQUESTED_AT: value}}}));
        let connections = self.namespace.api::<GitLabConnection>();
        connections.patch("acme", &PatchParams::default(), &request).await.unwrap();
        value
    }

    async fn until_looked_at(&self, request: &String) {
        let handled = |connection: &GitLabConnection| {
            connection.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_ref()) == Some(request)
        };
        self.namespace.until("acme", "looked at on request", Duration::from_secs(180), handled).await;
    }

    /// Waits for the end of a pass; it leaves one of each.
    async fn until_done(&self, simulator: &Simulator, imports: bool) {
        let wanted = if imports { ("ImportSucceeded", "Unknown", "Running") } else { ("Ready", "True", "Succeeded") };
        let connection = self.namespace.until_condition("acme", wanted).await;
        self.namespace.until_condition("acme", ("WebhooksReady", "True", "Succeeded")).await;
        let uid = connection.uid().unwrap();
        assert_eq!(hooks(simulator, &uid), 1);
        let ours = owned_by(&uid);
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

fn owned_by(uid: &str) -> ListParams {
    ListParams::default().labels(&format!("gitlab-connector.dev/connection-uid={uid}"))
}

/// Hooks of a connection in GitLab.
fn hooks(simulator: &Simulator, uid: &str) -> usize {
    simulator.read(|world| world.hooks().filter(|hook| hook.url.ends_with(uid)).count())
}

/// What a pass is about.
#[derive(Clone, Copy)]
struct Story {
    import: &'static str,
    /// Everything is in place, and the secret of the webhooks is another one now.
    rotates: bool,
}

impl Story {
    const HOOKS: Story = Story { import: NONE, rotates: false };
    const IMPORTS: Story = Story { import: ENDLESS, rotates: false };
    const ROTATES: Story = Story { import: NONE, rotates: true };

    /// A place where the pass is about to begin, and the request that it answers.
    async fn begin(self, simulator: &Simulator) -> (Place, String) {
        let place = Place::new(simulator, self.import).await;
        if self.rotates {
            place.set_secret("the-first-secret").await;
            let mut controller = place.start();
            self.end(&place, simulator).await;
            controller.kill().await;
            place.set_secret("the-second-secret").await;
        }
        let request = place.ask_for_a_look().await;
        (place, request)
    }

    /// Waits for the end of the pass; it leaves one of each.
    async fn end(self, place: &Place, simulator: &Simulator) {
        place.until_done(simulator, self.import == ENDLESS).await;
    }
}

/// Kills a controller while a request is held, starts it again, and waits for the end. False where the pass had no such
/// request: the one that was counted may have looked, or met a conflict, once more.
async fn killed(simulator: &Simulator, story: Story, gate: fn(&Place) -> &Gate, (number, side): (usize, Side)) -> bool {
    let (place, request) = story.begin(simulator).await;
    let number = gate(&place).came().len() + number;
    gate(&place).hold(number, side);
    let mut controller = place.start();
    let ended = async {
        place.until_looked_at(&request).await;
        story.end(&place, simulator).await;
    };
    tokio::select! {
        () = gate(&place).until_held(number) => {}
        () = ended => {
            if gate(&place).came().len() <= number {
                return false;
            }
            // The end may be seen a moment before the gate has the answer in its hands.
            gate(&place).until_held(number).await;
        }
    }
    controller.kill().await;
    gate(&place).open();

    // Whatever was said before it died: it has to look again.
    let request = place.ask_for_a_look().await;
    let _again = place.start();
    place.until_looked_at(&request).await;
    story.end(&place, simulator).await;
    if story.rotates {
        let [sent, kept] = place.secrets(simulator).await;
        assert_eq!((sent.as_str(), kept.as_str()), ("the-second-secret", "the-second-secret"));
    }
    true
}

/// Each moment of a pass at which to kill: before every request, and after those that change something.
/// These must be `among` them.
async fn moments(story: Story, gate: fn(&Place) -> &Gate, among: &[(&str, &str)]) -> Vec<(usize, Side)> {
    let simulator = serve(acme()).await;
    // What meets a change of somebody else's is sent once more. The shortest of three passes has met none.
    let passes = (0..3).map(|_| undisturbed(&simulator, story, gate));
    let came = join_all(passes).await.into_iter().min_by_key(Vec::len).unwrap();
    for (method, part) in among {
        let found = came.iter().any(|request| request.starts_with(method) && request.contains(part));
        assert!(found, "{method} {part} is not among {came:#?}");
    }
    let writes = came.iter().enumerate().filter(|(_, request)| !request.starts_with("GET"));
    let after = writes.map(|(number, _)| (number, Side::After));
    (0..came.len()).map(|number| (number, Side::Before)).chain(after).collect()
}

/// The requests of a pass that nobody kills.
async fn undisturbed(simulator: &Simulator, story: Story, gate: fn(&Place) -> &Gate) -> Vec<String> {
    let (place, request) = story.begin(simulator).await;
    let before = gate(&place).came().len();
    let _controller = place.start();
    place.until_looked_at(&request).await;
    story.end(&place, simulator).await;
    gate(&place).came().split_off(before)
}

/// Kills a controller at each moment of a pass, every time in another place.
async fn killed_at_each(story: Story, gate: fn(&Place) -> &Gate, among: &[(&str, &str)]) {
    let moments = moments(story, gate, among).await;
    // A group of its own: GitLab allows it so many webhooks.
    let simulator = serve(acme()).await;
    let count = moments.len();
    let kill = async |moment| (moment, killed(&simulator, story, gate, moment).await);
    let kills: Vec<_> = moments.into_iter().map(kill).collect();
    let kills = stream::iter(kills).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
    let missed: Vec<_> = kills.iter().filter(|(_, killed)| !killed).map(|(moment, _)| moment).collect();
    assert!(missed.len() * 10 <= count, "of {count} moments these were not met: {missed:?}");
}

#[tokio::test]
async fn killed_at_any_request_to_gitlab_the_controller_makes_exactly_one_webhook() {
    killed_at_each(Story::HOOKS, Place::gitlab, &[("POST", "/hooks")]).await;
}

#[tokio::test]
async fn killed_at_any_write_to_kubernetes_the_controller_makes_exactly_one_webhook_secret_and_job() {
    let writes =
        [("PATCH", "/acme"), ("POST", "/secrets"), ("PUT", "/secrets"), ("POST", "/jobs"), ("PATCH", "/status")];
    killed_at_each(Story::IMPORTS, Place::kubernetes, &writes).await;
}

#[tokio::test]
async fn killed_at_any_write_to_kubernetes_a_new_webhook_secret_reaches_gitlab_all_the_same() {
    killed_at_each(Story::ROTATES, Place::kubernetes, &[("PUT", "/secrets"), ("PATCH", "/status")]).await;
}

#[tokio::test]
async fn two_controllers_at_once_end_with_exactly_one_webhook_and_never_with_none_between() {
    let simulator = serve(acme()).await;
    let place = Place::new(&simulator, ENDLESS).await;
    // Both are about to make one before either has.
    place.gitlab.gather(2, |method, path| method == "POST" && path.ends_with("/hooks"));
    let _one = place.start();
    let home = Namespace::new().await;

    let _other = Controller::elsewhere(&place.namespace, &home).await;

    let log = async || {
        // Questions to GraphQL are posted too.
        let is_change = |request: &Logged| request.method != "GET" && request.route != "/graphql";
        let changes = simulator.requests().into_iter().filter(is_change);
        let changes = changes.map(|request| (request.method, request.status));
        changes.collect::<Vec<_>>()
    };
    until("one of two is removed", Duration::from_secs(180), async || {
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
