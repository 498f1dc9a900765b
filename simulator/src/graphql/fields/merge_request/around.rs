//! What hangs on a merge request: notes, reactions, issues, and what a fresh project has none of.

use std::collections::HashSet;

use crate::graphql::fields::kit::{On, page};
use crate::graphql::fields::{award, note};
use crate::graphql::order::Order;
use crate::graphql::value::Value;
use crate::world::{MergeRequest, Note};

pub(super) fn field(name: &str) -> Option<On<MergeRequest>> {
    Some(match name {
        "notes" => note::page_of,
        "discussions" => note::discussions,
        "userNotesCount" => |_, one, _| Value::Int(one.user_notes_count()),
        "userDiscussionsCount" => |_, one, _| Value::count(threads(one, |_| true)),
        "resolvableDiscussionsCount" => |_, one, _| Value::count(threads(one, |note| note.resolvable)),
        "resolvedDiscussionsCount" => {
            |_, one, _| Value::count(threads(one, |note| note.resolvable && note.resolved.is_some()))
        }
        "awardEmoji" => award::page_of,
        "upvotes" => |_, one, _| Value::Int(one.upvotes()),
        "downvotes" => |_, one, _| Value::Int(one.downvotes()),
        "linkedWorkItems" => |_, one, arguments| {
            let types = arguments.texts("types");
            let wanted = types.is_none_or(|types| types.contains(&"CLOSES"));
            let closed = one.closes.iter().filter(|_| wanted);
            Value::List(closed.map(|_| Value::record([("linkType", Value::Str("CLOSES"))])).collect())
        },

        "taskCompletionStatus" => |_, one, _| tasks(one.description.as_deref().unwrap_or_default()),
        "timeEstimate" | "totalTimeSpent" => |_, _, _| Value::Int(0),
        "currentUserTodos" | "diffLlmSummaries" | "duoWorkflows" | "timelogs" => {
            |_, _, arguments| page(Vec::new(), Order::NUMBERED, arguments)
        }
        "blockingMergeRequests" => |_, _, _| Value::record([("hiddenCount", Value::Int(0))]),
        "policiesOverridingApprovalSettings" | "policyBypassStatuses" => |_, _, _| Value::List(Vec::new()),
        "codequalityReportsComparer"
        | "findingReportsComparer"
        | "humanTimeEstimate"
        | "humanTotalTimeSpent"
        | "policyViolations"
        | "suggestedReviewers" => |_, _, _| Value::Null,
        _ => return None,
    })
}

/// The boxes of a task list in a description, and how many are ticked.
fn tasks<'w>(description: &str) -> Value<'w> {
    let items = description.lines().filter_map(|line| {
        let line = line.trim_start();
        let item = line.strip_prefix("- [").or_else(|| line.strip_prefix("* ["))?;
        item.chars().next().filter(|_| item.chars().nth(1) == Some(']'))
    });
    let boxes: Vec<_> = items.filter(|mark| matches!(mark, ' ' | 'x' | 'X')).collect();
    let ticked = boxes.iter().filter(|mark| **mark != ' ').count();
    Value::record([("count", Value::count(boxes.len())), ("completedCount", Value::count(ticked))])
}

fn threads(merge_request: &MergeRequest, counts: impl Fn(&Note) -> bool) -> usize {
    let notes = merge_request.notes.iter().filter(|note| !note.system() && counts(note));
    notes.map(|note| note.discussion).collect::<HashSet<_>>().len()
}
