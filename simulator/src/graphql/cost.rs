//! What a query costs by GitLab's rules, reckoned before it runs.

use apollo_compiler::ast::Value;
use serde_json::Value as Json;

use super::arguments::Arguments;
use super::paging::PAGE_SIZE;
use super::plan::{Field, Plan};

/// The complexity of what is asked of a type.
pub(crate) fn complexity(plan: &Plan<'_>) -> i64 {
    plan.fields.iter().map(field_complexity).sum()
}

/// How deep the fields are nested.
pub(crate) fn depth(plan: &Plan<'_>) -> usize {
    let below = |field: &Field<'_>| field.plans.iter().map(depth).max().unwrap_or_default();
    let introspection = |field: &&Field<'_>| !field.response_key.starts_with("__");
    let deepest = plan.fields.iter().filter(introspection).map(|field| 1 + below(field));
    deepest.max().unwrap_or_default()
}

fn field_complexity(field: &Field<'_>) -> i64 {
    if field.resolve.is_later() {
        return 0;
    }
    let children = field.plans.iter().map(complexity).max().unwrap_or_default();
    let directives = &field.definition.directives;
    let gitaly = i64::from(directives.has("gitaly"));
    if let Some(own) = directives.get("cost").and_then(|cost| int(cost.specified_argument_by_name("own")?)) {
        return own + children;
    }
    let Some(resolver) = directives.get("resolver") else {
        return 1 + gitaly + children;
    };

    // A resolver costs more for sorting and searching, and with the number of items it may load.
    let extra = resolver.specified_argument_by_name("extra").and_then(|extra| int(extra));
    let mut cost = children + 1 + extra.unwrap_or_default() + gitaly;
    cost += i64::from(given(&field.arguments, "sort"));
    cost += 5 * i64::from(given(&field.arguments, "search"));
    let named = given(&field.arguments, "iid") || given(&field.arguments, "iids");
    if named || !field.definition.ty.inner_named_type().ends_with("Connection") {
        return cost;
    }
    let size = |name: &str| field.arguments.get(name).and_then(Json::as_i64);
    let limit = [size("first"), size("last"), Some(PAGE_SIZE)].into_iter().flatten().min();
    // One percent per item, rounded down as Ruby's `to_i` does.
    cost + cost * limit.unwrap_or(PAGE_SIZE) / 100
}

fn given(arguments: &Arguments, name: &str) -> bool {
    arguments.get(name).is_some_and(|value| value != &Json::Bool(false))
}

fn int(value: &Value) -> Option<i64> {
    value.to_i32().map(i64::from)
}
