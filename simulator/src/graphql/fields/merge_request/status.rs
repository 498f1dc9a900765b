//! Where a merge request stands, and how it is to be merged.

use super::checks;
use super::shared::{project, title};
use crate::graphql::context::Context;
use crate::graphql::fields::kit::{On, permissions};
use crate::graphql::fields::pipeline;
use crate::graphql::schema::Level;
use crate::graphql::value::{Object, Value};
use crate::world::{MergeRequest, Role};

pub(super) fn field(name: &str) -> Option<On<MergeRequest>> {
    Some(match name {
        "detailedMergeStatus" => |ctx, one, _| detailed_status(ctx, one),
        "mergeStatus" => |_, one, _| Value::Str(one.merge_status()),
        "mergeStatusEnum" => |_, one, _| Value::Str(if one.conflicts { "CANNOT_BE_MERGED" } else { "CAN_BE_MERGED" }),
        "conflicts" => |_, one, _| Value::Bool(one.conflicts),
        "mergeError" => |_, one, _| one.merge_error.map_or(Value::Null, Value::Str),
        "autoMergeEnabled" | "mergeWhenPipelineSucceeds" => |_, one, _| Value::Bool(one.auto_merge),
        "autoMergeStrategy" => |ctx, one, _| auto_merge_strategy(ctx, one),
        "availableAutoMergeStrategies" => {
            |ctx, one, _| Value::List(ctx.world.auto_merge_strategy(one).into_iter().map(Value::Str).collect())
        }
        "mergeable" => |ctx, one, _| Value::Bool(is_mergeable(ctx, one)),
        "mergeabilityChecks" => |ctx, one, _| checks::all(ctx, one),
        "mergeableDiscussionsState" => |_, one, _| Value::Bool(one.discussions_resolved()),
        "hidden" => |ctx, one, _| Value::Bool(ctx.world.hidden(one)),
        "squash" | "squashOnMerge" => |_, one, _| Value::Bool(one.squash),
        "mergeCommitSha" => |_, one, _| one.merge_commit_sha.map_or(Value::Null, Value::Sha),
        "defaultMergeCommitMessage" | "defaultSquashCommitMessage" => |_, one, _| title(one),
        "userPermissions" => |ctx, one, _| {
            let writes = ctx.role(one.project) >= Role::Developer;
            permissions([
                ("readMergeRequest", true),
                ("createNote", !ctx.caller.anonymous()),
                ("canMerge", writes),
                ("updateMergeRequest", writes),
            ])
        },

        "headPipeline" => |ctx, one, _| {
            let readable = project(ctx, one).is_some_and(|project| ctx.rights(project).builds);
            let head = readable.then(|| ctx.world.head_pipeline(one)).flatten();
            let pipeline = head.and_then(|id| ctx.world.pipeline(id));
            Value::object(pipeline.map(Object::Pipeline))
        },
        "hasCi" => |ctx, one, _| Value::Bool(ctx.world.head_pipeline(one).is_some()),
        "pipelines" => |ctx, one, arguments| {
            let readable = project(ctx, one).filter(|project| ctx.rights(project).builds);
            let all = readable.into_iter().flat_map(|_| ctx.world.pipelines_of_merge_request(one));
            pipeline::page_of(ctx, all, arguments)
        },

        "pipelineCreationRequests" => |_, _, _| Value::List(Vec::new()),
        "securityReportsUpToDateOnTargetBranch" => |_, _, _| Value::Bool(true),
        "allowCollaboration"
        | "discussionLocked"
        | "divergedFromTargetBranch"
        | "forceRemoveSourceBranch"
        | "hasSecurityReports"
        | "mergeOngoing"
        | "rebaseInProgress"
        | "retargeted"
        | "securityAutoFix"
        | "shouldBeRebased"
        | "shouldRemoveSourceBranch"
        | "squashReadOnly"
        | "supportsLockOnMerge" => |_, _, _| Value::Bool(false),
        "inProgressMergeCommitSha"
        | "mergeAfter"
        | "mergeTrainCar"
        | "mergeTrainIndex"
        | "mergeTrainsCount"
        | "rebaseCommitSha" => |_, _, _| Value::Null,
        _ => return None,
    })
}

fn is_mergeable(ctx: &Context<'_>, merge_request: &MergeRequest) -> bool {
    ctx.world.detailed_merge_status(merge_request) == "mergeable"
}

fn detailed_status<'w>(ctx: &Context<'w>, merge_request: &'w MergeRequest) -> Value<'w> {
    Value::Str(match ctx.world.detailed_merge_status(merge_request) {
        "not_open" => "NOT_OPEN",
        "draft_status" => "DRAFT_STATUS",
        "not_approved" => "NOT_APPROVED",
        "requested_changes" if ctx.level >= Level::V17_2 => "REQUESTED_CHANGES",
        "discussions_not_resolved" => "DISCUSSIONS_NOT_RESOLVED",
        "conflict" if ctx.level >= Level::V17_2 => "CONFLICT",
        "conflict" | "broken_status" => "BROKEN_STATUS",
        _ => "MERGEABLE",
    })
}

/// How it waits to be merged.
fn auto_merge_strategy<'w>(ctx: &Context<'w>, merge_request: &MergeRequest) -> Value<'w> {
    let checks = ctx.world.settings.at_least(17, 0);
    let strategy = if checks { "merge_when_checks_pass" } else { "merge_when_pipeline_succeeds" };
    if merge_request.auto_merge { Value::Str(strategy) } else { Value::Null }
}
