//! Filters and orders of lists of merge requests, read from the World.

use gitlab_simulator::World;
use gitlab_simulator::world::{Deployment, Environment, Milestone, Owner};
use serde_json::json;

use crate::support::{data, filtered, message, query, read_all, world};

/// The usual three, the first deployed to production, the first two with milestones, the second liked, the third assigned.
fn planned() -> World {
    let mut world = world();
    let project = world.project_by_path("acme/web").unwrap().id;
    let ids: Vec<_> = (1..=3).map(|iid| world.merge_request_by_iid(project, iid).unwrap().id).collect();
    for (id, title, start, due) in [(71, "v1", "2026-05-01", "2026-06-10"), (72, "v2", "2026-06-15", "2026-07-01")] {
        world.insert_milestone(Milestone {
            id,
            iid: id,
            owner: Owner::Project(project),
            title: title.to_owned(),
            start_date: Some(start.parse().unwrap()),
            due_date: Some(due.parse().unwrap()),
            ..Milestone::default()
        });
    }
    let cy = world.user_named("cy");
    let reader = world.user_named("reader");
    world.edit_merge_request(ids[0], |one| one.milestone = Some(71));
    world.edit_merge_request(ids[1], |one| one.milestone = Some(72));
    world.edit_merge_request(ids[2], |one| one.assignees = vec![cy]);
    let updated = world.merge_request(ids[1]).unwrap().updated_at;
    world.award(ids[1], reader, "thumbsup");
    world.edit_merge_request(ids[1], |one| one.updated_at = updated);
    world.insert_environment(Environment { id: 5, project, name: "production".to_owned(), ..Environment::default() });
    let at = "2026-02-01T00:00:00Z".parse().unwrap();
    world.insert_deployment(Deployment {
        id: 9,
        iid: 1,
        project,
        environment: 5,
        ref_name: "main".to_owned(),
        status: "success",
        created_at: at,
        finished_at: Some(at),
        ..Deployment::default()
    });
    world
}

