//! Approval rules, which GitLab has from Premium on.

use gitlab_simulator::World;
use gitlab_simulator::world::ApprovalRule;
use serde_json::{Value, json};

use crate::support::{data, world};

/// The usual three: the first, which bob approved, asks for anybody and for cy; the second for bob and for cy; the third for nobody.
fn ruled() -> World {
    let mut world = world();
    let project = world.project_by_path("acme/web").unwrap().id;
    let ids: Vec<_> = (1..=3).map(|iid| world.merge_request_by_iid(project, iid).unwrap().id).collect();
    let (bob, cy) = (world.user_named("bob"), world.user_named("cy"));
    let rule = |id, name: &str, user| ApprovalRule {
        id,
        name: name.to_owned(),
        required: 1,
        users: vec![user],
        ..ApprovalRule::default()
    };
    world.edit_merge_request(ids[0], |one| {
        one.approvals_required = 1;
        one.rules = vec![rule(901, "Security", cy)];
    });
    world.edit_merge_request(ids[1], |one| one.rules = vec![rule(902, "Docs", bob), rule(903, "Security", cy)]);
    world.edit_merge_request(ids[2], |one| one.approvals_required = 0);
    world
}

fn asked(world: &World, iid: i64, fields: &str) -> Value {
    let text = format!(r#"{{ project(fullPath: "acme/web") {{ mergeRequest(iid: "{iid}") {{ {fields} }} }} }}"#);
    data(world, "reader", &text)["project"]["mergeRequest"].clone()
}

// ee/app/models/approval_state.rb: the rules that were written down, each with the approvals of those whom it names.
#[test]
fn each_rule_shows_whom_it_names_and_whose_approvals_count_for_it() {
    let fields = "approvalState { approvalRulesOverwritten rules { name type approvalsRequired approved \
                  approvedBy { nodes { username } } eligibleApprovers { username } } }";

    let state = asked(&ruled(), 1, fields);
    let nobody = asked(&ruled(), 3, fields);

    let anybody = json!({
        "name": "All Members", "type": "ANY_APPROVER", "approvalsRequired": 1, "approved": true,
        "approvedBy": {"nodes": [{"username": "bob"}]}, "eligibleApprovers": []
    });
    let security = json!({
        "name": "Security", "type": "REGULAR", "approvalsRequired": 1, "approved": false,
        "approvedBy": {"nodes": []}, "eligibleApprovers": [{"username": "cy"}]
    });
    let expected = json!({"approvalRulesOverwritten": true, "rules": [anybody, security]});
    assert_eq!(state["approvalState"], expected);
    assert_eq!(nobody["approvalState"], json!({"approvalRulesOverwritten": false, "rules": []}));
}

// `applicable_approval_rules_for_user`: rules that name the reviewer; the one for any approver names nobody.
#[test]
fn the_rules_of_a_reviewer_are_those_that_name_him() {
    let answer =
        asked(&ruled(), 2, "reviewers { nodes { mergeRequestInteraction { applicableApprovalRules { name } } } }");

    let rules = &answer["reviewers"]["nodes"][0]["mergeRequestInteraction"]["applicableApprovalRules"];
    assert_eq!(*rules, json!([{"name": "Docs"}]));
}
