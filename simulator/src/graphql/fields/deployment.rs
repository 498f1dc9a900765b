//! Deployments.

use crate::graphql::context::Context;
use crate::graphql::value::{Object, Value};
use crate::world::{Deployment, Role};

use super::kit::{On, permissions};

pub(crate) fn field(name: &str) -> Option<On<Deployment>> {
    Some(match name {
        "id" => |_, deployment, _| Value::Gid("Deployment", deployment.id),
        "iid" => |_, deployment, _| Value::Digits(deployment.iid),
        "status" => |_, deployment, _| Value::Text(deployment.status.to_uppercase()),
        "ref" => |_, deployment, _| Value::Str(&deployment.ref_name),
        "refPath" => |ctx, deployment, _| Value::Text(path(ctx, deployment, &format!("tree/{}", deployment.ref_name))),
        "sha" => |_, deployment, _| Value::Sha(deployment.sha),
        "commit" => |ctx, deployment, _| {
            let project = ctx.project(Some(deployment.project)).filter(|project| ctx.rights(project).code);
            let found = project.and_then(|project| Some((ctx.world.commit_of(project, deployment.sha)?, project)));
            Value::object(found.map(|(commit, project)| Object::Commit(commit, project)))
        },
        "createdAt" => |_, deployment, _| Value::Time(deployment.created_at),
        "updatedAt" => |_, deployment, _| Value::Time(deployment.updated_at),
        "finishedAt" => |_, deployment, _| Value::time(deployment.finished_at),
        "triggerer" => |ctx, deployment, _| ctx.user(deployment.user),
        "job" => |ctx, deployment, _| {
            let found = deployment.deployable.and_then(|(pipeline, job)| {
                let pipeline = ctx.world.pipeline(pipeline)?;
                let job = pipeline.jobs.iter().find(|known| known.id == job)?;
                Some(Object::Job(job, pipeline))
            });
            Value::object(found)
        },
        "tags" => |ctx, deployment, _| {
            let project = ctx.project(Some(deployment.project));
            let tags = project.into_iter().flat_map(|project| &project.tags).filter(|tag| tag.sha == deployment.sha);
            let tags = tags.map(|tag| {
                let path = Value::Text(format!("tags/{}", tag.name));
                Value::record([("name", Value::Str(&tag.name)), ("path", path)])
            });
            Value::List(tags.collect())
        },
        "webPath" => |ctx, deployment, _| {
            let rest = format!("environments/{}/deployments/{}", deployment.environment, deployment.iid);
            Value::Text(path(ctx, deployment, &rest))
        },
        "userPermissions" => {
            |ctx, deployment, _| permissions([("updateDeployment", ctx.role(deployment.project) >= Role::Developer)])
        }
        "tag" => |ctx, deployment, _| {
            let project = ctx.project(Some(deployment.project));
            let mut tags = project.into_iter().flat_map(|project| &project.tags);
            Value::Bool(tags.any(|tag| tag.name == deployment.ref_name))
        },
        // Environments of the World ask for no approvals.
        "approvals" => |_, _, _| Value::List(Vec::new()),
        "pendingApprovalCount" => |_, _, _| Value::Int(0),
        "approvalSummary" => |_, _, _| {
            Value::record([("totalPendingApprovalCount", Value::Int(0)), ("totalRequiredApprovals", Value::Int(0))])
        },
        _ => return None,
    })
}

fn path(ctx: &Context<'_>, deployment: &Deployment, rest: &str) -> String {
    let project = ctx.world.project(deployment.project).map_or("", |project| &project.full_path);
    format!("/{project}/-/{rest}")
}
