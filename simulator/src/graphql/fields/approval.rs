//! Approval rules of a merge request: the one that anybody may satisfy, and those for named people and groups.

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::order::{By, Order};
use crate::graphql::value::{Object, Rule, Value};
use crate::world::{ApprovalRule, MergeRequest};

use super::kit::page;

/// Resolves a field of a rule.
pub(crate) type OnRule = for<'w> fn(&Context<'w>, &Rule<'w>, &Arguments) -> Value<'w>;

/// The rules that name somebody (`applicable_approval_rules_for_user`).
pub(crate) fn rules_for<'w>(ctx: &Context<'w>, of: &'w MergeRequest, user: i64) -> Value<'w> {
    rules(ctx, of, |rule| ctx.world.eligible_approvers(rule).contains(&user))
}

fn rules<'w>(ctx: &Context<'w>, of: &'w MergeRequest, is_meant: impl Fn(&ApprovalRule) -> bool) -> Value<'w> {
    let all = ctx.world.rules_of(of).into_iter().filter(is_meant);
    Value::List(all.map(|rule| Value::Object(Object::ApprovalRule(Rule { of, terms: rule.into() }))).collect())
}

/// What the rules come to.
pub(crate) fn state<'w>(ctx: &Context<'w>, of: &'w MergeRequest) -> Value<'w> {
    let nobody = page(Vec::new(), Order::ascending(By::Id), &Arguments::default());
    Value::record([
        ("rules", rules(ctx, of, |_| true)),
        ("approvalRulesOverwritten", Value::Bool(!of.rules.is_empty())),
        ("invalidApproversRules", Value::List(Vec::new())),
        ("suggestedApprovers", nobody),
    ])
}

/// Those whose approvals stand.
pub(crate) fn approvers<'w>(ctx: &Context<'w>, of: &'w MergeRequest, arguments: &Arguments) -> Value<'w> {
    people(ctx, of.approvals.iter().map(|approval| approval.user).collect(), arguments)
}

pub(crate) fn field(name: &str) -> Option<OnRule> {
    Some(match name {
        "id" => |_, rule, _| Value::Gid("ApprovalMergeRequestRule", rule.terms.id),
        "name" => |_, rule, _| Value::Text(rule.terms.name.clone()),
        "type" => |_, rule, _| Value::Text(rule.terms.kind.name().to_uppercase()),
        "approvalsRequired" => |_, rule, _| Value::Int(rule.terms.required),
        "approved" => |ctx, rule, _| Value::Bool(ctx.world.rule_left(rule.of, &rule.terms) == 0),
        "approvedBy" => |ctx, rule, arguments| people(ctx, ctx.world.approvers_of(rule.of, &rule.terms), arguments),
        "commentedBy" => |ctx, rule, arguments| {
            let eligible = ctx.world.eligible_approvers(&rule.terms);
            let notes = ctx.notes(rule.of).filter(|note| !note.system());
            let mut writers: Vec<_> = notes.filter_map(|note| note.author).filter(|id| eligible.contains(id)).collect();
            writers.sort_unstable();
            writers.dedup();
            people(ctx, writers, arguments)
        },
        "users" => |ctx, rule, arguments| people(ctx, rule.terms.users.clone(), arguments),
        "groups" => |ctx, rule, arguments| {
            let seen = rule.terms.groups.iter().filter_map(|id| ctx.group(Some(*id))).map(Object::Group);
            page(seen.collect(), Order::ascending(By::Id), arguments)
        },
        "containsHiddenGroups" => {
            |ctx, rule, _| Value::Bool(rule.terms.groups.iter().any(|id| ctx.group(Some(*id)).is_none()))
        }
        "eligibleApprovers" => |ctx, rule, _| {
            let eligible = ctx.world.eligible_approvers(&rule.terms).into_iter();
            Value::List(eligible.filter_map(|id| ctx.person(Some(id), None)).map(Value::Object).collect())
        },
        "section" => |_, rule, _| rule.terms.section.clone().map_or(Value::Null, Value::Text),
        "scanResultPolicies" => |_, _, _| Value::List(Vec::new()),
        "overridden" | "invalid" | "allowMergeWhenInvalid" => |_, _, _| Value::Bool(false),
        "sourceRule" => |_, _, _| Value::Null,
        _ => return None,
    })
}

fn people<'w>(ctx: &Context<'w>, users: Vec<i64>, arguments: &Arguments) -> Value<'w> {
    let people = users.into_iter().filter_map(|id| ctx.person(Some(id), None));
    page(people.collect(), Order::ascending(By::Id), arguments)
}
