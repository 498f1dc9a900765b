//! Approval rules, as far as the World has them: one rule that anyone may satisfy.

use crate::world::MergeRequest;

use super::kit::{On, page};
use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::order::{By, Order};
use crate::graphql::value::{Object, Value};

/// The rules that apply to a merge request.
pub(crate) fn rules<'w>(ctx: &Context<'w>, merge_request: &'w MergeRequest) -> Value<'w> {
    let licensed = ctx.world.settings.edition.licensed();
    let rule = licensed.then_some(Value::Object(Object::ApprovalRule(merge_request)));
    Value::List(rule.into_iter().collect())
}

/// Those whose approvals stand.
pub(crate) fn approvers<'w>(ctx: &Context<'w>, merge_request: &'w MergeRequest, arguments: &Arguments) -> Value<'w> {
    let users = merge_request.approvals.iter().filter_map(|approval| ctx.person(Some(approval.user), None));
    page(ctx, users.collect(), Order::ascending(By::Id), arguments)
}

pub(crate) fn rule_field(name: &str) -> Option<On<MergeRequest>> {
    Some(match name {
        "id" => |_, of, _| Value::Gid("ApprovalMergeRequestRule", of.id),
        "name" => |_, _, _| Value::Str("All Members"),
        "type" => |_, _, _| Value::Str("ANY_APPROVER"),
        "approvalsRequired" => |ctx, of, _| Value::Int(ctx.world.approvals_required(of)),
        "approved" => |ctx, of, _| Value::Bool(ctx.world.approvals_left(of) == 0),
        "approvedBy" => |ctx, of, arguments| approvers(ctx, of, arguments),
        "users" => |ctx, _, arguments| page(ctx, Vec::new(), Order::ascending(By::Id), arguments),
        "eligibleApprovers" => |_, _, _| Value::List(Vec::new()),
        "containsHiddenGroups" | "overridden" | "invalid" => |_, _, _| Value::Bool(false),
        "section" => |_, _, _| Value::Null,
        _ => return None,
    })
}
