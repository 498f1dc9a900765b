//! No secret shows anywhere but in Secrets: not in logs, Events, objects, command lines, environments or last words.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::ListParams;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::receiver::Receiver;
use super::scene::{HOOKS, NO_HOOKS, Scene};
use crate::harness::until;
use crate::support::acme::{OWNER, READER};
use crate::support::postgres;

const MISTYPED: &str = "glpat-mistyped-and-not-to-be-seen";
const DATABASE: &str = "password-of-the-database";
const PROXY: &str = "password-of-the-proxy";
const HEADER: &str = "password-of-the-access-proxy";
const NAMED: &str = "secret-of-the-webhook-by-name";
const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test]
async fn a_full_run_with_all_its_failures_shows_no_secret_outside_of_secrets() {
    let scene = Scene::new().await;
    let processes = Processes::of(&scene.namespace.name);
    let receiver = Receiver::start(&scene.namespace).await;
    let echo = echo().await;
    put_secrets(&scene).await;

    // What goes well, with everything that a spec may name, and a webhook secret that changes.
    let here = HOOKS.replace("{mode", &format!("{{url: \"{}\", mode", receiver.url));
    let way = "  proxy: {secretRef: {name: way, key: proxy}}
  headers: [{name: X-Access, secretRef: {name: way, key: header}}]";
    scene.apply(&format!("{here}\n{way}")).await;
    scene.until(("Ready", "True", "Succeeded")).await;
    scene.gitlab.world(|world| {
        let project = world.project_by_path("acme/web").unwrap().id;
        world.open_merge_request(project, "ada", "Speak plainly").unwrap();
    });
    scene.until(("DeliveriesSeen", "True", "Succeeded")).await;
    let generated = scene.hooks()[0].token.clone().unwrap();
    let named = here.replace("{url", "{secretRef: {name: way, key: hook}, url");
    scene.apply(&format!("{named}\n{way}")).await;
    until("GitLab has the other secret", PATIENCE, async || match scene.hooks()[0].token.as_deref() {
        Some(NAMED) => Ok(()),
        _ => Err(scene.controller.log()),
    })
    .await;
    // What goes wrong.
    let wrong = [
        ("refused", NO_HOOKS, ("key: reader", "key: mistyped")),
        ("locked", NO_HOOKS, ("name: database", "name: locked")),
        ("elsewhere", NO_HOOKS, ("name: database", "name: elsewhere")),
        ("echoed", HOOKS, (scene.gitlab.url(), echo.as_str())),
    ];
    let manifests = wrong.map(|(name, more, (from, to))| scene.manifest(name, more).replace(from, to) + "---\n");
    scene.namespace.apply(&manifests.concat()).await;
    scene.namespace.until_condition("refused", ("CredentialsValid", "False", "invalid_credentials")).await;
    scene.namespace.until_condition("echoed", ("AccessVerified", "False", "invalid_permissions")).await;
    for name in ["locked", "elsewhere"] {
        until(&format!("the worker of {name} tells of its trouble"), PATIENCE, async || {
            let log = scene.namespace.logs(&format!("{name}-import"));
            if log.contains("database") { Ok(()) } else { Err(log) }
        })
        .await;
    }
    let secrets = secrets(&scene, &generated).await;
    let mut objects = all_objects(&scene).await;
    // And at last a deletion that cannot do all that it should.
    scene.namespace.secret("tokens", &[("reader", MISTYPED), ("owner", MISTYPED)]).await;
    scene.namespace.kubectl(&["delete", "glconn", "acme", "--wait", "--timeout=60s"]).await.says(0, &["deleted"]);
    objects += &all_objects(&scene).await;
    let processes = processes.seen();
    for kind in ["controller", "receiver", "import"] {
        assert!(processes.values().any(|seen| seen.contains(&format!("\0{kind}\0"))), "{kind} of {processes:#?}");
    }
    for word in ["lastRun", "managedFields", "terminated", "HooksOrphaned", "invalid_credentials", "leaseDuration"] {
        assert!(objects.contains(word), "the objects are not whole without {word}");
    }
    let places = [
        ("the controller's log", scene.controller.log()),
        ("the receiver's log", receiver.log()),
        ("the logs of pods", scene.namespace.logs("")),
        ("the objects", objects),
        ("the processes", processes.into_values().collect()),
    ];
    for (place, text) in places {
        assert!(text.len() > 100, "{place}: {text}");
        for (name, secret) in &secrets {
            for form in forms(secret) {
                let line = text.lines().find(|line| line.contains(&form));
                assert_eq!(line, None, "{name} as {form} in {place}");
            }
        }
    }
}

async fn put_secrets(scene: &Scene) {
    let namespace = &scene.namespace;
    namespace.secret("tokens", &[("reader", READER), ("owner", OWNER), ("mistyped", MISTYPED)]).await;
    let database = postgres::by_network(&scene.database);
    let database = database.expose_secret().replace("postgres@", &format!("postgres:{DATABASE}@"));
    namespace.secret("database", &[("url", &database)]).await;
    let locked = postgres::by_network(&postgres::url_with_wrong_password().await);
    namespace.secret("locked", &[("url", locked.expose_secret())]).await;
    namespace.secret("elsewhere", &[("url", &format!("postgres://someone:{DATABASE}@127.0.0.1:1/db"))]).await;
    let proxy = scene.gitlab.url().replace("http://", &format!("http://someone:{PROXY}@"));
    namespace.secret("way", &[("proxy", &proxy), ("header", HEADER), ("hook", NAMED)]).await;
}

