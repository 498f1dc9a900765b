//! `not` and `or`.

use serde_json::Value as Json;

use crate::graphql::context::Context;
use crate::world::{MergeRequest, Timebox};

use super::rows::{has_approved, has_label, has_reaction, in_review, is_assigned, is_reviewer, is_user};

/// Whether a merge request is nothing of what must not be. `reviewer` is the one that the list asks for.
pub(super) fn holds(ctx: &Context<'_>, row: &MergeRequest, not: &Json, reviewer: Option<&str>) -> bool {
    let any = |name: &str, test: &dyn Fn(&str) -> bool| texts(not.get(name)).iter().any(|text| test(text));
    let states = texts(not.get("reviewStates"));
    let only = not.get("onlyReviewer") == Some(&Json::Bool(true)) && row.reviewers.len() == 1;
    !(any("approvedBy", &|name| has_approved(ctx, row, name))
        || any("assigneeUsernames", &|name| is_assigned(ctx, row, name))
        || any("authorUsername", &|name| is_user(ctx, row.author, name))
        || any("labelName", &|label| has_label(ctx, row, label))
        || any("labels", &|label| has_label(ctx, row, label))
        || any("milestoneTitle", &|title| !ctx.world.is_planned_otherwise(row.milestone, &Timebox::titled(title)))
        || any("myReactionEmoji", &|emoji| has_reaction(row, ctx.caller.user, emoji))
        || any("reviewerUsername", &|name| is_reviewer(ctx, row, name))
        || any("sourceBranches", &|name| row.source_branch == name)
        || any("targetBranches", &|name| row.target_branch == name)
        || (!states.is_empty() && in_review(row, &states, None, None))
        || (only && reviewer.is_none_or(|name| is_reviewer(ctx, row, name))))
}

/// Whether one of several is true.
pub(super) fn any_of(ctx: &Context<'_>, row: &MergeRequest, or: &Json) -> bool {
    let names = texts(or.get("assigneeUsernames"));
    names.is_empty() || names.iter().any(|name| is_assigned(ctx, row, name))
}

fn texts(value: Option<&Json>) -> Vec<&str> {
    match value {
        Some(Json::String(text)) => vec![text],
        Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}
