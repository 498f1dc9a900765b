//! What several rooms need of a merge request.

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::fields::kit::page;
use crate::graphql::order::{By, Order};
use crate::graphql::value::Value;
use crate::world::{MergeRequest, Project};

/// Its project.
pub(super) fn project<'w>(ctx: &Context<'w>, merge_request: &MergeRequest) -> Option<&'w Project> {
    ctx.project(Some(merge_request.project))
}

/// Its title, as people see it.
pub(super) fn title(merge_request: &MergeRequest) -> Value<'_> {
    if merge_request.draft {
        return Value::Text(merge_request.full_title());
    }
    Value::Str(&merge_request.title)
}

/// Its address below a root.
pub(super) fn path(ctx: &Context<'_>, root: &str, merge_request: &MergeRequest) -> String {
    let project = project(ctx, merge_request).map_or("", |project| &project.full_path);
    format!("{root}/{project}/-/merge_requests/{}", merge_request.iid)
}

/// A page of those who take part.
pub(super) fn people<'w>(
    ctx: &Context<'w>,
    merge_request: &'w MergeRequest,
    users: impl Iterator<Item = i64>,
    arguments: &Arguments,
) -> Value<'w> {
    let people = users.filter_map(|id| ctx.person(Some(id), Some(merge_request)));
    page(people.collect(), Order::ascending(By::Id), arguments)
}

/// Users, each once.
pub(super) fn distinct(users: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut users: Vec<_> = users.collect();
    users.sort_unstable();
    users.dedup();
    users
}
