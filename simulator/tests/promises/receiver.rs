//! Whom webhooks are delivered to: a receiver that remembers.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use gitlab_simulator::World;
use serde_json::{Value, json};

use crate::support::{OWNER, Served, serve};

/// A receiver that remembers, and answers what it is told.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
    answer: Arc<Mutex<StatusCode>>,
}

impl Receiver {
    pub(crate) async fn start() -> Receiver {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Receiver {
            url: format!("http://{}/webhooks/gitlab", listener.local_addr().unwrap()),
            seen: Arc::default(),
            answer: Arc::new(Mutex::new(StatusCode::OK)),
        };
        let service = Router::new().fallback(receive).layer(DefaultBodyLimit::disable()).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, service).await });
        receiver
    }

    pub(crate) fn answers(&self, status: StatusCode) {
        *self.answer.lock().unwrap() = status;
    }

    pub(crate) fn seen(&self) -> Vec<(HeaderMap, Value)> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        let of = |body: &Value| {
            body.get("object_kind").or_else(|| body.get("event_name")).unwrap().as_str().unwrap().to_owned()
        };
        self.seen().iter().map(|(_, body)| of(body)).collect()
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
    receiver.seen.lock().unwrap().push((headers, serde_json::from_slice(&body).unwrap_or_else(|_| text())));
    *receiver.answer.lock().unwrap()
}

/// A hook for merge requests and notes of the project.
pub(crate) async fn hooked(world: World, extra: Value) -> (Served, Receiver, i64) {
    let receiver = Receiver::start().await;
    let served = serve(world).await;
    let mut body =
        json!({ "url": receiver.url, "push_events": false, "merge_requests_events": true, "note_events": true });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let (status, hook) = served.write("POST", "/projects/acme%2Fweb/hooks", OWNER, body).await;
    assert_eq!(status, 201, "{hook}");
    (served, receiver, hook["id"].as_i64().unwrap())
}
