//! Values that databases dislike, and lists that are not what they seem.

use gitlab_simulator::{Fault, FaultKind, Odd, World};
use serde_json::{Value, json};

use super::{LIST, once, query};
use crate::support::{READER, Served, serve, small};

fn odd(property: &str, odd: Odd) -> FaultKind {
    FaultKind::Odd { property: property.to_owned(), odd }
}

/// The bytes of the list with one property odd.
async fn with(property: &str, value: Odd) -> Vec<u8> {
    let served = once(odd(property, value)).await;
    served.get(LIST, READER).await.bytes().await.unwrap().to_vec()
}

/// The property of the first merge request, made odd.
async fn property(name: &str, value: Odd) -> Value {
    let list: Value = serde_json::from_slice(&with(name, value).await).unwrap();
    list[0][name].clone()
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[tokio::test]
async fn texts_may_be_what_no_database_takes() {
    assert_eq!(property("title", Odd::Nul).await, "A\0dd login");
    assert!(holds(&with("title", Odd::Nul).await, br"A\u0000dd login"));
    assert!(holds(&with("title", Odd::LoneSurrogate).await, br#""A\ud800dd login""#));
    assert!(holds(&with("title", Odd::InvalidUtf8).await, b"A\xff\xfe\x80dd login"));
    assert_eq!(property("title", Odd::EmptyText).await, "");
    assert_eq!(property("title", Odd::LongText).await.as_str().unwrap().len(), 1_000);
    assert_eq!(property("title", Odd::HugeText).await.as_str().unwrap().len(), 10 * 1024 * 1024);
}

#[tokio::test]
async fn times_may_be_beyond_all_calendars() {
    assert_eq!(property("created_at", Odd::YearZero).await, "0000-01-01T00:00:00.000Z");
    assert_eq!(property("created_at", Odd::YearTenThousand).await, "10000-01-01T00:00:00.000Z");
    assert_eq!(property("created_at", Odd::OffsetBeyondADay).await, "2026-01-16T05:56:22.000+25:00");
}

#[tokio::test]
async fn numbers_may_be_larger_than_their_columns() {
    assert_eq!(property("id", Odd::Beyond32Bits).await, 2_147_483_648_i64);
    assert_eq!(property("id", Odd::Beyond53Bits).await, 9_007_199_254_740_993_i64);
    assert!(holds(&with("id", Odd::Beyond64Bits).await, b"\"id\":18446744073709551617,"));
    assert_eq!(property("user_notes_count", Odd::Negative).await, -1);
    assert_eq!(property("iid", Odd::Fraction).await, 1.5);
    assert_eq!(property("iid", Odd::Quoted).await, "1");
    assert_eq!(property("author", Odd::Null).await, Value::Null);
    assert_eq!(property("iid", Odd::Value(json!([1]))).await, json!([1]));
    assert!(!holds(&with("author", Odd::Absent).await, b"\"author\""));
}

#[tokio::test]
async fn a_property_may_be_named_with_the_one_around_it() {
    let served = once(odd("author.username", Odd::EmptyText)).await;

    let found = served.read(&format!("{LIST}/1"), READER).await.1;
    assert_eq!(found["author"]["username"], "");
    assert_ne!(found["author"]["name"], "");
}

#[tokio::test]
async fn graphqls_ids_grow_where_they_are_texts() {
    let served = once(odd("id", Odd::Beyond53Bits)).await;

    let (_, answer) = query(&served, r#"{ project(fullPath: "acme/web") { id } }"#, Value::Null).await;
    assert_eq!(answer["data"]["project"]["id"], "gid://gitlab/Project/9007199254740993");
}

#[tokio::test]
async fn a_key_may_come_twice() {
    let served = once(FaultKind::DuplicateKey { property: "state".to_owned() }).await;

    let text = served.get(&format!("{LIST}/1"), READER).await.text().await.unwrap();
    assert!(text.contains(r#""state":"opened""#) && text.contains(r#""state":null"#), "{text}");
}

fn many() -> World {
    small().with_project("acme/web", |project| {
        project
            .merge_request("two", |found| found)
            .merge_request("three", |found| found)
            .merge_request("four", |found| found)
    })
}

async fn iids(served: &Served, page: usize) -> Vec<Value> {
    let path = format!("{LIST}?per_page=2&page={page}&sort=asc");
    let list = served.read(&path, READER).await.1;
    list.as_array().unwrap().iter().map(|found| found["iid"].clone()).collect()
}

#[tokio::test]
async fn lists_hold_nulls_or_end_early() {
    let served = serve(many()).await;
    let nulls = FaultKind::NullItems { property: None, every: 2 };
    served.simulator.faults().add(Fault::at("*", nulls).times(1));
    assert_eq!(iids(&served, 1).await, [json!(1), Value::Null]);

    let fewer = FaultKind::FewerItems { property: None, keep: 1 };
    served.simulator.faults().add(Fault::at("*", fewer).times(1));
    let short = served.get(&format!("{LIST}?per_page=4"), READER).await;
    assert_eq!(short.headers()["x-total"], "4", "the headers still tell of all");
    assert_eq!(short.json::<Vec<Value>>().await.unwrap().len(), 1);
}

#[tokio::test]
async fn nodes_of_graphql_may_be_null() {
    let served = once(FaultKind::NullItems { property: Some("nodes".to_owned()), every: 1 }).await;

    let text = r#"{ project(fullPath: "acme/web") { mergeRequests { nodes { iid } } } }"#;
    let (_, answer) = query(&served, text, Value::Null).await;
    assert_eq!(answer["data"]["project"]["mergeRequests"]["nodes"], json!([null]));
}

#[tokio::test]
async fn pages_repeat_or_lose_what_moved_to_the_page_before() {
    let served = serve(many()).await;
    served.simulator.faults().add(Fault::at("*", FaultKind::ShiftRows { by: 1 }).times(2));
    assert_eq!((iids(&served, 1).await, iids(&served, 2).await), (vec![json!(1), json!(2)], vec![json!(4)]));

    served.simulator.faults().add(Fault::at("*", FaultKind::RepeatPage).times(1));
    assert_eq!(iids(&served, 2).await, [1, 2]);
    assert_eq!(iids(&served, 2).await, [3, 4]);
}
