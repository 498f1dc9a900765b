//! Who takes part.

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::world::MergeRequest;

use super::rows::{has_approved, is_assigned, is_reviewer, is_user};

/// The filters that name people.
pub(super) struct People<'a> {
    author: Option<&'a str>,
    assignees: Vec<&'a str>,
    any_assignee: Option<bool>,
    reviewer: Option<&'a str>,
    any_reviewer: Option<bool>,
    merged_by: Option<&'a str>,
    approved_by: Vec<&'a str>,
    approvers: Vec<&'a str>,
}

impl<'a> People<'a> {
    pub(super) fn of(arguments: &'a Arguments) -> People<'a> {
        let mut assignees = arguments.texts("assigneeUsernames").unwrap_or_default();
        assignees.extend(arguments.text("assigneeUsername"));
        let wildcard = |name: &str| arguments.text(name).map(|value| value == "ANY");
        People {
            author: arguments.text("authorUsername"),
            assignees,
            any_assignee: wildcard("assigneeWildcardId"),
            reviewer: arguments.text("reviewerUsername"),
            any_reviewer: wildcard("reviewerWildcardId"),
            merged_by: arguments.text("mergedBy"),
            approved_by: arguments.texts("approvedBy").unwrap_or_default(),
            approvers: arguments.texts("approver").unwrap_or_default(),
        }
    }

    pub(super) fn match_all(&self, ctx: &Context<'_>, row: &MergeRequest) -> bool {
        self.author.is_none_or(|name| is_user(ctx, row.author, name))
            && self.assignees.iter().all(|name| is_assigned(ctx, row, name))
            && self.any_assignee.is_none_or(|any| any != row.assignees.is_empty())
            && self.reviewer.is_none_or(|name| is_reviewer(ctx, row, name))
            && self.any_reviewer.is_none_or(|any| any != row.reviewers.is_empty())
            && self.merged_by.is_none_or(|name| is_user(ctx, row.merge_user, name))
            && self.approved_by.iter().all(|name| has_approved(ctx, row, name))
            && self.approvers.iter().all(|name| may_approve(ctx, row, name))
    }
}

/// Whether a rule names somebody, alone or as a member of a group.
fn may_approve(ctx: &Context<'_>, row: &MergeRequest, name: &str) -> bool {
    let Some(user) = ctx.user_id(name) else {
        return false;
    };
    let in_group = |id: &i64| {
        let group = ctx.world.group(*id);
        group.is_some_and(|group| group.members.iter().any(|member| member.user == user))
    };
    row.rules.iter().any(|rule| rule.users.contains(&user) || rule.groups.iter().any(in_group))
}
