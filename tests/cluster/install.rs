//! The product as Helm installs it: Deployments, Jobs and webhooks with the rights of the chart and no others.

use gitlab_connector::api::GitLabConnection;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use kube::api::{ListParams, Patch, PatchParams};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::process::Command;

use crate::harness::{IMAGE, Namespace};
use crate::support::acme::{OWNER, READER, acme, serve};
use crate::support::binary::Ended;
use crate::support::ports::free_port;
use crate::support::{postgres, rows};

/// A release of the chart in a namespace that lets only restricted pods in.
struct Release {
    namespace: Namespace,
    /// All pods share the ports of this machine.
    values: Vec<String>,
}

impl Release {
    /// Installs, and waits until Helm says that all is well.
    async fn install(values: &[&str]) -> Release {
        let namespace = Namespace::new().await;
        let strict = "pod-security.kubernetes.io/enforce=restricted";
        namespace.kubectl(&["label", "namespace", &namespace.name, strict]).await.says(0, &[]);
        let [controller, receiver, health] = std::array::from_fn(|_| free_port());
        let (repository, tag) = IMAGE.split_once(':').unwrap();
        let own = [
            format!("image.repository={repository}"),
            format!("image.tag={tag}"),
            format!("controller.port={controller}"),
            format!("receiver.port={receiver}"),
            format!("receiver.healthPort={health}"),
            format!("receiver.url=http://127.0.0.1:{receiver}/webhooks/gitlab"),
            "controller.updateStrategy.type=Recreate".to_owned(),
            "receiver.updateStrategy.type=Recreate".to_owned(),
        ];
        let values = own.into_iter().chain(values.iter().map(ToString::to_string)).collect();
        let release = Release { namespace, values };
        // The definition is there already, for all tests.
        release.change("install", &["--take-ownership", "--force-conflicts"]).await;
        release
    }

    /// `install` or `upgrade` with the values.
    async fn change(&self, verb: &str, more: &[&str]) {
        let values = format!("--set={}", self.values.join(","));
        let fixed = [verb, "connector", "charts/gitlab-connector", "--wait", "--timeout=60s", &values];
        let ended = self.helm(&[&fixed[..], more].concat()).await;
        assert_eq!(ended.code, Some(0), "{}", ended.text());
    }

    async fn helm(&self, arguments: &[&str]) -> Ended {
        let plane = &self.namespace.cluster.plane;
        let mut command = Command::new(plane.helm());
        command
            .args(arguments)
            .args(["--namespace", &self.namespace.name])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("KUBECONFIG", plane.kubeconfig());
        command.output().await.unwrap().into()
    }

    /// Applies a connection to a GitLab and a database, with the Secrets that it names.
    async fn connect(&self, gitlab: &str, database: &SecretString) {
        let namespace = &self.namespace;
        namespace.secret("tokens", &[("reader", READER), ("owner", OWNER)]).await;
        namespace.secret("database", &[("url", postgres::by_network(database).expose_secret())]).await;
        let connection = format!(
            "apiVersion: gitlab-connector.dev/v1alpha1
kind: GitLabConnection
metadata: {{name: acme}}
spec:
  url: {gitlab}
  credentials: [{{name: primary, secretRef: {{name: tokens, key: reader}}}}]
  scope: {{groups: [acme]}}
  webhooks: {{credentialRef: {{name: tokens, key: owner}}}}
  import: {{parallelism: 2}}
  store: {{secretRef: {{name: database, key: url}}}}
"
        );
        namespace.apply(&connection).await;
    }
}

#[tokio::test]
async fn what_helm_installs_takes_a_connection_to_its_rows_and_keeps_them_fresh() {
    let gitlab = serve(acme()).await;
    let database = postgres::database().await;
    let release = Release::install(&[]).await;
    let namespace = &release.namespace;

    release.connect(gitlab.url(), &database).await;

    let connection = namespace.until_condition("acme", ("Ready", "True", "Succeeded")).await;
    let status = connection.status.unwrap();
    assert_eq!(status.import.unwrap().projects, Some(2));
    assert_eq!(status.webhooks.unwrap().summary.as_deref(), Some("1/1 Group"));
    rows::until(&database, "select count(*) from gitlab_merge_requests", 3).await;
    let jobs = namespace.api::<Job>().list(&ListParams::default()).await.unwrap();
    assert_eq!(jobs.items.len(), 1, "{jobs:#?}");

    gitlab.world(|world| {
        let web = world.project_by_path("acme/web").unwrap().id;
        world.open_merge_request(web, "ada", "Seen at once").unwrap();
    });
    rows::until(&database, "select count(*) from gitlab_merge_requests where title = 'Seen at once'", 1).await;

    release.helm(&["test", "connector", "--timeout=60s"]).await.says(0, &["Succeeded"]);
    namespace.kubectl(&["delete", "gitlabconnection", "acme", "--timeout=60s"]).await.says(0, &["deleted"]);
    assert_eq!(gitlab.read(|world| world.hooks().count()), 0);
}

#[tokio::test]
async fn an_upgrade_disturbs_no_connection_and_an_uninstall_deletes_none() {
    let gitlab = serve(acme()).await;
    let database = postgres::database().await;
    let mut release = Release::install(&[]).await;
    release.connect(gitlab.url(), &database).await;
    release.namespace.until_condition("acme", ("Ready", "True", "Succeeded")).await;

    release.values.push("log.level=debug".to_owned());
    release.change("upgrade", &[]).await;
    let deployments = release.namespace.api::<Deployment>();
    let controller = deployments.get("connector-gitlab-connector-controller").await.unwrap();
    let arguments = controller.spec.unwrap().template.spec.unwrap().containers[0].args.clone().unwrap();
    assert!(arguments.contains(&"--log=debug".to_owned()), "{arguments:?}");
    release.helm(&["test", "connector", "--timeout=60s"]).await.says(0, &["Succeeded"]);

    release.helm(&["uninstall", "connector", "--wait"]).await.says(0, &["kept due to the resource policy"]);

    let connections = release.namespace.api::<GitLabConnection>();
    assert!(connections.get("acme").await.unwrap().metadata.deletion_timestamp.is_none());
    assert!(deployments.list(&ListParams::default()).await.unwrap().items.is_empty());
    // Nobody is left to take the webhooks away, so that the namespace would wait for it.
    let released = json!({"metadata": {"finalizers": null}});
    connections.patch("acme", &PatchParams::default(), &Patch::Merge(&released)).await.unwrap();
}

#[tokio::test]
async fn a_release_that_watches_everything_serves_other_namespaces() {
    let gitlab = serve(acme()).await;
    let database = postgres::database().await;
    let release = Release::install(&["watch.allNamespaces=true"]).await;
    let elsewhere = Release { namespace: Namespace::new().await, values: Vec::new() };

    elsewhere.connect(gitlab.url(), &database).await;

    elsewhere.namespace.until_condition("acme", ("Ready", "True", "Succeeded")).await;
    rows::until(&database, "select count(*) from gitlab_merge_requests", 3).await;
    let delete = ["delete", "gitlabconnection", "acme", "--timeout=60s"];
    elsewhere.namespace.kubectl(&delete).await.says(0, &["deleted"]);
    // Its rights are no part of the namespace, and would outlive it.
    release.helm(&["uninstall", "connector", "--wait"]).await.says(0, &[]);
}
