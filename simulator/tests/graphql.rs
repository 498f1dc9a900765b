//! What GitLab's GraphQL promises, one sentence per test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

use gitlab_simulator::World;
use gitlab_simulator::graphql::{self, Answer};
use gitlab_simulator::world::{Edition, Role, Scope};
use serde_json::{Value, json};

/// A private group with one project and three merge requests, and `reader`, who may read them.
fn world() -> World {
    World::new()
        .with_time("2026-06-01T00:00:00Z")
        .with_group("acme", |group| {
            group
                .member("ann", Role::Owner)
                .member("reader", Role::Reporter)
                .member("guest", Role::Guest)
                .project("web", |project| {
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
                            found
                                .created("2026-01-02T00:00:00Z")
                                .diff_comment("bob", "here")
                                .reviewer("bob")
                                .diff(3, 1)
                        })
                        .merge_request("Third", |found| {
                            found.created("2026-01-03T00:00:00Z").close("ann")
                        })
                })
        })
        .with_token("ann", |token| token.user("ann"))
        .with_token("reader", |token| {
            token.user("reader").scopes(&[Scope::ReadApi])
        })
        .with_token("guest", |token| {
            token.user("guest").scopes(&[Scope::ReadApi])
        })
        .with_token("root", |token| token)
}

fn ask(world: &World, token: &str, body: &Value) -> Answer {
    let secret = Some(token).filter(|token| !token.is_empty());
    let caller = world.authenticate(secret).unwrap();
    graphql::execute(world, &caller, body.to_string().as_bytes(), &[])
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body)
        .unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&answer.body)))
}

/// The whole answer to a query.
fn query(world: &World, token: &str, query: &str) -> Value {
    json_of(&ask(world, token, &json!({"query": query})))
}

/// The data of an answer without errors.
fn data(world: &World, token: &str, text: &str) -> Value {
    let mut answer = query(world, token, text);
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"].take()
}

/// The first error's message.
fn message(world: &World, token: &str, text: &str) -> String {
    let answer = query(world, token, text);
    answer["errors"][0]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_merge_request_is_answered_as_gitlab_spells_it() {
    let world = world();

    let answer = data(
        &world,
        "reader",
        r#"{ project(fullPath: "acme/web") { mergeRequest(iid: "2") {
        id iid title state draft createdAt mergedAt projectId webUrl
        author { username bot mergeRequestInteraction { canMerge } }
        reviewers { nodes { username mergeRequestInteraction { reviewState } } }
        diffStatsSummary { additions deletions changes fileCount }
        notes(filter: ONLY_COMMENTS) { nodes { body system author { username } position { newPath } } }
    } } }"#,
    );

    let found = &answer["project"]["mergeRequest"];
    let id = world
        .project_by_path("acme/web")
        .and_then(|project| world.merge_request_by_iid(project.id, 2))
        .unwrap()
        .id;
    assert_eq!(
        found["id"],
        json!(format!("gid://gitlab/MergeRequest/{id}"))
    );
    assert_eq!(found["iid"], json!("2"));
    assert_eq!(found["createdAt"], json!("2026-01-02T00:00:00Z"));
    assert_eq!(found["mergedAt"], Value::Null);
    assert_eq!(
        found["webUrl"],
        json!("http://gitlab.example.com/acme/web/-/merge_requests/2")
    );
    assert_eq!(found["diffStatsSummary"]["additions"], json!(3));
    assert_eq!(found["diffStatsSummary"]["changes"], json!(4));
    assert_eq!(found["notes"]["nodes"][0]["body"], json!("here"));
    assert_eq!(found["reviewers"]["nodes"][0]["username"], json!("bob"));
}

