//! Issues over REST, incidents among them, and what webhooks hear of them.

use gitlab_simulator::World;
use gitlab_simulator::world::{Edition, Feature, Role};
use serde_json::{Value, json};

use crate::receiver::hooked;
use crate::support::{OWNER, READER, missing, serve, small};

const PATH: &str = "/projects/1/issues";

// `lib/api/entities/issue_basic.rb` and `issue.rb`.
const ISSUE: &str = "id iid project_id title description state created_at updated_at closed_at closed_by labels milestone assignees \
    author type assignee user_notes_count merge_requests_count upvotes downvotes due_date confidential discussion_locked \
    issue_type web_url time_stats task_completion_status has_tasks _links references severity moved_to_id \
    service_desk_reply_to imported imported_from";

fn planned() -> World {
    small().with_project("acme/web", |project| {
        project
            .milestone("1.0", |_| {})
            .label("bug")
            .issue("Login is slow", |issue| {
                issue.created_at = "2026-01-01T00:00:00Z".parse().unwrap();
                issue.milestone = Some(1);
                issue.labels = vec![1];
            })
            .incident("Everything is down", |issue| {
                issue.created_at = "2026-01-02T00:00:00Z".parse().unwrap();
                issue.severity = "CRITICAL";
            })
            .issue("A secret", |issue| {
                issue.created_at = "2026-01-03T00:00:00Z".parse().unwrap();
                issue.confidential = true;
            })
    })
}

fn iids(list: &Value) -> Vec<i64> {
    list.as_array().unwrap_or_else(|| panic!("{list}")).iter().filter_map(|found| found["iid"].as_i64()).collect()
}

