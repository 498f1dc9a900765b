//! Webhooks as they are delivered, and what becomes of hooks that fail.

use axum::http::StatusCode;
use gitlab_simulator::world::{Clock, Edition};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::receiver::{Receiver, hooked};
use crate::support::{OWNER, Served, serve, small};

async fn comment(served: &Served, body: &str) {
    served.simulator.world(|world| world.comment(1, "bob", body)).unwrap();
    served.simulator.settled().await;
}

#[tokio::test]
async fn headers_are_those_of_the_version() {
    let signing = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let (served, receiver, _) = hooked(small(), json!({ "token": "geheim", "signing_token": signing })).await;
    comment(&served, "hello").await;

    let (headers, _) = &receiver.seen()[0];
    assert_eq!(headers["x-gitlab-event"], "Note Hook");
    assert_eq!(headers["x-gitlab-token"], "geheim");
    assert_eq!(headers["user-agent"], "GitLab/19.1.0-ee");
    assert_eq!(headers["webhook-id"], headers["idempotency-key"]);
    assert!(headers["webhook-signature"].to_str().unwrap().starts_with("v1,"));
    assert_eq!(headers["x-gitlab-instance"], served.simulator.url());

    let (served, receiver, _) = hooked(small().with_version("16.1"), json!({})).await;
    comment(&served, "hello").await;
    let (headers, body) = &receiver.seen()[0];
    for name in ["x-gitlab-token", "webhook-id", "idempotency-key", "webhook-signature", "x-gitlab-webhook-uuid"] {
        assert!(headers.get(name).is_none(), "{name}");
    }
    assert_eq!(body["object_attributes"].get("action"), None, "notes tell their action since 16.11 only");
}

#[tokio::test]
async fn a_signature_comes_only_with_a_signing_token() {
    let (served, receiver, _) = hooked(small(), json!({ "token": "geheim" })).await;
    comment(&served, "hello").await;

    let (headers, _) = &receiver.seen()[0];
    assert!(headers.get("webhook-id").is_some() && headers.get("webhook-signature").is_none());
}

#[tokio::test]
async fn an_approval_looks_as_gitlab_sends_it() {
    let world = small().with_time("2026-01-16T05:56:22Z");
    let (served, receiver, _) = hooked(world, json!({})).await;
    served.simulator.world(|world| world.approve(1, "bob"));
    served.simulator.settled().await;

    let (_, body) = &receiver.seen()[0];
    let attributes = &body["object_attributes"];
    assert_eq!(attributes["action"], "approved");
    assert_eq!(attributes["updated_at"], "2026-01-16 05:56:22 UTC");
    assert_eq!(body["user"]["email"], "[REDACTED]");
    assert_eq!((body.get("assignees"), body.get("reviewers")), (None, None), "absent, not empty");
    assert_eq!(receiver.kinds(), ["merge_request"], "system notes fire nothing");
}

#[tokio::test]
async fn a_review_requested_anew_is_an_array_of_arrays() {
    let (served, receiver, _) = hooked(small(), json!({})).await;
    served.simulator.world(|world| world.request_review(1, "ann", "bob"));
    served.simulator.settled().await;
    served.simulator.world(|world| world.request_review(1, "ann", "bob"));
    served.simulator.settled().await;

    let seen = receiver.seen();
    assert!(seen[0].1["changes"]["reviewers"]["current"].is_array());
    assert_eq!(seen[1].1["changes"]["reviewers"][1][0]["re_requested"], true);
}

#[tokio::test]
async fn internal_notes_need_their_own_switch() {
    let (served, receiver, id) = hooked(small(), json!({})).await;
    served.simulator.world(|world| world.internal_comment(1, "ann", "between us"));
    served.simulator.settled().await;
    assert_eq!(receiver.kinds().len(), 0);

    served.simulator.world(|world| world.hook_mut(id).unwrap().events.insert("confidential_note_events"));
    served.simulator.world(|world| world.internal_comment(1, "ann", "between us"));
    served.simulator.settled().await;
    let (headers, body) = &receiver.seen()[0];
    assert_eq!(headers["x-gitlab-event"], "Confidential Note Hook");
    assert_eq!(body["event_type"], "confidential_note");
}

