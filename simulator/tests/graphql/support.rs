//! A small World, and how a client asks it.

use gitlab_simulator::World;
use gitlab_simulator::graphql::{self, Answer};
use gitlab_simulator::world::{Role, Scope};
use serde_json::{Value, json};

/// A private group with one project and three merge requests, and `reader`, who may read them.
pub(crate) fn world() -> World {
    World::new()
        .with_time("2026-06-01T00:00:00Z")
        .with_group("acme", |group| {
            group.member("ann", Role::Owner).member("reader", Role::Reporter).member("guest", Role::Guest).project(
                "web",
                |project| {
                    project
                        .label("bug")
                        .merge_request("First", |found| {
                            found
                                .created("2026-01-01T00:00:00Z")
                                .label("bug")
                                .comment("bob", "why?")
                                .approve("bob")
                                .merge("ann")
                        })
                        .merge_request("Second", |found| {
                            found.created("2026-01-02T00:00:00Z").diff_comment("bob", "here").reviewer("bob").diff(3, 1)
                        })
                        .merge_request("Third", |found| found.created("2026-01-03T00:00:00Z").close("ann"))
                },
            )
        })
        .with_token("ann", |token| token.user("ann"))
        .with_token("reader", |token| token.user("reader").scopes(&[Scope::ReadApi]))
        .with_token("guest", |token| token.user("guest").scopes(&[Scope::ReadApi]))
        .with_token("root", |token| token)
}

pub(crate) fn ask(world: &World, token: &str, body: &Value) -> Answer {
    let secret = Some(token).filter(|token| !token.is_empty());
    let caller = world.authenticate(secret).unwrap();
    graphql::execute(world, &caller, body.to_string().as_bytes(), &[])
}

pub(crate) fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body)
        .unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&answer.body)))
}

/// The whole answer to a query.
pub(crate) fn query(world: &World, token: &str, query: &str) -> Value {
    json_of(&ask(world, token, &json!({"query": query})))
}

/// The data of an answer without errors.
pub(crate) fn data(world: &World, token: &str, text: &str) -> Value {
    let mut answer = query(world, token, text);
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"].take()
}

/// The first error's message.
pub(crate) fn message(world: &World, token: &str, text: &str) -> String {
    let answer = query(world, token, text);
    answer["errors"][0]["message"].as_str().unwrap_or_default().to_owned()
}

/// The iids of a project's merge requests under these filters.
pub(crate) fn filtered(world: &World, arguments: &str) -> Vec<String> {
    let text = format!(r#"{{ project(fullPath: "acme/web") {{ mergeRequests({arguments}) {{ nodes {{ iid }} }} }} }}"#);
    let answer = data(world, "reader", &text);
    let nodes = answer["project"]["mergeRequests"]["nodes"].as_array().unwrap().clone();
    nodes.iter().map(|node| node["iid"].as_str().unwrap().to_owned()).collect()
}

/// Reads all pages of a list of merge requests, letting the World change after each page.
pub(crate) fn read_all(world: &mut World, arguments: &str, mut change: impl FnMut(&mut World)) -> Vec<i64> {
    let mut found = Vec::new();
    let mut after = Value::Null;
    loop {
        let text = format!(
            "query q($after: String) {{ project(fullPath: \"acme/web\") {{ mergeRequests({arguments}, after: $after) {{ \
             nodes {{ iid }} pageInfo {{ hasNextPage hasPreviousPage endCursor }} }} }} }}"
        );
        let answer = json_of(&ask(world, "reader", &json!({"query": text, "variables": {"after": after}})));
        let page = &answer["data"]["project"]["mergeRequests"];
        let nodes = page["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
        found.extend(nodes.iter().map(|node| node["iid"].as_str().unwrap().parse::<i64>().unwrap()));
        assert_eq!(page["pageInfo"]["hasPreviousPage"], json!(!after.is_null()));
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            return found;
        }
        after = page["pageInfo"]["endCursor"].clone();
        change(world);
    }
}

/// The query of which the cost of many variants is known.
pub(crate) fn core(arguments: &str, more: &str) -> String {
    format!(
        r#"query list {{ queryComplexity {{ score limit }} project(fullPath: "acme/web") {{ id mergeRequests({arguments}) {{
        pageInfo {{ hasNextPage endCursor }} nodes {{
        id iid title state draft createdAt updatedAt preparedAt description webUrl sourceBranch targetBranch projectId
        sourceProjectId commitCount mergeCommitSha mergedAt closedAt detailedMergeStatus diffHeadSha
        diffStatsSummary {{ additions changes deletions fileCount }} userNotesCount approved approvalsRequired
        author {{ id username }} mergeUser {{ id username }} assignees {{ nodes {{ id username }} }}
        reviewers {{ nodes {{ id username mergeRequestInteraction {{ reviewState }} }} }}
        approvedBy {{ nodes {{ id username }} }} labels {{ nodes {{ id title }} }} headPipeline {{ id status }} {more} }} }} }} }}"#
    )
}

pub(crate) const NOTES: &str = "notes(first: 100) { pageInfo { hasNextPage endCursor } nodes { id body system internal createdAt updatedAt resolvable resolved systemNoteIconName url } }";
