//! The receiver of a cluster, run as its Deployment runs it, with the rights that the chart gives it and no others.

use std::{
    fs::File,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use control_plane::{ControlPlane, Options};
use gitlab_connector::{
    api::{self, GitLabConnection},
    cluster::{ConnectionRef, HookState},
    gitlab::{Client, Instance, Metrics, Token},
    importer::{self, Progress, Resources, Scope, Settings},
    store::{self, Source, Store},
};
use gitlab_simulator::{
    Simulator,
    world::{Hook, HookTarget},
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1;
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{Cluster, Namespace, until},
    support::{
        acme::{READER, acme, serve},
        binary::Directory,
        ports::free_address,
        postgres, rows,
    },
};

const SECRET: &str = "the-secret-that-gitlab-sends";
const SOON: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);

/// A receiver that runs.
struct Receiver {
    child: Child,
    url: String,
    health: String,
    log: std::path::PathBuf,
    _directory: Directory,
}

impl Receiver {
    fn start(kubeconfig: &Path, namespace: &str) -> Receiver {
        let directory = Directory::new();
        let (webhooks, health) = (free_address(), free_address());
        let log = directory.path().join("log");
        let child = Command::new(env!("CARGO_BIN_EXE_gitlab-connector"))
            .args(["receiver", "--log=info", "--listen", &webhooks, "--health-listen", &health])
            .env("KUBECONFIG", kubeconfig)
            .env("WATCH_NAMESPACE", namespace)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (url, health) = (format!("http://{webhooks}/webhooks/gitlab"), format!("http://{health}"));
        Receiver { child, url, health, log, _directory: directory }
    }

    async fn get(&self, path: &str) -> Result<(StatusCode, String), String> {
        let answer = http().get(format!("{}{path}", self.health)).send().await.map_err(|error| error.to_string())?;
        let status = answer.status();
        Ok((status, answer.text().await.map_err(|error| error.to_string())?))
    }

    async fn until_ready(&self) {
        until("the receiver is ready", PATIENCE, async || match self.get("/readyz").await {
            Ok((StatusCode::OK, _)) => Ok(()),
            other => Err(format!("{other:?}\n{}", self.logs())),
        })
        .await;
    }

    fn logs(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    async fn metric(&self, line: &str) -> bool {
        self.get("/metrics").await.is_ok_and(|(_, text)| text.lines().any(|found| found == line))
    }

    /// Sends what GitLab sends; the answer.
    async fn deliver(&self, uid: &str, secret: &str) -> (StatusCode, String) {
        let body = json!({"object_kind": "push", "at": Timestamp::now().to_string()});
        let request = http().post(format!("{}/{uid}", self.url)).header("x-gitlab-token", secret);
        let answer = request.header("x-gitlab-event", "Push Hook").body(body.to_string()).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap().trim().to_owned())
    }

    async fn until_answered(&self, uid: &str, secret: &str, expected: (StatusCode, &str)) {
        let what = format!("{secret} is answered {expected:?}");
        until(&what, SOON, async || {
            let (status, text) = self.deliver(uid, secret).await;
            let so = status == expected.0 && (expected.1.is_empty() || text == expected.1);
            if so { Ok(()) } else { Err(format!("{status} {text}\n{}", self.logs())) }
        })
        .await;
    }

    /// Asks it to end, as Kubernetes does.
    fn terminate(&self) {
        let id = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").arg(&id).status().unwrap().success());
    }

    /// How it ended, and what it logged.
    async fn ended(mut self) -> (Option<i32>, String) {
        let ended = tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await.unwrap().unwrap();
        (ended.code(), self.logs())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("logs of the receiver:\n{}", self.logs());
        }
    }
}

fn http() -> reqwest::Client {
    gitlab_connector::gitlab::install_tls();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap()
}

/// A kubeconfig with the rights that the chart gives to the receiver of a namespace.
async fn rights(cluster: &Cluster, namespace: &str) -> std::path::PathBuf {
    let parts = ["--show-only", "templates/rbac.yaml", "--show-only", "templates/serviceaccounts.yaml"];
    let rendered = Command::new(cluster.plane.helm())
        .args(["template", "it", "charts/gitlab-connector", "--namespace", namespace])
        .args(parts)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .await
        .unwrap();
    let manifests = String::from_utf8(rendered.stdout).unwrap();
    let applied = cluster.kubectl_with(&manifests, &["--namespace", namespace, "apply", "-f", "-"]).await;
    assert_eq!(applied.code, Some(0), "{}", applied.text());
    let accounts: Api<v1::ServiceAccount> = Api::namespaced(cluster.plane.client().unwrap(), namespace);
    let all = accounts.list(&kube::api::ListParams::default()).await.unwrap();
    let account = all.iter().map(kube::ResourceExt::name_any).find(|name| name.ends_with("receiver")).unwrap();
    cluster.plane.kubeconfig_for(namespace, &account).await.unwrap()
}

