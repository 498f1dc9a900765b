//! Merge requests.

use crate::world::{FileStats, MergeRequest, MergeRequestState, Project, Role};

use super::kit::{On, page};
use super::{approval, ci, note};
use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::order::{By, Order};
use crate::graphql::schema::Level;
use crate::graphql::value::{Object, Value};

#[expect(clippy::too_many_lines, reason = "a table of fields")]
pub(crate) fn field(name: &str) -> Option<On<MergeRequest>> {
    Some(match name {
        "id" => |_, one, _| Value::Gid("MergeRequest", one.id),
        "iid" => |_, one, _| Value::Digits(one.iid),
        "title" | "name" => |_, one, _| title(one),
        "description" => |_, one, _| Value::str(one.description.as_deref()),
        "state" => |_, one, _| Value::Str(one.state.name()),
        "draft" => |_, one, _| Value::Bool(one.draft),
        "createdAt" => |_, one, _| Value::Time(one.created_at),
        "updatedAt" => |_, one, _| Value::Time(one.updated_at),
        "preparedAt" => |_, one, _| Value::time(one.prepared_at),
        "mergedAt" => |_, one, _| Value::time(one.merged_at),
        "closedAt" => |_, one, _| Value::time(one.closed_at),
        "sourceBranch" => |_, one, _| Value::Str(&one.source_branch),
        "targetBranch" => |_, one, _| Value::Str(&one.target_branch),
        "webUrl" => |ctx, one, _| Value::Text(path(ctx, &ctx.world.settings.url, one)),
        "webPath" => |ctx, one, _| Value::Text(path(ctx, "", one)),
        "reference" => |ctx, one, arguments| {
            let project = project(ctx, one).filter(|_| arguments.flag("full"));
            Value::Text(format!("{}!{}", project.map_or("", |project| &project.full_path), one.iid))
        },

        "project" | "targetProject" => |ctx, one, _| Value::object(project(ctx, one).map(Object::Project)),
        "projectId" | "targetProjectId" => |_, one, _| Value::Int(one.project),
        "sourceProject" => |ctx, one, _| Value::object(ctx.project(one.source_project).map(Object::Project)),
        "sourceProjectId" => |_, one, _| one.source_project.map_or(Value::Null, Value::Int),

        "author" => |ctx, one, _| Value::object(ctx.person(one.author, Some(one))),
        "mergeUser" => |ctx, one, _| ctx.user(one.merge_user),
        "assignees" => |ctx, one, arguments| people(ctx, one, one.assignees.iter().copied(), arguments),
        "reviewers" => {
            |ctx, one, arguments| people(ctx, one, one.reviewers.iter().map(|reviewer| reviewer.user), arguments)
        }
        "participants" => |ctx, one, arguments| people(ctx, one, participants(ctx, one).into_iter(), arguments),
        "approvedBy" => |ctx, one, arguments| approval::approvers(ctx, one, arguments),
        "changeRequesters" => |ctx, one, arguments| {
            let asked = one.reviewers.iter().filter(|reviewer| reviewer.state.name() == "requested_changes");
            people(ctx, one, asked.map(|reviewer| reviewer.user), arguments)
        },
        "commenters" => |ctx, one, arguments| {
            let mut users: Vec<_> =
                ctx.notes(one).filter(|note| !note.system()).filter_map(|note| note.author).collect();
            users.sort_unstable();
            users.dedup();
            people(ctx, one, users.into_iter(), arguments)
        },
        "committers" => |ctx, one, arguments| {
            let users = one.commits.iter().filter_map(|commit| ctx.user_by_email(&commit.author_email));
            let mut users: Vec<_> = users.map(|user| user.id).collect();
            users.sort_unstable();
            users.dedup();
            people(ctx, one, users.into_iter(), arguments)
        },

        "approved" => |ctx, one, _| Value::Bool(ctx.world.approvals_left(one) == 0),
        "approvalsRequired" => |ctx, one, _| Value::Int(ctx.world.approvals_required(one)),
        "approvalsLeft" => |ctx, one, _| Value::Int(ctx.world.approvals_left(one)),
        "approvalState" => |ctx, one, _| {
            let overwritten = Value::Bool(false);
            Value::record([("rules", approval::rules(ctx, one)), ("approvalRulesOverwritten", overwritten)])
        },

        "labels" => |ctx, one, arguments| {
            let labels = one.labels.iter().filter_map(|id| ctx.world.label(*id)).map(Object::Label);
            page(ctx, labels.collect(), Order::ascending(By::Title), arguments)
        },
        "notes" => |ctx, one, arguments| note::page_of(ctx, one, arguments),
        "discussions" => |ctx, one, arguments| note::discussions(ctx, one, arguments),
        "userNotesCount" => |_, one, _| Value::Int(one.user_notes_count()),
        "userDiscussionsCount" => |_, one, _| Value::count(discussions(one, |_| true)),
        "resolvableDiscussionsCount" => |_, one, _| Value::count(discussions(one, |note| note.resolvable)),
        "resolvedDiscussionsCount" => {
            |_, one, _| Value::count(discussions(one, |note| note.resolvable && note.resolved.is_some()))
        }

        "commitCount" => |_, one, _| Value::count(one.commits.len()),
        "commits" => |ctx, one, arguments| commits(ctx, one, arguments, false),
        "commitsWithoutMergeCommits" => |ctx, one, arguments| commits(ctx, one, arguments, true),
        "diffHeadSha" => |_, one, _| one.sha.map_or(Value::Null, Value::Sha),
        "mergeCommitSha" => |_, one, _| one.merge_commit_sha.map_or(Value::Null, Value::Sha),
        "diffRefs" => |_, one, _| {
            let base = one.commits.last().and_then(|commit| commit.parents.first());
            one.sha.map_or(Value::Null, |head| {
                let base = Value::Sha(*base.unwrap_or(&head));
                Value::record([("baseSha", base.clone()), ("startSha", base), ("headSha", Value::Sha(head))])
            })
        },
        "diffStats" => |_, one, arguments| {
            let path = arguments.text("path");
            let files = one.files.iter().filter(|file| path.is_none_or(|path| path == file.path));
            Value::List(files.map(|file| Value::Object(Object::FileStats(file))).collect())
        },
        "diffStatsSummary" => |_, one, _| {
            let (additions, deletions) = (one.additions(), one.deletions());
            Value::record([
                ("additions", Value::Int(additions)),
                ("deletions", Value::Int(deletions)),
                ("changes", Value::Int(additions + deletions)),
                ("fileCount", Value::count(one.files.len())),
            ])
        },

        "detailedMergeStatus" => |ctx, one, _| detailed_status(ctx, one),
        "mergeStatus" => |ctx, one, _| Value::Str(if is_mergeable(ctx, one) { "can_be_merged" } else { "unchecked" }),
        "mergeStatusEnum" => {
            |ctx, one, _| Value::Str(if is_mergeable(ctx, one) { "CAN_BE_MERGED" } else { "UNCHECKED" })
        }
        "mergeable" => |ctx, one, _| Value::Bool(is_mergeable(ctx, one)),
        "mergeableDiscussionsState" => |_, one, _| Value::Bool(one.discussions_resolved()),
        "hidden" => |ctx, one, _| Value::Bool(ctx.world.hidden(one)),
        "squash" | "squashOnMerge" => |_, one, _| Value::Bool(one.squash),
        "upvotes" => |_, one, _| Value::Int(one.upvotes()),
        "downvotes" => |_, one, _| Value::Int(one.downvotes()),

        "headPipeline" => |ctx, one, _| {
            let readable = project(ctx, one).is_some_and(|project| ctx.rights(project).builds);
            let pipeline = one.head_pipeline.filter(|_| readable).and_then(|id| ctx.world.pipeline(id));
            Value::object(pipeline.map(Object::Pipeline))
        },
        "hasCi" => |_, one, _| Value::Bool(one.head_pipeline.is_some()),
        "pipelines" => |ctx, one, arguments| {
            let readable = project(ctx, one).filter(|project| ctx.rights(project).builds);
            let all = readable.into_iter().flat_map(|project| ctx.world.pipelines_of(project.id));
            ci::pipelines(ctx, all.filter(|pipeline| pipeline.ref_name == one.source_branch), arguments)
        },

        "taskCompletionStatus" => {
            |_, _, _| Value::record([("count", Value::Int(0)), ("completedCount", Value::Int(0))])
        }
        "userPermissions" => |ctx, one, _| permissions(ctx, one),
        "titleHtml" => |_, one, _| title(one),
        "descriptionHtml" => |_, one, _| Value::str(one.description.as_deref()),
        "defaultMergeCommitMessage" | "defaultSquashCommitMessage" => |_, one, _| title(one),
        "targetBranchPath" => |ctx, one, _| {
            let project = project(ctx, one).map_or("", |project| &project.full_path);
            Value::Text(format!("/{project}/-/tree/{}", one.target_branch))
        },
        "sourceBranchExists" => |_, one, _| Value::Bool(one.state == MergeRequestState::Opened),
        "targetBranchExists" => |_, _, _| Value::Bool(true),
        "timeEstimate" | "totalTimeSpent" => |_, _, _| Value::Int(0),
        "allowCollaboration"
        | "autoMergeEnabled"
        | "conflicts"
        | "discussionLocked"
        | "divergedFromTargetBranch"
        | "forceRemoveSourceBranch"
        | "mergeOngoing"
        | "mergeWhenPipelineSucceeds"
        | "rebaseInProgress"
        | "retargeted"
        | "shouldBeRebased"
        | "shouldRemoveSourceBranch"
        | "sourceBranchProtected"
        | "squashReadOnly"
        | "subscribed" => |_, _, _| Value::Bool(false),
        "autoMergeStrategy"
        | "humanTimeEstimate"
        | "humanTotalTimeSpent"
        | "inProgressMergeCommitSha"
        | "mergeAfter"
        | "mergeError"
        | "mergeTrainCar"
        | "mergeTrainIndex"
        | "mergeTrainsCount"
        | "milestone"
        | "policyViolations"
        | "rebaseCommitSha" => |_, _, _| Value::Null,
        _ => return None,
    })
}

