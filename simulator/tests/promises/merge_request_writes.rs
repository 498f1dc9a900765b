//! Opening, changing, merging, approving and removing merge requests (GitLab's `lib/api/merge_requests.rb` and
//! `merge_request_approvals.rb`).

use gitlab_simulator::World;
use gitlab_simulator::world::{Branch, Edition, Milestone, Owner, Role, Scope, Sha};
use serde_json::{Value, json};

use crate::receiver::hooked;
use crate::support::{OWNER, READER, serve, small};

const LIST: &str = "/projects/acme%2Fweb/merge_requests";
const FIRST: &str = "/projects/acme%2Fweb/merge_requests/1";
const DEVELOPER: &str = "glpat-bob";

fn world() -> World {
    small().with_token(DEVELOPER, |token| token.user("bob")).with_project("acme/web", |project| {
        project.change(|project| {
            let branch = Branch { name: "feature".to_owned(), sha: Sha::from_seed(7), ..Branch::default() };
            project.branches.push(branch);
        })
    })
}

#[tokio::test]
async fn opening_one_fires_one_hook_that_tells_everything() {
    let (served, receiver, _) = hooked(world(), json!({})).await;
    let bob = served.simulator.read(|world| world.user_by_name("bob").unwrap().id);
    let body = json!({
        "title": "Draft: Add search", "source_branch": "feature", "target_branch": "main", "description": "As planned",
        "labels": "backend,search", "assignee_ids": [bob], "reviewer_ids": [bob],
    });

    let (status, made) = served.write("POST", LIST, OWNER, body.clone()).await;
    assert_eq!((status, &made["iid"], &made["draft"]), (201, &json!(2), &json!(true)));
    assert_eq!((&made["labels"], &made["assignees"][0]["username"]), (&json!(["backend", "search"]), &json!("bob")));
    assert_eq!(made["sha"], json!(Sha::from_seed(7).to_string()));
    served.simulator.settled().await;
    let seen = receiver.seen();
    assert_eq!(seen.len(), 1);
    let attributes = &seen[0].1["object_attributes"];
    assert_eq!((&attributes["action"], &attributes["title"]), (&json!("open"), &json!("Draft: Add search")));
    assert_eq!(seen[0].1["reviewers"][0]["username"], json!("bob"));
    // Who is asked at the opening stands in a note, and labels are events (`handle_changes` of MergeRequests::BaseService).
    let (_, notes) = served.read(&format!("{LIST}/2/notes?sort=asc"), READER).await;
    let bodies: Vec<&Value> = notes.as_array().unwrap().iter().map(|note| &note["body"]).collect();
    assert_eq!(bodies, [&json!("assigned to @bob"), &json!("requested review from @bob")]);
    let again = served.write("POST", LIST, OWNER, body).await;
    let words = "Another open merge request already exists for this source branch: !2";
    assert_eq!(again, (409, json!({ "message": [words] })));
}

#[tokio::test]
async fn what_gitlab_refuses_to_open_is_refused() {
    let served = serve(world()).await;
    let same = json!({ "title": "x", "source_branch": "main", "target_branch": "main" });

    let refused = served.write("POST", LIST, OWNER, same).await;
    assert_eq!(refused, (422, json!({ "message": ["You can't use same project/branch for source and target"] })));
    let (status, refused) = served.write("POST", LIST, OWNER, json!({ "title": "x" })).await;
    assert_eq!((status, refused), (400, json!({ "error": "source_branch is missing, target_branch is missing" })));
    let body = json!({ "title": " ", "source_branch": "feature", "target_branch": "main" });
    assert_eq!(served.write("POST", LIST, OWNER, body.clone()).await.0, 400);
    assert_eq!(served.write("POST", LIST, READER, body).await.0, 403, "read_api does not write");
    let body = json!({ "title": "Lost", "source_branch": "nowhere", "target_branch": "main" });
    // GitLab's model does not look whether the branch is there.
    let (status, made) = served.write("POST", LIST, OWNER, body).await;
    assert_eq!((status, &made["sha"]), (201, &Value::Null));
}

