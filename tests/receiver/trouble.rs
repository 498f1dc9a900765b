//! Large bodies, slow clients, a database that is away, and the end of the process.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    FLIGHT,
    database::Database,
    hook, served,
    served::{SECRET, Served, answered},
    with,
};

const MEGABYTE: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_25_mb_is_accepted_and_a_larger_one_is_not() {
    let served = served().await;
    let of_size = |size: usize| {
        let body = hook!("merge_request_open").to_string();
        let padding = size - body.len();
        body + &" ".repeat(padding)
    };

    let largest = answered(served.delivery(Some("1"), of_size(25 * MEGABYTE))).await;
    assert_eq!(largest, (StatusCode::OK, "stored".to_owned()));

    let announced = answered(served.delivery(Some("2"), of_size(25 * MEGABYTE + 1))).await;
    assert_eq!(announced.0, StatusCode::PAYLOAD_TOO_LARGE);

    // Without a length that is known before.
    let mut stream = TcpStream::connect(served.url.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST /webhooks/gitlab HTTP/1.1\r\nhost: h\r\nx-gitlab-token: {SECRET}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("{MEGABYTE:x}\r\n{}\r\n", " ".repeat(MEGABYTE));
    for _ in 0..30 {
        // The receiver hangs up when it has seen enough.
        let _ = stream.write_all(chunk.as_bytes()).await;
    }
    let mut answer = vec![0; 12];
    if stream.read_exact(&mut answer).await.is_ok() {
        assert_eq!(answer, b"HTTP/1.1 413");
    }
    assert_eq!(served.database.count("from connector_deliveries").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_client_is_let_go_and_holds_up_nobody() {
    let served = served().await;
    let address = served.url.trim_start_matches("http://").to_owned();
    let head = format!("POST /webhooks/gitlab HTTP/1.1\r\nhost: {address}\r\nx-gitlab-token: {SECRET}\r\n");
    let slow = [
        format!("{head}content-length: 1000\r\n\r\n{{"),
        format!("{head}content-length: 20000000\r\n\r\n{{"),
        format!("{head}transfer-encoding: chunked\r\n\r\n1\r\n{{\r\n"),
    ];
    let began = Instant::now();
    let slow = slow.iter().cycle().take(16).cloned().map(|beginning| {
        let address = address.clone();
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(beginning.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            String::from_utf8(answer).unwrap()
        })
    });
    let slow: Vec<_> = slow.collect();
    tokio::time::sleep(Duration::from_millis(200)).await;

    let quick = served.deliver("1", &hook!("merge_request_open")).await;
    assert_eq!(quick.0, StatusCode::OK);
    assert!(began.elapsed() < Duration::from_secs(5));

    for slow in slow {
        let answer = slow.await.unwrap();
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(served.database.count("from connector_deliveries").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_comes_back_in_time_costs_no_delivery() {
    let served = served().await;
    let lock = Lock::take(&served.database).await;
    let delivery = served.delivery(Some("1"), hook!("merge_request_open").to_string());
    let delivery = tokio::spawn(answered(delivery));

    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!delivery.is_finished());
    lock.release().await;

    assert_eq!(delivery.await.unwrap(), (StatusCode::OK, "stored".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_stays_away_is_answered_503_before_gitlab_gives_up() {
    let served = served().await;
    let lock = Lock::take(&served.database).await;
    let began = Instant::now();

    let answer = served.deliver("1", &hook!("merge_request_open")).await;

    assert_eq!(answer.0, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.1.contains("the next import"), "{}", answer.1);
    let took = began.elapsed();
    assert!(took > Duration::from_secs(7) && took < Duration::from_millis(9500), "{took:?}");
    assert!(served.metrics().contains(r#"deliveries_total{result="unavailable"} 1"#));
    // The process is not to be restarted for it.
    let health = served.http.get(format!("{}/healthz", served.url)).send().await.unwrap();
    assert_eq!(health.status(), StatusCode::OK);

    lock.release().await;
    assert_eq!(served.deliver("2", &hook!("merge_request_open")).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_asked_to_stop_answers_what_is_in_flight() {
    let served = served().await;
    let lock = Lock::take(&served.database).await;
    let delivery = tokio::spawn(answered(served.delivery(Some("1"), hook!("merge_request_open").to_string())));
    tokio::time::sleep(Duration::from_millis(500)).await;

    served.stop.cancel();
    tokio::time::sleep(Duration::from_millis(500)).await;
    lock.release().await;

    assert_eq!(delivery.await.unwrap(), (StatusCode::OK, "stored".to_owned()));
    let database = served.stopped().await;
    assert_eq!(database.count("from gitlab_merge_requests").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_a_database_refuses_hold_up_no_other_delivery() {
    // PostgreSQL's time begins in 4713 BC.
    let served = Served::start(Database::postgres().await, &[FLIGHT]).await;
    let strange = with(hook!("merge_request_open"), "/object_attributes/created_at", json!("-009998-01-01T00:00:00Z"));
    let strange = with(strange, "/object_attributes/id", json!(94));
    let usual = hook!("merge_request_open");
    let requests = (0..40).map(|number: i32| {
        let body = if number % 10 == 0 { &strange } else { &usual };
        tokio::spawn(answered(served.delivery(Some(&number.to_string()), body.to_string())))
    });

    let answers = futures::future::join_all(requests.collect::<Vec<_>>()).await;

    for (number, answer) in answers.into_iter().enumerate() {
        let (status, outcome) = answer.unwrap();
        assert_eq!(status, StatusCode::OK);
        assert_eq!(outcome, if number % 10 == 0 { "unstorable" } else { "stored" });
    }
    assert_eq!(served.database.count("from connector_deliveries").await, 40);
}

/// Keeps everybody else from writing into a SQLite file.
pub(super) struct Lock {
    connection: SqliteConnection,
}

impl Lock {
    pub(super) async fn take(database: &Database) -> Lock {
        let mut connection = SqliteConnection::connect(&database.url).await.unwrap();
        sqlx::raw_sql("begin immediate").execute(&mut connection).await.unwrap();
        Lock { connection }
    }

    pub(super) async fn release(mut self) {
        sqlx::raw_sql("rollback").execute(&mut self.connection).await.unwrap();
    }
}
