//! No token in errors, debug output or logs, whatever happens.

use std::io::Write;
use std::sync::{Arc, Mutex};

use gitlab_connector::gitlab::{Instance, Metrics, Target, model::HookBody};
use tracing_subscriber::fmt::MakeWriter;
use url::Url;

use super::fake::{Fake, json, raw, with_headers};
use super::{client_of, token};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Captured;

    fn make_writer(&self) -> Captured {
        self.clone()
    }
}

#[tokio::test]
async fn nothing_that_is_printed_holds_a_secret() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(captured.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let mut printed = Vec::new();

    let answers = [
        (401, r#"{"message":"401 Unauthorized"}"#),
        (403, r#"{"error":"insufficient_scope","scope":"api"}"#),
        (404, r#"{"message":"404 Not found"}"#),
        (422, r#"{"error":"Invalid url given"}"#),
        (500, "{}"),
        (200, "<html>"),
        (200, r#"{"id":"no number"}"#),
    ];
    let mut urls =
        vec![raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", true).await, "http://127.0.0.1:9/".into()];
    let mut fakes = Vec::new();
    for (status, body) in answers {
        let fake = Fake::serve(move |_| with_headers(json(status, body), &[("location", "http://other/")])).await;
        urls.push(fake.url.clone());
        fakes.push(fake);
    }
    for url in &urls {
        let mut instance = Instance::at(Url::parse(&url.replace("http://", "http://me:hunter2@")).unwrap());
        instance.headers = vec![("X-Pass".into(), "hunter2".into())];
        let client = client_of(&instance, &["primary", "second"]);
        let body =
            HookBody { token: Some("hunter2".into()), signing_token: Some("hunter2".into()), ..HookBody::default() };
        printed.push(format!("{:?} {:?}", client, body));
        let failures = [
            client.current_user().await.err(),
            client.create_hook(Target::Project(1), &body).await.err(),
            client.graphql::<()>("query Q { x }", &serde_json::json!({})).await.err(),
        ];
        printed.extend(failures.into_iter().flatten().map(|error| format!("{error} {error:?}")));
    }
    printed.push(format!("{:?} {:?}", token("primary"), Metrics::default()));
    drop(guard);

    printed.push(String::from_utf8(captured.0.lock().unwrap().clone()).unwrap());
    let printed = printed.join("\n");
    assert!(printed.contains("gitlab_request"), "nothing was logged, so nothing was shown");
    for secret in ["glpat-", "hunter2"] {
        assert!(!printed.contains(secret), "{secret} was printed");
    }
}