#[tokio::test]
async fn deleting_is_silent() {
    let (served, receiver, _) = hooked(small(), json!({})).await;
    let note = served.simulator.world(|world| world.comment(1, "bob", "oops")).unwrap();
    served.simulator.settled().await;
    served.simulator.world(|world| {
        world.delete_note(note);
        world.delete_merge_request(1);
    });
    served.simulator.settled().await;

    assert_eq!(receiver.kinds(), ["note"]);
}

#[tokio::test]
async fn unlicensed_group_hooks_are_made_and_never_fire() {
    for (edition, heard) in [(Edition::Licensed, 1), (Edition::Unlicensed, 0)] {
        let receiver = Receiver::start().await;
        let served = serve(small().with_edition(edition)).await;
        let body = json!({ "url": receiver.url, "note_events": true });
        assert_eq!(served.write("POST", "/groups/acme/hooks", OWNER, body).await.0, 201);
        comment(&served, "hello").await;

        assert_eq!(receiver.seen().len(), heard, "{edition:?}");
    }
}

#[tokio::test]
async fn system_hooks_hear_merge_requests_and_noise_but_no_notes() {
    let receiver = Receiver::start().await;
    let served = serve(small().with_token("glpat-root", |token| token)).await;
    let body = json!({ "url": receiver.url, "merge_requests_events": true });
    assert_eq!(served.write("POST", "/hooks", "glpat-root", body).await.0, 201);
    comment(&served, "hello").await;
    served.simulator.world(|world| world.approve(1, "bob"));
    served.simulator.settled().await;
    served.simulator.world(|world| world.add_project(1, "new"));
    served.simulator.settled().await;

    assert_eq!(receiver.kinds(), ["merge_request", "project_create"]);
    assert!(receiver.seen().iter().all(|(headers, _)| headers["x-gitlab-event"] == "System Hook"));
}

#[tokio::test]
async fn failing_hooks_fall_silent_ever_longer_and_are_not_retried() {
    let (served, receiver, id) = hooked(small().with_time("2026-01-16T06:00:00Z"), json!({})).await;
    receiver.answers(StatusCode::INTERNAL_SERVER_ERROR);
    for _ in 0..4 {
        comment(&served, "hello").await;
    }
    assert_eq!(receiver.seen().len(), 4, "each once");

    comment(&served, "while disabled").await;
    assert_eq!(receiver.seen().len(), 4, "dropped, not queued");
    let path = format!("/projects/acme%2Fweb/hooks/{id}");
    let hook = served.read(&path, OWNER).await.1;
    assert_eq!(hook["alert_status"], "temporarily_disabled");
    assert_eq!(hook["disabled_until"], "2026-01-16T06:01:00.000Z");

    served.simulator.world(|world| world.advance(SignedDuration::from_secs(60)));
    comment(&served, "again").await;
    let hook = served.read(&path, OWNER).await.1;
    assert_eq!(hook["disabled_until"], "2026-01-16T06:03:00.000Z", "two minutes now");

    served.simulator.world(|world| world.advance(SignedDuration::from_mins(2)));
    receiver.answers(StatusCode::OK);
    comment(&served, "fine").await;
    assert_eq!(served.read(&path, OWNER).await.1["alert_status"], "executable");
}

#[tokio::test]
async fn the_fortieth_failure_is_the_end_until_a_test_succeeds() {
    let (served, receiver, id) = hooked(small().with_time("2026-01-16T06:00:00Z"), json!({})).await;
    receiver.answers(StatusCode::NOT_FOUND);
    for _ in 0..40 {
        comment(&served, "hello").await;
        served.simulator.world(|world| world.advance(SignedDuration::from_hours(25)));
    }
    let path = format!("/projects/acme%2Fweb/hooks/{id}");
    assert_eq!(served.read(&path, OWNER).await.1["alert_status"], "disabled");

    receiver.answers(StatusCode::OK);
    let tested = served.write("POST", &format!("{path}/test/merge_requests_events"), OWNER, Value::Null).await;
    assert_eq!(tested, (201, json!({ "message": "201 Created" })));
    assert_eq!(served.read(&path, OWNER).await.1["alert_status"], "executable");
}

