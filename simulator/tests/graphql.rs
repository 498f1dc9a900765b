//! What GitLab's GraphQL promises, one sentence per test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use gitlab_simulator::World;
use gitlab_simulator::graphql::{self, Answer};
use gitlab_simulator::world::{Edition, Role, Scope, Visibility};
use serde_json::{Value, json};

/// A private group with one project and three merge requests, and `reader`, who may read them.
fn world() -> World {
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
    answer["errors"][0]["message"].as_str().unwrap_or_default().to_owned()
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
    let id =
        world.project_by_path("acme/web").and_then(|project| world.merge_request_by_iid(project.id, 2)).unwrap().id;
    assert_eq!(found["id"], json!(format!("gid://gitlab/MergeRequest/{id}")));
    assert_eq!(found["iid"], json!("2"));
    assert_eq!(found["createdAt"], json!("2026-01-02T00:00:00Z"));
    assert_eq!(found["mergedAt"], Value::Null);
    assert_eq!(found["webUrl"], json!("http://gitlab.example.com/acme/web/-/merge_requests/2"));
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

    let text = r#"{ project(fullPath: "acme/web") { mergeRequests { nodes { approvalsRequired } } } }"#;

    assert_eq!(message(&world, "reader", text), "Field 'approvalsRequired' doesn't exist on type 'MergeRequest'");
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
        ("{ project { id } }", "Field 'project' is missing required arguments: fullPath", "missingRequiredArguments"),
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
        (r#"{ mergeRequest(id: "1") { id } }"#, "\"1\" is not a valid Global ID", "argumentLiteralsIncompatible"),
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
        ("{ currentUser { ...who } }", "Fragment who was used, but not defined", "useAndDefineFragment"),
        ("{ currentUser @gitaly { id } }", "Directive @gitaly is not defined", "undefinedDirective"),
    ];

    for (text, words, code) in cases {
        let answer = query(&world, "reader", text);

        assert_eq!(answer["errors"][0]["message"], json!(words), "{text}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], json!(code), "{text}");
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

    let answer =
        json_of(&ask(&world(), "reader", &json!({"query": text, "variables": {"path": "acme/web", "first": "ten"}})));

    assert_eq!(answer["errors"][0]["message"], json!("Variable $first of type Int was provided invalid value"));
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
    let absent = data(&world, "reader", r#"{ project(fullPath: "acme/nothing") { id } }"#);

    assert_eq!(anonymous, json!({"project": null, "group": null, "currentUser": null, "metadata": null}));
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

    let expected = json!({"count": 0, "nodes": [], "pageInfo": {"endCursor": null, "hasNextPage": false}});
    assert_eq!(answer["project"]["mergeRequests"], expected);
}

#[test]
fn a_token_without_a_reading_scope_is_invalid() {
    let world = world().with_token("narrow", |token| token.user("reader").scopes(&[Scope::ReadUser]));

    let answer = ask(&world, "narrow", &json!({"query": "{ currentUser { id } }"}));

    assert_eq!(answer.status, 401);
    assert_eq!(json_of(&answer), json!({"errors": [{"message": "Invalid token"}]}));
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
        assert_eq!(answer["queryComplexity"], json!({"score": expected + 3, "limit": 300}), "{arguments} {more}");
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

#[test]
fn a_query_beyond_the_limit_is_refused_before_it_runs() {
    let world = world();
    let text = core("first: 100", &format!("{NOTES} commits {{ nodes {{ sha title }} }}"));

    let answer = query(&world, "reader", &text);

    let words = "Query has complexity of 247, which exceeds max complexity of 200";
    let anonymous = query(&world, "", &text);
    assert_eq!(anonymous, json!({"errors": [{"message": words}]}));
    assert_eq!(answer.get("errors"), None);
    let more = core("first: 100", &format!("{NOTES} commits {{ nodes {{ sha title author {{ username }} }} }}"));
    let words = "Query has complexity of 251, which exceeds max complexity of 250";
    assert_eq!(message(&world, "reader", &more), words);
    assert_eq!(message(&world, "root", &more), "");
}

#[test]
fn a_query_that_is_too_deep_is_refused() {
    let nested = |depth: usize| {
        format!("{{ group(fullPath: \"acme\") {{ {} id {} }} }}", "parent { ".repeat(depth), "} ".repeat(depth))
    };

    assert_eq!(message(&world(), "reader", &nested(18)), "");
    assert_eq!(message(&world(), "reader", &nested(19)), "Query has depth of 21, which exceeds max depth of 20");
    assert_eq!(message(&world(), "", &nested(14)), "Query has depth of 16, which exceeds max depth of 15");
}

#[test]
fn a_text_beyond_ten_thousand_characters_is_too_large() {
    let text = format!("{{ currentUser {{ id }} }} # {}", "é".repeat(10_000));

    let answer = ask(&world(), "reader", &json!({"query": text}));

    assert_eq!(answer.status, 422);
    assert_eq!(json_of(&answer), json!({"errors": [{"message": "Query too large"}]}));
}

#[test]
fn several_queries_in_one_request_share_one_budget() {
    let world = world();
    let expensive = core("first: 50", "");
    let two = json!([{"query": expensive}, {"query": expensive}]);

    let fits =
        json_of(&ask(&world, "reader", &json!([{"query": "{ currentUser { username } }"}, {"query": "{ nothing }"}])));
    let refused = json_of(&ask(&world, "reader", &two));

    assert_eq!(fits[0], json!({"data": {"currentUser": {"username": "reader"}}}));
    assert_eq!(fits[1]["errors"][0]["message"], json!("Field 'nothing' doesn't exist on type 'Query'"));
    let words = "Query has complexity of 268, which exceeds max complexity of 250";
    assert_eq!(refused, json!([{"errors": [{"message": words}]}, {"errors": [{"message": words}]}]));
}

#[test]
fn a_field_that_times_out_is_null_beside_an_error() {
    let world = world();
    let caller = world.authenticate(Some("reader")).unwrap();
    let text = r#"{ project(fullPath: "acme/web") { mergeRequests(first: 1, sort: CREATED_ASC) { nodes { iid diffStatsSummary { additions } } } } }"#;
    let body = json!({"query": text}).to_string();

    let answer = graphql::execute(&world, &caller, body.as_bytes(), &["MergeRequest.diffStatsSummary".to_owned()]);

    assert_eq!(answer.status, 200);
    let expected = json!({
        "data": {"project": {"mergeRequests": {"nodes": [{"iid": "1", "diffStatsSummary": null}]}}},
        "errors": [{
            "message": "Timeout on MergeRequest.diffStatsSummary",
            "locations": [{"line": 1, "column": 92}],
            "path": ["project", "mergeRequests", "nodes", 0, "diffStatsSummary"]
        }]
    });
    assert_eq!(json_of(&answer), expected);
}

#[test]
fn a_future_field_is_null_where_the_directive_is_known_and_refused_before() {
    let text = r#"query q($way: String) { currentUser { id walks(way: $way) @gl_introduced(version: "99.1.0") { of ...them } } } fragment them on Walk { id }"#;

    let newer = data(&world(), "reader", text);
    let older = message(&world().with_version("18.11"), "reader", text);
    let past = message(&world(), "reader", &text.replace("99.1.0", "17.0.0"));

    assert_eq!(newer["currentUser"]["walks"], Value::Null);
    assert!(newer["currentUser"].as_object().unwrap().contains_key("walks"));
    assert_eq!(older, "Directive @gl_introduced is not defined");
    assert_eq!(past, "Field 'walks' doesn't exist on type 'CurrentUser'");
}

/// The iids of a project's merge requests under these filters.
fn filtered(world: &World, arguments: &str) -> Vec<String> {
    let text = format!(r#"{{ project(fullPath: "acme/web") {{ mergeRequests({arguments}) {{ nodes {{ iid }} }} }} }}"#);
    let answer = data(world, "reader", &text);
    let nodes = answer["project"]["mergeRequests"]["nodes"].as_array().unwrap().clone();
    nodes.iter().map(|node| node["iid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn merge_requests_are_filtered_and_sorted_as_asked() {
    let world = world();
    let cases: &[(&str, &[&str])] = &[
        ("first: 10", &["3", "2", "1"]),
        ("sort: created_asc", &["1", "2", "3"]),
        ("sort: CREATED_ASC", &["1", "2", "3"]),
        ("sort: UPDATED_DESC", &["3", "2", "1"]),
        ("sort: UPDATED_ASC, first: 2", &["1", "2"]),
        ("sort: TITLE_ASC", &["1", "2", "3"]),
        ("sort: MERGED_AT_DESC", &["1", "3", "2"]),
        (r#"iids: ["3", "1", "1"]"#, &["3", "1"]),
        (r#"iids: "2""#, &["2"]),
        ("iids: []", &[]),
        ("state: merged", &["1"]),
        ("state: closed", &["3"]),
        ("state: all, sort: CREATED_ASC", &["1", "2", "3"]),
        (r#"labels: ["bug"]"#, &["1"]),
        (r#"labelName: ["None"], sort: CREATED_ASC"#, &["2", "3"]),
        (r#"not: {labels: ["bug"]}, sort: CREATED_ASC"#, &["2", "3"]),
        (r#"authorUsername: "ann", first: 1"#, &["3"]),
        (r#"authorUsername: "nobody""#, &[]),
        (r#"reviewerUsername: "bob""#, &["2"]),
        (r#"createdAfter: "2026-01-02", sort: CREATED_ASC"#, &["2", "3"]),
        (r#"createdBefore: "2026-01-01T00:00:00Z""#, &["1"]),
        (r#"mergedAfter: "2026-01-01""#, &["1"]),
        (r#"updatedAfter: "2026-01-02T00:00:00Z", sort: UPDATED_ASC"#, &["2", "3"]),
        (r#"updatedAfter: "2026-01-02T00:00:00Z", updatedBefore: "2026-01-02T23:00:00Z", sort: UPDATED_ASC"#, &["2"]),
        (r#"search: "seco""#, &["2"]),
        (r#"targetBranches: ["main"], state: closed"#, &["3"]),
        ("draft: true", &[]),
        ("last: 1, sort: CREATED_ASC", &["3"]),
    ];

    for (arguments, expected) in cases {
        assert_eq!(filtered(&world, arguments), *expected, "{arguments}");
    }
}

#[test]
fn pages_hold_at_most_a_hundred() {
    let world = world().with_project("acme/web", |project| project.merge_requests(120));

    assert_eq!(filtered(&world, "first: 500").len(), 100);
    assert_eq!(filtered(&world, "sort: UPDATED_ASC").len(), 100);
}

/// Reads all pages of a list of merge requests, letting the World change after each page.
fn read_all(world: &mut World, arguments: &str, mut change: impl FnMut(&mut World)) -> Vec<i64> {
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

#[test]
fn cursors_skip_nothing_while_the_world_changes() {
    let mut world = world().with_project("acme/web", |project| project.merge_requests(20));
    let project = world.project_by_path("acme/web").unwrap().id;
    let mut next = 1;

    let mut found = read_all(&mut world, "first: 3, sort: UPDATED_ASC", |world| {
        let id = world.merge_request_by_iid(project, next).unwrap().id;
        world.advance(jiff::SignedDuration::from_secs(1));
        world.comment(id, "bob", "one more thing");
        next += 2;
    });

    // What changed behind the cursor comes again at the end; nothing is missed.
    assert!(found.len() > 23);
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, (1..=23).collect::<Vec<_>>());
}

#[test]
fn rows_of_the_same_moment_are_neither_skipped_nor_doubled() {
    let mut world = world();
    let project = world.project_by_path("acme/web").unwrap().id;
    let moment = "2026-03-01T00:00:00.123456Z".parse().unwrap();
    let ids: Vec<_> = world.merge_requests_of(project).map(|found| found.id).collect();
    for id in ids {
        world.edit_merge_request(id, |found| {
            (found.created_at, found.updated_at) = (moment, moment);
        });
    }

    for sort in ["UPDATED_ASC", "UPDATED_DESC", "CREATED_ASC", "CREATED_DESC"] {
        let mut found = read_all(&mut world, &format!("first: 1, sort: {sort}"), |_| {});

        found.sort_unstable();
        assert_eq!(found, [1, 2, 3], "{sort}");
    }
}

#[test]
fn every_order_can_be_read_page_by_page() {
    let mut world = world().with_project("acme/web", |project| {
        project
            .merge_requests(6)
            .merge_request("Done", |found| found.merge("ann"))
            .merge_request("Gone", |found| found.close("ann"))
    });

    for sort in [
        "MERGED_AT_ASC",
        "MERGED_AT_DESC",
        "CLOSED_AT_ASC",
        "CLOSED_AT_DESC",
        "TITLE_ASC",
        "TITLE_DESC",
        "updated_asc",
        "created_desc",
    ] {
        let whole = filtered(&world, &format!("first: 100, sort: {sort}"));
        let found = read_all(&mut world, &format!("first: 2, sort: {sort}"), |_| {});

        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, whole, "{sort}");
    }
}

#[test]
fn a_cursor_that_is_not_gitlabs_is_refused() {
    let text = r#"{ project(fullPath: "acme/web") { mergeRequests(after: "nonsense") { nodes { iid } } } }"#;

    let answer = query(&world(), "reader", text);

    assert_eq!(answer["data"]["project"]["mergeRequests"], Value::Null);
    assert_eq!(answer["errors"][0]["message"], json!("Please provide a valid cursor"));
}

#[test]
fn ids_of_notes_name_their_kind_and_may_be_beyond_four_billion() {
    let mut world = world();
    world.start_ids_at("note", 5_000_000_001);
    let world = world.with_project("acme/web", |project| {
        project
            .merge_request("Big", |found| found.comment("bob", "plain").diff_comment("bob", "on a line").approve("bob"))
    });

    let answer = data(
        &world,
        "reader",
        r#"{ project(fullPath: "acme/web") { mergeRequest(iid: "4") { notes { nodes { id system systemNoteIconName } } } } }"#,
    );

    let notes = answer["project"]["mergeRequest"]["notes"]["nodes"].as_array().unwrap().clone();
    let of = |text: &str| notes.iter().find(|note| note["id"].as_str().unwrap().starts_with(text)).cloned();
    assert!(of("gid://gitlab/Note/50000000").is_some(), "{notes:?}");
    assert!(of("gid://gitlab/DiffNote/50000000").is_some(), "{notes:?}");
    let approval = notes.iter().find(|note| note["systemNoteIconName"] == json!("check"));
    assert_eq!(approval.unwrap()["system"], json!(true));
}

#[test]
fn internal_notes_are_for_planners_and_above() {
    let world = world().with_group("acme", |group| {
        group.project("open", |project| {
            project
                .visibility(Visibility::Public)
                .merge_request("Seen", |found| found.comment("bob", "open").internal_comment("bob", "secret"))
        })
    });
    let text = r#"{ project(fullPath: "acme/open") { mergeRequest(iid: "1") { notes(filter: ONLY_COMMENTS) { nodes { body internal } } } } }"#;

    let reporter = data(&world, "reader", text);
    let guest = data(&world, "guest", text);
    let anonymous = data(&world, "", text);

    assert_eq!(reporter["project"]["mergeRequest"]["notes"]["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(guest["project"]["mergeRequest"]["notes"]["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(anonymous["project"]["mergeRequest"]["notes"]["nodes"], json!([{"body": "open", "internal": false}]));
}

#[test]
fn bots_carry_their_flag_and_lost_authors_are_null() {
    let world = world().with_bot("project_7_bot").with_project("acme/web", |project| {
        project
            .merge_request("By a bot", |found| found.by("project_7_bot"))
            .merge_request("By nobody", |found| found.change(|found| found.author = None))
    });

    let answer = data(
        &world,
        "reader",
        r#"{ project(fullPath: "acme/web") { mergeRequests(iids: ["4", "5"], sort: CREATED_ASC) { nodes { author { username bot } } } } }"#,
    );

    let expected = json!([{"author": {"username": "project_7_bot", "bot": true}}, {"author": null}]);
    assert_eq!(answer["project"]["mergeRequests"]["nodes"], expected);
}

#[test]
fn merged_at_may_be_later_than_updated_at() {
    let mut world = world();
    let project = world.project_by_path("acme/web").unwrap().id;
    let id = world.merge_request_by_iid(project, 1).unwrap().id;
    world.edit_merge_request(id, |found| {
        found.merged_at = Some("2026-05-01T00:00:00Z".parse().unwrap());
    });

    let answer = data(
        &world,
        "reader",
        r#"{ project(fullPath: "acme/web") { mergeRequest(iid: "1") { updatedAt mergedAt } } }"#,
    );

    let found = &answer["project"]["mergeRequest"];
    assert!(found["mergedAt"].as_str() > found["updatedAt"].as_str());
}

#[test]
fn groups_list_their_subgroups_projects_and_members() {
    let world = world().with_group("acme", |group| {
        group
            .subgroup("apps", |apps| {
                apps.member("cy", Role::Maintainer).project("ios", |project| project.member("dee", Role::Developer))
            })
            .project("old", gitlab_simulator::world::ProjectBuilder::archived)
    });

    let answer = data(
        &world,
        "reader",
        r#"{ group(fullPath: "ACME") {
        descendantGroups { nodes { fullPath } }
        own: projects { nodes { path } } all: projects(includeSubgroups: true, includeArchived: false) { count nodes { path } }
        groupMembers(relations: [DIRECT]) { nodes { user { username } accessLevel { integerValue stringValue } } }
    } project(fullPath: "acme/apps/ios") { projectMembers { nodes { __typename user { username } ... on GroupMember { group { path } } } } } }"#,
    );

    let group = &answer["group"];
    assert_eq!(group["descendantGroups"]["nodes"], json!([{"fullPath": "acme/apps"}]));
    assert_eq!(group["own"]["nodes"], json!([{"path": "old"}, {"path": "web"}]));
    assert_eq!(group["all"], json!({"count": 2, "nodes": [{"path": "ios"}, {"path": "web"}]}));
    let owner = json!({"user": {"username": "ann"}, "accessLevel": {"integerValue": 50, "stringValue": "OWNER"}});
    assert!(group["groupMembers"]["nodes"].as_array().unwrap().contains(&owner));
    let members = answer["project"]["projectMembers"]["nodes"].as_array().unwrap();
    assert!(members.contains(&json!({"__typename": "ProjectMember", "user": {"username": "dee"}})));
    assert!(
        members.contains(&json!({"__typename": "GroupMember", "user": {"username": "cy"}, "group": {"path": "apps"}}))
    );
}

#[test]
fn merge_requests_of_a_group_leave_archived_projects_out() {
    let world = world().with_group("acme", |group| {
        group
            .project("old", |project| project.merge_requests(1).archived())
            .subgroup("apps", |apps| apps.project("ios", |project| project.merge_requests(2)))
    });
    let count = |arguments: &str| {
        let text = format!(r#"{{ group(fullPath: "acme") {{ mergeRequests{arguments} {{ count }} }} }}"#);
        data(&world, "reader", &text)["group"]["mergeRequests"]["count"].clone()
    };

    assert_eq!(count(""), json!(3));
    assert_eq!(count("(includeArchived: true)"), json!(4));
    assert_eq!(count("(includeSubgroups: true)"), json!(5));
}

#[test]
fn metadata_says_which_gitlab_this_is() {
    let licensed = data(&world(), "reader", "{ metadata { version enterprise revision } }");
    let community = data(
        &world().with_edition(Edition::Community).with_version("16.11.4"),
        "reader",
        "{ metadata { version enterprise } }",
    );
    let oldest = message(&world().with_version("15.11"), "reader", "{ metadata { enterprise } }");

    assert_eq!(licensed["metadata"]["version"], json!("19.1.0-ee"));
    assert_eq!(licensed["metadata"]["enterprise"], json!(true));
    assert_eq!(community["metadata"], json!({"version": "16.11.4", "enterprise": false}));
    assert_eq!(oldest, "Field 'enterprise' doesn't exist on type 'Metadata'");
}

#[test]
fn fragments_aliases_and_directives_work() {
    let world = world();
    let text = "query q($more: Boolean!, $path: ID! = \"acme/web\") { a: project(fullPath: $path) { ...one path @skip(if: $more) } \
                b: project(fullPath: $path) { ... on Project { name @include(if: $more) } ... @include(if: $more) { id } } } \
                fragment one on Project { name name fullPath }";

    let answer = json_of(&ask(&world, "reader", &json!({"query": text, "variables": {"more": true}})));

    assert_eq!(answer["data"]["a"], json!({"name": "Web", "fullPath": "acme/web"}));
    assert_eq!(answer["data"]["b"].as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "name"]);
}

#[test]
fn one_of_several_operations_is_chosen_by_name() {
    let world = world();
    let text = "query me { currentUser { username } } query it { metadata { version } }";

    let chosen = ask(&world, "reader", &json!({"query": text, "operationName": "me"}));
    let none = json_of(&ask(&world, "reader", &json!({"query": text})));
    let unknown = json_of(&ask(&world, "reader", &json!({"query": text, "operationName": "you"})));

    assert_eq!(json_of(&chosen), json!({"data": {"currentUser": {"username": "reader"}}}));
    assert_eq!(none, json!({"errors": [{"message": "An operation name is required"}]}));
    assert_eq!(unknown, json!({"errors": [{"message": "No operation named \"you\""}]}));
}

#[test]
fn nested_lists_go_on_where_the_page_ended() {
    let world = world().with_project("acme/web", |project| project.merge_request("Long", |found| found.comments(5)));
    let page = |after: &str| {
        let text = format!(
            r#"{{ project(fullPath: "acme/web") {{ mergeRequest(iid: "4") {{ notes(first: 2, filter: ONLY_COMMENTS{after}) {{ nodes {{ body }} pageInfo {{ hasNextPage endCursor }} }} }} }} }}"#
        );
        data(&world, "reader", &text)["project"]["mergeRequest"]["notes"].clone()
    };

    let mut bodies = Vec::new();
    let mut after = String::new();
    loop {
        let found = page(&after);
        bodies.extend(found["nodes"].as_array().unwrap().iter().map(|note| note["body"].as_str().unwrap().to_owned()));
        if found["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
        after = format!(", after: {}", found["pageInfo"]["endCursor"]);
    }

    assert_eq!(bodies, ["Comment 1", "Comment 2", "Comment 3", "Comment 4", "Comment 5"]);
}

#[test]
fn a_syntax_error_is_told_with_its_place() {
    let answer = query(&world(), "reader", "{ currentUser { id ");

    assert!(answer["errors"][0]["message"].as_str().is_some_and(|words| !words.is_empty()));
    assert_eq!(answer["errors"][0]["locations"][0]["line"], json!(1));
    assert_eq!(answer.get("data"), None);
}

#[test]
fn the_usual_introspection_query_fits_under_the_limit() {
    let answer = data(&world(), "reader", INTROSPECTION);

    let types = answer["__schema"]["types"].as_array().unwrap();
    assert!(types.iter().any(|found| found["name"] == json!("MergeRequest")));
    let directives = answer["__schema"]["directives"].as_array().unwrap();
    assert!(directives.iter().all(|found| found["name"] != json!("cost")));
}

/// What tools send to learn a schema.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { queryType { name } mutationType { name } subscriptionType { name } \
    types { ...FullType } directives { name description locations args { ...InputValue } } } } \
    fragment FullType on __Type { kind name description \
    fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } \
    inputFields { ...InputValue } interfaces { ...TypeRef } \
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } } \
    fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue } \
    fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name \
    ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";
