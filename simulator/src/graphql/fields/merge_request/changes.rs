//! What a merge request changes: commits, versions and the size of the diff.

use super::shared::project;
use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::fields::kit::{On, page};
use crate::graphql::order::Order;
use crate::graphql::value::{Object, Value};
use crate::world::{FileStats, MergeRequest};

pub(super) fn field(name: &str) -> Option<On<MergeRequest>> {
    Some(match name {
        "commitCount" => |_, one, _| Value::count(one.commits.len()),
        "commits" => |ctx, one, arguments| commits(ctx, one, arguments, false),
        "commitsWithoutMergeCommits" => |ctx, one, arguments| commits(ctx, one, arguments, true),
        "diffHeadSha" => |_, one, _| one.sha.map_or(Value::Null, Value::Sha),
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
        "mergeRequestDiffs" => |_, one, arguments| {
            let versions = one.versions.iter().rev().map(|version| {
                let at = Value::Time(version.at);
                Object::record([("createdAt", at.clone()), ("updatedAt", at)])
            });
            page(versions.collect(), Order::NUMBERED, arguments)
        },
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
    page(rows.collect(), Order::NUMBERED, arguments)
}
