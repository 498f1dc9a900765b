//! What the receiver writes into logs and answers never holds a secret, nor anything from which one could be guessed.

use std::{
    io,
    sync::{Arc, Mutex},
};

use sha2::{Digest, Sha256};
use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt};

use super::{
    FLIGHT,
    database::Database,
    hook,
    served::{SECRET, Served, answered},
};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Lines;

    fn make_writer(&self) -> Lines {
        self.clone()
    }
}

// On one thread, because the subscriber is that thread's.
#[tokio::test(flavor = "current_thread")]
async fn no_secret_is_in_any_log_line_or_answer() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::registry()
        .with(tracing_subscriber::filter::LevelFilter::TRACE)
        .with(
            tracing_subscriber::fmt::layer()
                .with_writer(lines.clone())
                .with_ansi(false),
        );
    let guard = tracing::subscriber::set_default(subscriber);
    let served = Served::start(Database::sqlite(), &[FLIGHT]).await;
    let signing = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    served.accept(&[SECRET, signing, "yesterdays-secret"]);
    let guessed = "somebody-elses-password";
    let body = hook!("merge_request_open").to_string();

    let requests = [
        served.delivery(Some("1"), body.clone()),
        served.delivery(Some("2"), "{\"object_kind\": \"merge_request\""),
        served
            .bare("Merge Request Hook", body.clone())
            .header("x-gitlab-token", guessed),
        served
            .bare("Merge Request Hook", body.clone())
            .header("x-gitlab-token", "yesterdays-secret"),
        served
            .bare("Merge Request Hook", body)
            .header("webhook-id", "1")
            .header("webhook-timestamp", jiff::Timestamp::now().as_second())
            .header("webhook-signature", format!("v1,{guessed}")),
        served
            .http
            .post(format!("{}/webhooks/gitlab/{guessed}", served.url))
            .body("{}"),
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
    drop(guard);
    written.push_str(&String::from_utf8(lines.0.lock().unwrap().clone()).unwrap());

    assert!(
        written.contains("refused a delivery"),
        "the log was not captured"
    );
    for secret in [SECRET, signing, "yesterdays-secret", guessed] {
        let digest = Sha256::digest(secret.as_bytes());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!written.contains(secret), "{}", around(&written, secret));
        assert!(!written.contains(&digest[..16]), "a digest of {secret}");
    }
    assert_eq!(database.count("from connector_deliveries").await, 3);
}

fn around<'t>(text: &'t str, found: &str) -> &'t str {
    text.lines()
        .find(|line| line.contains(found))
        .unwrap_or_default()
}
