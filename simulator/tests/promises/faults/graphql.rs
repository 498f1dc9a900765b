//! GraphQL that answers 200 and is not well.

use gitlab_simulator::{Fault, FaultKind};
use serde_json::{Value, json};

use super::{control, once, query};
use crate::support::{serve, small};

const PAGE: &str = "query page($path: ID!, $after: String) { project(fullPath: $path) { name mergeRequests(first: 1, after: $after) \
    { nodes { iid state diffStatsSummary { additions } } pageInfo { endCursor } } } }";

fn path() -> Value {
    json!({ "path": "acme/web" })
}

fn summary(fields: &[&str], message: &str, (pathless, parent): (bool, bool)) -> FaultKind {
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    FaultKind::FieldError { fields, message: message.to_owned(), pathless, parent }
}

const STATS: &str = "MergeRequest.diffStatsSummary";

#[tokio::test]
async fn fields_time_out_and_leave_the_rest() {
    let served = once(FaultKind::FieldTimeout { fields: vec![STATS.to_owned()] }).await;

    let (status, answer) = query(&served, PAGE, path()).await;
    let found = &answer["data"]["project"]["mergeRequests"]["nodes"][0];
    assert_eq!((status, &found["iid"], &found["diffStatsSummary"]), (200, &json!("1"), &Value::Null));
    assert_eq!(answer["errors"][0]["message"], "Timeout on MergeRequest.diffStatsSummary");
    let place = json!(["project", "mergeRequests", "nodes", 0, "diffStatsSummary"]);
    assert_eq!(answer["errors"][0]["path"], place);
}

#[tokio::test]
async fn fields_fail_with_any_words_with_and_without_a_path() {
    let served = once(summary(&[STATS], "Internal server error", (true, false))).await;

    let (_, answer) = query(&served, PAGE, path()).await;
    let error = &answer["errors"][0];
    assert_eq!((&error["message"], error.get("path")), (&json!("Internal server error"), None));
    assert_eq!(answer["data"]["project"]["mergeRequests"]["nodes"][0]["iid"], "1");
}

#[tokio::test]
async fn a_failing_field_may_take_the_object_around_it_along() {
    let served = once(summary(&[STATS], "Internal server error", (false, true))).await;

    let (_, answer) = query(&served, PAGE, path()).await;
    assert_eq!(answer["data"]["project"]["mergeRequests"]["nodes"], json!([null]));
    assert_eq!(answer["errors"][0]["path"][4], "diffStatsSummary");
}

#[tokio::test]
async fn a_whole_query_may_time_out() {
    let served = once(FaultKind::FieldTimeout { fields: vec!["Query.project".to_owned()] }).await;

    let (status, answer) = query(&served, PAGE, path()).await;
    assert_eq!((status, &answer["data"]), (200, &json!({ "project": null })));
}

#[tokio::test]
async fn all_data_may_be_null_or_missing_whatever_the_status() {
    for (status, data) in [(200, true), (200, false), (500, false)] {
        let served = once(FaultKind::Errors { message: "Internal server error".to_owned(), status, data }).await;
        let (found, answer) = query(&served, PAGE, path()).await;
        assert_eq!((found, answer.get("data").is_some()), (status, data));
        assert_eq!(answer["errors"][0]["message"], "Internal server error");
    }
}

#[tokio::test]
async fn a_field_may_be_taken_away() {
    let served = once(FaultKind::UnknownField { name: "MergeRequest.state".to_owned() }).await;

    let error = query(&served, PAGE, path()).await.1["errors"][0].clone();
    assert_eq!(error["message"], "Field 'state' doesn't exist on type 'MergeRequest'");
    assert_eq!(error["extensions"]["code"], "undefinedField");
}

#[tokio::test]
async fn cursors_may_be_refused_or_lead_to_the_first_page() {
    let served = serve(small()).await;
    let first = query(&served, PAGE, path()).await.1;
    let cursor = first["data"]["project"]["mergeRequests"]["pageInfo"]["endCursor"].clone();
    let next = json!({ "path": "acme/web", "after": cursor });
    let nodes = |answer: &Value| answer["data"]["project"]["mergeRequests"]["nodes"].clone();
    assert_eq!(nodes(&query(&served, PAGE, next.clone()).await.1), json!([]));

    served.simulator.faults().add(Fault::at("*", FaultKind::CursorRefused).times(1));
    let refused = query(&served, PAGE, next.clone()).await.1;
    assert_eq!(refused["errors"][0]["message"], "Please provide a valid cursor");
    served.simulator.faults().add(Fault::at("*", FaultKind::RepeatPage).times(1));
    assert_eq!(nodes(&query(&served, PAGE, next).await.1), nodes(&first));
}

#[tokio::test]
async fn limits_change_while_it_runs() {
    let served = serve(small()).await;
    let message = async || query(&served, PAGE, path()).await.1["errors"][0]["message"].as_str().map(str::to_owned);
    assert_eq!(message().await, None);

    control(&served, "POST", "/settings", json!({ "complexity_limit": 3 })).await;
    assert!(message().await.is_some_and(|text| text.ends_with("which exceeds max complexity of 3")));
    control(&served, "POST", "/settings", json!({ "complexity_limit": null, "depth_limit": 2 })).await;
    assert!(message().await.is_some_and(|text| text.ends_with("which exceeds max depth of 2")));
    control(&served, "POST", "/settings", json!({ "depth_limit": null, "page_size_limit": 1 })).await;
    served.simulator.world(|world| world.open_merge_request(1, "ann", "two"));
    let all = r#"{ project(fullPath: "acme/web") { mergeRequests(first: 100) { nodes { iid } } } }"#;
    let nodes = query(&served, all, Value::Null).await.1["data"]["project"]["mergeRequests"]["nodes"].clone();
    assert_eq!(nodes.as_array().unwrap().len(), 1);
}

// config/routes/api.rb routes GET and POST alike.
#[tokio::test]
async fn queries_come_in_the_address_or_as_a_form_too() {
    let served = serve(small()).await;
    let url = format!("{}/api/graphql", served.simulator.url());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let text = "query%20named(%24path%3A%20ID!)%20%7B%20project(fullPath%3A%20%24path)%20%7B%20name%20%7D%20%7D";
    let pairs = format!("query={text}&variables=%7B%22path%22%3A%22acme%2Fweb%22%7D");
    let expected = json!({ "data": { "project": { "name": "Web" } } });

    let get = client.get(format!("{url}?{pairs}")).bearer_auth(crate::support::READER);
    assert_eq!(get.send().await.unwrap().json::<Value>().await.unwrap(), expected);
    let form = client.post(&url).header("Content-Type", "application/x-www-form-urlencoded").body(pairs);
    let form = form.bearer_auth(crate::support::READER).send().await.unwrap();
    assert_eq!(form.headers()["content-type"], "application/json; charset=utf-8");
    assert_eq!(form.json::<Value>().await.unwrap(), expected);
    assert_eq!(served.simulator.counts()["POST /graphql named"], 1);
}
