//! Approval rules of a merge request: the one that anybody may satisfy, and those for named people and groups.

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::order::{By, Order};
use crate::graphql::value::{Object, Rule, Value};
use crate::world::{MergeRequest, RuleKind};

use super::kit::page;

/// Resolves a field of a rule.
pub(crate) type OnRule = for<'w> fn(&Context<'w>, Rule<'w>, &Arguments) -> Value<'w>;

/// The rules that apply to a merge request; without a licence there are none.
pub(crate) fn rules<'w>(ctx: &Context<'w>, of: &'w MergeRequest) -> Value<'w> {
    if !ctx.world.settings.edition.licensed() {
        return Value::List(Vec::new());
    }
    let named = of.rules.iter().map(|rule| Rule { of, named: Some(rule) });
    let all = std::iter::once(Rule { of, named: None }).chain(named);
    Value::List(all.map(|rule| Value::Object(Object::ApprovalRule(rule))).collect())
}

/// What the rules come to.
pub(crate) fn state<'w>(ctx: &Context<'w>, of: &'w MergeRequest) -> Value<'w> {
    let nobody = page(Vec::new(), Order::ascending(By::Id), &Arguments::default());
    Value::record([
        ("rules", rules(ctx, of)),
        ("approvalRulesOverwritten", Value::Bool(false)),
        ("invalidApproversRules", Value::List(Vec::new())),
        ("suggestedApprovers", nobody),
    ])
}

/// Those whose approvals stand.
pub(crate) fn approvers<'w>(ctx: &Context<'w>, of: &'w MergeRequest, arguments: &Arguments) -> Value<'w> {
    people(ctx, of.approvals.iter().map(|approval| approval.user), arguments)
}

pub(crate) fn field(name: &str) -> Option<OnRule> {
    Some(match name {
        "id" => |_, rule, _| match rule.named {
            Some(named) => Value::Gid("ApprovalMergeRequestRule", named.id),
            None => Value::Gid("ApprovalMergeRequestRule", rule.of.id),
        },
        "name" => |_, rule, _| Value::Str(rule.named.map_or("All Members", |named| &named.name)),
        "type" => |_, rule, _| Value::Text(kind(rule).name().to_uppercase()),
        "approvalsRequired" => |ctx, rule, _| Value::Int(required(ctx, rule)),
        "approved" => |ctx, rule, _| {
            let given = i64::try_from(given(ctx, rule).count()).unwrap_or(i64::MAX);
            Value::Bool(given >= required(ctx, rule))
        },
        "approvedBy" => |ctx, rule, arguments| people(ctx, given(ctx, rule), arguments),
        "commentedBy" => |ctx, rule, arguments| {
            let eligible = eligible(ctx, rule);
            let notes = ctx.notes(rule.of).filter(|note| !note.system());
            let mut writers: Vec<_> = notes.filter_map(|note| note.author).filter(|id| eligible.contains(id)).collect();
            writers.sort_unstable();
            writers.dedup();
            people(ctx, writers.into_iter(), arguments)
        },
        "users" => |ctx, rule, arguments| {
            let users = rule.named.into_iter().flat_map(|named| named.users.iter().copied());
            people(ctx, users, arguments)
        },
        "groups" => |ctx, rule, arguments| {
            let groups = rule.named.into_iter().flat_map(|named| &named.groups);
            let seen = groups.filter_map(|id| ctx.group(Some(*id))).map(Object::Group);
            page(seen.collect(), Order::ascending(By::Id), arguments)
        },
        "containsHiddenGroups" => |ctx, rule, _| {
            let mut groups = rule.named.into_iter().flat_map(|named| &named.groups);
            Value::Bool(groups.any(|id| ctx.group(Some(*id)).is_none()))
        },
        "eligibleApprovers" => |ctx, rule, _| {
            let users = eligible(ctx, rule).into_iter().filter_map(|id| ctx.person(Some(id), None));
            Value::List(users.map(Value::Object).collect())
        },
        "section" => |_, rule, _| Value::str(rule.named.and_then(|named| named.section.as_deref())),
        "scanResultPolicies" => |_, _, _| Value::List(Vec::new()),
        "overridden" | "invalid" | "allowMergeWhenInvalid" => |_, _, _| Value::Bool(false),
        "sourceRule" => |_, _, _| Value::Null,
        _ => return None,
    })
}

fn kind(rule: Rule<'_>) -> RuleKind {
    rule.named.map_or(RuleKind::AnyApprover, |named| named.kind)
}

fn required(ctx: &Context<'_>, rule: Rule<'_>) -> i64 {
    rule.named.map_or_else(|| ctx.world.approvals_required(rule.of), |named| named.required)
}

/// Whose approval counts for a rule. The one for anybody names nobody.
fn eligible(ctx: &Context<'_>, rule: Rule<'_>) -> Vec<i64> {
    let Some(named) = rule.named else {
        return Vec::new();
    };
    let groups = named.groups.iter().filter_map(|id| ctx.world.group(*id));
    let members = groups.flat_map(|group| group.members.iter().map(|member| member.user));
    let mut users: Vec<_> = named.users.iter().copied().chain(members).collect();
    users.sort_unstable();
    users.dedup();
    users
}

/// Who has approved for a rule.
fn given<'w>(ctx: &Context<'w>, rule: Rule<'w>) -> impl Iterator<Item = i64> + use<'w> {
    let eligible = eligible(ctx, rule);
    let counts = move |user: &i64| rule.named.is_none() || eligible.contains(user);
    rule.of.approvals.iter().map(|approval| approval.user).filter(counts)
}

fn people<'w>(ctx: &Context<'w>, users: impl Iterator<Item = i64>, arguments: &Arguments) -> Value<'w> {
    let people = users.filter_map(|id| ctx.person(Some(id), None));
    page(people.collect(), Order::ascending(By::Id), arguments)
}
