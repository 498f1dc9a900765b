//! What the receiver writes into logs and answers never holds a secret, nor anything from which one could be guessed.

use sha2::{Digest, Sha256};

use super::{
    FLIGHT,
    database::Database,
    hook,
    served::{SECRET, Served, answered},
};
use crate::support::logs::Logs;

// On one thread, because the subscriber is that thread's.
#[tokio::test(flavor = "current_thread")]
async fn no_secret_is_in_any_log_line_or_answer() {
    let logs = Logs::capture();
    let served = Served::start(Database::sqlite(), &[FLIGHT]).await;
    let signing = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    served.accept(&[SECRET, signing, "yesterdays-secret"]);
    let guessed = "somebody-elses-password";
    let body = hook!("merge_request_open").to_string();

    let requests = [
        served.delivery(Some("1"), body.clone()),
        served.delivery(Some("2"), "{\"object_kind\": \"merge_request\""),
        served.bare("Merge Request Hook", body.clone()).header("x-gitlab-token", guessed),
        served.bare("Merge Request Hook", body.clone()).header("x-gitlab-token", "yesterdays-secret"),
        served
            .bare("Merge Request Hook", body)
            .header("webhook-id", "1")
            .header("webhook-timestamp", jiff::Timestamp::now().as_second())
            .header("webhook-signature", format!("v1,{guessed}")),
        served.http.post(format!("{}/webhooks/gitlab/{guessed}", served.url)).body("{}"),
    ];
    let mut written = String::new();
    for request in requests {
        // What the client logs of its own request is not the receiver's.
        let (_, answer) = answered(request).await;
        written.push_str(&answer);
    }
    written.push_str(&served.metrics());
    written.push_str(&format!("{:?}", served.routes.borrow()));
    let database = served.stopped().await;
    written.push_str(&logs.text());

    assert!(written.contains("refused a delivery"), "the log was not captured");
    for secret in [SECRET, signing, "yesterdays-secret", guessed] {
        let digest = Sha256::digest(secret.as_bytes());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!written.contains(secret), "{}", around(&written, secret));
        assert!(!written.contains(&digest[..16]), "a digest of {secret}");
    }
    assert_eq!(database.count("from connector_deliveries").await, 3);
}

fn around<'t>(text: &'t str, found: &str) -> &'t str {
    text.lines().find(|line| line.contains(found)).unwrap_or_default()
}
