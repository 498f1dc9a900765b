//! Approval rules.

use serde_json::{Value, json};

use super::{group, user_basic};
use crate::world::{ApprovalRule, MergeRequest, Project, RuleKind, World};

fn users(world: &World, ids: &[i64]) -> Value {
    ids.iter().map(|id| user_basic(world, Some(*id))).collect()
}

fn common(world: &World, rule: &ApprovalRule) -> Value {
    json!({
        "id": rule.id,
        "name": rule.name,
        "rule_type": rule.kind.name(),
        "report_type": null,
        "eligible_approvers": users(world, &world.eligible_approvers(rule)),
        "approvals_required": rule.required,
        "users": users(world, &rule.users),
        "groups": rule.groups.iter().filter_map(|id| world.group(*id)).map(|found| group(world, found)).collect::<Value>(),
        "contains_hidden_groups": false,
    })
}

/// A rule of a merge request.
pub(crate) fn approval_rule(world: &World, rule: &ApprovalRule) -> Value {
    let mut shown = common(world, rule);
    shown["section"] = json!(rule.section);
    shown["source_rule"] = Value::Null;
    shown["overridden"] = json!(false);
    shown
}

/// A rule of a merge request, with how far it is.
pub(crate) fn approval_state(world: &World, found: &MergeRequest, rule: &ApprovalRule) -> Value {
    let mut shown = approval_rule(world, rule);
    shown["code_owner"] = json!(rule.kind == RuleKind::CodeOwner);
    shown["approved_by"] = users(world, &world.approvers_of(found, rule));
    shown["approved"] = json!(world.rule_left(found, rule) == 0);
    shown
}

/// A rule of a project.
pub(crate) fn project_approval_rule(world: &World, rule: &ApprovalRule) -> Value {
    let mut shown = common(world, rule);
    shown["applies_to_all_protected_branches"] = json!(false);
    shown["protected_branches"] = json!([]);
    shown
}

/// What a project says of approvals (`lib/api/entities/approval_settings.rb`): what the World lets nobody change is as a new
/// project has it.
pub(crate) fn approval_settings(world: &World, project: &Project) -> Value {
    let any = project.approval_rules.iter().find(|rule| rule.kind == RuleKind::AnyApprover);
    let mut shown = json!({
        "approvers": [],
        "approver_groups": [],
        "approvals_before_merge": any.map_or(0, |rule| rule.required),
        "reset_approvals_on_push": project.reset_approvals_on_push,
        "selective_code_owner_removals": false,
        "disable_overriding_approvers_per_merge_request": false,
        "merge_requests_author_approval": false,
        "merge_requests_disable_committers_approval": false,
        "require_password_to_approve": false,
    });
    if world.settings.at_least(17, 1) {
        shown["require_reauthentication_to_approve"] = json!(false);
    }
    shown
}
