//! Projects and repositories.

use crate::world::{Owner, Project};

use super::kit::{On, paragraph};
use super::{job, label, member, namespace, pipeline};
use crate::graphql::context::Context;
use crate::graphql::filters;
use crate::graphql::order::{By, Order};
use crate::graphql::value::{Object, Source, Value};

#[expect(clippy::too_many_lines, reason = "a table of fields")]
pub(crate) fn field(name: &str) -> Option<On<Project>> {
    Some(match name {
        "id" => |_, project, _| Value::Gid("Project", project.id),
        "name" => |_, project, _| Value::Str(&project.name),
        "path" => |_, project, _| Value::Str(&project.path),
        "fullPath" => |_, project, _| Value::Str(&project.full_path),
        "nameWithNamespace" => |_, project, _| Value::Str(&project.full_name),
        "description" => |_, project, _| Value::str(project.description.as_deref()),
        "descriptionHtml" => |_, project, _| Value::Text(paragraph(project.description.as_deref().unwrap_or_default())),
        "archived" | "isSelfArchived" => |_, project, _| Value::Bool(project.archived),
        "visibility" => |_, project, _| Value::Str(project.visibility.name()),
        "createdAt" => |_, project, _| Value::Time(project.created_at),
        "updatedAt" => |_, project, _| Value::Time(project.updated_at),
        "lastActivityAt" => |_, project, _| Value::Time(project.last_activity_at),
        "webUrl" => |ctx, project, _| Value::Text(ctx.world.web_url(&project.full_path)),
        "webPath" => |_, project, _| Value::Text(format!("/{}", project.full_path)),
        "editPath" => |_, project, _| Value::Text(format!("/{}/edit", project.full_path)),
        "httpUrlToRepo" => |ctx, project, _| Value::Text(ctx.world.web_url(&format!("{}.git", project.full_path))),
        "sshUrlToRepo" => |ctx, project, _| {
            let host = ctx.world.settings.url.split("://").nth(1).unwrap_or_default();
            let host = host.split(['/', ':']).next().unwrap_or_default();
            Value::Text(format!("git@{host}:{}.git", project.full_path))
        },
        "group" => |ctx, project, _| Value::object(ctx.group(project.group()).map(Object::Group)),
        "rootGroup" => |ctx, project, _| {
            let root = ctx.world.ancestry(project.group()).last().copied();
            Value::object(ctx.group(root).map(Object::Group))
        },
        "namespace" => |ctx, project, _| namespace::of(ctx, project.namespace),
        "topics" => |_, project, _| Value::List(project.topics.iter().map(|topic| Value::Str(topic)).collect()),
        "starCount" => |_, _, _| Value::Int(0),
        "repository" => |ctx, project, _| {
            let readable = ctx.rights(project).code;
            Value::object(readable.then_some(Object::Repository(project)))
        },
        "markedForDeletion" | "isSelfDeletionScheduled" => {
            |_, project, _| Value::Bool(project.marked_for_deletion_on.is_some())
        }
        "markedForDeletionOn" => |ctx, project, _| Value::time(ctx.day(project.marked_for_deletion_on)),
        "permanentDeletionDate" => {
            |_, project, _| project.marked_for_deletion_on.map_or(Value::Null, |day| Value::Text(day.to_string()))
        }
        "maxAccessLevel" => |ctx, project, _| member::access_level(ctx, ctx.rights(project).role),

        "mergeRequestsEnabled" => |ctx, project, _| Value::Bool(ctx.merge_requests_enabled(project)),
        "mergeRequests" => filters::of_project,
        "mergeRequest" => |ctx, project, arguments| {
            let iid = arguments.text("iid").and_then(|iid| iid.parse().ok());
            ctx.merge_request(iid.and_then(|iid| ctx.world.merge_request_by_iid(project.id, iid)))
        },
        "openMergeRequestsCount" => |ctx, project, _| {
            if !ctx.merge_requests_enabled(project) {
                return Value::Null;
            }
            Value::count(ctx.world.open_merge_requests_of(project.id).count())
        },

        "label" => |ctx, project, arguments| {
            let title = arguments.text("title").unwrap_or_default();
            let found = ctx.world.labels_of_project(project).find(|label| label.title == title);
            Value::object(found.map(Object::Label))
        },
        "labels" => |ctx, project, arguments| {
            let own = Owner::Project(project.id);
            let above = arguments.flag("includeAncestorGroups");
            let labels = ctx.world.labels_of_project(project).filter(|label| above || label.owner == own);
            label::page_of(labels, arguments)
        },
        "projectMembers" => |ctx, project, arguments| member::page_of(ctx, Source::Project(project), arguments),

        "pipelines" => |ctx, project, arguments| {
            if !ctx.rights(project).builds {
                return Value::Null;
            }
            // Pipelines that others started are listed only when their source is asked for (app/finders/ci/pipelines_finder.rb).
            let children = arguments.text("source").is_some();
            let all = ctx.world.pipelines_of(project.id).filter(|found| children || found.source != "parent_pipeline");
            pipeline::page_of(ctx, all, arguments)
        },
        "pipeline" => |ctx, project, arguments| {
            if !ctx.rights(project).builds {
                return Value::Null;
            }
            pipeline::one(ctx.world.pipelines_of(project.id).rev(), arguments)
        },
        "jobs" => |ctx, project, arguments| {
            if !ctx.rights(project).builds {
                return Value::Null;
            }
            let pipelines = ctx.world.pipelines_of(project.id);
            let jobs = pipelines.flat_map(|pipeline| pipeline.jobs.iter().map(move |job| (job, pipeline)));
            job::page_of(jobs, Order::descending(By::Id), arguments)
        },
        "job" => |ctx, project, arguments| {
            if !ctx.rights(project).builds {
                return Value::Null;
            }
            job::one(ctx.world.pipelines_of(project.id), arguments)
        },
        "deployment" => |ctx, project, arguments| {
            let iid = arguments.text("iid").and_then(|iid| iid.parse::<i64>().ok());
            let mut all = ctx.world.deployments_of(project.id).filter(|_| ctx.rights(project).builds);
            Value::object(all.find(|one| Some(one.iid) == iid).map(Object::Deployment))
        },

        "jobsEnabled" => |ctx, project, _| Value::Bool(ctx.rights(project).builds),
        "publicJobs" | "requestAccessEnabled" | "removeSourceBranchAfterMerge" => |_, _, _| Value::Bool(true),
        "adminShowPath" => |ctx, project, _| admin_path(ctx, project, ""),
        "adminEditPath" => |ctx, project, _| admin_path(ctx, project, "/edit"),
        "printingMergeRequestLinkEnabled" | "isPublished" => |_, _, _| Value::Bool(true),
        // The delay before deletion came to all editions with 18.0 and was Premium's before.
        "isAdjournedDeletionEnabled" => |ctx, _, _| Value::Bool(ctx.world.settings.edition.licensed()),
        "isSelfDeletionInProgress"
        | "mergeRequestsDisableCommittersApproval"
        | "onlyAllowMergeIfAllStatusChecksPassed"
        | "squashReadOnly"
        | "webBasedCommitSigningEnabled" => |_, _, _| Value::Bool(false),
        "actualRepositorySizeLimit" | "repositorySizeExcess" => |_, _, _| Value::Float(0.0),
        "mergeCommitTemplate"
        | "mergeRequestTitleRegex"
        | "mergeRequestTitleRegexDescription"
        | "squashCommitTemplate"
        | "suggestionCommitMessage"
        | "trackingKey" => |_, _, _| Value::Null,
        "mergeRequestsFfOnlyEnabled"
        | "onlyAllowMergeIfAllDiscussionsAreResolved"
        | "onlyAllowMergeIfPipelineSucceeds" => |_, _, _| Value::Bool(false),
        "allowsMultipleMergeRequestAssignees" | "allowsMultipleMergeRequestReviewers" => {
            |ctx, _, _| Value::Bool(ctx.world.settings.edition.licensed())
        }
        "avatarUrl" => |_, _, _| Value::Null,
        _ => return None,
    })
}

/// A page of the administrators' part of the site.
fn admin_path<'w>(ctx: &Context<'w>, project: &Project, rest: &str) -> Value<'w> {
    if !ctx.admin() {
        return Value::Null;
    }
    Value::Text(format!("/admin/projects/{}{rest}", project.full_path))
}
