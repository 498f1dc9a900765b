//! What a merge request is: its numbers, texts, times, branches and projects.

use super::shared::{path, project, title};
use crate::graphql::fields::kit::{On, html, page, paragraph};
use crate::graphql::order::{By, Order};
use crate::graphql::value::{Object, Value};
use crate::world::{MergeRequest, MergeRequestState};

pub(super) fn field(name: &str) -> Option<On<MergeRequest>> {
    Some(match name {
        "id" => |_, one, _| Value::Gid("MergeRequest", one.id),
        "iid" => |_, one, _| Value::Digits(one.iid),
        "title" | "name" => |_, one, _| title(one),
        "titleHtml" => |_, one, _| Value::Text(html(&one.full_title())),
        "description" => |_, one, _| Value::str(one.description.as_deref()),
        "descriptionHtml" => |_, one, _| Value::Text(paragraph(one.description.as_deref().unwrap_or_default())),
        "state" => |_, one, _| Value::Str(one.state.name()),
        "draft" => |_, one, _| Value::Bool(one.draft),
        "createdAt" => |_, one, _| Value::Time(one.created_at),
        "updatedAt" => |_, one, _| Value::Time(one.updated_at),
        "preparedAt" => |_, one, _| Value::time(one.prepared_at),
        "mergedAt" => |_, one, _| Value::time(one.merged_at),
        "closedAt" => |_, one, _| Value::time(one.closed_at),
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
        "sourceBranch" => |_, one, _| Value::Str(&one.source_branch),
        "targetBranch" => |_, one, _| Value::Str(&one.target_branch),
        "sourceBranchExists" => |_, one, _| Value::Bool(one.state == MergeRequestState::Opened && one.sha.is_some()),
        "targetBranchExists" => |_, _, _| Value::Bool(true),
        "sourceBranchProtected" => |ctx, one, _| {
            let source = ctx.project(one.source_project);
            let branches = source.into_iter().flat_map(|project| &project.branches);
            let mut named = branches.filter(|branch| branch.name == one.source_branch);
            Value::Bool(named.any(|branch| branch.protected))
        },
        "targetBranchPath" => |ctx, one, _| {
            let project = project(ctx, one).map_or("", |project| &project.full_path);
            Value::Text(format!("/{project}/-/tree/{}", one.target_branch))
        },

        "labels" => |ctx, one, arguments| {
            let labels = one.labels.iter().filter_map(|id| ctx.world.label(*id)).map(Object::Label);
            page(labels.collect(), Order::ascending(By::Title), arguments)
        },
        "milestone" => {
            |ctx, one, _| Value::object(one.milestone.and_then(|id| ctx.world.milestone(id)).map(Object::Milestone))
        }
        _ => return None,
    })
}