#[tokio::test]
async fn issues_are_filtered_and_ordered() {
    let served = serve(planned()).await;

    let (status, all) = served.read(PATH, READER).await;
    assert_eq!((status, iids(&all), missing(&all[0], ISSUE)), (200, vec![3, 2, 1], vec![]));
    for (query, wanted) in [
        ("issue_type=incident", vec![2]),
        ("labels=bug", vec![1]),
        ("labels=None", vec![3, 2]),
        ("not[labels]=bug", vec![3, 2]),
        ("milestone=1.0", vec![1]),
        ("milestone_id=None", vec![3, 2]),
        ("confidential=true", vec![3]),
        ("iids[]=1&iids[]=3", vec![3, 1]),
        ("search=SLOW", vec![1]),
        ("search=slow&in=description", vec![]),
        ("created_after=2026-01-02T00:00:00Z&sort=asc", vec![2, 3]),
        ("author_username=ann&state=closed", vec![]),
        ("assignee_id=None&order_by=title&sort=asc", vec![3, 2, 1]),
    ] {
        let found = served.read(&format!("{PATH}?{query}"), READER).await.1;
        assert_eq!(iids(&found), wanted, "{query}");
    }
    for query in ["state=x", "order_by=x", "issue_type=x", "author_id=1&author_username=ann", "assignee_id=x"] {
        assert_eq!(served.read(&format!("{PATH}?{query}"), READER).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn an_incident_has_a_severity() {
    let served = serve(planned()).await;

    let found = served.read(&format!("{PATH}/2"), READER).await.1;
    let seen = (&found["issue_type"], &found["type"], &found["severity"]);
    assert_eq!(seen, (&json!("incident"), &json!("INCIDENT"), &json!("CRITICAL")));
    assert_eq!(served.read(&format!("{PATH}/1"), READER).await.1["severity"], "UNKNOWN");
}

#[tokio::test]
async fn guests_read_issues_but_not_confidential_ones() {
    let world = planned()
        .with_group("acme", |group| group.member("gus", Role::Guest))
        .with_token("glpat-gus", |token| token.user("gus"))
        .with_token("glpat-eve", |token| token.user("eve"));
    let served = serve(world).await;

    assert_eq!(iids(&served.read(PATH, "glpat-gus").await.1), [2, 1]);
    let hidden = served.read(&format!("{PATH}/3"), "glpat-gus").await;
    assert_eq!(hidden, (404, json!({ "message": "404 Not found" })));
    assert_eq!(served.read(PATH, "glpat-eve").await, (404, json!({ "message": "404 Project Not Found" })));
}

#[tokio::test]
async fn where_issues_are_off_the_list_is_empty_and_nothing_can_be_opened() {
    // `IssuesFinder` finds none in a project whose issues may not be read; `authorize! :create_issue` forbids.
    let off = planned()
        .with_project("acme/web", |project| project.change(|project| project.issues_access = Feature::Disabled));
    let served = serve(off).await;

    assert_eq!(served.read(PATH, OWNER).await, (200, json!([])));
    assert_eq!(served.read("/projects/acme%2Fweb", OWNER).await.1.get("open_issues_count"), None);
    assert_eq!(served.read(&format!("{PATH}/1"), OWNER).await, (404, json!({ "message": "404 Not found" })));
    assert_eq!(served.write("POST", PATH, OWNER, json!({ "title": "New" })).await.0, 403);
}

#[tokio::test]
async fn issues_of_groups_and_of_everybody_are_found() {
    let served = serve(planned()).await;

    assert_eq!(iids(&served.read("/groups/acme/issues", READER).await.1), [3, 2, 1]);
    assert_eq!(iids(&served.read("/issues", READER).await.1), Vec::<i64>::new(), "bob opened none");
    assert_eq!(iids(&served.read("/issues?scope=all", READER).await.1), [3, 2, 1]);
    let counts = served.read("/issues_statistics?scope=all&confidential=false", READER).await.1;
    assert_eq!(counts, json!({ "statistics": { "counts": { "all": 2, "closed": 0, "opened": 2 } } }));
    let page = served.get("/groups/acme/issues?per_page=2", READER).await;
    assert_eq!(
        (&page.headers()["x-total"], &page.headers()["x-next-page"]),
        (&"3".parse().unwrap(), &"2".parse().unwrap())
    );
}

/// spec/requests/api/issues of GitLab's source.
#[tokio::test]
async fn references_of_issues_name_the_project_in_lists_of_groups() {
    let served = serve(planned()).await;

    for (path, wanted) in [("/groups/acme/issues", "web#3"), ("/issues?scope=all", "#3"), (PATH, "#3")] {
        let found = served.read(path, READER).await.1;
        assert_eq!(found[0]["references"]["relative"], wanted, "{path}");
    }
}

/// app/services/projects/batch_open_issues_count_service.rb.
#[tokio::test]
async fn a_project_counts_its_open_issues_without_confidential_ones() {
    let mut world = planned();
    world.close_issue(1, 1);
    let served = serve(world).await;

    assert_eq!(served.read("/projects/acme%2Fweb", OWNER).await.1["open_issues_count"], 1);
}

/// doc/api/issues.md.
#[tokio::test]
async fn cursors_lead_through_issues_since_18_3() {
    let served = serve(planned()).await;
    let keyset = format!("{PATH}?pagination=keyset&per_page=2&order_by=created_at&sort=asc");
    let first = served.get(&keyset, READER).await;
    let cursor = first.headers()["x-next-cursor"].to_str().unwrap().to_owned();
    assert_eq!(iids(&crate::support::answer(first).await.1), [1, 2]);
    let rest = served.read(&format!("{keyset}&cursor={}", cursor.replace('=', "%3D")), READER).await.1;
    assert_eq!(iids(&rest), [3]);

    let old = serve(planned().with_version("18.2")).await;
    let page = old.get(&keyset, READER).await;
    assert_eq!(&page.headers()["x-total"], "3", "before it was pages");
}

#[tokio::test]
async fn an_issue_is_opened_changed_closed_and_deleted_and_webhooks_hear_of_it() {
    let events = json!({ "issues_events": true, "confidential_issues_events": false });
    let (served, receiver, _) = hooked(planned(), events).await;

    let opened = json!({ "title": "Crash", "labels": "bug,new", "assignee_ids": [3], "milestone_id": 1 });
    let (status, made) = served.write("POST", PATH, OWNER, opened).await;
    assert_eq!((status, &made["iid"], &made["labels"]), (201, &json!(4), &json!(["bug", "new"])));
    assert_eq!((&made["milestone"]["title"], made["assignees"].as_array().unwrap().len()), (&json!("1.0"), 1));
    let place = format!("{PATH}/4");
    let closed = served.write("PUT", &place, OWNER, json!({ "state_event": "close" })).await.1;
    assert_eq!((&closed["state"], &closed["closed_by"]["username"]), (&json!("closed"), &json!("ann")));
    let events = served.read(&format!("{place}/resource_state_events"), READER).await.1;
    assert_eq!(events[0]["state"], "closed");
    assert_eq!(served.write("PUT", &place, OWNER, json!({})).await.0, 400);
    assert_eq!(served.write("DELETE", &place, OWNER, Value::Null).await.0, 204);
    let twice = served.write("DELETE", &place, OWNER, Value::Null).await;
    assert_eq!(twice, (404, json!({ "message": "404 Issue Not Found" })));
    served.write("POST", PATH, OWNER, json!({ "title": "Hush", "confidential": true })).await;

    served.simulator.settled().await;
    let seen: Vec<Value> = receiver.seen().into_iter().map(|(_, body)| body).collect();
    let mut actions: Vec<&str> = seen.iter().filter_map(|body| body["object_attributes"]["action"].as_str()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["close", "open"], "the confidential one has an event of its own");
    // `lib/gitlab/data_builder/issuable.rb` and `lib/gitlab/hook_data/issue_builder.rb`.
    let keys = "object_kind event_type user project object_attributes labels changes repository assignees";
    assert_eq!(missing(&seen[0], keys), Vec::<String>::new());
    let keys = "id iid title description state state_id action author_id assignee_ids confidential created_at severity type url";
    assert_eq!(missing(&seen[0]["object_attributes"], keys), Vec::<String>::new());
}

#[tokio::test]
async fn guests_open_issues_without_labels_and_change_their_own_alone() {
    let world = planned()
        .with_edition(Edition::Community)
        .with_group("acme", |group| group.member("gus", Role::Guest))
        .with_token("glpat-gus", |token| token.user("gus"));
    let served = serve(world).await;

    let (status, made) = served.write("POST", PATH, "glpat-gus", json!({ "title": "Mine", "labels": "bug" })).await;
    assert_eq!((status, &made["labels"]), (201, &json!([])));
    let own = served.write("PUT", &format!("{PATH}/4"), "glpat-gus", json!({ "title": "Still mine" })).await;
    assert_eq!((own.0, &own.1["title"]), (200, &json!("Still mine")));
    assert_eq!(served.write("PUT", &format!("{PATH}/1"), "glpat-gus", json!({ "title": "x" })).await.0, 403);
    assert_eq!(served.write("DELETE", &format!("{PATH}/4"), "glpat-gus", Value::Null).await.0, 403);
}

#[tokio::test]
async fn merging_closes_issues_and_the_issue_tells_by_what() {
    let world = planned().with_project("acme/web", |project| {
        project.merge_request("Fix", |found| found.change(|found| found.closes = vec![1]))
    });
    let (served, receiver, _) = hooked(world, json!({ "issues_events": true, "merge_requests_events": false })).await;

    let closing = served.read(&format!("{PATH}/1/closed_by"), READER).await.1;
    assert_eq!(iids(&closing), [2]);
    assert_eq!(served.read(&format!("{PATH}/1"), READER).await.1["merge_requests_count"], 1);
    served.simulator.world(|world| world.merge(2, "ann")).unwrap();
    served.simulator.settled().await;
    assert_eq!(served.read(&format!("{PATH}/1"), READER).await.1["state"], "closed");
    assert_eq!(receiver.seen()[0].1["object_attributes"]["action"], "close");
}

#[tokio::test]
async fn a_merge_request_tells_what_it_closes_and_what_it_mentions_to_those_who_see_it() {
    let world = planned()
        .with_project("acme/web", |project| {
            project.merge_request("Fix", |found| {
                found.comment("ann", "as in #2, not #99").change(|found| found.closes = vec![1, 3])
            })
        })
        .with_group("acme", |group| group.member("rep", Role::Reporter))
        .with_token("glpat-rep", |token| token.user("rep"))
        .with_group("acme", |group| group.member("gus", Role::Guest))
        .with_token("glpat-gus", |token| token.user("gus"));
    let served = serve(world).await;
    let place = "/projects/1/merge_requests/2";

    // `lib/api/merge_requests.rb` and `MergeRequest#related_issues`; both show `Entities::IssueBasic`.
    let (status, closing) = served.read(&format!("{place}/closes_issues"), "glpat-rep").await;
    assert_eq!((status, iids(&closing)), (200, vec![1, 3]));
    assert_eq!((&closing[0]["references"], &closing[0]["weight"]), (&Value::Null, &Value::Null));
    assert!(closing[0].get("weight").is_some() && closing[0].get("_links").is_none());
    assert_eq!(iids(&served.read(&format!("{place}/related_issues"), "glpat-rep").await.1), [1, 3, 2]);
    served.simulator.world(|world| world.project_mut(1).unwrap().issues_access = Feature::Disabled);
    assert_eq!(served.read(&format!("{place}/closes_issues"), "glpat-rep").await, (200, json!([])));
    assert_eq!(served.read(&format!("{place}/closes_issues"), "glpat-gus").await.0, 403);
}
