//! Bad days.

use std::time::{Duration, Instant};

use gitlab_simulator::world::{Role, Scope};
use gitlab_simulator::{Fault, FaultKind, Options};
use serde_json::{Value, json};

use crate::support::{OWNER, READER, answer, serve, serve_with, small};

const LIST: &str = "/projects/acme%2Fweb/merge_requests";

#[tokio::test]
async fn both_kinds_of_429_look_as_they_do() {
    let served = serve(small()).await;
    served
        .simulator
        .faults()
        .add(Fault::at("GET /projects/:id/merge_requests", FaultKind::RetryLater { seconds: 7 }).times(1));

    let attack = served.get(LIST, READER).await;
    assert_eq!((attack.status().as_u16(), attack.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    assert!(attack.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    assert_eq!(attack.text().await.unwrap(), "Retry later\n");
    assert_eq!(served.read(LIST, READER).await.0, 200, "it was switched on for one request");

    served.simulator.faults().add(Fault::at("GET /projects/:id/*", FaultKind::TooManyRequests));
    let limiter = served.get(LIST, READER).await;
    assert!(limiter.headers().get("retry-after").is_none());
    let error = "This endpoint has been requested too many times. Try again later.";
    assert_eq!(answer(limiter).await, (429, json!({ "message": { "error": error } })));
}

#[tokio::test]
async fn budgets_are_per_user_whatever_the_token() {
    let mut world = small()
        .with_token("glpat-second", |token| token.user("bob").scopes(&[Scope::ReadApi]))
        .with_group_token("glpat-other", "acme", Role::Developer, &[Scope::ReadApi])
        .with_time("2026-01-16T06:00:30Z");
    world.settings.rate_limit = Some(2);
    let served = serve(world).await;

    let first = served.get("/projects", READER).await;
    assert_eq!(first.headers()["ratelimit-remaining"], "1");
    assert_eq!(served.read("/projects", "glpat-second").await.0, 200);
    let third = served.get("/projects", READER).await;
    assert_eq!((third.status().as_u16(), third.headers()["retry-after"].to_str().unwrap()), (429, "30"));
    assert_eq!(served.read("/projects", "glpat-other").await.0, 200);
}

#[tokio::test]
async fn an_endpoint_has_a_budget_of_its_own_for_each_user() {
    let mut world = small();
    world.settings.endpoint_limits = vec![("/groups/:id", 1, 3600)];
    let served = serve(world).await;

    assert_eq!(served.read("/groups/acme", READER).await.0, 200);
    let second = served.get("/groups/acme", READER).await;
    assert_eq!((second.status().as_u16(), second.headers().get("retry-after")), (429, None));
    assert_eq!(served.read("/groups", READER).await.0, 200);
    assert_eq!(served.read("/groups/acme", OWNER).await.0, 200);
}

#[tokio::test]
async fn proxies_answer_html_and_servers_break() {
    let served = serve(small()).await;
    served.simulator.faults().add(Fault::at("*", FaultKind::Html { status: 200 }).times(1));
    served.simulator.faults().add(Fault::at("*", FaultKind::Status { status: 502 }).after(1).times(1));

    let html = served.get(LIST, READER).await;
    assert!(html.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert_eq!(served.read(LIST, READER).await, (502, json!({ "message": "502 Bad Gateway" })));
    assert_eq!(served.read(LIST, READER).await.0, 200);
}

#[tokio::test]
async fn bodies_drip_and_break_off() {
    let served = serve(small()).await;
    served.simulator.faults().add(Fault::at("*", FaultKind::CutBody).times(1));
    assert!(served.get(LIST, READER).await.text().await.is_err());

    served.simulator.faults().add(Fault::at("*", FaultKind::SlowBody { millis: 1 }).times(1));
    let begin = Instant::now();
    assert_eq!(served.read(LIST, READER).await.0, 200);
    assert!(begin.elapsed() > Duration::from_millis(50));
}

#[tokio::test]
async fn a_hanging_request_is_never_answered() {
    let served = serve(small()).await;
    served.simulator.faults().add(Fault::at("* /groups*", FaultKind::Hang));

    let hanging = tokio::time::timeout(Duration::from_millis(200), served.get("/groups", READER)).await;
    assert!(hanging.is_err());
}

#[tokio::test]
async fn latency_is_for_every_request() {
    let served = serve_with(small(), Options::latency(Duration::from_millis(60))).await;
    let begin = Instant::now();
    served.read(LIST, READER).await;
    assert!(begin.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn another_process_controls_world_faults_and_log() {
    let served = serve(small()).await;
    let control = async |method: &str, path: &str, body: Value| {
        answer(served.ask(method, &format!("/-/simulator{path}"), "", body).await).await
    };

    let said = json!({ "project": "acme/web", "iid": 1, "user": "bob", "body": "from outside" });
    assert_eq!(control("POST", "/comment", said.clone()).await.0, 200);
    assert_eq!(control("POST", "/merge", said).await.0, 200);
    assert_eq!(served.read(&format!("{LIST}/1"), READER).await.1["state"], "merged");
    let fault = json!({ "pattern": "GET /version", "kind": "status", "status": 503, "times": 1 });
    assert_eq!(control("POST", "/faults", fault).await.0, 201);
    assert_eq!(served.read("/version", READER).await.0, 503);
    assert_eq!(control("GET", "/counts", Value::Null).await.1["GET /version"], 1);
    assert_eq!(control("POST", "/revoke", json!({ "token": READER })).await.0, 200);
    assert_eq!(served.read("/version", READER).await.0, 401);
    assert_eq!(control("POST", "/dance", json!({})).await.0, 400);
}

#[tokio::test]
async fn a_stopped_gitlab_refuses_connections() {
    let served = serve(small()).await;
    assert_eq!(served.read("/version", OWNER).await.0, 200);
    served.simulator.stop();
    tokio::time::sleep(Duration::from_millis(100)).await;

    let fresh = reqwest::get(format!("{}/api/v4/version", served.simulator.url())).await;
    assert!(fresh.is_err());
}

#[tokio::test]
async fn a_certificate_of_its_own_is_trusted_by_those_who_know_it() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let options = Options::tls(&made.cert.pem(), &made.signing_key.serialize_pem());
    let served = serve_with(small(), options).await;
    let url = format!("{}/api/v4/version", served.simulator.url());
    assert!(url.starts_with("https://"));

    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let knowing = reqwest::Client::builder().tls_certs_only([root]).build().unwrap();
    let answer = knowing.get(&url).bearer_auth(READER).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let stranger = reqwest::Client::builder().build().unwrap();
    assert!(stranger.get(&url).send().await.is_err());
}
