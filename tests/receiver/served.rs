//! A receiver at work, and what a test needs to look at it from outside.

use std::{sync::Arc, time::Duration};

use gitlab_connector::{
    gitlab::install_tls,
    receiver::{self, Accepted, Destination, Inbox, Metrics, Place, Route},
    store::{Batch, Connection, Source, Store, rows::Project},
};
use prometheus_client::registry::Registry;
use reqwest::{RequestBuilder, StatusCode};
use secrecy::SecretString;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::database::Database;

/// What the hooks of these tests send in clear.
pub(super) const SECRET: &str = "the-hooks-own-secret";

pub(super) struct Served {
    pub(super) url: String,
    pub(super) uid: String,
    pub(super) source: Source,
    pub(super) store: Store,
    pub(super) database: Database,
    pub(super) routes: watch::Sender<Arc<Vec<Route>>>,
    pub(super) wake: Arc<Notify>,
    pub(super) stop: CancellationToken,
    pub(super) http: reqwest::Client,
    registry: Registry,
    running: JoinHandle<()>,
}

impl Served {
    /// A receiver for one connection that follows these projects.
    pub(super) async fn start(database: Database, projects: &[(i64, &str)]) -> Served {
        install_tls();
        let store = Store::open(&SecretString::from(database.url.as_str())).await.unwrap();
        store.migrate().await.unwrap();
        let connection = Connection {
            namespace: "metrics".into(),
            name: "acme".into(),
            url: "https://gitlab.example.com/".into(),
            uid: None,
        };
        let registered = store.register(&connection).await.unwrap();
        let projects = projects.iter().map(|(id, path)| Project {
            id: *id,
            path_with_namespace: (*path).to_owned(),
            ..Project::default()
        });
        // Read long ago, so that nothing of it is newer than an event.
        let batch = Batch {
            as_of: Some("2020-01-01T00:00:00Z".parse().unwrap()),
            projects: projects.collect(),
            ..Batch::default()
        };
        store.commit(registered.source, &batch).await.unwrap();

        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        let wake = Arc::new(Notify::new());
        let inbox = Inbox::open(store.clone(), metrics.clone());
        let place = Place { inbox, source: registered.source, wake: Arc::clone(&wake) };
        let route = Route {
            uid: registered.uid.clone(),
            accepted: Some(Accepted::of(&[SecretString::from(SECRET)])),
            reader: None,
            text: true,
            destination: Destination::Store(place),
        };
        let (routes, watched) = watch::channel(Arc::new(vec![route]));
        let stop = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let running = tokio::spawn(receiver::run(listener, watched, metrics, stop.clone().cancelled_owned()));
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        Served {
            url,
            uid: registered.uid,
            source: registered.source,
            store,
            database,
            routes,
            wake,
            stop,
            http,
            registry,
            running,
        }
    }

    /// A request to the connection's own address, as GitLab makes it, but with nothing that proves who sent it.
    pub(super) fn bare(&self, event: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.http
            .post(format!("{}/webhooks/gitlab/{}", self.url, self.uid))
            .header("content-type", "application/json")
            .header("user-agent", "GitLab/18.10.0-ee")
            .header("x-gitlab-event", event)
            .body(body)
    }

    /// An authentic delivery. Without an `id` it comes from a GitLab before 17.4.
    pub(super) fn delivery(&self, id: Option<&str>, body: impl Into<reqwest::Body>) -> RequestBuilder {
        let request = self.bare("Merge Request Hook", body).header("x-gitlab-token", SECRET);
        match id {
            Some(id) => request.header("idempotency-key", id).header("webhook-id", id),
            None => request,
        }
    }

    pub(super) async fn deliver(&self, id: &str, body: &Value) -> (StatusCode, String) {
        answered(self.delivery(Some(id), body.to_string())).await
    }

    /// Replaces what the connection accepts.
    pub(super) fn accept(&self, secrets: &[&str]) {
        self.routes.send_modify(|routes| {
            let mut route = routes[0].clone();
            let secrets: Vec<_> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
            route.accepted = Some(Accepted::of(&secrets));
            *routes = Arc::new(vec![route]);
        });
    }

    pub(super) fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }

    /// Stops the receiver and waits for its end, which must be a good one.
    pub(super) async fn stopped(self) -> Database {
        self.stop.cancel();
        self.running.await.unwrap();
        self.database
    }
}

pub(super) async fn answered(request: RequestBuilder) -> (StatusCode, String) {
    let answer = request.send().await.unwrap();
    (answer.status(), answer.text().await.unwrap().trim().to_owned())
}
