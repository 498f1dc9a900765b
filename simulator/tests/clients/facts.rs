//! What there is in a World, in JSON, for programs that are not written in Rust.
//!
//! Names and forms are ours, not GitLab's: what a client says must be GitLab's answer, so it is not made by the same hands.

use gitlab_simulator::World;
use gitlab_simulator::world::{Group, Member, MergeRequest, Note, Owner, Pipeline, Project};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A whole World.
pub(crate) fn facts(world: &World) -> Value {
    json!({
        "version": world.settings.full_version(),
        "users": all(world.users(), |user| json!({
            "id": user.id,
            "username": user.username,
            "name": user.name,
            "bot": user.bot(),
            "state": user.state.name(),
            "admin": user.admin,
        })),
        "groups": all(world.groups(), |found| group(world, found)),
        "projects": all(world.projects(), |found| project(world, found)),
        "tokens": all(world.tokens(), |token| json!({
            "id": token.id,
            "name": token.name,
            "user": token.user,
            "secret": token.secret,
            "scopes": all(&token.scopes, |scope| json!(scope.name())),
        })),
    })
}

fn all<T>(items: impl IntoIterator<Item = T>, tell: impl Fn(T) -> Value) -> Value {
    items.into_iter().map(tell).collect()
}

fn time(at: Timestamp) -> Value {
    json!(format!("{at:.3}"))
}

fn group(world: &World, group: &Group) -> Value {
    json!({
        "id": group.id,
        "path": group.full_path,
        "parent": group.parent,
        "members": members(&group.members),
        "labels": labels(world, Owner::Group(group.id)),
        "milestones": milestones(world, Owner::Group(group.id)),
        "projects": world.projects_of_group(group.id),
    })
}

fn members(members: &[Member]) -> Value {
    all(members, |member| json!({ "user": member.user, "access_level": member.role.level() }))
}

fn labels(world: &World, owner: Owner) -> Value {
    let own = world.labels().filter(|label| label.owner == owner);
    all(own, |label| json!({ "id": label.id, "title": label.title, "color": label.color }))
}

fn milestones(world: &World, owner: Owner) -> Value {
    all(
        world.milestones_of(owner),
        |milestone| json!({ "id": milestone.id, "iid": milestone.iid, "title": milestone.title, "closed": milestone.closed }),
    )
}

fn project(world: &World, project: &Project) -> Value {
    json!({
        "id": project.id,
        "path": project.full_path,
        "default_branch": project.default_branch,
        "members": members(&project.members),
        "labels": labels(world, Owner::Project(project.id)),
        "milestones": milestones(world, Owner::Project(project.id)),
        "commits": all(&project.commits, |commit| json!(commit.sha.to_string())),
        "branches": all(world.branches_of(project), |branch| json!(branch.name)),
        "tags": all(&project.tags, |tag| json!(tag.name)),
        "releases": all(&project.releases, |release| json!({ "tag": release.tag, "name": release.name })),
        "issues": all(world.issues_of(project.id), |issue| json!({
            "id": issue.id,
            "iid": issue.iid,
            "title": issue.title,
            "type": issue.kind.name(),
            "closed": issue.closed_at.is_some(),
        })),
        "merge_requests": all(world.merge_requests_of(project.id), |found| merge_request(world, found)),
        "pipelines": all(world.pipelines_of(project.id), pipeline),
        "environments": all(world.environments_of(project.id), |environment| json!({
            "id": environment.id,
            "name": environment.name,
            "tier": environment.tier,
        })),
        "deployments": all(world.deployments_of(project.id), |deployment| json!({
            "id": deployment.id,
            "iid": deployment.iid,
            "sha": deployment.sha.to_string(),
            "status": deployment.status,
            "environment": deployment.environment,
        })),
    })
}

fn pipeline(pipeline: &Pipeline) -> Value {
    json!({
        "id": pipeline.id,
        "sha": pipeline.sha.to_string(),
        "ref": pipeline.ref_name,
        "status": pipeline.status,
        "source": pipeline.source,
        "jobs": all(&pipeline.jobs, |job| json!({
            "id": job.id,
            "name": job.name,
            "stage": job.stage,
            "status": job.status,
            "retried": job.retried,
        })),
    })
}

fn merge_request(world: &World, found: &MergeRequest) -> Value {
    json!({
        "id": found.id,
        "iid": found.iid,
        "title": found.full_title(),
        "state": found.state.name(),
        "draft": found.draft,
        "author": found.author,
        "merge_user": found.merge_user,
        "created_at": time(found.created_at),
        "updated_at": time(found.updated_at),
        "merged_at": found.merged_at.map(time),
        "labels": all(found.labels.iter().filter_map(|id| world.label(*id)), |label| json!(label.title)),
        "milestone": found.milestone,
        "assignees": found.assignees,
        "reviewers": all(&found.reviewers, |reviewer| json!({ "user": reviewer.user, "state": reviewer.state.name() })),
        "approved_by": all(&found.approvals, |approval| json!(approval.user)),
        "approvals_required": world.approvals_required(found),
        "files": all(&found.files, |file| json!(file.path)),
        "commits": all(&found.commits, |commit| json!(commit.sha.to_string())),
        "versions": all(&found.versions, |version| json!(version.id)),
        "notes": all(&found.notes, note),
        "state_events": all(&found.state_events, |event| json!({ "id": event.id, "user": event.user, "state": event.state })),
        "label_events": all(&found.label_events, |event| json!({ "id": event.id, "action": event.action() })),
        "milestone_events": all(&found.milestone_events, |event| json!({ "id": event.id, "action": event.action() })),
        "awards": all(&found.awards, |award| json!({ "id": award.id, "name": award.name, "user": award.user })),
    })
}

fn note(note: &Note) -> Value {
    json!({
        "id": note.id,
        "body": note.body,
        "author": note.author,
        "system": note.system(),
        "internal": note.internal,
        "type": note.type_name(),
        "resolvable": note.resolvable,
        "resolved": note.resolved.is_some(),
        "discussion": note.discussion.to_string(),
        "created_at": time(note.created_at),
    })
}