#[test]
fn an_unknown_field_is_refused_in_gitlabs_words() {
    let world = world().with_version("17.11");

    let answer = query(
        &world,
        "reader",
        "query list {\n  project(fullPath: \"acme/web\") {\n    mergeRequests { nodes { iid closedAt } }\n  }\n}",
    );

    let expected = json!({"errors": [{
        "message": "Field 'closedAt' doesn't exist on type 'MergeRequest'",
        "locations": [{"line": 3, "column": 33}],
        "path": ["query list", "project", "mergeRequests", "nodes", "closedAt"],
        "extensions": {"code": "undefinedField", "typeName": "MergeRequest", "fieldName": "closedAt"}
    }]});
    assert_eq!(answer, expected);
}

#[test]
fn the_community_edition_refuses_enterprise_fields() {
    let world = world().with_edition(Edition::Community);

    let text =
        r#"{ project(fullPath: "acme/web") { mergeRequests { nodes { approvalsRequired } } } }"#;

    assert_eq!(
        message(&world, "reader", text),
        "Field 'approvalsRequired' doesn't exist on type 'MergeRequest'"
    );
}

#[test]
fn a_wrong_argument_is_refused_in_gitlabs_words() {
    let world = world();
    let cases = [
        (
            r#"{ project(path: "acme/web") { id } }"#,
            "Field 'project' doesn't accept argument 'path'",
            "argumentNotAccepted",
        ),
        (
            "{ project { id } }",
            "Field 'project' is missing required arguments: fullPath",
            "missingRequiredArguments",
        ),
        (
            r#"{ project(fullPath: "acme/web") { mergeRequests(first: "ten") { nodes { id } } } }"#,
            "Argument 'first' on Field 'mergeRequests' has an invalid value (\"ten\"). Expected type 'Int'.",
            "argumentLiteralsIncompatible",
        ),
        (
            r#"{ project(fullPath: "acme/web") { mergeRequests(state: open) { nodes { id } } } }"#,
            "Argument 'state' on Field 'mergeRequests' has an invalid value (open). Expected type 'MergeRequestState'.",
            "argumentLiteralsIncompatible",
        ),
        (
            r#"{ mergeRequest(id: "gid://gitlab/Project/1") { id } }"#,
            "\"gid://gitlab/Project/1\" does not represent an instance of MergeRequest",
            "argumentLiteralsIncompatible",
        ),
        (
            r#"{ mergeRequest(id: "1") { id } }"#,
            "\"1\" is not a valid Global ID",
            "argumentLiteralsIncompatible",
        ),
        (
            "query q($first: String) { project(fullPath: \"acme/web\") { mergeRequests(first: $first) { nodes { id } } } }",
            "Type mismatch on variable $first and argument first (String / Int)",
            "variableMismatch",
        ),
        (
            "query q($path: ID!) { currentUser { id } }",
            "Variable $path is declared by q but not used",
            "variableNotUsed",
        ),
        (
            "{ project(fullPath: $path) { id } }",
            "Variable $path is used by anonymous query but not declared",
            "variableNotDefined",
        ),
        (
            "{ currentUser }",
            "Field must have selections (field 'currentUser' returns CurrentUser but has no selections. Did you mean 'currentUser { ... }'?)",
            "selectionMismatch",
        ),
        (
            "{ currentUser { ...who } }",
            "Fragment who was used, but not defined",
            "useAndDefineFragment",
        ),
        (
            "{ currentUser @nonsense { id } }",
            "Directive @nonsense is not defined",
            "undefinedDirective",
        ),
    ];

    for (text, words, code) in cases {
        let answer = query(&world, "reader", text);

        assert_eq!(answer["errors"][0]["message"], json!(words), "{text}");
        assert_eq!(
            answer["errors"][0]["extensions"]["code"],
            json!(code),
            "{text}"
        );
        assert_eq!(answer.get("data"), None, "{text}");
    }
}

#[test]
fn at_most_five_errors_are_reported() {
    let answer = query(&world(), "reader", "{ a b c d e f g }");

    assert_eq!(answer["errors"].as_array().unwrap().len(), 5);
}

