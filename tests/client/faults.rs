//! Servers that fail, stall, cut and lie.

use gitlab_connector::gitlab::{Error, Instance, Phase, Target, model::HookBody};
use url::Url;

use super::fake::{Fake, json, raw, user, with_headers};
use super::{client, client_of};

#[tokio::test]
async fn reads_are_sent_again_when_the_server_fails() {
    for status in [500, 502, 503, 408] {
        let fake = Fake::serve(move |asked| if asked.nth < 3 { json(status, "{}") } else { user(1) }).await;

        let answer = client(&fake.url, &["primary"]).current_user().await;

        assert_eq!(answer.unwrap().id, 1, "after {status}");
        assert_eq!(fake.log().len(), 3);
    }
}

#[tokio::test]
async fn attempts_are_bounded() {
    let fake = Fake::serve(|_| json(502, "")).await;
    let client = client(&fake.url, &["primary"]);

    let answer = client.current_user().await;

    assert_eq!(answer, Err(Error::Server { status: 502 }));
    assert_eq!(fake.log().len(), 3);
    assert_eq!((client.stats().requests, client.stats().retries), (3, 2));
}

#[tokio::test]
async fn writes_are_never_repeated_blindly() {
    let fake = Fake::serve(|_| json(500, "{}")).await;

    let answer = client(&fake.url, &["primary"]).create_hook(Target::Project(1), &HookBody::default()).await;

    assert_eq!(answer.unwrap_err(), Error::Server { status: 500 });
    assert_eq!(fake.log().len(), 1);
}

#[tokio::test]
async fn a_cut_body_is_asked_for_again_and_named_in_the_end() {
    let url =
        raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"id\":", true).await;
    let client = client(&url, &["primary"]);

    let answer = client.current_user().await;

    assert!(matches!(answer, Err(Error::Broken { .. })), "{answer:?}");
    assert_eq!(client.stats().requests, 3);
}

#[tokio::test]
async fn json_that_ends_too_early_is_asked_for_again() {
    let fake = Fake::serve(|asked| if asked.nth == 1 { json(200, r#"{"id":1,"us"#) } else { user(1) }).await;

    assert!(client(&fake.url, &["primary"]).current_user().await.is_ok());
    assert_eq!(fake.log().len(), 2);
}

#[tokio::test]
async fn slow_headers_and_stalled_bodies_meet_their_deadlines() {
    let silent = raw(b"", false).await;
    let stalled = raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{", false).await;

    let headers = client(&silent, &["primary"]).current_user().await;
    let body = client(&stalled, &["primary"]).current_user().await;

    assert_eq!(headers, Err(Error::Timeout { phase: Phase::Headers }));
    assert_eq!(body, Err(Error::Timeout { phase: Phase::Body }));
}

#[tokio::test]
async fn a_body_beyond_all_measure_is_not_taken_in() {
    let url =
        raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99999999\r\n\r\n[", false).await;

    let answer = client(&url, &["primary"]).current_user().await;

    assert!(matches!(answer, Err(Error::TooLarge { .. })), "{answer:?}");
}

#[tokio::test]
async fn html_is_named_as_no_gitlab_and_not_repeated() {
    let page = || with_headers(json(200, "<!doctype html><title>Sign in</title>"), &[("content-type", "text/html")]);
    let fake = Fake::serve(move |_| page()).await;

    let answer = client(&fake.url, &["primary"]).current_user().await;

    assert_eq!(answer, Err(Error::NotGitLab { status: 200, message: "status 200, text/html".into() }));
    assert_eq!(fake.log().len(), 1);
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let answer = client("http://127.0.0.1:9/", &["primary"]).current_user().await;

    assert!(matches!(answer, Err(Error::Unreachable { .. })), "{answer:?}");
}

#[tokio::test]
async fn requests_introduce_themselves_and_carry_extra_headers() {
    let fake = Fake::serve(|_| user(1)).await;
    let mut instance = Instance::at(Url::parse(&fake.url).unwrap());
    instance.headers = vec![("X-Access-Pass".into(), "open sesame".into())];

    client_of(&instance, &["primary"]).current_user().await.unwrap();

    let asked = &fake.log()[0];
    assert_eq!(asked.headers["user-agent"], concat!("gitlab-connector/", env!("CARGO_PKG_VERSION")));
    assert_eq!(asked.headers["x-access-pass"], "open sesame");
    assert_eq!(asked.headers["accept-encoding"], "gzip");
}

#[tokio::test]
async fn a_proxy_is_used_where_one_is_named() {
    let proxy = Fake::serve(|_| user(1)).await;
    let mut instance = Instance::at(Url::parse("http://gitlab.invalid/").unwrap());
    instance.proxy = Some(proxy.url.clone().into());

    client_of(&instance, &["primary"]).current_user().await.unwrap();

    assert_eq!(proxy.targets(), ["http://gitlab.invalid/api/v4/user"]);
}

#[tokio::test]
async fn an_old_server_tells_its_version_elsewhere() {
    let fake = Fake::serve(|asked| match asked.target.as_str() {
        "/api/v4/version" => json(200, r#"{"version":"15.1.0-ee","revision":"a"}"#),
        _ => json(404, r#"{"error":"404 Not Found"}"#),
    })
    .await;

    let metadata = client(&fake.url, &["primary"]).metadata().await.unwrap();

    assert_eq!(metadata.release(), (15, 1));
    assert!(metadata.is_enterprise());
}
