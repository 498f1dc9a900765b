//! Approval rules.

use serde_json::{Value, json};

use super::{group, user_basic};
use crate::world::{ApprovalRule, MergeRequest, RuleKind, World};

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
