//! Who sees what.

use gitlab_simulator::World;
use gitlab_simulator::world::{Feature, Scope, UserState, Visibility};
use serde_json::{Value, json};

use crate::support::{ask, data, json_of, query, world};

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
        r#"{ project(fullPath: "acme/web") { id mergeRequest(iid: "1") { id } repository { rootRef } } }"#,
    );
    let absent = data(&world, "reader", r#"{ project(fullPath: "acme/nothing") { id } }"#);

    assert_eq!(anonymous, json!({"project": null, "group": null, "currentUser": null, "metadata": null}));
    assert_eq!(guest["project"]["repository"], Value::Null);
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

#[test]
fn a_fine_grained_token_is_told_so_by_each_field() {
    let world = world().with_token("fine", |token| token.user("reader").scopes(&[Scope::Granular]));

    let answer = query(&world, "fine", "{ __typename currentUser { id } queryComplexity { score } }");

    assert_eq!(answer["data"], json!({"__typename": "Query", "currentUser": null, "queryComplexity": null}));
    let said: Vec<&str> = answer["errors"].as_array().unwrap().iter().map(|e| e["message"].as_str().unwrap()).collect();
    assert_eq!(said, ["Access denied: This operation doesn't support fine-grained personal access tokens."; 2]);
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

/// What a list of merge requests says where there is nothing to see.
fn nothing() -> Value {
    json!({"count": 0, "nodes": [], "pageInfo": {"endCursor": null, "hasNextPage": false}, "totalTimeToMerge": null})
}

/// What somebody sees of a project's merge requests: whether they are on, the list, and the one with number 1.
fn seen(world: &World, token: &str) -> (Value, Value, Value) {
    let text = r#"{ project(fullPath: "acme/web") { mergeRequestsEnabled mergeRequest(iid: "1") { iid }
        mergeRequests(sort: UPDATED_ASC) { count nodes { iid } pageInfo { endCursor hasNextPage } totalTimeToMerge } } }"#;
    let mut answer = data(world, token, text);
    let project = &mut answer["project"];
    (project["mergeRequestsEnabled"].take(), project["mergeRequests"].take(), project["mergeRequest"].take())
}

// GitLab's field `mergeRequests` asks for no right of its own; its finder finds nothing where the caller may not read
// (app/graphql/types/project_type.rb, app/finders/issuable_finder/params.rb). Null would tell a client that there is no answer.
#[test]
fn a_project_without_merge_requests_has_an_empty_connection() {
    let off = world()
        .with_project("acme/web", |project| project.change(|found| found.merge_requests_access = Feature::Disabled));
    let members = world()
        .with_project("acme/web", |project| project.change(|found| found.merge_requests_access = Feature::Private));

    assert_eq!(seen(&off, "reader"), (json!(false), nothing(), Value::Null));
    assert_eq!(seen(&off, "root"), (json!(false), nothing(), Value::Null), "not even for administrators");
    assert_eq!(seen(&members, "guest"), (json!(false), nothing(), Value::Null));
    assert_eq!(seen(&members, "reader").0, json!(true), "members-only means Reporter upwards");
    assert_eq!(seen(&members, "reader").1["count"], json!(3));
}

#[test]
fn a_guest_of_a_private_project_has_merge_requests_on_and_finds_none() {
    let open = world().with_project("acme/web", |project| project.visibility(Visibility::Public));

    assert_eq!(seen(&world(), "guest"), (json!(true), nothing(), Value::Null));
    assert_eq!(seen(&open, "guest").1["count"], json!(3));
    assert_eq!(seen(&open, "").0, json!(true));
}

// UsersFinder: `without_forbidden_states`, except for administrators.
#[test]
fn blocked_and_banned_people_are_left_out_of_lists_but_for_administrators() {
    let mut world = world();
    for (name, state) in [("bea", UserState::Blocked), ("ben", UserState::Banned)] {
        let id = world.user_named(name);
        world.user_mut(id).unwrap().state = state;
    }
    let names = |token: &str| {
        let answer = data(&world, token, r#"{ users(usernames: ["bea", "ben", "bob"]) { nodes { username } } }"#);
        answer["users"]["nodes"].as_array().unwrap().len()
    };

    assert_eq!(names("reader"), 1);
    assert_eq!(names("root"), 3);
    let one = data(&world, "reader", r#"{ user(username: "bea") { username state } }"#);
    assert_eq!(one["user"], json!({"username": "bea", "state": "blocked"}));
}
