//! GraphQL's ways of saying no, most of them with HTTP 200.

use gitlab_connector::gitlab::graphql::Answer;
use gitlab_connector::gitlab::{Dialect, Error};
use serde::Deserialize;
use serde_json::json as value;

use super::client;
use super::fake::{Fake, json};

const QUERY: &str = "query Counted($path: ID!) { project(fullPath: $path) { name count } }";

#[derive(Debug, PartialEq, Deserialize)]
struct Data {
    project: Option<Project>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Project {
    name: String,
    count: i64,
}

async fn ask(status: u16, body: &'static str) -> Result<Answer<Data>, Error> {
    let fake = Fake::serve(move |_| json(status, body)).await;
    let answer = client(&fake.url, &["primary"]).graphql(QUERY, &value!({"path": "a/b"})).await;
    assert!(fake.log().iter().all(|asked| asked.target == "/api/graphql" && asked.method == "POST"));
    answer
}

#[tokio::test]
async fn data_arrives_typed() {
    let answer = ask(200, r#"{"data":{"project":{"name":"b","count":3}}}"#).await.unwrap();

    let project = Some(Project { name: "b".into(), count: 3 });
    assert_eq!(answer.complete(), Ok(Data { project }));
}

#[tokio::test]
async fn a_hidden_project_is_null_without_an_error() {
    let answer = ask(200, r#"{"data":{"project":null}}"#).await.unwrap();

    assert_eq!(answer.complete(), Ok(Data { project: None }));
}

#[tokio::test]
async fn complexity_and_depth_are_recognised_with_their_numbers() {
    let complexity =
        ask(200, r#"{"errors":[{"message":"Query has complexity of 312, which exceeds max complexity of 250"}]}"#)
            .await;
    let depth = ask(200, r#"{"errors":[{"message":"Query has depth of 21, which exceeds max depth of 20"}]}"#).await;

    assert!(matches!(complexity, Err(Error::TooComplex { score: Some(312), limit: Some(250), .. })), "{complexity:?}");
    assert!(matches!(depth, Err(Error::TooComplex { .. })), "{depth:?}");
}

#[tokio::test]
async fn an_unknown_field_asks_for_another_variant() {
    let answer = ask(
        200,
        r#"{"errors":[{"message":"Field 'count' doesn't exist on type 'Project'","locations":[{"line":1,"column":60}],"path":["query Counted","project","count"],"extensions":{"code":"undefinedField","typeName":"Project","fieldName":"count"}}]}"#,
    )
    .await;

    assert!(matches!(answer, Err(Error::UndefinedField { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_timeout_in_part_keeps_the_data_where_it_can_be_read() {
    let partial = ask(
        200,
        r#"{"data":{"project":null},"errors":[{"message":"Timeout on Project.count","path":["project",0,"count"]}]}"#,
    )
    .await
    .unwrap();
    let unreadable =
        ask(200, r#"{"data":{"project":{"name":"b","count":null}},"errors":[{"message":"Timeout on Project.count"}]}"#)
            .await;

    assert_eq!(partial.errors[0].path.as_deref(), Some("project.0.count"));
    assert!(matches!(partial.complete(), Err(Error::QueryTimeout { .. })));
    assert!(matches!(unreadable, Err(Error::QueryTimeout { .. })), "{unreadable:?}");
}

#[tokio::test]
async fn refusals_by_status_are_recognised() {
    let token = ask(401, r#"{"errors":[{"message":"Invalid token"}]}"#).await;
    let large = ask(422, r#"{"errors":[{"message":"Query too large"}]}"#).await;
    let variable =
        ask(422, r#"{"errors":[{"message":"Variable $path of type ID! was provided invalid value"}]}"#).await;

    assert_eq!(token.unwrap_err(), Error::Unauthorized { token: "primary".into(), dialect: Dialect::Graphql });
    assert!(matches!(large, Err(Error::TooComplex { .. })), "{large:?}");
    assert!(matches!(variable, Err(Error::Rejected { status: 422, .. })), "{variable:?}");
}

#[tokio::test]
async fn a_query_is_a_read_and_sent_again() {
    let fake = Fake::serve(|asked| match asked.nth {
        1 => json(500, r#"{"errors":[{"message":"Internal server error"}]}"#),
        _ => json(200, r#"{"data":{"project":null}}"#),
    })
    .await;

    let answer = client(&fake.url, &["primary"]).graphql::<Data>(QUERY, &value!({})).await;

    assert!(answer.is_ok());
    assert_eq!(fake.log().len(), 2);
}
