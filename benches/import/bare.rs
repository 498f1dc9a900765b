//! A client that fetches the pages of merge requests with notes and diff stats, and stores nothing: the least that is possible.

use futures::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};

const PROJECTS: &str =
    "query { group(fullPath: \"acme\") { projects(includeSubgroups: true, first: 100) { nodes { fullPath } } } }";
const PAGE: &str = "query($path: ID!, $after: String) { project(fullPath: $path) { \
    mergeRequests(first: 100, after: $after, sort: UPDATED_ASC) { nodes { id iid title state createdAt updatedAt mergedAt \
    author { username } diffStatsSummary { additions deletions } \
    notes(first: 20) { nodes { id createdAt system author { username } } } } \
    pageInfo { hasNextPage endCursor } } } }";

/// Fetches everything.
pub(crate) fn fetch(url: &str, token: &str) {
    gitlab_connector::gitlab::install_tls();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = Client::new();
        let address = format!("{}/api/graphql", url.trim_end_matches('/'));
        let ask = async |query: &str, variables: Value| -> Value {
            let body = json!({"query": query, "variables": variables});
            let answer = client.post(&address).bearer_auth(token).json(&body).send().await.expect("an answer");
            answer.json().await.expect("JSON")
        };
        let projects = ask(PROJECTS, json!({})).await;
        let projects = projects["data"]["group"]["projects"]["nodes"].as_array().expect("projects").clone();
        join_all(projects.iter().map(async |project| {
            let mut after = Value::Null;
            loop {
                let answer = ask(PAGE, json!({"path": project["fullPath"], "after": after})).await;
                let page = &answer["data"]["project"]["mergeRequests"]["pageInfo"];
                if page["hasNextPage"] != true {
                    return;
                }
                after = page["endCursor"].clone();
            }
        }))
        .await;
    });
}
