//! Whoever may create a connection does not thereby read Secrets: their owners say what they may be used for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use gitlab_connector::api::GitLabConnection;
use gitlab_simulator::{Fault, FaultKind};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::ListParams;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::receiver::Receiver;
use super::scene::{HOOKS, NO_HOOKS, Scene};
use crate::harness::{Namespace, until};
use crate::support::acme::{OWNER, READER};
use crate::support::postgres;

const CREDENTIALS: &str = "CredentialsValid";
const READY: (&str, &str, &str) = ("Ready", "True", "Succeeded");
const REFUSED: (&str, &str, &str) = (CREDENTIALS, "False", "SecretNotOffered");
const PATIENCE: Duration = Duration::from_secs(60);
const USE: &str = "gitlab-connector.dev/use";
const HOSTS: &str = "gitlab-connector.dev/hosts";

/// A server that plays GitLab, or a proxy, and keeps all that it is sent.
struct Listener {
    url: String,
    heard: Arc<Mutex<String>>,
}

impl Listener {
    async fn start() -> Listener {
        let heard = Arc::new(Mutex::new(String::new()));
        let hear = async |State(heard): State<Arc<Mutex<String>>>, request: Request| {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1_000_000).await.unwrap_or_default();
            *heard.lock().unwrap() += &format!("{} {} {:?} {body:?}\n", parts.method, parts.uri, parts.headers);
            (StatusCode::NOT_FOUND, axum::Json(json!({"message": "404 Not Found"})))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let app = Router::new().fallback(hear).with_state(Arc::clone(&heard));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Listener { url: format!("http://{place}/"), heard }
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap().clone()
    }
}

fn message(connection: &GitLabConnection) -> String {
    let conditions = connection.status.iter().flat_map(|status| &status.conditions);
    conditions.filter(|one| one.type_ == CREDENTIALS).map(|one| one.message.clone()).collect()
}

async fn annotate(namespace: &Namespace, secret: &str, annotation: &str) {
    namespace.kubectl(&["annotate", "--overwrite", "secret", secret, annotation]).await.says(0, &["annotated"]);
}

/// A Secret with the token of a ServiceAccount, as Kubernetes makes it for whoever asks; the token.
async fn service_account_token(namespace: &Namespace) -> String {
    let annotations = json!({"kubernetes.io/service-account.name": "default", USE: "credential"});
    let metadata = json!({"name": "account", "labels": {"pick": "me"}, "annotations": annotations});
    let kind = "kubernetes.io/service-account-token";
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind});
    namespace.apply(&secret.to_string()).await;
    let token = |secret: &Secret| {
        let token = secret.data.as_ref()?.get("token")?;
        String::from_utf8(token.0.clone()).ok()
    };
    let has_one = |secret: &Secret| token(secret).is_some();
    let made = namespace.until::<Secret>("account", "Kubernetes puts a token into it", PATIENCE, has_one).await;
    token(&made).unwrap()
}