#[test]
fn filters_read_milestones_reactions_people_and_deployments() {
    let world = planned();
    let cases: &[(&str, &[&str])] = &[
        ("milestoneWildcardId: NONE", &["3"]),
        ("milestoneWildcardId: ANY", &["2", "1"]),
        ("milestoneWildcardId: STARTED", &["1"]),
        ("milestoneWildcardId: UPCOMING", &["1"]),
        (r#"milestoneTitle: "v2""#, &["2"]),
        (r#"not: {milestoneTitle: "v1"}"#, &["3", "2"]),
        (r#"myReactionEmoji: "thumbsup""#, &["2"]),
        (r#"myReactionEmoji: "None""#, &["3", "1"]),
        (r#"not: {myReactionEmoji: "thumbsup"}"#, &["3", "1"]),
        ("assigneeWildcardId: ANY", &["3"]),
        (r#"assigneeUsernames: ["cy"]"#, &["3"]),
        (r#"or: {assigneeUsernames: ["cy", "nobody"]}"#, &["3"]),
        ("reviewerWildcardId: ANY", &["2"]),
        ("reviewerWildcardId: NONE", &["3", "1"]),
        (r#"approvedBy: ["bob"]"#, &["1"]),
        (r#"mergedBy: "ann""#, &["1"]),
        (r#"environmentName: "production""#, &["1"]),
        (r#"environmentName: "staging""#, &[]),
        (r#"deployedAfter: "2026-01-31""#, &["1"]),
        (r#"deployedBefore: "2026-01-31""#, &[]),
        (r#"deploymentId: "9""#, &["1"]),
        (r#"closedAfter: "2026-01-01""#, &["3"]),
        (r#"search: "second", in: [DESCRIPTION]"#, &[]),
        ("subscribed: EXPLICITLY_SUBSCRIBED", &[]),
        ("labelName: []", &[]),
    ];

    for (arguments, expected) in cases {
        assert_eq!(filtered(&world, arguments), *expected, "{arguments}");
    }
}

// Issuable.sort_by_attribute: what has no date comes last in either direction, and the id breaks ties, the newest first.
#[test]
fn orders_of_more_than_one_column_put_nulls_last_and_are_numbered() {
    let mut world = planned();
    let cases: &[(&str, &[&str])] = &[
        ("MILESTONE_DUE_ASC", &["1", "2", "3"]),
        ("MILESTONE_DUE_DESC", &["2", "1", "3"]),
        ("PRIORITY_ASC", &["1", "2", "3"]),
        ("PRIORITY_DESC", &["2", "1", "3"]),
        ("LABEL_PRIORITY_ASC", &["3", "2", "1"]),
        ("POPULARITY_DESC", &["2", "3", "1"]),
        ("POPULARITY_ASC", &["3", "1", "2"]),
        ("MERGED_AT_ASC", &["1", "3", "2"]),
        ("CLOSED_AT_DESC", &["3", "2", "1"]),
    ];

    for (sort, expected) in cases {
        assert_eq!(filtered(&world, &format!("sort: {sort}")), *expected, "{sort}");
        let paged = read_all(&mut world, &format!("first: 1, sort: {sort}"), |_| {});
        assert_eq!(paged.iter().map(ToString::to_string).collect::<Vec<_>>(), *expected, "{sort}");
    }
}

// Issuable.sort_by_attribute: `with_order_id_desc`, whatever the direction.
#[test]
fn rows_of_the_same_moment_come_newest_first_in_either_direction() {
    let mut world = world();
    let project = world.project_by_path("acme/web").unwrap().id;
    let moment = "2026-03-01T00:00:00.123456Z".parse().unwrap();
    for iid in 1..=3 {
        let id = world.merge_request_by_iid(project, iid).unwrap().id;
        world.edit_merge_request(id, |found| (found.created_at, found.updated_at) = (moment, moment));
    }

    for sort in ["UPDATED_ASC", "UPDATED_DESC", "CREATED_ASC", "CREATED_DESC"] {
        assert_eq!(filtered(&world, &format!("sort: {sort}")), ["3", "2", "1"], "{sort}");
        assert_eq!(filtered(&world, &format!("sort: {sort}, last: 1")), ["1"], "{sort}");
    }
}

// validates mutually_exclusive and validate_blob_path! in app/graphql/resolvers.
#[test]
fn arguments_that_make_no_sense_together_are_refused() {
    let world = planned();
    let refused = |arguments: &str| {
        let text =
            format!(r#"{{ project(fullPath: "acme/web") {{ mergeRequests({arguments}) {{ nodes {{ iid }} }} }} }}"#);
        message(&world, "reader", &text)
    };

    let words = "Only one of [milestoneTitle, milestoneWildcardId] arguments is allowed at the same time.";
    assert_eq!(refused(r#"milestoneTitle: "v1", milestoneWildcardId: ANY"#), words);
    assert_eq!(refused(r#"blobPath: "a""#), "targetBranches field must be specified to filter by blobPath");
    let words = "createdAfter must be within the last 30 days to filter by blobPath";
    assert_eq!(refused(r#"blobPath: "a", targetBranches: ["main"], state: opened, createdAfter: "2026-01-01""#), words);
}

#[test]
fn what_an_older_gitlab_lacks_is_refused() {
    let list = |arguments: &str| {
        format!(r#"{{ project(fullPath: "acme/web") {{ mergeRequests({arguments}) {{ nodes {{ iid }} }} }} }}"#)
    };
    let unknown = |field: &str, argument: &str| format!("Field '{field}' doesn't accept argument '{argument}'");
    let notes = r#"{ project(fullPath: "acme/web") { mergeRequest(iid: "1") { notes(filter: ONLY_COMMENTS) { nodes { id } } } } }"#;
    let limit = r#"{ project(fullPath: "acme/web") { mergeRequests { count(limit: 5) } } }"#;
    let of_group = r#"{ group(fullPath: "acme") { mergeRequests(reviewerUsername: "bob") { count } } }"#;
    let labels = r#"{ project(fullPath: "acme/web") { labels(title: "bug") { nodes { id } } } }"#;
    let cases = [
        ("16.3", notes.to_owned(), unknown("notes", "filter")),
        ("17.2", list(r#"search: "x""#), unknown("mergeRequests", "search")),
        ("17.2", list(r#"approvedBy: ["bob"]"#), unknown("mergeRequests", "approvedBy")),
        ("16.3", list("reviewState: REVIEWED"), unknown("mergeRequests", "reviewState")),
        ("17.2", of_group.to_owned(), unknown("mergeRequests", "reviewerUsername")),
        ("17.2", labels.to_owned(), unknown("labels", "title")),
        ("18.0", limit.to_owned(), unknown("count", "limit")),
        ("18.0", list(r#"closedAfter: "2026-01-01""#), unknown("mergeRequests", "closedAfter")),
        (
            "19.1",
            list(r#"or: {authorUsernames: ["bob"]}"#),
            "InputObject 'UnionedMergeRequestFilterInput' doesn't accept argument 'authorUsernames'".to_owned(),
        ),
        (
            "19.1",
            list(r#"not: {assigneeUsername: "bob"}"#),
            "InputObject 'MergeRequestsResolverNegatedParams' doesn't accept argument 'assigneeUsername'".to_owned(),
        ),
    ];

    for (version, text, words) in cases {
        assert_eq!(message(&world().with_version(version), "reader", &text), words, "{version}: {text}");
    }
}

// CountableConnectionType: one more than the limit where there is more.
#[test]
fn a_count_with_a_limit_stops_behind_it() {
    let text = r#"{ project(fullPath: "acme/web") { mergeRequests { few: count(limit: 2) all: count many: count(limit: 9) } } }"#;

    let answer = data(&world(), "reader", text);

    assert_eq!(answer["project"]["mergeRequests"], json!({"few": 3, "all": 3, "many": 3}));
    let more = query(&world(), "reader", &text.replace("limit: 2", "limit: 1"));
    assert_eq!(more["data"]["project"]["mergeRequests"]["few"], json!(2));
}
