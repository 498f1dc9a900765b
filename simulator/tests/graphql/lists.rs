//! Lists of merge requests, projects and members.

use gitlab_simulator::world::Role;
use serde_json::json;

use crate::support::{data, filtered, world};

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
fn pipelines_that_others_started_are_listed_when_their_source_is_asked_for() {
    let mut world = world().with_project("acme/web", |project| project.pipeline("success", |_| ()));
    let project = world.project_by_path("acme/web").unwrap().id;
    let child = world.start_pipeline(project, "main", "ann", "parent_pipeline").unwrap();
    let ids = |arguments: &str| {
        let text = format!(r#"{{ project(fullPath: "acme/web") {{ pipelines{arguments} {{ nodes {{ id }} }} }} }}"#);
        data(&world, "reader", &text)["project"]["pipelines"]["nodes"].clone()
    };

    let all = ids("");
    assert!(!all.as_array().unwrap().is_empty() && !all.to_string().contains(&format!("/{child}\"")), "{all}");
    assert_eq!(ids(r#"(source: "parent_pipeline")"#), json!([{"id": format!("gid://gitlab/Ci::Pipeline/{child}")}]));
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
