//! Approval rules (GitLab's `ee/lib/api/merge_request_approval_rules.rb` and `project_approval_rules.rb`).

use gitlab_simulator::world::{ApprovalRule, Edition, Role, RuleKind};
use serde_json::{Value, json};

use crate::support::{OWNER, READER, serve, small};

const RULES: &str = "/projects/acme%2Fweb/merge_requests/1/approval_rules";
const STATE: &str = "/projects/acme%2Fweb/merge_requests/1/approval_state";

#[tokio::test]
async fn a_rule_counts_its_own_people_and_the_members_of_its_groups() {
    let served = serve(small().with_group("leads", |group| group.member("lea", Role::Developer))).await;
    let (bob, leads) = served
        .simulator
        .read(|world| (world.user_by_name("bob").unwrap().id, world.group_by_path("leads").unwrap().id));
    let body = json!({ "name": "Leads", "approvals_required": 2, "user_ids": [bob], "group_ids": [leads] });

    let (status, rule) = served.write("POST", RULES, OWNER, body).await;
    assert_eq!((status, rule["eligible_approvers"].as_array().unwrap().len()), (201, 2));
    served.simulator.world(|world| {
        world.approve(1, "lea");
        world.approve(1, "stranger");
    });
    let (_, state) = served.read(STATE, READER).await;
    let rule = &state["rules"][0];
    assert_eq!((&rule["approved"], &rule["approved_by"][0]["username"]), (&json!(false), &json!("lea")));
    // A stranger's approval is in the list of approvals, and counts for no rule.
    let (_, approvals) = served.read("/projects/acme%2Fweb/merge_requests/1/approvals", READER).await;
    assert_eq!((&approvals["approvals_left"], approvals["approved_by"].as_array().unwrap().len()), (&json!(1), 2));
    served.simulator.world(|world| world.approve(1, "bob"));
    assert_eq!(served.read(STATE, READER).await.1["rules"][0]["approved"], json!(true));
}

#[tokio::test]
async fn the_rule_for_any_approver_names_nobody_and_counts_everybody() {
    let world = small().with_project("acme/web", |project| {
        project.merge_request("Two", |found| found.change(|found| found.approvals_required = 1).approve("stranger"))
    });
    let served = serve(world).await;

    let (_, state) = served.read("/projects/acme%2Fweb/merge_requests/2/approval_state", READER).await;
    let rule = &state["rules"][0];
    assert_eq!((&rule["rule_type"], &rule["eligible_approvers"]), (&json!("any_approver"), &json!([])));
    assert_eq!((&rule["approved"], &rule["approved_by"][0]["username"]), (&json!(true), &json!("stranger")));
}

#[tokio::test]
async fn rules_are_changed_and_removed_but_not_those_of_code_owners() {
    let served = serve(small()).await;
    served.simulator.world(|world| {
        let rule = ApprovalRule { id: 7, kind: RuleKind::CodeOwner, required: 1, ..ApprovalRule::default() };
        world.edit_merge_request(1, |found| found.rules.push(rule))
    });
    let body = json!({ "name": "Two", "approvals_required": 2, "usernames": ["bob"] });
    let (_, rule) = served.write("POST", RULES, OWNER, body).await;

    let one = format!("{RULES}/{}", rule["id"]);
    let (status, changed) = served.write("PUT", &one, OWNER, json!({ "approvals_required": 0 })).await;
    assert_eq!((status, &changed["approvals_required"], &changed["name"]), (200, &json!(0), &json!("Two")));
    assert_eq!(changed["users"][0]["username"], json!("bob"));
    assert_eq!(served.write("DELETE", &one, OWNER, Value::Null).await.0, 204);
    assert_eq!(served.read(&one, OWNER).await, (404, json!({ "message": "404 Not found" })));
    assert_eq!(served.write("DELETE", &format!("{RULES}/7"), OWNER, Value::Null).await.0, 403);
}

#[tokio::test]
async fn new_merge_requests_begin_with_the_rules_of_their_project() {
    let served = serve(small()).await;
    let path = "/projects/acme%2Fweb/approval_rules";

    let any = json!({ "name": "All Members", "rule_type": "any_approver", "approvals_required": 2 });
    assert_eq!(served.write("POST", path, OWNER, any).await.0, 201);
    let body = json!({ "name": "Security", "approvals_required": 1, "usernames": ["bob"] });
    assert_eq!(served.write("POST", path, OWNER, body.clone()).await.0, 201);
    let again = served.write("POST", path, OWNER, body).await;
    assert_eq!(again, (400, json!({ "message": { "name": ["has already been taken"] } })));
    served.simulator.world(|world| world.open_merge_request(1, "ann", "Fresh"));
    let (_, rules) = served.read("/projects/acme%2Fweb/merge_requests/2/approval_rules", READER).await;
    let kinds: Vec<&Value> = rules.as_array().unwrap().iter().map(|rule| &rule["rule_type"]).collect();
    assert_eq!(kinds, [&json!("any_approver"), &json!("regular")]);
    let (_, approvals) = served.read("/projects/acme%2Fweb/merge_requests/2/approvals", READER).await;
    assert_eq!(approvals["approvals_required"], json!(3));
}

#[tokio::test]
async fn without_a_licence_there_are_no_rules_and_without_the_code_no_routes() {
    let served = serve(small().with_edition(Edition::Unlicensed)).await;
    assert_eq!(served.read(RULES, READER).await, (200, json!([])));
    assert_eq!(served.read("/projects/acme%2Fweb/approval_rules", READER).await.0, 403);

    let served = serve(small().with_edition(Edition::Community)).await;
    assert_eq!(served.read(RULES, READER).await, (404, json!({ "error": "404 Not Found" })));
}

#[tokio::test]
async fn a_developer_changes_rules_of_merge_requests_and_a_maintainer_those_of_projects() {
    let world = small()
        .with_group("acme", |group| group.member("rep", Role::Reporter))
        .with_token("glpat-rep", |token| token.user("rep"))
        .with_token("glpat-bob", |token| token.user("bob"));
    let served = serve(world).await;
    let body = json!({ "name": "Mine", "approvals_required": 1 });

    assert_eq!(served.write("POST", RULES, "glpat-rep", body.clone()).await.0, 403);
    assert_eq!(served.write("POST", RULES, "glpat-bob", body.clone()).await.0, 201);
    let refused = served.write("POST", "/projects/acme%2Fweb/approval_rules", "glpat-bob", body).await;
    assert_eq!(refused, (403, json!({ "message": "403 Forbidden" })));
}

#[tokio::test]
async fn a_project_tells_its_maintainers_how_approvals_work_in_it() {
    let path = "/projects/acme%2Fweb/approvals";
    let served = serve(small()).await;
    let any = json!({ "name": "All Members", "rule_type": "any_approver", "approvals_required": 2 });
    served.write("POST", "/projects/acme%2Fweb/approval_rules", OWNER, any).await;

    // `lib/api/entities/approval_settings.rb`.
    let (status, told) = served.read(path, OWNER).await;
    assert_eq!((status, &told["approvals_before_merge"]), (200, &json!(2)));
    assert_eq!((&told["reset_approvals_on_push"], &told["approvers"]), (&json!(true), &json!([])));
    assert!(told.get("require_reauthentication_to_approve").is_some());
    assert_eq!(served.read(path, READER).await.0, 403);

    let community = serve(small().with_edition(Edition::Community)).await;
    assert_eq!(community.read(path, OWNER).await, (404, json!({ "error": "404 Not Found" })));
}