#[tokio::test]
async fn a_connection_cannot_send_a_secret_that_nobody_offered_to_it() {
    let scene = Scene::new().await;
    let namespace = &scene.namespace;
    let hostile = Listener::start().await;
    let receiver = Receiver::start(namespace).await;
    let gitlab = scene.gitlab.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    // Two teams, whose tokens may go to their GitLab, and to whoever GitLab calls.
    let hosts = format!("{gitlab},127.0.0.1:9");
    namespace
        .secret_with("tokens", &[(USE, "credential"), (HOSTS, &hosts)], &[("reader", READER), ("owner", OWNER)])
        .await;
    namespace.secret_with("others", &[(USE, "credential"), (HOSTS, &gitlab)], &[("reader", READER)]).await;
    namespace.secret_with("password", &[], &[("admin", "password-of-an-admin")]).await;
    let database = postgres::by_network(&scene.database);
    let database = database.expose_secret().replace("postgres@", "postgres:password-of-a-database@");
    namespace.secret_with("database", &[(USE, "database")], &[("url", &database)]).await;
    namespace
        .secret_with("mine", &[(USE, "credential,database,proxy,header,webhook")], &[("token", "glpat-mine")])
        .await;
    let account = service_account_token(namespace).await;

    // And somebody who may create connections, and nothing else.
    let evil = |name: &str, change: &[(&str, &str)]| {
        let manifest = scene.manifest(name, NO_HOOKS).replace(scene.gitlab.url(), &hostile.url);
        let manifest = manifest.replace("{name: tokens, key: reader}", "{name: mine, key: token}");
        change.iter().fold(manifest, |manifest, (from, to)| {
            assert!(manifest.contains(from), "{name}: no {from}");
            manifest.replace(from, to)
        }) + "---\n"
    };
    let mine = "{name: mine, key: token}";
    let selector = "credentialSelector: {matchLabels: {pick: me}}";
    let list = "credentials: [{name: primary, secretRef: {name: mine, key: token}}]";
    let proxy = format!("  proxy: {{url: '{}'}}\n  scope", hostile.url.trim_end_matches('/'));
    let rows = [
        ("theirs", vec![(mine, "{name: tokens, key: reader}")], "may not be sent to '127.0.0.1'"),
        ("account", vec![(mine, "{name: account, key: token}")], "kubernetes.io/service-account-token"),
        (
            "nobodys",
            vec![(mine, "{name: password, key: admin}")],
            "secret password gitlab-connector.dev/use=credential",
        ),
        (
            "absent",
            vec![(mine, "{name: password, key: absent}")],
            "secret password gitlab-connector.dev/use=credential",
        ),
        ("otherwise", vec![(mine, "{name: database, key: url}")], "gitlab-connector.dev/use=credential,database"),
        (
            "header",
            vec![("  scope", "  headers: [{name: X, secretRef: {name: password, key: admin}}]\n  scope")],
            "spec.headers[X].secretRef",
        ),
        (
            "hook",
            vec![("{mode: Disabled}", "{mode: Auto, secretRef: {name: password, key: admin}}")],
            "spec.webhooks.secretRef",
        ),
        (
            "proxy",
            vec![
                (hostile.url.as_str(), scene.gitlab.url()),
                (mine, "{name: tokens, key: reader}"),
                ("  scope", proxy.as_str()),
            ],
            "may not be sent to the proxy of spec.proxy",
        ),
        ("store", vec![("{name: database, key: url}", "{name: tokens, key: reader}")], "spec.store.secretRef"),
    ];
    let manifests: String = rows.iter().map(|(name, change, _)| evil(name, change)).collect();
    namespace.apply(&manifests).await;
    namespace.apply(&evil("picked", &[(list, selector)])).await;
    scene.apply(&HOOKS.replace("{mode", "{url: 'http://127.0.0.1:9/webhooks/gitlab', mode")).await;
    let others = scene.manifest("others", NO_HOOKS).replace("name: tokens", "name: others");
    namespace.apply(&others).await;

    let mut said = String::new();
    for (name, _, words) in &rows {
        let refused = message(&namespace.until_condition(name, REFUSED).await);
        assert!(refused.contains(words), "{name}: {refused}");
        said += &refused;
    }
    // What a label picks is told by no name.
    let picked = message(&namespace.until_condition("picked", (CREDENTIALS, "False", "SecretNotFound")).await);
    assert!(!picked.contains("account"), "{picked}");
    for name in ["acme", "others"] {
        namespace.until_condition(name, READY).await;
    }
    // Whoever may use a token in no way has not even the key told from another.
    assert!(!said.contains("key 'absent'") && !said.contains("127.0.0.1:9"), "{said}");
    let heard = hostile.heard();
    assert!(heard.contains("glpat-mine"), "the hostile server was asked: {heard}");
    for secret in [READER, OWNER, "password-of-an-admin", "password-of-a-database", &account] {
        assert!(!heard.contains(secret), "{secret} in {heard}");
    }
    let jobs = namespace.api::<Job>().list(&ListParams::default()).await.unwrap();
    let owners = jobs.iter().flat_map(|job| job.metadata.owner_references.iter().flatten());
    let mut owners: Vec<&str> = owners.map(|owner| owner.name.as_str()).collect();
    owners.sort_unstable();
    assert_eq!(owners, ["acme", "others"], "no pod gets a Secret that its connection may not use");
    assert!(!receiver.log().contains("password-of"), "{}", receiver.log());
}

