//! Who takes part in a merge request.

use super::shared::{distinct, people};
use crate::graphql::context::Context;
use crate::graphql::fields::approval;
use crate::graphql::fields::kit::On;
use crate::graphql::value::Value;
use crate::world::{MergeRequest, ReviewState, Subscribable};

pub(super) fn field(name: &str) -> Option<On<MergeRequest>> {
    Some(match name {
        "author" => |ctx, one, _| Value::object(ctx.person(one.author, Some(one))),
        "mergeUser" => |ctx, one, _| ctx.user(one.merge_user),
        "assignees" => |ctx, one, arguments| people(ctx, one, one.assignees.iter().copied(), arguments),
        "reviewers" => {
            |ctx, one, arguments| people(ctx, one, one.reviewers.iter().map(|reviewer| reviewer.user), arguments)
        }
        "participants" => |ctx, one, arguments| people(ctx, one, participants(ctx, one).into_iter(), arguments),
        "subscribed" => |ctx, one, _| {
            let subject = Subscribable::MergeRequest(one.id);
            Value::Bool(ctx.caller.user.is_some_and(|user| ctx.world.subscribed(subject, user)))
        },
        "commenters" => |ctx, one, arguments| {
            let notes = ctx.notes(one).filter(|note| !note.system());
            people(ctx, one, distinct(notes.filter_map(|note| note.author)).into_iter(), arguments)
        },
        "committers" => |ctx, one, arguments| {
            let users = one.commits.iter().filter_map(|commit| ctx.user_by_email(&commit.author_email));
            people(ctx, one, distinct(users.map(|user| user.id)).into_iter(), arguments)
        },
        "approvedBy" => approval::approvers,
        "changeRequesters" => |ctx, one, arguments| {
            let asked = one.reviewers.iter().filter(|reviewer| reviewer.state == ReviewState::RequestedChanges);
            people(ctx, one, asked.map(|reviewer| reviewer.user), arguments)
        },

        "approved" => |ctx, one, _| Value::Bool(ctx.world.approvals_left(one) == 0),
        "approvalsRequired" => |ctx, one, _| Value::Int(ctx.world.approvals_required(one)),
        "approvalsLeft" => |ctx, one, _| Value::Int(ctx.world.approvals_left(one)),
        "approvalState" => |ctx, one, _| approval::state(ctx, one),
        "allowsMultipleAssignees" | "allowsMultipleReviewers" => {
            |ctx, _, _| Value::Bool(ctx.world.settings.edition.licensed())
        }
        _ => return None,
    })
}

fn participants(ctx: &Context<'_>, merge_request: &MergeRequest) -> Vec<i64> {
    let role = ctx.role(merge_request.project);
    let notes = merge_request.notes.iter().filter(|note| crate::world::World::sees_note(role, note));
    let writers = notes.filter(|note| !note.system()).filter_map(|note| note.author);
    let reviewers = merge_request.reviewers.iter().map(|reviewer| reviewer.user);
    let users = merge_request.author.into_iter().chain(merge_request.assignees.iter().copied());
    distinct(users.chain(reviewers).chain(writers))
}
