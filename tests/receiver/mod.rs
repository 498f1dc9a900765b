//! GitLab's deliveries, over HTTP, into a database.

mod crowd;
mod database;
mod live;
mod secrets;
mod served;
mod several;
mod trouble;

use std::time::Duration;

use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::StatusCode;
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;

use database::Database;
use gitlab_connector::receiver::{Accepted, Route};
use served::{SECRET, Served, answered};

/// The payloads that GitLab's documentation shows.
macro_rules! hook {
    ($name:literal) => {
        serde_json::from_str::<serde_json::Value>(include_str!(concat!("../fixtures/hooks/", $name, ".json"))).unwrap()
    };
}
use hook;

/// The project of those payloads.
const FLIGHT: (i64, &str) = (2, "g/flight");

async fn served() -> Served {
    Served::start(Database::sqlite(), &[FLIGHT]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_request_is_stored_before_its_delivery_is_answered() {
    for database in [Database::sqlite(), Database::postgres().await] {
        let served = Served::start(database, &[FLIGHT]).await;

        let answer = served.deliver("1", &hook!("merge_request_open")).await;

        assert_eq!(answer, (StatusCode::OK, "stored".to_owned()));
        let rows = served.database.rows("iid, title, state", "from gitlab_merge_requests").await;
        assert_eq!(rows, [json!({"iid": 16, "title": "Add validation", "state": "opened"})]);
        let marks = served.store.pending_refreshes(served.source, 10).await.unwrap();
        assert_eq!(marks.len(), 1);
        assert_eq!((marks[0].project_id, marks[0].project_path.as_str(), marks[0].iid), (2, "g/flight", 16));
        assert!(served.store.last_delivery(served.source).await.unwrap().is_some());
        served.stopped().await;
    }
}

#[tokio::test]
async fn the_refresher_is_woken_for_what_it_has_to_read() {
    let served = served().await;

    served.deliver("1", &hook!("note_create")).await;

    tokio::time::timeout(Duration::from_secs(1), served.wake.notified()).await.unwrap();
}

#[tokio::test]
async fn comments_are_stored_with_what_they_are_about() {
    let served = served().await;

    served.deliver("1", &hook!("note_create")).await;

    let notes = served.database.rows("id, merge_request_id, body", "from gitlab_notes").await;
    assert_eq!(notes, [json!({"id": 1244, "merge_request_id": 93, "body": "Could this be a constant?"})]);
    assert_eq!(served.database.count("from gitlab_merge_requests").await, 1);
}

#[tokio::test]
async fn texts_are_stored_only_where_the_connection_asks_for_them() {
    let served = served().await;
    served.routes.send_modify(|routes| {
        let route = Route { text: false, ..routes[0].clone() };
        *routes = std::sync::Arc::new(vec![route]);
    });

    served.deliver("1", &hook!("note_create")).await;

    let notes = served.database.rows("id, body", "from gitlab_notes").await;
    assert_eq!(notes, [json!({"id": 1244, "body": null})]);
}

#[tokio::test]
async fn a_delivery_that_comes_twice_is_applied_once() {
    let served = served().await;
    let body = hook!("merge_request_open");
    let with_other_content = hook!("merge_request_merge");

    assert_eq!(served.deliver("1", &body).await.1, "stored");
    assert_eq!(served.deliver("1", &with_other_content).await, (StatusCode::OK, "duplicate".to_owned()));

    let rows = served.database.rows("state", "from gitlab_merge_requests").await;
    assert_eq!(rows, [json!({"state": "opened"})]);
    assert_eq!(served.database.count("from connector_deliveries").await, 1);
}

#[tokio::test]
async fn an_old_gitlab_names_no_delivery_and_the_same_content_counts_once() {
    let served = served().await;
    let open = hook!("merge_request_open").to_string();

    let first = answered(served.delivery(None, open.clone())).await;
    let again = answered(served.delivery(None, open)).await;
    let other = answered(served.delivery(None, hook!("merge_request_merge").to_string())).await;

    assert_eq!((first.1.as_str(), again.1.as_str(), other.1.as_str()), ("stored", "duplicate", "stored"));
}

#[tokio::test]
async fn events_that_overtake_each_other_converge() {
    let story = [
        hook!("merge_request_open"),
        hook!("merge_request_push"),
        hook!("merge_request_labels"),
        hook!("note_create"),
        hook!("note_update_resolved"),
        hook!("merge_request_merge"),
    ];
    let forwards: Vec<usize> = (0..story.len()).collect();
    let backwards: Vec<usize> = (0..story.len()).rev().collect();
    let mut outcomes = Vec::new();
    for order in [forwards, backwards, vec![3, 5, 0, 4, 2, 1]] {
        let served = served().await;
        for number in order {
            assert_eq!(served.deliver(&number.to_string(), &story[number]).await.0, StatusCode::OK);
        }
        let columns = "state, title, labels, sha, merge_user_id, merge_commit_sha, merged_at, updated_at";
        let merge_requests = served.database.rows(columns, "from gitlab_merge_requests").await;
        let notes = served.database.rows("id, resolved, updated_at", "from gitlab_notes").await;
        outcomes.push((merge_requests, notes));
    }

    assert_eq!(outcomes[0].0[0]["state"], "merged");
    assert_eq!(outcomes[0].1[0]["resolved"], 1);
    assert_eq!(outcomes[0], outcomes[1]);
    assert_eq!(outcomes[0], outcomes[2]);
}

#[tokio::test]
async fn whatever_is_authentic_is_accepted_and_what_is_unknown_is_ignored() {
    let served = served().await;
    let elsewhere = {
        let mut body = hook!("merge_request_open");
        body["object_attributes"]["target_project_id"] = json!(99);
        body["project"]["id"] = json!(99);
        body.to_string()
    };
    let rows = [
        (hook!("push").to_string(), "ignored"),
        (hook!("pipeline").to_string(), "ignored"),
        (hook!("note_on_issue").to_string(), "ignored"),
        (hook!("note_on_commit").to_string(), "ignored"),
        (hook!("system_project_create").to_string(), "ignored"),
        (r#"{"object_kind":"moon_phase","event_name":"full"}"#.to_owned(), "ignored"),
        (r#"{"object_kind":"merge_request","object_attributes":{}}"#.to_owned(), "malformed"),
        (r#"{"object_kind":"merge_req"#.to_owned(), "malformed"),
        (String::new(), "malformed"),
        (elsewhere, "not_followed"),
    ];

    for (number, (body, outcome)) in rows.iter().enumerate() {
        let answer = answered(served.delivery(Some(&number.to_string()), body.clone())).await;
        assert_eq!(answer, (StatusCode::OK, (*outcome).to_owned()), "{body}");
    }

    assert_eq!(served.database.count("from gitlab_merge_requests").await, 0);
    assert_eq!(served.database.count("from connector_deliveries").await, rows.len() as i64);
    assert_eq!(served.store.pending_refreshes(served.source, 10).await.unwrap(), []);
    let metrics = served.metrics();
    assert!(metrics.contains(r#"deliveries_total{result="ignored"} 6"#), "{metrics}");
    assert!(metrics.contains(r#"deliveries_total{result="malformed"} 3"#), "{metrics}");
}

#[tokio::test]
async fn a_renamed_project_is_read_again_under_its_new_path() {
    let served = served().await;
    served.deliver("1", &hook!("merge_request_open")).await;

    served.deliver("2", &hook!("system_project_rename")).await;

    let projects = served.database.rows("path_with_namespace", "from gitlab_projects").await;
    assert_eq!(projects, [json!({"path_with_namespace": "g/flight2"})]);
}

#[tokio::test]
async fn only_who_knows_the_secret_is_heard() {
    let served = served().await;
    let body = hook!("merge_request_open").to_string();
    let no_proof = || served.bare("Merge Request Hook", body.clone());

    let forged = [
        no_proof(),
        no_proof().header("x-gitlab-token", ""),
        no_proof().header("x-gitlab-token", "wrong"),
        no_proof().header("x-gitlab-token", &SECRET[1..]),
        no_proof().header("authorization", format!("Bearer {SECRET}")),
        no_proof().query(&[("token", SECRET)]),
    ];

    for request in forged {
        assert_eq!(answered(request).await.0, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(served.database.count("from connector_deliveries").await, 0);
    assert!(served.metrics().contains(r#"deliveries_total{result="forged"} 6"#));
}

#[tokio::test]
async fn without_a_secret_nothing_is_accepted() {
    let served = served().await;

    for secrets in [&[] as &[&str], &[""], &["\n"]] {
        served.accept(secrets);
        for token in ["", SECRET] {
            let request = served.bare("Merge Request Hook", "{}").header("x-gitlab-token", token);
            assert_eq!(answered(request).await.0, StatusCode::UNAUTHORIZED);
        }
    }
}

#[tokio::test]
async fn while_a_secret_is_rotated_both_open() {
    let served = served().await;
    let with = |secret: &str| served.bare("Push Hook", "{}").header("x-gitlab-token", secret.to_owned());

    served.accept(&[SECRET, "the-next-one"]);
    assert_eq!(answered(with(SECRET)).await.0, StatusCode::OK);
    assert_eq!(answered(with("the-next-one")).await.0, StatusCode::OK);

    served.accept(&["the-next-one"]);
    assert_eq!(answered(with(SECRET)).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_asks_for_a_connection_learns_nothing() {
    let served = served().await;
    let post =
        |path: &str| served.http.post(format!("{}{path}", served.url)).header("x-gitlab-token", "wrong").body("{}");

    let known = post(&format!("/webhooks/gitlab/{}", served.uid)).send().await.unwrap();
    let unknown = post("/webhooks/gitlab/7f1c7f9e-0000-4000-8000-000000000000").send().await.unwrap();

    assert_eq!(known.status(), unknown.status());
    let names = |answer: &reqwest::Response| answer.headers().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&known), names(&unknown));
    assert_eq!(known.bytes().await.unwrap(), unknown.bytes().await.unwrap());

    // Not even a right secret opens an address that is not its own.
    let elsewhere = post("/webhooks/gitlab/7f1c7f9e-0000-4000-8000-000000000000").header("x-gitlab-token", SECRET);
    assert_eq!(answered(elsewhere).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_hook_without_the_connections_uid_finds_it_by_its_secret() {
    let served = served().await;

    for path in ["/webhooks/gitlab", "/webhooks/gitlab/", &format!("/webhooks/gitlab/{}/", served.uid)] {
        let request = served
            .http
            .post(format!("{}{path}", served.url))
            .header("x-gitlab-token", SECRET)
            .header("idempotency-key", path)
            .body(hook!("merge_request_open").to_string());
        assert_eq!(answered(request).await, (StatusCode::OK, "stored".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_signature_over_the_raw_body_opens_and_a_wrong_one_does_not() {
    let served = served().await;
    let key = b"0123456789abcdef0123456789abcdef";
    let secret = format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(key));
    served.routes.send_modify(|routes| {
        let accepted = Some(Accepted::of(&[SecretString::from(SECRET), SecretString::from(secret)]));
        *routes = std::sync::Arc::new(vec![Route { accepted, ..routes[0].clone() }]);
    });
    // Spaces and order as no JSON library would write them.
    let body = r#"{ "object_kind" :"push"  , "b":1,"a":2}"#;
    let signed = |id: &str, at: Timestamp, content: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(format!("{id}.{}.{content}", at.as_second()).as_bytes());
        let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        served
            .bare("Push Hook", body)
            .header("webhook-id", id)
            .header("webhook-timestamp", at.as_second())
            .header("webhook-signature", format!("v1,{signature}"))
    };
    let now = Timestamp::now();
    let long_ago = now - jiff::SignedDuration::from_mins(6);

    assert_eq!(answered(signed("1", now, body)).await, (StatusCode::OK, "ignored".to_owned()));
    assert_eq!(answered(signed("2", now, "{}")).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(answered(signed("3", long_ago, body)).await.0, StatusCode::UNAUTHORIZED);
    let with_token = signed("4", now, "{}").header("x-gitlab-token", SECRET);
    assert_eq!(answered(with_token).await.0, StatusCode::UNAUTHORIZED);
    // From GitLab 19 on every delivery has an id and a timestamp, signed or not.
    let unsigned = served.delivery(Some("5"), body).header("webhook-timestamp", now.as_second());
    assert_eq!(answered(unsigned).await.0, StatusCode::OK);
}

#[tokio::test]
async fn nothing_is_ever_answered_with_a_redirect() {
    let served = served().await;

    for path in [
        "",
        "/",
        "/webhooks",
        "/webhooks/",
        "//webhooks/gitlab",
        "/webhooks/gitlab//",
        "/webhooks/gitlab/%ff",
        "/webhooks/gitlab/a/b",
    ] {
        let answer = served.http.post(format!("{}{path}", served.url)).body("{}").send().await.unwrap();
        assert!(answer.status().is_client_error(), "{path}: {}", answer.status());
    }
    for path in ["/healthz", "/readyz"] {
        let answer = served.http.get(format!("{}{path}", served.url)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
}

/// A payload with its fields overwritten.
fn with(mut body: Value, path: &str, value: Value) -> Value {
    *body.pointer_mut(path).unwrap() = value;
    body
}