#[tokio::test]
async fn consent_takes_effect_at_once_and_ends_at_once() {
    let scene = Scene::new().await;
    let namespace = &scene.namespace;
    namespace.kubectl(&["annotate", "secret", "tokens", &format!("{USE}-")]).await.says(0, &["annotated"]);
    scene.apply(NO_HOOKS).await;
    let refused = message(&scene.until(REFUSED).await);
    assert!(scene.gitlab.requests().is_empty(), "{:?}", scene.gitlab.requests());
    let command = refused.split_once("kubectl ").unwrap().1.split(' ').collect::<Vec<_>>();
    assert_eq!(command[..2], ["-n", &namespace.name]);

    // The message is the command that mends it.
    namespace.kubectl(&command[2..]).await.says(0, &["annotated"]);
    scene.until(READY).await;

    annotate(namespace, "tokens", &format!("{USE}=database")).await;
    scene.until(REFUSED).await;
    annotate(namespace, "tokens", &format!("{USE}=database,credential")).await;
    scene.until(READY).await;
    annotate(namespace, "tokens", &format!("{HOSTS}=gitlab.example.com")).await;
    let refused = message(&scene.until(REFUSED).await);
    assert!(refused.contains("'127.0.0.1'") && !refused.contains("gitlab.example.com"), "{refused}");
    annotate(namespace, "tokens", &format!("{HOSTS}=127.0.0.1")).await;
    scene.until(READY).await;
}

#[tokio::test]
async fn pods_of_an_import_end_when_consent_does() {
    let scene = Scene::new().await;
    let namespace = &scene.namespace;
    scene.apply(NO_HOOKS).await;
    scene.until(READY).await;
    scene.gitlab.faults().add(Fault::at("POST /graphql*", FaultKind::Hang));
    scene.annotate("gitlab-connector.dev/import-requested-at=now").await;
    // Those that run and have not been told to end.
    let runs = async |wanted: bool| {
        until("its pods run, or are to end", PATIENCE, async || {
            let mut pods = namespace.api::<Pod>().list(&ListParams::default()).await.unwrap().items;
            pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());
            let running =
                pods.iter().any(|pod| pod.status.as_ref().and_then(|one| one.phase.as_deref()) == Some("Running"));
            if running == wanted { Ok(()) } else { Err(format!("{pods:#?}")) }
        })
        .await;
    };
    runs(true).await;

    annotate(namespace, "tokens", &format!("{USE}=database")).await;
    runs(false).await;

    scene.gitlab.faults().clear();
    annotate(namespace, "tokens", &format!("{USE}=credential")).await;
    scene.until(READY).await;
}

#[tokio::test]
async fn an_installation_may_do_without_consent_and_still_uses_no_secret_of_kubernetes_own() {
    let mut scene = Scene::of(crate::support::acme::acme(), &["--secret-consent=optional"]).await;
    let namespace = &scene.namespace;
    let account = service_account_token(namespace).await;
    for secret in ["tokens", "database"] {
        namespace.kubectl(&["annotate", "secret", secret, &format!("{USE}-")]).await.says(0, &["annotated"]);
    }
    let hostile = Listener::start().await;
    scene.apply(NO_HOOKS).await;
    let evil = scene.manifest("evil", NO_HOOKS).replace(scene.gitlab.url(), &hostile.url);
    namespace.apply(&evil.replace("{name: tokens, key: reader}", "{name: account, key: token}")).await;

    scene.until(READY).await;
    namespace.until_condition("evil", REFUSED).await;
    // What says what it is for is used for nothing else.
    annotate(namespace, "tokens", &format!("{USE}=database")).await;
    scene.until(REFUSED).await;

    assert_eq!(hostile.heard(), "");
    scene.controller.kill().await;
    assert!(!scene.controller.log().contains(&account));
}