#[test]
fn a_variable_of_the_wrong_type_is_refused_not_coerced() {
    let text = "query q($path: ID!, $first: Int) { project(fullPath: $path) { mergeRequests(first: $first) { nodes { id } } } }";

    let answer = json_of(&ask(
        &world(),
        "reader",
        &json!({"query": text, "variables": {"path": "acme/web", "first": "ten"}}),
    ));

    assert_eq!(
        answer["errors"][0]["message"],
        json!("Variable $first of type Int was provided invalid value")
    );
    assert_eq!(
        answer["errors"][0]["extensions"]["problems"][0]["explanation"],
        json!("Could not coerce value \"ten\" to Int")
    );
}

#[test]
fn what_may_not_be_seen_is_null_without_an_error() {
    let world = world();

    let anonymous = data(
        &world,
        "",
        r#"{ project(fullPath: "acme/web") { id } group(fullPath: "acme") { id } currentUser { id } metadata { version } }"#,
    );
    let guest = data(
        &world,
        "guest",
        r#"{ project(fullPath: "acme/web") { id mergeRequests { nodes { id } } mergeRequest(iid: "1") { id } } }"#,
    );
    let absent = data(
        &world,
        "reader",
        r#"{ project(fullPath: "acme/nothing") { id } }"#,
    );

    assert_eq!(
        anonymous,
        json!({"project": null, "group": null, "currentUser": null, "metadata": null})
    );
    assert_eq!(guest["project"]["mergeRequests"], Value::Null);
    assert_eq!(guest["project"]["mergeRequest"], Value::Null);
    assert_ne!(guest["project"]["id"], Value::Null);
    assert_eq!(absent, json!({"project": null}));
}

#[test]
fn a_permitted_empty_list_has_no_nodes() {
    let world = world().with_group("acme", |group| group.project("empty", |project| project));

    let answer = data(
        &world,
        "reader",
        r#"{ project(fullPath: "acme/empty") { mergeRequests { count nodes { id } pageInfo { endCursor hasNextPage } } } }"#,
    );

    let expected =
        json!({"count": 0, "nodes": [], "pageInfo": {"endCursor": null, "hasNextPage": false}});
    assert_eq!(answer["project"]["mergeRequests"], expected);
}

#[test]
fn a_token_without_a_reading_scope_is_invalid() {
    let world = world().with_token("narrow", |token| {
        token.user("reader").scopes(&[Scope::ReadUser])
    });

    let answer = ask(
        &world,
        "narrow",
        &json!({"query": "{ currentUser { id } }"}),
    );

    assert_eq!(answer.status, 401);
    assert_eq!(
        json_of(&answer),
        json!({"errors": [{"message": "Invalid token"}]})
    );
}

/// The query of which the cost of many variants is known.
fn core(arguments: &str, more: &str) -> String {
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

const NOTES: &str = "notes(first: 100) { pageInfo { hasNextPage endCursor } nodes { id body system internal createdAt updatedAt resolvable resolved systemNoteIconName url } }";

#[test]
fn complexity_is_reckoned_by_gitlabs_rules() {
    let world = world();
    let cases = [
        ("first: 100", "", 174),
        ("first: 50", "", 131),
        ("first: 20", "", 105),
        (r#"iids: ["1"], first: 100"#, "", 88),
        ("first: 100", NOTES, 234),
        ("first: 50", NOTES, 176),
    ];

    for (arguments, more, expected) in cases {
        let answer = data(&world, "root", &core(arguments, more));

        // Asking for the score costs three.
        assert_eq!(
            answer["queryComplexity"],
            json!({"score": expected + 3, "limit": 300}),
            "{arguments} {more}"
        );
    }
}

#[test]
fn introspection_is_answered_by_the_engine() {
    let answer = data(
        &world(),
        "reader",
        r#"{ __type(name: "MergeRequestState") { name kind enumValues { name } } __typename }"#,
    );

    assert_eq!(answer["__typename"], json!("Query"));
    assert_eq!(answer["__type"]["enumValues"][0]["name"], json!("merged"));
}