fn connection(name: &str, gitlab: &str, database: &str) -> String {
    json!({
        "apiVersion": "gitlab-connector.dev/v1alpha1", "kind": "GitLabConnection", "metadata": {"name": name},
        "spec": {
            "url": gitlab,
            "credentials": [{"name": "primary", "secretRef": {"name": "tokens", "key": "reader"}}],
            "scope": {"groups": ["acme"]},
            "store": {"secretRef": {"name": database, "key": "url"}},
        },
    })
    .to_string()
}

/// Makes a connection as a person does, and its secret as the controller does.
async fn connect(namespace: &Namespace, name: &str, gitlab: &str, database: &str) -> ConnectionRef {
    namespace.apply(&connection(name, gitlab, database)).await;
    let made = namespace.api::<GitLabConnection>().get(name).await.unwrap();
    let made = ConnectionRef::of(&made).unwrap();
    HookState::create(&namespace.client, &made, SECRET.into(), false, Timestamp::now()).await.unwrap();
    made
}

/// Writes a part of a status as the controller does.
async fn report(namespace: &Namespace, name: &str, status: Value) {
    let patch = json!({"status": status});
    let connections = namespace.api::<GitLabConnection>();
    connections.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
}

/// Opens the database as an importer does, and finds the connection in it.
async fn store(database: &SecretString, connection: &ConnectionRef, gitlab: &str) -> (Store, Source) {
    let store = Store::open(database).await.unwrap();
    store.migrate().await.unwrap();
    let row = store::Connection {
        namespace: connection.namespace.clone(),
        name: connection.name.clone(),
        url: gitlab.to_owned(),
        uid: Some(connection.uid.clone()),
    };
    let source = store.register(&row).await.unwrap().source;
    (store, source)
}

#[tokio::test]
async fn secrets_databases_and_connections_are_noticed_as_they_change() {
    let namespace = Namespace::new().await;
    let (first, second) = (postgres::database().await, postgres::database().await);
    namespace.secret("tokens", &[("reader", READER)]).await;
    namespace.secret("database", &[("url", first.expose_secret())]).await;
    let receiver = Receiver::start(&rights(namespace.cluster, &namespace.name).await, &namespace.name);
    receiver.until_ready().await;

    // A connection that comes later.
    let acme = connect(&namespace, "acme", "http://127.0.0.1:9/", "database").await;
    receiver.until_answered(&acme.uid, SECRET, (StatusCode::OK, "ignored")).await;
    assert_eq!(receiver.deliver(&acme.uid, "a guess").await.0, StatusCode::UNAUTHORIZED);
    assert!(receiver.metric("gitlab_connector_connections_served 1").await);

    // A new secret beside the old one, then the new one alone.
    let mut hooks = HookState::read(&namespace.client, &acme).await.unwrap().unwrap();
    hooks.change("a-new-secret".into(), Timestamp::now());
    let mut hooks = hooks.replace(&namespace.client, &acme).await.unwrap();
    receiver.until_answered(&acme.uid, "a-new-secret", (StatusCode::OK, "ignored")).await;
    assert_eq!(receiver.deliver(&acme.uid, SECRET).await.0, StatusCode::OK);
    hooks.previous.clear();
    hooks.replace(&namespace.client, &acme).await.unwrap();
    receiver.until_answered(&acme.uid, SECRET, (StatusCode::UNAUTHORIZED, "")).await;

    // Another database.
    let (other, source) = store(&second, &acme, "http://127.0.0.1:9/").await;
    namespace.secret("database", &[("url", second.expose_secret())]).await;
    until("deliveries go to the other database", SOON, async || {
        receiver.deliver(&acme.uid, "a-new-secret").await;
        let arrived = other.last_delivery(source).await.unwrap();
        arrived.map(drop).ok_or_else(|| receiver.logs())
    })
    .await;

    // Suspended, and gone.
    let connections = namespace.api::<GitLabConnection>();
    let suspend = json!({"spec": {"suspend": true}});
    connections.patch("acme", &PatchParams::default(), &Patch::Merge(&suspend)).await.unwrap();
    receiver.until_answered(&acme.uid, "a-new-secret", (StatusCode::OK, "suspended")).await;
    connections.delete("acme", &DeleteParams::default()).await.unwrap();
    receiver.until_answered(&acme.uid, "a-new-secret", (StatusCode::UNAUTHORIZED, "")).await;

    receiver.terminate();
    let (code, logs) = receiver.ended().await;
    assert_eq!(code, Some(0), "{logs}");
    for secret in [SECRET, "a-new-secret", READER, first.expose_secret()] {
        assert!(!logs.contains(secret), "{logs}");
    }
}

