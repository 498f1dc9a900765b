//! What the fields say.

use gitlab_simulator::graphql;
use gitlab_simulator::world::Edition;
use serde_json::{Value, json};

use crate::support::{ask, data, json_of, message, world};

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
