//! What is in a GitLab, with its oddities.

use gitlab_simulator::world::{ApprovalRule, Edition, Role, Scope};
use gitlab_simulator::{Size, World};
use serde_json::{Value, json};

use crate::support::{OWNER, READER, serve, small};

const LIST: &str = "/projects/acme%2Fweb/merge_requests";

fn rows(answer: &(u16, Value)) -> usize {
    answer.1.as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn authors_may_be_ghosts_or_nobody() {
    let world = small().with_project("acme/web", |project| {
        project
            .merge_request("By a leaver", |found| found.by("zoe").comment("zoe", "bye"))
            .merge_request("By nobody", |found| found.change(|found| found.author = None))
    });
    let served = serve(world).await;
    served.simulator.world(|world| {
        let zoe = world.user_named("zoe");
        world.delete_user(zoe)
    });

    assert_eq!(served.read(&format!("{LIST}/2"), READER).await.1["author"]["username"], "ghost");
    assert_eq!(served.read(&format!("{LIST}/2/notes"), READER).await.1[0]["author"]["username"], "ghost");
    assert_eq!(served.read(&format!("{LIST}/3"), READER).await.1["author"], Value::Null);
}

#[tokio::test]
async fn a_deleted_fork_leaves_no_source() {
    let world = small().with_personal_project("eve", "fork", |project| project);
    let served = serve(world).await;
    served.simulator.world(|world| {
        let fork = world.project_by_path("eve/fork").unwrap().id;
        world.edit_merge_request(1, |found| found.source_project = Some(fork));
        world.delete_project(fork);
    });

    assert_eq!(served.read(&format!("{LIST}/1"), READER).await.1["source_project_id"], Value::Null);
}

#[tokio::test]
async fn merge_requests_of_banned_authors_are_hidden() {
    let served = serve(small().with_token("glpat-root", |token| token)).await;
    served.simulator.world(|world| {
        let ann = world.user_named("ann");
        world.ban_user(ann)
    });

    assert_eq!(served.read(&format!("{LIST}/1"), READER).await.0, 404);
    assert_eq!(rows(&served.read(LIST, READER).await), 0);
    assert_eq!(rows(&served.read(LIST, "glpat-root").await), 1, "administrators still see them");
}

#[tokio::test]
async fn a_project_to_be_deleted_is_renamed_and_stays() {
    let served = serve(small()).await;
    served.simulator.world(|world| world.schedule_project_deletion(1));

    let project = served.read("/projects/1", READER).await.1;
    assert_eq!(project["path_with_namespace"], "acme/web-deletion_scheduled-1");
    assert!(project["marked_for_deletion_on"].is_string());
}

#[tokio::test]
async fn ids_can_be_larger_than_32_bits() {
    let mut world = World::new();
    world.start_ids_at("note", 2_500_000_000);
    let world = world
        .with_group("acme", |group| {
            group.project("web", |project| project.merge_request("Big", |found| found.comments(1)))
        })
        .with_token("glpat-root", |token| token);
    let served = serve(world).await;

    assert_eq!(served.read(&format!("{LIST}/1/notes"), "glpat-root").await.1[0]["id"], 2_500_000_000_i64);
}

#[tokio::test]
async fn internal_notes_are_for_planners_and_above() {
    let world = small().with_project("acme/web", |project| {
        let project = project.visibility(gitlab_simulator::world::Visibility::Public);
        project.merge_request("Open", |found| found.internal_comment("ann", "between us").diff_comment("bob", "nit"))
    });
    let served = serve(world.with_token("glpat-eve", |token| token.user("eve").scopes(&[Scope::ReadApi]))).await;

    let inside = served.read(&format!("{LIST}/2/notes?sort=asc"), READER).await;
    assert_eq!((rows(&inside), &inside.1[0]["internal"]), (2, &json!(true)));
    assert_eq!((&inside.1[1]["type"], &inside.1[1]["resolved"]), (&json!("DiffNote"), &json!(false)));
    assert_eq!(inside.1[1]["position"]["new_line"], 14);
    assert_eq!(rows(&served.read(&format!("{LIST}/2/notes"), "glpat-eve").await), 1);
}

#[tokio::test]
async fn approvals_have_two_shapes_and_rules_omit_strangers() {
    let world = || {
        small().with_project("acme/web", |project| {
            project.merge_request("Good", |found| {
                let found = found.reviewer("bob").approve("bob").approve("stranger");
                found.change(|found| {
                    let users = found.reviewers.iter().map(|reviewer| reviewer.user).collect();
                    found.rules.push(ApprovalRule { id: 1, users, required: 1, ..ApprovalRule::default() });
                })
            })
        })
    };
    let served = serve(world()).await;
    let enterprise = served.read(&format!("{LIST}/2/approvals"), READER).await.1;
    assert!(enterprise["approvals_required"].is_i64());
    assert_eq!(enterprise["approved_by"].as_array().unwrap().len(), 2);
    let rules = served.read(&format!("{LIST}/2/approval_state"), READER).await.1;
    assert_eq!(rules["rules"][0]["approved_by"].as_array().unwrap().len(), 1);

    let served = serve(world().with_edition(Edition::Community)).await;
    let community = served.read(&format!("{LIST}/2/approvals"), READER).await.1;
    let mut keys: Vec<&String> = community.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["approved", "approved_by", "user_can_approve", "user_has_approved"]);
}