pub(crate) fn file_field(name: &str) -> Option<On<FileStats>> {
    Some(match name {
        "path" => |_, file, _| Value::Str(&file.path),
        "additions" => |_, file, _| Value::Int(file.additions),
        "deletions" => |_, file, _| Value::Int(file.deletions),
        _ => return None,
    })
}

fn project<'w>(ctx: &Context<'w>, merge_request: &MergeRequest) -> Option<&'w Project> {
    ctx.project(Some(merge_request.project))
}

fn title(merge_request: &MergeRequest) -> Value<'_> {
    if merge_request.draft {
        return Value::Text(merge_request.full_title());
    }
    Value::Str(&merge_request.title)
}

fn path(ctx: &Context<'_>, root: &str, merge_request: &MergeRequest) -> String {
    let project = project(ctx, merge_request).map_or("", |project| &project.full_path);
    format!("{root}/{project}/-/merge_requests/{}", merge_request.iid)
}

fn people<'w>(
    ctx: &Context<'w>,
    merge_request: &'w MergeRequest,
    users: impl Iterator<Item = i64>,
    arguments: &Arguments,
) -> Value<'w> {
    let people = users.filter_map(|id| ctx.person(Some(id), Some(merge_request)));
    page(ctx, people.collect(), Order::ascending(By::Id), arguments)
}

