//! A namespace with a controller of its own, a GitLab and a database.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use gitlab_connector::api::GitLabConnection;
use gitlab_simulator::world::Hook;
use gitlab_simulator::{Simulator, World};
use secrecy::{ExposeSecret, SecretString};
use tokio::process::{Child, Command};

use crate::harness::{IMAGE, Namespace};
use crate::support::acme::{OWNER, READER, acme, serve};
use crate::support::{binary::Directory, postgres};

/// A process of the controller, with the rights that the chart gives it.
pub(super) struct Controller {
    pub(super) child: Child,
    directory: Directory,
}

impl Controller {
    pub(super) async fn start(namespace: &Namespace, options: &[String]) -> Controller {
        Self::with(&namespace.rights_of("controller").await, namespace, options)
    }

    /// One that reaches the API server in another way.
    pub(super) fn with(kubeconfig: &Path, namespace: &Namespace, options: &[String]) -> Controller {
        Self::spawn(&namespace.name, &namespace.name, kubeconfig, options)
    }

    /// One that lives elsewhere, with the rights that the chart gives to who looks after all namespaces.
    pub(super) async fn elsewhere(namespace: &Namespace, home: &Namespace) -> Controller {
        let kubeconfig = home.rights_everywhere("controller").await;
        Self::spawn(&namespace.name, &home.name, &kubeconfig, &[])
    }

    /// One on another control plane, with all rights.
    pub(super) fn outside(kubeconfig: &Path, namespace: &str) -> Controller {
        Self::spawn(namespace, namespace, kubeconfig, &[])
    }

    fn spawn(watched: &str, home: &str, kubeconfig: &Path, options: &[String]) -> Controller {
        let directory = Directory::new();
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_gitlab-connector"))
            .args(["--log=info", "--log-format=json", "controller", "--listen=127.0.0.1:0"])
            .args([&format!("--watch-namespace={watched}"), &format!("--import-image={IMAGE}")])
            .arg(format!("--lease-namespace={home}"))
            .args(options)
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Controller { child, directory }
    }

    /// All that it logged so far.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    /// Asks it to end.
    pub(super) fn terminate(&self) {
        let id = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    pub(super) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The test harness shows it with the test that failed.
            #[allow(clippy::print_stderr, reason = "for who reads why a test failed")]
            {
                eprintln!("log of the controller:\n{}", self.log());
            }
        }
    }
}

/// What a test starts from.
pub(super) struct Scene {
    pub(super) namespace: Namespace,
    pub(super) gitlab: Simulator,
    pub(super) database: SecretString,
    pub(super) controller: Controller,
    options: Vec<String>,
}

impl Scene {
    pub(super) async fn new() -> Scene {
        Self::of(acme(), &[]).await
    }

    pub(super) async fn of(world: World, options: &[&str]) -> Scene {
        let gitlab = serve(world).await;
        let database = postgres::database().await;
        let namespace = Namespace::new().await;
        namespace.secret("tokens", &[("reader", READER), ("owner", OWNER)]).await;
        namespace.secret("database", &[("url", postgres::by_network(&database).expose_secret())]).await;
        let receiver = format!("--receiver-url={}", receiver().await);
        let options: Vec<_> = options.iter().map(|option| (*option).to_owned()).chain([receiver]).collect();
        let controller = Controller::start(&namespace, &options).await;
        Scene { namespace, gitlab, database, controller, options }
    }

    /// One more process with the same options.
    pub(super) async fn another(&self) -> Controller {
        Controller::start(&self.namespace, &self.options).await
    }

    /// The manifest of a connection, with more lines of its spec.
    pub(super) fn manifest(&self, name: &str, more: &str) -> String {
        format!(
            "apiVersion: gitlab-connector.dev/v1alpha1
kind: GitLabConnection
metadata: {{name: {name}}}
spec:
  url: {}
  credentials: [{{name: primary, secretRef: {{name: tokens, key: reader}}}}]
  scope: {{groups: [acme]}}
  store: {{secretRef: {{name: database, key: url}}}}
{more}
",
            self.gitlab.url()
        )
    }

    pub(super) async fn apply(&self, more: &str) {
        self.namespace.apply(&self.manifest("acme", more)).await;
    }

    pub(super) async fn until(&self, condition: (&str, &str, &str)) -> GitLabConnection {
        self.namespace.until_condition("acme", condition).await
    }

    pub(super) async fn until_it(&self, what: &str, so: impl Fn(&GitLabConnection) -> bool) -> GitLabConnection {
        self.namespace.until("acme", what, Duration::from_secs(180), so).await
    }

    pub(super) async fn annotate(&self, annotation: &str) {
        let ended = self.namespace.kubectl(&["annotate", "--overwrite", "glconn/acme", annotation]).await;
        assert_eq!(ended.code, Some(0), "{}", ended.text());
    }

    /// Has it looked at, and waits until it was.
    pub(super) async fn look(&self) -> GitLabConnection {
        let value = format!("{:08x}", fastrand::u32(..));
        self.annotate(&format!("gitlab-connector.dev/reconcile-requested-at={value}")).await;
        self.until_it("looked at on request", |connection| {
            let status = connection.status.as_ref();
            status.and_then(|status| status.last_handled_reconcile_at.as_ref()) == Some(&value)
        })
        .await
    }

    pub(super) async fn connection(&self) -> GitLabConnection {
        self.namespace.api().get("acme").await.unwrap()
    }

    pub(super) fn hooks(&self) -> Vec<Hook> {
        self.gitlab.read(|world| world.hooks().cloned().collect())
    }
}

/// A receiver that takes everything.
async fn receiver() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhooks/gitlab", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(|| async {})).await });
    url
}

/// The lines of a spec by which nobody wants webhooks.
pub(super) const NO_HOOKS: &str = "  webhooks: {mode: Disabled}";
/// The lines of a spec by which the owner's token makes webhooks.
pub(super) const HOOKS: &str = "  webhooks: {mode: Group, credentialRef: {name: tokens, key: owner}}";