#[tokio::test]
async fn merged_at_may_be_later_than_updated_at() {
    let served = serve(small()).await;
    served.simulator.world(|world| world.merge(1, "ann"));

    let merged = served.read(&format!("{LIST}/1"), READER).await.1;
    assert!(merged["merged_at"].as_str() > merged["updated_at"].as_str(), "{merged}");
    assert_eq!((&merged["state"], &merged["merge_user"]["username"]), (&json!("merged"), &json!("ann")));
}

#[tokio::test]
async fn deleting_a_note_does_not_touch_the_merge_request() {
    let served = serve(small()).await;
    let note = served.simulator.world(|world| world.comment(1, "bob", "oops")).unwrap();
    let before = served.read(&format!("{LIST}/1"), READER).await.1;
    served.simulator.world(|world| world.delete_note(note));

    let after = served.read(&format!("{LIST}/1"), READER).await.1;
    assert_eq!(before["updated_at"], after["updated_at"]);
    assert_eq!((&before["user_notes_count"], &after["user_notes_count"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn everything_of_everyone_needs_scope_all() {
    let served = serve(small()).await;

    assert_eq!(rows(&served.read("/merge_requests", READER).await), 0, "bob created none");
    assert_eq!(rows(&served.read("/merge_requests?scope=all", READER).await), 1);
}

#[tokio::test]
async fn groups_list_merge_requests_of_what_is_not_archived() {
    let world = small().with_group("acme", |group| {
        group.subgroup("old", |group| group.project("attic", |project| project.archived().merge_requests(2)))
    });
    let served = serve(world).await;

    assert_eq!(rows(&served.read("/groups/acme/merge_requests", READER).await), 1);
    assert_eq!(rows(&served.read("/groups/acme/merge_requests?non_archived=false", READER).await), 3);
}

#[tokio::test]
async fn shared_projects_of_other_groups_come_along_unless_refused() {
    let world = small()
        .with_group("other", |group| group.project("tool", |project| project.shared_with("acme", Role::Developer)));
    let served = serve(world).await;

    assert_eq!(rows(&served.read("/groups/acme/projects", READER).await), 2);
    assert_eq!(rows(&served.read("/groups/acme/projects?with_shared=false", READER).await), 1);
    assert_eq!(rows(&served.read("/groups/other/projects", READER).await), 1, "the invitation shows the other group");
}

#[tokio::test]
async fn a_group_inlines_its_projects_unless_told_not_to() {
    let served = serve(small()).await;

    assert_eq!(served.read("/groups/acme", READER).await.1["projects"][0]["path"], "web");
    assert_eq!(served.read("/groups/acme?with_projects=false", READER).await.1.get("projects"), None);
}

#[tokio::test]
async fn filters_on_deployments_need_their_order() {
    let world = World::generate(1, Size { projects: 1, merge_requests: 5, ..Size::default() });
    let served = serve(world.with_group_token("glpat-r", "acme", Role::Developer, &[Scope::ReadApi])).await;

    let path = "/projects/1/deployments?updated_after=2025-01-01T00:00:00Z";
    let (status, body) = served.read(path, "glpat-r").await;
    assert_eq!(
        (status, &body["message"]),
        (400, &json!("400 Bad request - `updated_at` filter requires `updated_at` sort"))
    );
    let sorted = served.read(&format!("{path}&order_by=updated_at"), "glpat-r").await;
    assert!(rows(&sorted) > 0);
    assert!(sorted.1[0]["deployable"]["pipeline"]["id"].is_i64());
}

#[tokio::test]
async fn an_old_gitlab_lacks_the_fields_of_a_new_one() {
    let served = serve(small().with_version("15.1")).await;

    let old = served.read(&format!("{LIST}/1"), READER).await.1;
    assert_eq!((old.get("prepared_at"), old.get("detailed_merge_status")), (None, None));
    assert_eq!(served.read("/metadata", READER).await.0, 404);
    assert_eq!(served.read("/version", READER).await.1["version"], "15.1.0-ee");
    assert_eq!(served.read(&format!("{LIST}?order_by=merged_at"), READER).await.0, 400);
}

#[tokio::test]
async fn commits_of_a_merge_request_have_no_parents_and_odd_times() {
    let served = serve(small()).await;

    let commit = &served.read(&format!("{LIST}/1/commits"), READER).await.1[0];
    assert_eq!(commit["parent_ids"], json!([]));
    assert!(commit["committed_date"].as_str().unwrap().ends_with(".000+00:00"));
}

#[tokio::test]
async fn bots_say_what_they_are() {
    let world = small().with_group_token("glpat-bot", "acme", Role::Reporter, &[Scope::ReadApi]);
    let served = serve(world).await;

    let bot = served.read("/user", "glpat-bot").await.1;
    assert_eq!(bot["bot"], true);
    assert!(bot["username"].as_str().unwrap().starts_with("group_1_bot_"));
    let token = served.read("/personal_access_tokens/self", "glpat-bot").await.1;
    assert_eq!((&token["access_level"], &token["scopes"]), (&json!(20), &json!(["read_api"])));
}

#[tokio::test]
async fn members_all_counts_each_person_once_with_the_highest_role() {
    let world = small().with_group("acme", |group| {
        group.subgroup("core", |group| group.member("bob", Role::Maintainer).member("cid", Role::Guest))
    });
    let served = serve(world).await;

    let all = served.read("/groups/acme%2Fcore/members/all", OWNER).await.1;
    let levels: Vec<(String, i64)> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|member| (member["username"].as_str().unwrap().to_owned(), member["access_level"].as_i64().unwrap()))
        .collect();
    assert_eq!(levels, [("ann".to_owned(), 50), ("bob".to_owned(), 40), ("cid".to_owned(), 10)]);
    assert_eq!(rows(&served.read("/groups/acme%2Fcore/members", OWNER).await), 2);
}

#[tokio::test]
async fn a_living_world_is_seen_through_the_api() {
    let world = World::generate(1, Size { projects: 2, merge_requests: 10, ..Size::default() });
    let served = serve(world.with_group_token("glpat-r", "acme", Role::Developer, &[Scope::ReadApi])).await;
    let begin = served.simulator.read(World::now);
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..50 {
        assert!(served.simulator.world(|world| world.live(&mut random)).is_some());
    }

    let changed =
        served.read(&format!("/groups/acme/merge_requests?updated_after={begin}&per_page=100"), "glpat-r").await;
    assert!(rows(&changed) > 3, "{}", rows(&changed));
}

/// GitLab's `NIL_STATS`: what was never counted is nothing, not unknown.
#[tokio::test]
async fn a_merge_request_whose_stats_were_never_counted_changes_nothing() {
    let world = small().with_project("acme/web", |project| {
        project.merge_request("Old", gitlab_simulator::world::MergeRequestBuilder::uncounted)
    });
    let served = serve(world).await;

    let query = "{ project(fullPath: \"acme/web\") { mergeRequest(iid: \"2\") { diffStatsSummary { additions deletions changes fileCount } } } }";
    let answer = served.ask("POST", "/api/graphql", READER, json!({ "query": query })).await;
    let found = answer.json::<serde_json::Value>().await.unwrap();

    let zeros = json!({ "additions": 0, "deletions": 0, "changes": 0, "fileCount": 0 });
    assert_eq!(found["data"]["project"]["mergeRequest"]["diffStatsSummary"], zeros);
}