/// All that nobody may see, by name.
async fn secrets(scene: &Scene, generated: &str) -> BTreeMap<String, String> {
    let constants = [
        ("reader", READER),
        ("owner", OWNER),
        ("mistyped", MISTYPED),
        ("the database's password", DATABASE),
        ("the other database's password", postgres::PASSWORD),
        ("the proxy's password", PROXY),
        ("the header", HEADER),
        ("the named webhook secret", NAMED),
        ("the generated webhook secret", generated),
    ];
    let mut all: BTreeMap<_, _> = constants.map(|(name, secret)| (name.to_owned(), secret.to_owned())).into();
    for component in ["controller", "receiver"] {
        let kubeconfig = scene
            .namespace
            .cluster
            .directory
            .join(format!("{}-gitlab-connector-{component}.kubeconfig", scene.namespace.name));
        let kubeconfig: Value = serde_json::from_str(&std::fs::read_to_string(kubeconfig).unwrap()).unwrap();
        let token = kubeconfig["users"][0]["user"]["token"].as_str().unwrap();
        all.insert(format!("the {component}'s token"), token.to_owned());
    }
    // What the Secrets of webhooks hold must be known to us, or it would not be looked for.
    let labelled = ListParams::default().labels("gitlab-connector.dev/connection-uid");
    let owned = scene.namespace.api::<Secret>().list(&labelled).await.unwrap();
    let values = owned.iter().flat_map(|secret| secret.data.iter().flatten());
    let values: Vec<_> = values.filter(|(key, _)| ["secret", "previous"].contains(&key.as_str())).collect();
    assert!(values.len() >= 2, "{values:?}");
    for (key, value) in values {
        let text = String::from_utf8(value.0.clone()).unwrap();
        let each: Vec<String> = if key == "previous" { serde_json::from_str(&text).unwrap() } else { vec![text] };
        all.extend(each.into_iter().enumerate().map(|(n, secret)| (format!("'{key}' of a webhook, {n}"), secret)));
    }
    all
}

/// A secret as it is, and as it may be encoded, alone or amid other bytes.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned(), secret.chars().rev().collect()];
    for engine in [STANDARD, URL_SAFE] {
        for before in 0..3 {
            let amid = [vec![b' '; before], secret.as_bytes().to_vec()].concat();
            let whole = amid.len() / 3 * 3;
            // The characters that other bytes have no part in.
            forms.push(engine.encode(&amid[..whole])[(before * 4).div_ceil(3)..].to_owned());
        }
    }
    forms
}

/// Every object of the namespace but the Secrets, with all that servers keep of it.
async fn all_objects(scene: &Scene) -> String {
    let pods = scene.namespace.api::<Pod>().list(&ListParams::default()).await.unwrap();
    assert!(pods.items.len() > 2, "{pods:#?}");
    let kinds = scene.namespace.kubectl(&["api-resources", "--verbs=list", "--namespaced", "-o", "name"]).await;
    let kinds: Vec<&str> = kinds.stdout.lines().filter(|kind| *kind != "secrets").collect();
    assert!(kinds.contains(&"events.events.k8s.io") && kinds.contains(&"leases.coordination.k8s.io"), "{kinds:?}");
    let all = scene.namespace.kubectl(&["get", &kinds.join(","), "-o", "json", "--show-managed-fields"]).await;
    assert_eq!(all.code, Some(0), "{}", all.stderr);
    all.stdout
}

/// The processes that work for a namespace, looked at again and again until this value goes.
struct Processes {
    end: Arc<AtomicBool>,
    looking: std::thread::JoinHandle<BTreeMap<String, String>>,
}

impl Processes {
    fn of(namespace: &str) -> Processes {
        let (end, namespace) = (Arc::new(AtomicBool::new(false)), namespace.to_owned());
        let ended = Arc::clone(&end);
        let looking = std::thread::spawn(move || {
            let mut seen = BTreeMap::new();
            while !ended.load(Ordering::Relaxed) {
                for process in std::fs::read_dir("/proc").unwrap().flatten() {
                    let read = |file: &str| std::fs::read(process.path().join(file)).unwrap_or_default();
                    let command = read("cmdline");
                    let command = String::from_utf8_lossy(&command);
                    if command.contains(&namespace) {
                        let environment = read("environ");
                        seen.insert(
                            process.path().display().to_string(),
                            format!("{command}\n{}\n", String::from_utf8_lossy(&environment)),
                        );
                    }
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            seen
        });
        Processes { end, looking }
    }

    /// Command lines and environments, by process.
    fn seen(self) -> BTreeMap<String, String> {
        self.end.store(true, Ordering::Relaxed);
        self.looking.join().unwrap()
    }
}

/// What stands before a GitLab and refuses, with everything that it was sent in its words.
async fn echo() -> String {
    let answer = async |request: Request| {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1_000_000).await.unwrap_or_else(|_| Bytes::new());
        let headers: Vec<_> = parts
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let words = format!("{} {headers:?} {}", parts.uri, String::from_utf8_lossy(&body));
        (
            StatusCode::FORBIDDEN,
            axum::Json(json!({"error": "insufficient_scope", "error_description": words, "scope": words})),
        )
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    url
}
