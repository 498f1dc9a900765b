//! No token in errors, debug output or logs, whatever happens.

use gitlab_connector::gitlab::{Instance, Metrics, Target, model::HookBody};
use url::Url;

use super::fake::{Fake, json, raw, with_headers};
use super::{client_of, token};
use crate::support::logs::Logs;

#[tokio::test]
async fn nothing_that_is_printed_holds_a_secret() {
    let logs = Logs::capture();
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

    printed.push(logs.text());
    let printed = printed.join("\n");
    assert!(printed.contains("gitlab_request"), "nothing was logged, so nothing was shown");
    for secret in ["glpat-", "hunter2"] {
        assert!(!printed.contains(secret), "{secret} was printed");
    }
}
