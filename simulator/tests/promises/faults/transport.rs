//! Connections that are late, slow, cut, closed, reset or refused.

use std::time::{Duration, Instant};

use gitlab_simulator::{Fault, FaultKind, Options};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{LIST, once};
use crate::support::{OWNER, READER, Served, serve, serve_with, small};

/// All that comes on a connection of its own until it ends, and how it ended.
async fn raw(served: &Served, path: &str) -> (String, std::io::Result<usize>) {
    let mut stream = TcpStream::connect(served.simulator.address()).await.unwrap();
    let request =
        format!("GET /api/v4{path} HTTP/1.1\r\nHost: gitlab\r\nPRIVATE-TOKEN: {READER}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).await;
    (String::from_utf8(bytes).unwrap(), end)
}

#[tokio::test]
async fn bodies_drip_and_break_off() {
    let served = once(FaultKind::CutBody).await;
    assert!(served.get(LIST, READER).await.text().await.is_err());

    served.simulator.faults().add(Fault::at("*", FaultKind::SlowBody { millis: 1 }).times(1));
    let begin = Instant::now();
    assert_eq!(served.read(LIST, READER).await.0, 200);
    assert!(begin.elapsed() > Duration::from_millis(50));
}

#[tokio::test]
async fn a_body_is_cut_at_a_byte_whether_its_length_was_told_or_not() {
    let served = once(FaultKind::Cut { at: 7, declared: true }).await;
    let (told, _) = raw(&served, LIST).await;
    let (head, body) = told.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-length: ") && body.len() == 7, "{told}");

    served.simulator.faults().add(Fault::at("*", FaultKind::Cut { at: 7, declared: false }).times(1));
    let (untold, _) = raw(&served, LIST).await;
    assert!(untold.contains("transfer-encoding: chunked") && !untold.ends_with("0\r\n\r\n"), "{untold}");
}

#[tokio::test]
async fn a_truncated_answer_is_whole_for_http() {
    let served = once(FaultKind::Truncate { at: 9 }).await;

    let text = served.get(LIST, READER).await.text().await.unwrap();
    assert_eq!(text.len(), 9);
}

#[tokio::test]
async fn headers_drip_too() {
    let served = once(FaultKind::SlowWire { millis: 1 }).await;

    let begin = Instant::now();
    assert!(raw(&served, "/version").await.0.ends_with('}'));
    assert!(begin.elapsed() > Duration::from_millis(200), "more than two hundred bytes");
}

#[tokio::test]
async fn a_hanging_request_is_never_answered() {
    let served = serve(small()).await;
    served.simulator.faults().add(Fault::at("* /groups*", FaultKind::Hang));

    let hanging = tokio::time::timeout(Duration::from_millis(200), served.get("/groups", READER)).await;
    assert!(hanging.is_err());
}

#[tokio::test]
async fn a_body_may_hang_after_its_headers() {
    let served = once(FaultKind::HangBody { at: 5 }).await;

    let response = served.get(LIST, READER).await;
    assert_eq!(response.status(), 200);
    assert!(tokio::time::timeout(Duration::from_millis(200), response.text()).await.is_err());
}

#[tokio::test]
async fn a_connection_is_closed_or_reset_without_an_answer() {
    let served = once(FaultKind::Close).await;
    let (text, end) = raw(&served, "/version").await;
    assert_eq!((text.as_str(), end.is_ok()), ("", true));

    served.simulator.faults().add(Fault::at("*", FaultKind::Reset).times(1));
    let (text, end) = raw(&served, "/version").await;
    assert_eq!((text.as_str(), end.unwrap_err().kind()), ("", std::io::ErrorKind::ConnectionReset));
    assert_eq!(served.read("/version", READER).await.0, 200);
    assert_eq!(served.simulator.requests()[0].status, 0, "no answer was given");
}

#[tokio::test]
async fn connections_are_refused_for_a_while() {
    let served = once(FaultKind::Refuse { seconds: 1 }).await;
    assert!(raw(&served, "/version").await.0.is_empty());

    let mut refused = false;
    for _ in 0..200 {
        match TcpStream::connect(served.simulator.address()).await {
            Err(_) => refused = true,
            Ok(_) if refused => break,
            Ok(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(refused);
    assert_eq!(served.read("/version", READER).await.0, 200);
}

#[tokio::test]
async fn latency_is_for_every_request() {
    let served = serve_with(small(), Options::latency(Duration::from_millis(60))).await;
    let begin = Instant::now();
    served.read(LIST, READER).await;
    assert!(begin.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn a_stopped_gitlab_refuses_connections() {
    let served = serve(small()).await;
    assert_eq!(served.read("/version", OWNER).await.0, 200);
    served.simulator.stop();

    // It ends once it hears of it.
    while TcpStream::connect(served.simulator.address()).await.is_ok() {
        tokio::task::yield_now().await;
    }
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
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=63072000");
    let stranger = reqwest::Client::builder().build().unwrap();
    assert!(stranger.get(&url).send().await.is_err());
}