#[tokio::test]
async fn one_change_of_several_things_fires_one_hook() {
    let (served, receiver, _) = hooked(world(), json!({})).await;
    served.simulator.world(|world| {
        let milestone = Milestone { id: 7, owner: Owner::Project(1), title: "1.0".to_owned(), ..Milestone::default() };
        world.insert_milestone(milestone);
    });
    let bob = served.simulator.read(|world| world.user_by_name("bob").unwrap().id);
    let body = json!({ "title": "Draft: Add logout", "add_labels": "ui", "reviewer_ids": [bob], "milestone_id": 7 });

    let (status, changed) = served.write("PUT", FIRST, DEVELOPER, body).await;
    assert_eq!((status, &changed["title"], &changed["labels"]), (200, &json!("Draft: Add logout"), &json!(["ui"])));
    served.simulator.settled().await;
    let seen = receiver.seen();
    assert_eq!(seen.len(), 1);
    let mut keys: Vec<&String> = seen[0].1["changes"].as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["draft", "labels", "milestone_id", "reviewers", "title"]);
    assert_eq!(seen[0].1["user"]["username"], json!("bob"));
    assert_eq!(seen[0].1["labels"][0]["title"], json!("ui"));
    // Drafting and another title are a note each.
    let (_, notes) = served.read(&format!("{FIRST}/notes"), READER).await;
    assert_eq!(notes.as_array().unwrap().len(), 3);
    let nothing = served.write("PUT", FIRST, DEVELOPER, json!({ "remove_labels": "ui", "reviewer_ids": [] })).await;
    assert_eq!((&nothing.1["labels"], &nothing.1["reviewers"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn closing_and_reopening_are_state_events() {
    let served = serve(world()).await;

    let (_, closed) = served.write("PUT", FIRST, OWNER, json!({ "state_event": "close" })).await;
    assert_eq!((&closed["state"], &closed["closed_by"]["username"]), (&json!("closed"), &json!("ann")));
    let (_, open) = served.write("PUT", FIRST, OWNER, json!({ "state_event": "reopen" })).await;
    assert_eq!(open["state"], json!("opened"));
    let (_, events) = served.read(&format!("{FIRST}/resource_state_events"), READER).await;
    assert_eq!((&events[0]["state"], &events[1]["state"]), (&json!("closed"), &json!("reopened")));
    let (status, refused) = served.write("PUT", FIRST, OWNER, json!({})).await;
    assert_eq!(status, 400);
    assert!(refused["error"].as_str().unwrap().ends_with("are missing, at least one parameter must be provided"));
}

#[tokio::test]
async fn authors_change_their_own_and_other_guests_nothing() {
    let world = world()
        .with_group("acme", |group| group.member("rep", Role::Reporter))
        .with_token("glpat-rep", |token| token.user("rep"))
        .with_project("acme/web", |project| project.merge_request("Mine", |found| found.by("rep")));
    let served = serve(world).await;

    let refused = served.write("PUT", FIRST, "glpat-rep", json!({ "title": "No" })).await;
    assert_eq!(refused, (403, json!({ "message": "403 Forbidden" })));
    let own = served.write("PUT", &format!("{LIST}/2"), "glpat-rep", json!({ "title": "Ours" })).await;
    assert_eq!((own.0, &own.1["title"]), (200, &json!("Ours")));
    assert_eq!(served.write("DELETE", &format!("{LIST}/2"), "glpat-rep", Value::Null).await.0, 403);
    assert_eq!(served.write("DELETE", &format!("{LIST}/2"), OWNER, Value::Null).await.0, 204);
    assert_eq!(served.read(&format!("{LIST}/2"), OWNER).await.0, 404);
}

#[tokio::test]
async fn merging_minds_role_head_and_readiness() {
    let world = world()
        .with_group("acme", |group| group.member("rep", Role::Reporter))
        .with_token("glpat-rep", |token| token.user("rep"))
        .with_project("acme/web", |project| project.merge_request("Draft: Later", |found| found));
    let served = serve(world).await;
    let head = served.read(FIRST, READER).await.1["sha"].as_str().unwrap().to_owned();

    assert_eq!(served.write("PUT", &format!("{FIRST}/merge"), "glpat-rep", Value::Null).await.0, 401);
    let stale = served.write("PUT", &format!("{FIRST}/merge"), OWNER, json!({ "sha": "0000" })).await;
    assert_eq!(stale, (409, json!({ "message": format!("SHA does not match HEAD of source branch: {head}") })));
    let draft = served.write("PUT", &format!("{LIST}/2/merge"), OWNER, Value::Null).await;
    assert_eq!(draft, (405, json!({ "message": "405 Method Not Allowed" })));
    let (status, merged) = served.write("PUT", &format!("{FIRST}/merge"), OWNER, json!({ "sha": head })).await;
    assert_eq!((status, &merged["state"], &merged["merge_user"]["username"]), (200, &json!("merged"), &json!("ann")));
    assert_eq!(served.write("PUT", &format!("{FIRST}/merge"), OWNER, Value::Null).await.0, 405);
    let rebased = served.write("PUT", &format!("{LIST}/2/rebase"), OWNER, Value::Null).await;
    assert_eq!(rebased, (202, json!({ "rebase_in_progress": true })));
}

#[tokio::test]
async fn approving_twice_misleads_as_it_did_before_19_3() {
    let served = serve(world()).await;
    let approve = format!("{FIRST}/approve");

    assert_eq!(served.write("POST", &approve, DEVELOPER, json!({ "sha": "0000" })).await.0, 409);
    let (status, approved) = served.write("POST", &approve, DEVELOPER, Value::Null).await;
    assert_eq!((status, &approved["approved_by"][0]["user"]["username"]), (201, &json!("bob")));
    assert_eq!(served.write("POST", &approve, DEVELOPER, Value::Null).await.0, 401);
    let unapprove = format!("{FIRST}/unapprove");
    assert_eq!(served.write("POST", &unapprove, DEVELOPER, Value::Null).await.0, 201);
    let nothing = served.write("POST", &unapprove, DEVELOPER, Value::Null).await;
    assert_eq!(nothing, (404, json!({ "message": "404 Not Found" })));
    let served = serve(world().with_version("19.3")).await;
    served.write("POST", &approve, DEVELOPER, Value::Null).await;
    assert_eq!(served.write("POST", &approve, DEVELOPER, Value::Null).await.0, 304);
}

#[tokio::test]
async fn authors_approve_their_own_in_the_community_edition_alone() {
    let served = serve(world()).await;
    assert_eq!(served.write("POST", &format!("{FIRST}/approve"), OWNER, Value::Null).await.0, 401);

    let served = serve(world().with_edition(Edition::Community)).await;
    assert_eq!(served.write("POST", &format!("{FIRST}/approve"), OWNER, Value::Null).await.0, 201);
}

#[tokio::test]
async fn only_bots_reset_approvals() {
    let world = world().with_group_token("glpat-bot", "acme", Role::Maintainer, &[Scope::Api]);
    let served = serve(world).await;
    served.simulator.world(|world| world.approve(1, "bob"));
    let reset = format!("{FIRST}/reset_approvals");

    assert_eq!(served.write("PUT", &reset, OWNER, Value::Null).await.0, 401);
    assert_eq!(served.write("PUT", &reset, "glpat-bot", Value::Null).await.0, 202);
    assert_eq!(served.read(&format!("{FIRST}/approvals"), READER).await.1["approved_by"], json!([]));
}
