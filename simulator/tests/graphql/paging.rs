//! Pages and cursors.

use serde_json::{Value, json};

use crate::support::{data, filtered, query, read_all, world};

#[test]
fn pages_hold_at_most_a_hundred() {
    let world = world().with_project("acme/web", |project| project.merge_requests(120));

    assert_eq!(filtered(&world, "first: 500").len(), 100);
    assert_eq!(filtered(&world, "sort: UPDATED_ASC").len(), 100);
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

// graphql-ruby takes a negative size for none, and GitLab's keyset connection looks one row further than asked.
#[test]
fn a_page_of_none_says_that_more_follows_and_names_no_place() {
    for size in [0, -1] {
        for sort in ["UPDATED_ASC", "TITLE_ASC", "CREATED_DESC"] {
            let text = format!(
                r#"{{ project(fullPath: "acme/web") {{ mergeRequests(first: {size}, sort: {sort}) {{ nodes {{ iid }} pageInfo {{ hasNextPage endCursor }} }} }} }}"#
            );

            let answer = data(&world(), "reader", &text);

            let expected = json!({"nodes": [], "pageInfo": {"hasNextPage": true, "endCursor": null}});
            assert_eq!(answer["project"]["mergeRequests"], expected, "{size} {sort}");
        }
    }
}