#[tokio::test]
async fn a_database_that_is_away_holds_up_only_its_connections() {
    let namespace = Namespace::new().await;
    let database = postgres::database().await;
    namespace.secret("tokens", &[("reader", READER)]).await;
    namespace.secret("there", &[("url", database.expose_secret())]).await;
    namespace.secret("away", &[("url", "postgres://someone:hush-hush@127.0.0.1:1/acme")]).await;
    let there = connect(&namespace, "there", "http://127.0.0.1:9/", "there").await;
    let away = connect(&namespace, "away", "http://127.0.0.1:9/", "away").await;

    let receiver = Receiver::start(&rights(namespace.cluster, &namespace.name).await, &namespace.name);
    receiver.until_ready().await;
    receiver.until_answered(&there.uid, SECRET, (StatusCode::OK, "ignored")).await;
    let began = Instant::now();
    let (slow, quick) = tokio::join!(receiver.deliver(&away.uid, SECRET), async {
        let answer = receiver.deliver(&there.uid, SECRET).await;
        (answer, began.elapsed())
    });

    assert_eq!(slow.0, StatusCode::SERVICE_UNAVAILABLE);
    assert!(quick.0.0 == StatusCode::OK && quick.1 < Duration::from_secs(2), "{quick:?}");
    assert!(receiver.metric("gitlab_connector_databases_away 1").await);
    // Mended, without a restart.
    namespace.secret("away", &[("url", postgres::database().await.expose_secret())]).await;
    receiver.until_answered(&away.uid, SECRET, (StatusCode::OK, "ignored")).await;
    assert!(receiver.metric("gitlab_connector_databases_away 0").await);
    assert!(!receiver.logs().contains("hush-hush"));
}

