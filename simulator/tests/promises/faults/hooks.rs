//! Deliveries that are lost, late, doubled, or not what they should be.

use std::time::Duration;

use gitlab_simulator::{Fault, FaultKind, Odd};
use serde_json::json;

use crate::receiver::hooked;
use crate::support::{Served, small};

async fn comment(served: &Served, body: &str) {
    served.simulator.world(|world| world.comment(1, "bob", body)).unwrap();
}

fn note(seen: &(axum::http::HeaderMap, serde_json::Value)) -> &str {
    seen.1["object_attributes"]["note"].as_str().unwrap()
}

#[tokio::test]
async fn a_delivery_is_lost_or_comes_twice() {
    let (served, receiver, id) = hooked(small(), json!({})).await;
    served.simulator.faults().add(Fault::at_hooks("note_hooks", FaultKind::Lost).times(1));
    comment(&served, "lost").await;
    served.simulator.settled().await;
    assert_eq!((receiver.seen().len(), served.simulator.read(|world| world.hook(id).unwrap().log.len())), (0, 0));

    served.simulator.faults().add(Fault::at_hooks("note_hooks", FaultKind::Twice).times(1));
    comment(&served, "twice").await;
    served.simulator.settled().await;
    let seen = receiver.seen();
    assert_eq!((seen.len(), &seen[0].0["webhook-id"]), (2, &seen[1].0["webhook-id"]));
}

#[tokio::test]
async fn a_delivery_that_is_late_is_overtaken() {
    let (served, receiver, _) = hooked(small(), json!({})).await;
    served.simulator.faults().add(Fault::at_hooks("*", FaultKind::Latency { millis: 300 }).times(1));
    comment(&served, "first").await;
    while !served.simulator.faults().list().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    comment(&served, "second").await;
    served.simulator.settled().await;

    let notes: Vec<String> = receiver.seen().iter().map(|seen| note(seen).to_owned()).collect();
    assert_eq!(notes, ["second", "first"]);
}

#[tokio::test]
async fn a_payload_may_be_odd_oversized_or_broken_and_is_signed_all_the_same() {
    let signing = json!({ "signing_token": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" });
    let (served, receiver, _) = hooked(small(), signing).await;
    let odd = |odd| FaultKind::Odd { property: "object_attributes.note".to_owned(), odd };
    let kinds = [odd(Odd::Nul), odd(Odd::HugeText), FaultKind::CutBody, FaultKind::Body { text: "null".to_owned() }];
    for kind in kinds {
        served.simulator.faults().add(Fault::at_hooks("*", kind).for_project("acme/web").times(1));
        comment(&served, "hello").await;
        served.simulator.settled().await;
    }

    let seen = receiver.seen();
    assert_eq!(note(&seen[0]), "h\0ello");
    assert_eq!(note(&seen[1]).len(), 10 * 1024 * 1024);
    assert!(seen[2].1.as_str().is_some_and(|text| text.starts_with('{')), "half of an object is no JSON");
    assert!(seen[3].1.is_null());
    assert!(seen.iter().all(|(headers, _)| headers.contains_key("webhook-signature")));
}