#[tokio::test]
async fn before_17_11_four_client_errors_are_the_end() {
    let (served, receiver, id) = hooked(small().with_version("17.9"), json!({})).await;
    receiver.answers(StatusCode::UNAUTHORIZED);
    for _ in 0..4 {
        comment(&served, "hello").await;
    }

    let hook = served.read(&format!("/projects/acme%2Fweb/hooks/{id}"), OWNER).await.1;
    assert_eq!(hook["alert_status"], "disabled");
}

// lib/api/hooks/trigger_test.rb: created for 200 to 299, else 422 with the service's words.
#[tokio::test]
async fn a_test_succeeds_only_where_the_receiver_does() {
    let mut world = small();
    world.settings.hook_test_limit = 100;
    let (served, receiver, id) = hooked(world, json!({})).await;
    let test = format!("/projects/acme%2Fweb/hooks/{id}/test/merge_requests_events");

    for status in [StatusCode::FOUND, StatusCode::NOT_FOUND, StatusCode::INTERNAL_SERVER_ERROR] {
        receiver.answers(status);
        let refused = served.write("POST", &test, OWNER, Value::Null).await;
        assert_eq!(refused, (422, json!({ "message": "" })), "{status}: the receiver's own words, which are none");
    }
    receiver.answers(StatusCode::NO_CONTENT);
    assert_eq!(served.write("POST", &test, OWNER, Value::Null).await.0, 201);
}

#[tokio::test]
async fn a_test_or_resend_to_nobody_tells_why() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (served, _, id) = hooked(small(), json!({ "url": format!("http://{nobody}/") })).await;
    let path = format!("/projects/acme%2Fweb/hooks/{id}");

    let words = format!(
        "Failed to open TCP connection to {nobody} (Connection refused - connect(2) for \"127.0.0.1\" port {})",
        nobody.port()
    );
    let unreachable = (422, json!({ "message": words }));
    assert_eq!(served.write("POST", &format!("{path}/test/note_events"), OWNER, Value::Null).await.0, 422, "no notes");
    let test = format!("{path}/test/merge_requests_events");
    assert_eq!(served.write("POST", &test, OWNER, Value::Null).await, unreachable);
    let event = served.read(&format!("{path}/events"), OWNER).await.1[0].clone();
    assert_eq!(event["response_status"], "internal error");
    let resend = format!("{path}/events/{}/resend", event["id"]);
    assert_eq!(served.write("POST", &resend, OWNER, Value::Null).await, unreachable);
}

// Grape validates parameters before the endpoint runs, so before the limit counts; tests and resends have a limit each.
#[tokio::test]
async fn an_unknown_trigger_is_told_before_the_limit_counts() {
    let (served, _, id) = hooked(small(), json!({})).await;
    let path = format!("/projects/acme%2Fweb/hooks/{id}");

    for _ in 0..7 {
        let refused = served.write("POST", &format!("{path}/test/birthday_events"), OWNER, Value::Null).await;
        assert_eq!(refused, (400, json!({ "error": "trigger does not have a valid value" })));
    }
    let test = format!("{path}/test/merge_requests_events");
    for _ in 0..5 {
        assert_eq!(served.write("POST", &test, OWNER, Value::Null).await.0, 201);
    }
    assert_eq!(served.write("POST", &test, OWNER, Value::Null).await.0, 429);
    let event = served.read(&format!("{path}/events"), OWNER).await.1[0]["id"].clone();
    assert_eq!(served.write("POST", &format!("{path}/events/{event}/resend"), OWNER, Value::Null).await.0, 201);
}

// lib/api/hooks/test.rb answers the made-up data.
#[tokio::test]
async fn a_system_hooks_test_answers_what_it_sent() {
    let served = serve(small().with_token("glpat-root", |token| token)).await;
    let nobody = json!({ "url": "http://127.0.0.1:1/" });
    let (_, hook) = served.write("POST", "/hooks", "glpat-root", nobody).await;

    let (status, body) = served.write("POST", &format!("/hooks/{}", hook["id"]), "glpat-root", Value::Null).await;
    assert_eq!((status, &body["event_name"]), (201, &json!("project_create")));
}

