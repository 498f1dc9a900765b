//! Both limiters of GitLab, waited out.

use std::time::{Duration, Instant};

use gitlab_connector::gitlab::{Error, Patience, Target, model::HookBody};

use super::fake::{Fake, json, user, with_headers};
use super::{client, impatient};

const REFUSED: &str = r#"{"message":{"error":"This endpoint has been requested too many times. Try again later."}}"#;

fn retry_later(seconds: &str) -> axum::http::Response<axum::body::Body> {
    let response = json(429, "Retry later\n");
    with_headers(response, &[("content-type", "text/plain"), ("retry-after", seconds), ("ratelimit-limit", "60")])
}

#[tokio::test]
async fn an_announced_limit_is_waited_out_and_is_no_error() {
    let fake = Fake::serve(|asked| if asked.nth == 1 { retry_later("1") } else { user(1) }).await;
    let client = client(&fake.url, &["primary"]);
    let start = Instant::now();

    let answer = client.current_user().await;

    assert!(answer.is_ok());
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!((client.stats().waits, client.stats().retries), (1, 0));
}

#[tokio::test]
async fn an_unannounced_limit_of_one_endpoint_leaves_the_others_open() {
    let fake = Fake::serve(|asked| match (asked.nth, asked.target.contains("/users/")) {
        (1, true) => json(429, REFUSED),
        _ => user(1),
    })
    .await;
    let client = client(&fake.url, &["primary"]);

    let (limited, free) = tokio::join!(client.user(1), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let start = Instant::now();
        client.current_user().await.map(|_| start.elapsed())
    });

    assert!(limited.is_ok());
    assert!(free.unwrap() < Duration::from_millis(500));
    assert!(client.stats().waited >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_limit_longer_than_our_patience_is_an_error_at_once() {
    let fake = Fake::serve(|_| retry_later("120")).await;
    let patience = Patience { waiting: Duration::from_secs(2), ..impatient() };
    let start = Instant::now();

    let answer = client(&fake.url, &["primary"]).with_patience(patience).current_user().await;

    assert!(matches!(answer, Err(Error::RateLimited { .. })), "{answer:?}");
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(fake.log().len(), 1);
}

#[tokio::test]
async fn a_write_that_was_refused_by_a_limit_is_sent_again() {
    let hook = r#"{"id":7,"url":"http://receiver/"}"#;
    let fake = Fake::serve(move |asked| if asked.nth == 1 { retry_later("1") } else { json(201, hook) }).await;

    let answer = client(&fake.url, &["primary"]).create_hook(Target::Project(1), &HookBody::default()).await;

    assert_eq!(answer.unwrap().id, 7);
}
