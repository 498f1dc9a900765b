//! Issues and milestones (`lib/api/entities/{issue_basic,issue,milestone}.rb`).

use serde_json::{Value, json};

use super::{LabelStyle, extend, label_basic, relative_to, time, user_basic};
use crate::world::{Caller, Issue, Milestone, Owner, Subscribable, World};

/// An issue in a list: of a group, if one is given.
pub(crate) fn issue(world: &World, found: &Issue, style: LabelStyle, group: Option<i64>) -> Value {
    let mut shown = issue_basic(world, found, style);
    let project = world.project(found.project);
    let path = project.map_or("", |project| &project.full_path);
    let api = world.web_url(&format!("api/v4/projects/{}", found.project));
    let own = format!("{api}/issues/{}", found.iid);
    let more = json!({
        "severity": found.severity,
        "has_tasks": false,
        "_links": {
            "self": own,
            "notes": format!("{own}/notes"),
            "award_emoji": format!("{own}/award_emoji"),
            "project": api,
            "closed_as_duplicate_of": null,
        },
        "references": {
            "short": format!("#{}", found.iid),
            "relative": format!("{}#{}", relative_to(group, project), found.iid),
            "full": format!("{path}#{}", found.iid),
        },
        "moved_to_id": null,
        "service_desk_reply_to": null,
    });
    extend(&mut shown, more);
    by_version(world, &mut shown);
    shown
}

/// An issue where something else is told of, such as a merge request that closes it.
pub(crate) fn issue_basic(world: &World, found: &Issue, style: LabelStyle) -> Value {
    let path = world.project(found.project).map_or("", |project| &project.full_path);
    let assignees: Vec<Value> = found.assignees.iter().map(|id| user_basic(world, Some(*id))).collect();
    let mut shown = json!({
        "id": found.id,
        "iid": found.iid,
        "project_id": found.project,
        "title": found.title,
        "description": found.description,
        "state": if found.closed_at.is_some() { "closed" } else { "opened" },
        "created_at": time(found.created_at),
        "updated_at": time(found.updated_at),
        "closed_at": found.closed_at.map(time),
        "closed_by": user_basic(world, found.closed_by),
        "labels": labels(world, found, style),
        "milestone": found.milestone.and_then(|id| world.milestone(id)).map(|found| milestone(world, found)),
        "author": user_basic(world, found.author),
        "type": found.kind.name().to_uppercase(),
        "assignee": assignees.first(),
        "assignees": assignees,
        "user_notes_count": found.user_notes_count(),
        "merge_requests_count": world.merge_requests_closing(found).count(),
        "upvotes": found.reactions("thumbsup"),
        "downvotes": found.reactions("thumbsdown"),
        "due_date": found.due_date,
        "confidential": found.confidential,
        "discussion_locked": null,
        "issue_type": found.kind.name(),
        "web_url": world.web_url(&format!("{path}/-/issues/{}", found.iid)),
        "time_stats": {
            "time_estimate": 0,
            "total_time_spent": 0,
            "human_time_estimate": null,
            "human_total_time_spent": null,
        },
        "task_completion_status": { "count": 0, "completed_count": 0 },
    });
    if world.settings.edition.licensed() {
        extend(&mut shown, json!({ "weight": null }));
    }
    shown
}

fn by_version(world: &World, shown: &mut Value) {
    if world.settings.at_least(16, 10) {
        extend(shown, json!({ "imported": false, "imported_from": "none" }));
    }
    if world.settings.at_least(19, 1) {
        extend(shown, json!({ "start_date": null }));
    }
    if world.settings.edition.enterprise() {
        extend(shown, json!({ "blocking_issues_count": 0 }));
    }
    if world.settings.edition.licensed() {
        let premium = json!({ "epic_iid": null, "epic": null, "iteration": null, "health_status": null });
        extend(shown, premium);
    }
}

/// An issue alone.
pub(crate) fn issue_single(world: &World, caller: &Caller, found: &Issue) -> Value {
    let mut shown = issue(world, found, LabelStyle::Titles, None);
    let subscribed = caller.user.is_some_and(|user| world.subscribed(Subscribable::Issue(found.id), user));
    extend(&mut shown, json!({ "subscribed": subscribed }));
    shown
}

fn labels(world: &World, found: &Issue, style: LabelStyle) -> Value {
    let mut labels: Vec<_> = found.labels.iter().filter_map(|id| world.label(*id)).collect();
    labels.sort_by(|left, right| left.title.cmp(&right.title));
    match style {
        LabelStyle::Titles => labels.into_iter().map(|found| json!(found.title)).collect(),
        LabelStyle::Details => labels.into_iter().map(|label| label_basic(world, label)).collect(),
    }
}

/// A milestone.
pub(crate) fn milestone(world: &World, found: &Milestone) -> Value {
    let today = world.today();
    let mut shown = json!({
        "id": found.id,
        "iid": found.iid,
        "title": found.title,
        "description": found.description,
        "state": if found.closed { "closed" } else { "active" },
        "created_at": time(found.created_at),
        "updated_at": time(found.updated_at),
        "due_date": found.due_date,
        "start_date": found.start_date,
        "expired": found.due_date.is_some_and(|day| day < today),
    });
    match found.owner {
        Owner::Project(id) => {
            let path = world.project(id).map_or("", |project| &project.full_path);
            let url = world.web_url(&format!("{path}/-/milestones/{}", found.iid));
            extend(&mut shown, json!({ "project_id": id, "web_url": url }));
        }
        Owner::Group(id) => {
            let path = world.group(id).map_or("", |group| &group.full_path);
            let url = world.web_url(&format!("groups/{path}/-/milestones/{}", found.iid));
            extend(&mut shown, json!({ "group_id": id, "web_url": url }));
        }
    }
    shown
}