#[tokio::test]
async fn tests_are_limited_and_need_something_to_send() {
    let world = small().with_group("acme", |group| group.project("empty", |project| project));
    let served = serve(world).await;
    let receiver = Receiver::start().await;
    let path = "/projects/acme%2Fempty/hooks";
    let (_, hook) = served.write("POST", path, OWNER, json!({ "url": receiver.url })).await;
    let test = format!("{path}/{}/test/merge_requests_events", hook["id"]);

    for _ in 0..5 {
        let refused = served.write("POST", &test, OWNER, Value::Null).await;
        assert_eq!(refused, (422, json!({ "message": "Ensure the project has merge requests." })));
    }
    assert_eq!(served.write("POST", &test, OWNER, Value::Null).await.0, 429);
}

#[tokio::test]
async fn the_log_is_kept_for_a_week_and_a_resend_keeps_the_key() {
    let (served, receiver, id) = hooked(small().with_time("2026-01-16T06:00:00Z"), json!({ "token": "geheim" })).await;
    for _ in 0..25 {
        comment(&served, "hello").await;
    }
    let path = format!("/projects/acme%2Fweb/hooks/{id}/events");

    let refused = served.read(&format!("{path}?per_page=100"), OWNER).await;
    assert_eq!(refused, (400, json!({ "error": "per_page does not have a valid value" })), "twenty are the most");
    let events = served.read(&path, OWNER).await.1;
    assert_eq!(events.as_array().unwrap().len(), 20);
    let event = &events[0];
    assert_eq!((&event["trigger"], &event["response_status"]), (&json!("note_hooks"), &json!("200")));
    assert_eq!(event["request_headers"]["X-Gitlab-Token"], "[REDACTED]");
    let sent = served.write("POST", &format!("{path}/{}/resend", event["id"]), OWNER, Value::Null).await;
    assert_eq!(sent.1, json!({ "response_status": 200 }));
    let seen = receiver.seen();
    let key = |place: usize| seen[place].0["idempotency-key"].clone();
    assert_eq!(key(24), key(25));

    served.simulator.world(|world| world.clock = Clock::Fixed("2026-01-24T06:00:01Z".parse().unwrap()));
    assert_eq!(served.read(&path, OWNER).await.1, json!([]));
}

#[tokio::test]
async fn a_receiver_that_is_too_slow_has_failed() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let slow = json!({ "url": format!("http://{}/", listener.local_addr().unwrap()) });
    let mut world = small();
    world.settings.webhook_timeout = SignedDuration::from_millis(100);
    let (served, _, id) = hooked(world, slow).await;
    comment(&served, "hello").await;

    let hook = served.simulator.read(|world| world.hook(id).unwrap().clone());
    assert_eq!((hook.recent_failures, hook.log[0].response_status.as_str()), (1, "internal error"));
}

#[tokio::test]
async fn deliveries_beyond_the_rate_are_dropped() {
    let mut world = small().with_time("2026-01-16T06:00:00Z");
    world.settings.webhook_rate_limit = Some(3);
    let (served, receiver, _) = hooked(world, json!({})).await;
    for _ in 0..5 {
        comment(&served, "hello").await;
    }

    assert_eq!(receiver.seen().len(), 3);
}

#[tokio::test]
async fn project_and_group_hooks_both_fire() {
    let (served, receiver, _) = hooked(small(), json!({})).await;
    let body = json!({ "url": receiver.url, "note_events": true });
    served.write("POST", "/groups/acme/hooks", OWNER, body).await;
    comment(&served, "hello").await;

    assert_eq!(receiver.kinds(), ["note", "note"]);
}

#[tokio::test]
async fn duplicates_share_their_key() {
    let mut world = small();
    world.settings.duplicate_webhooks = true;
    let (served, receiver, _) = hooked(world, json!({})).await;
    comment(&served, "hello").await;

    let seen = receiver.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].0["webhook-id"], seen[1].0["webhook-id"]);
}