#[tokio::test]
async fn a_database_that_nobody_offered_is_not_opened_until_its_owner_says_so() {
    let namespace = Namespace::new().await;
    let database = postgres::database().await;
    namespace.secret("tokens", &[("reader", READER)]).await;
    namespace.secret_with("database", &[], &[("url", database.expose_secret())]).await;
    let acme = connect(&namespace, "acme", "http://127.0.0.1:9/", "database").await;
    let receiver = Receiver::start(&rights(namespace.cluster, &namespace.name).await, &namespace.name);
    receiver.until_ready().await;

    assert_eq!(receiver.deliver(&acme.uid, SECRET).await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert!(receiver.metric("gitlab_connector_databases 0").await);

    let offer = async |uses: &str| {
        let annotation = format!("gitlab-connector.dev/use={uses}");
        namespace
            .kubectl(&["annotate", "--overwrite", "secret", "database", &annotation])
            .await
            .says(0, &["annotated"]);
    };
    offer("database").await;
    receiver.until_answered(&acme.uid, SECRET, (StatusCode::OK, "ignored")).await;
    offer("credential").await;
    until("the database is let go", SOON, async || {
        let closed = receiver.metric("gitlab_connector_databases 0").await;
        if closed { Ok(()) } else { Err(receiver.logs()) }
    })
    .await;
}

#[tokio::test]
async fn what_changes_in_gitlab_is_stored_and_the_status_says_when_it_arrived() {
    let namespace = Namespace::new().await;
    let (gitlab, database) = (serve(acme()).await, postgres::database().await);
    let url = format!("{}/", gitlab.url());
    namespace.secret("tokens", &[("reader", READER)]).await;
    namespace.secret("database", &[("url", database.expose_secret())]).await;
    let acme = connect(&namespace, "acme", &url, "database").await;
    let (store, source) = store(&database, &acme, &url).await;
    import(&gitlab, &store, source).await;
    let receiver = Receiver::start(&rights(namespace.cluster, &namespace.name).await, &namespace.name);
    receiver.until_ready().await;
    let hook = format!("{}/{}", receiver.url, acme.uid);
    gitlab.world(|world| {
        let project = world.project_by_path("acme/web").unwrap().id;
        world.insert_hook(web_hook(project, hook, world.now()));
    });

    let opened = gitlab.world(|world| {
        let project = world.project_by_path("acme/web").unwrap().id;
        let opened = world.open_merge_request(project, "ada", "Speak plainly").unwrap();
        world.push_commits(opened, "ada", 2).unwrap();
        opened
    });

    // One that it was opened with and two more. Commits are in no event: the refresher has read them.
    let commits = format!("select count(*) from gitlab_merge_request_commits where merge_request_id = {opened}");
    rows::until(&database, &commits, 3).await;
    let told = |connection: &GitLabConnection| last_delivery(connection).is_some();
    namespace.until::<GitLabConnection>("acme", "the last delivery is told of", SOON, told).await;
}

#[tokio::test]
async fn progress_is_told_while_a_run_is_under_way_and_nothing_is_written_at_rest() {
    let namespace = Namespace::new().await;
    let database = postgres::database().await;
    let gitlab = "http://127.0.0.1:9/";
    namespace.secret("tokens", &[("reader", READER)]).await;
    namespace.secret("database", &[("url", database.expose_secret())]).await;
    let acme = connect(&namespace, "acme", gitlab, "database").await;
    let kubeconfig = rights(namespace.cluster, &namespace.name).await;
    let (one, other) = (Receiver::start(&kubeconfig, &namespace.name), Receiver::start(&kubeconfig, &namespace.name));
    one.until_ready().await;
    other.until_ready().await;
    let (store, source) = store(&database, &acme, gitlab).await;
    store.open_run(source, "tick", false).await.unwrap();

    report(&namespace, "acme", json!({"import": {"running": {"key": "tick"}}})).await;
    let told = |connection: &GitLabConnection| {
        let progress = connection.status.as_ref().and_then(|status| status.import.as_ref()?.progress.as_ref());
        progress.is_some_and(|progress| progress.run == "tick")
    };
    namespace.until::<GitLabConnection>("acme", "progress is told of", SOON, told).await;
    let ended = json!({"import": {"running": null, "lastRun": {"key": "tick", "outcome": "Succeeded"}}});
    report(&namespace, "acme", ended).await;
    let forgotten = |connection: &GitLabConnection| {
        connection
            .status
            .as_ref()
            .is_none_or(|status| status.import.as_ref().is_none_or(|import| import.progress.is_none()))
    };
    namespace.until::<GitLabConnection>("acme", "progress is forgotten", SOON, forgotten).await;

    // Nobody waits for another delivery: that is nothing new for ten minutes.
    one.until_answered(&acme.uid, SECRET, (StatusCode::OK, "ignored")).await;
    let told = |connection: &GitLabConnection| last_delivery(connection).is_some();
    namespace.until::<GitLabConnection>("acme", "the last delivery is told of", SOON, told).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let moment = namespace.cluster.moment();
    for receiver in [&one, &other] {
        assert_eq!(receiver.deliver(&acme.uid, SECRET).await.0, StatusCode::OK);
    }
    tokio::time::sleep(Duration::from_secs(13)).await;

    let requests = namespace.cluster.requests_since(moment);
    let ours = requests.iter().filter(|request| request.user.username.contains(&format!("{}:", namespace.name)));
    let writes: Vec<_> = ours.filter(|request| request.writes()).collect();
    assert!(writes.is_empty(), "{writes:#?}");
}

#[tokio::test]
async fn a_receiver_that_is_told_to_leave_says_so_and_ends_what_is_in_flight() {
    let namespace = Namespace::new().await;
    let database = postgres::database().await;
    namespace.secret("tokens", &[("reader", READER)]).await;
    namespace.secret("there", &[("url", database.expose_secret())]).await;
    namespace.secret("away", &[("url", "postgres://someone@127.0.0.1:1/acme")]).await;
    let there = connect(&namespace, "there", "http://127.0.0.1:9/", "there").await;
    let away = connect(&namespace, "away", "http://127.0.0.1:9/", "away").await;
    let receiver = Receiver::start(&rights(namespace.cluster, &namespace.name).await, &namespace.name);
    receiver.until_ready().await;
    receiver.until_answered(&there.uid, SECRET, (StatusCode::OK, "ignored")).await;

    let in_flight = receiver.deliver(&away.uid, SECRET);
    let leaving = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        receiver.terminate();
        until("it says that it is not ready", SOON, async || match receiver.get("/readyz").await {
            Ok((StatusCode::SERVICE_UNAVAILABLE, _)) => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
        receiver.deliver(&there.uid, SECRET).await
    };
    let (in_flight, late) = tokio::join!(in_flight, leaving);

    assert_eq!(in_flight.0, StatusCode::SERVICE_UNAVAILABLE, "an answer, late as it is");
    assert_eq!(late, (StatusCode::OK, "ignored".to_owned()), "who has not heard yet is served");
    assert_eq!(receiver.ended().await.0, Some(0));
}

#[tokio::test]
async fn a_receiver_outlives_an_api_server_that_is_away_and_does_not_need_one_to_start() {
    let directory = Directory::new();
    let options = Options { directory: directory.path().join("plane"), audit: false };
    let plane = ControlPlane::start(options).await.unwrap();
    let client = plane.client().unwrap();
    let crds = Api::all(client.clone());
    crds.create(&PostParams::default(), &api::crd()).await.unwrap();
    let database = postgres::database().await;
    for (name, key, value) in [("tokens", "reader", READER), ("database", "url", database.expose_secret())] {
        let annotations = json!({"gitlab-connector.dev/use": "credential,database"});
        let secret = json!({"metadata": {"name": name, "annotations": annotations}, "stringData": {key: value}});
        let secrets: Api<v1::Secret> = Api::namespaced(client.clone(), "default");
        secrets.create(&PostParams::default(), &serde_json::from_value(secret).unwrap()).await.unwrap();
    }
    let connections: Api<GitLabConnection> = Api::namespaced(client.clone(), "default");
    let manifest = serde_json::from_str(&connection("acme", "http://127.0.0.1:9/", "database")).unwrap();
    let made = until("the kind is served", PATIENCE, async || {
        connections.create(&PostParams::default(), &manifest).await.map_err(|error| error.to_string())
    })
    .await;
    let acme = ConnectionRef::of(&made).unwrap();
    HookState::create(&client, &acme, SECRET.into(), false, Timestamp::now()).await.unwrap();

    plane.stop_api_server().unwrap();
    let receiver = Receiver::start(plane.kubeconfig(), "");
    until("the receiver says that it is not ready", PATIENCE, async || match receiver.get("/readyz").await {
        Ok((StatusCode::SERVICE_UNAVAILABLE, _)) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    assert_eq!(receiver.get("/healthz").await.unwrap().0, StatusCode::OK);
    plane.start_api_server().await.unwrap();
    receiver.until_ready().await;
    receiver.until_answered(&acme.uid, SECRET, (StatusCode::OK, "ignored")).await;

    plane.stop_api_server().unwrap();
    assert_eq!(receiver.deliver(&acme.uid, SECRET).await, (StatusCode::OK, "ignored".to_owned()));
    assert_eq!(receiver.get("/readyz").await.unwrap().0, StatusCode::OK);
    plane.start_api_server().await.unwrap();
    let mut hooks = HookState::read(&client, &acme).await.unwrap().unwrap();
    hooks.secret = "a-new-secret".into();
    hooks.replace(&client, &acme).await.unwrap();
    until("the watch goes on", Duration::from_secs(15), async || {
        match receiver.deliver(&acme.uid, "a-new-secret").await {
            (StatusCode::OK, _) => Ok(()),
            other => Err(format!("{other:?}\n{}", receiver.logs())),
        }
    })
    .await;
}

fn last_delivery(connection: &GitLabConnection) -> Option<Timestamp> {
    Some(connection.status.as_ref()?.webhooks.as_ref()?.last_delivery.as_ref()?.0)
}

async fn import(gitlab: &Simulator, store: &Store, source: Source) {
    let instance = Instance::at(gitlab.url().parse().unwrap());
    let token = Token { name: "primary".into(), secret: READER.into() };
    let client = Client::new(&instance, vec![token], &Metrics::default()).unwrap();
    let settings = Settings {
        source,
        run_key: "first".into(),
        worker: "0".into(),
        full: false,
        resync_interval: None,
        walk_interval: SignedDuration::ZERO,
        audit: None,
        scope: Scope { groups: vec!["acme".into()], include_subgroups: true, ..Scope::default() },
        since: None,
        lookback: None,
        resources: Resources::ALL,
        text: false,
        concurrency: 4,
        patience: SignedDuration::from_secs(5),
    };
    let stop = CancellationToken::new();
    importer::run(&client, store, &settings, &Progress::default(), stop).await.unwrap();
}

fn web_hook(project: i64, url: String, now: Timestamp) -> Hook {
    Hook {
        id: 1,
        target: HookTarget::Project(project),
        url,
        name: None,
        description: None,
        token: Some(SECRET.to_owned()),
        signing_token: None,
        events: ["merge_requests_events", "note_events"].into(),
        enable_ssl_verification: true,
        push_events_branch_filter: None,
        branch_filter_strategy: "wildcard".into(),
        custom_webhook_template: None,
        custom_headers: Vec::new(),
        url_variables: Vec::new(),
        created_at: now,
        recent_failures: 0,
        disabled_until: None,
        disabled: false,
        log: [].into(),
    }
}