fn participants(ctx: &Context<'_>, merge_request: &MergeRequest) -> Vec<i64> {
    let mut users: Vec<_> = merge_request.author.into_iter().collect();
    users.extend(&merge_request.assignees);
    users.extend(merge_request.reviewers.iter().map(|reviewer| reviewer.user));
    let role = ctx.world.project(merge_request.project).map_or(Role::None, |project| ctx.rights(project).role);
    let notes = merge_request.notes.iter().filter(|note| crate::world::World::sees_note(role, note));
    users.extend(notes.filter(|note| !note.system()).filter_map(|note| note.author));
    users.sort_unstable();
    users.dedup();
    users
}

fn commits<'w>(
    ctx: &Context<'w>,
    merge_request: &'w MergeRequest,
    arguments: &Arguments,
    without_merges: bool,
) -> Value<'w> {
    let Some(project) = project(ctx, merge_request).filter(|project| ctx.rights(project).code) else {
        return Value::Null;
    };
    let commits = merge_request.commits.iter().filter(|commit| !without_merges || commit.parents.len() < 2);
    let rows = commits.map(|commit| Object::Commit(commit, project));
    page(ctx, rows.collect(), Order::NUMBERED, arguments)
}

fn discussions(merge_request: &MergeRequest, counts: impl Fn(&crate::world::Note) -> bool) -> usize {
    let notes = merge_request.notes.iter().filter(|note| !note.system() && counts(note));
    let mut threads: Vec<_> = notes.map(|note| note.discussion).collect();
    threads.sort_unstable();
    threads.dedup();
    threads.len()
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
        _ => "MERGEABLE",
    })
}

fn permissions<'w>(ctx: &Context<'w>, merge_request: &MergeRequest) -> Value<'w> {
    let role = ctx.world.project(merge_request.project).map_or(Role::None, |project| ctx.rights(project).role);
    let writes = Value::Bool(role >= Role::Developer);
    Value::record([
        ("readMergeRequest", Value::Bool(true)),
        ("createNote", Value::Bool(!ctx.caller.anonymous())),
        ("canMerge", writes.clone()),
        ("updateMergeRequest", writes),
    ])
}
