//! Merge requests, their approvals and notes.

use serde_json::{Map, Value, json};

use super::{extend, label_basic, milestone, relative_to, time, user_basic};
use crate::world::{Caller, MergeRequest, MergeRequestState, Subscribable, World};

/// How labels are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LabelStyle {
    /// Their titles.
    Titles,
    /// Whole labels, with `with_labels_details`.
    Details,
}

/// A merge request in a list with `view=simple`.
pub(crate) fn merge_request_simple(world: &World, found: &MergeRequest) -> Value {
    let path = world.project(found.project).map_or("", |project| &project.full_path);
    json!({
        "id": found.id,
        "iid": found.iid,
        "project_id": found.project,
        "title": found.full_title(),
        "description": found.description,
        "state": found.state.name(),
        "created_at": time(found.created_at),
        "updated_at": time(found.updated_at),
        "web_url": world.web_url(&format!("{path}/-/merge_requests/{}", found.iid)),
    })
}

/// A merge request in a list: of a group, if one is given.
pub(crate) fn merge_request(world: &World, found: &MergeRequest, style: LabelStyle, group: Option<i64>) -> Value {
    let project = world.project(found.project);
    let path = project.map_or("", |project| &project.full_path);
    let merger = user_basic(world, found.merge_user);
    let assignees: Vec<Value> = found.assignees.iter().map(|id| user_basic(world, Some(*id))).collect();
    let reviewers: Vec<Value> = found.reviewers.iter().map(|reviewer| user_basic(world, Some(reviewer.user))).collect();
    let mut shown = merge_request_simple(world, found);
    let more = json!({
        "merged_at": found.merged_at.map(time),
        "closed_by": user_basic(world, found.closed_by),
        "closed_at": found.closed_at.map(time),
        "merged_by": merger,
        "merge_user": merger,
        "target_branch": found.target_branch,
        "source_branch": found.source_branch,
        "source_project_id": found.source_project,
        "target_project_id": found.project,
        "user_notes_count": found.user_notes_count(),
        "upvotes": found.upvotes(),
        "downvotes": found.downvotes(),
        "author": user_basic(world, found.author),
        "assignee": assignees.first(),
        "assignees": assignees,
        "reviewers": reviewers,
        "labels": labels(world, found, style),
        "draft": found.draft,
        "work_in_progress": found.draft,
        "milestone": found.milestone.and_then(|id| world.milestone(id)).map(|found| milestone(world, found)),
        "reference": format!("!{}", found.iid),
        "references": {
            "short": format!("!{}", found.iid),
            "relative": format!("{}!{}", relative_to(group, project), found.iid),
            "full": format!("{path}!{}", found.iid),
        },
    });
    extend(&mut shown, more);
    if let Value::Object(shown) = &mut shown {
        status(world, found, shown);
    }
    shown
}

fn status(world: &World, found: &MergeRequest, shown: &mut Map<String, Value>) {
    let more = json!({
        "merge_when_pipeline_succeeds": found.auto_merge,
        "merge_status": found.merge_status(),
        "sha": found.sha.map(|sha| sha.to_string()),
        "merge_commit_sha": found.merge_commit_sha.map(|sha| sha.to_string()),
        "squash_commit_sha": found.squash_commit_sha.map(|sha| sha.to_string()),
        "discussion_locked": found.discussion_locked,
        "should_remove_source_branch": null,
        "force_remove_source_branch": true,
        "time_stats": {
            "time_estimate": 0,
            "total_time_spent": 0,
            "human_time_estimate": null,
            "human_total_time_spent": null,
        },
        "squash": found.squash,
        "squash_on_merge": found.squash,
        "task_completion_status": { "count": 0, "completed_count": 0 },
        "has_conflicts": found.conflicts,
        "blocking_discussions_resolved": found.discussions_resolved(),
    });
    if let Value::Object(more) = more {
        shown.extend(more);
    }
    let settings = &world.settings;
    if settings.at_least(17, 2) {
        shown.extend(imported());
    }
    if settings.at_least(17, 8) {
        shown.insert("merge_after".to_owned(), Value::Null);
    }
    if settings.at_least(15, 6) {
        shown.insert("detailed_merge_status".to_owned(), json!(world.detailed_merge_status(found)));
    }
    if settings.at_least(16, 1) {
        shown.insert("prepared_at".to_owned(), json!(found.prepared_at.map(time)));
    }
    if settings.edition.enterprise() {
        shown.insert("approvals_before_merge".to_owned(), Value::Null);
    }
}

/// What merge requests and notes say of imports, since 17.2. Nothing in this World was imported.
pub(super) fn imported() -> Map<String, Value> {
    [("imported".to_owned(), json!(false)), ("imported_from".to_owned(), json!("none"))].into_iter().collect()
}

fn labels(world: &World, found: &MergeRequest, style: LabelStyle) -> Value {
    let labels = found.labels.iter().filter_map(|id| world.label(*id));
    match style {
        LabelStyle::Titles => labels.map(|found| json!(found.title)).collect(),
        LabelStyle::Details => labels.map(|label| label_basic(world, label)).collect(),
    }
}

/// A merge request on its own, with what lists leave out.
pub(crate) fn single(world: &World, caller: &Caller, found: &MergeRequest) -> Value {
    let mut shown = merge_request(world, found, LabelStyle::Titles, None);
    let refs = found.versions.last().filter(|_| found.sha.is_some()).map(|version| {
        json!({
            "base_sha": version.base.to_string(),
            "head_sha": version.head.to_string(),
            "start_sha": version.start.to_string(),
        })
    });
    let project = world.project(found.project);
    let pipeline = project.zip(world.head_pipeline(found).and_then(|id| world.pipeline(id)));
    let more = json!({
        "subscribed": caller.user.is_some_and(|user| world.subscribed(Subscribable::MergeRequest(found.id), user)),
        "changes_count": found.prepared_at.map(|_| found.files.len().to_string()),
        "latest_build_started_at": pipeline.and_then(|(_, pipeline)| pipeline.started_at).map(time),
        "latest_build_finished_at": pipeline.and_then(|(_, pipeline)| pipeline.finished_at).map(time),
        "first_deployed_to_production_at": first_deployed(world, found).map(time),
        "pipeline": pipeline.map(|(project, pipeline)| super::pipeline(world, project, pipeline)),
        "head_pipeline": pipeline.map(|(project, pipeline)| super::pipeline_single(world, project, pipeline)),
        "diff_refs": refs,
        "merge_error": found.merge_error,
        "first_contribution": false,
        "user": { "can_merge": found.state == MergeRequestState::Opened },
    });
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    shown
}

/// When the branch was first deployed to production after the merge.
fn first_deployed(world: &World, found: &MergeRequest) -> Option<jiff::Timestamp> {
    let merged_at = found.merged_at?;
    let mut production = world.deployments_of(found.project).filter(|deployment| {
        world.environment(deployment.environment).is_some_and(|known| known.tier == "production")
            && deployment.status == "success"
            && deployment.ref_name == found.target_branch
    });
    production.find_map(|deployment| deployment.finished_at.filter(|at| *at >= merged_at))
}

fn approved_by(world: &World, found: &MergeRequest) -> Value {
    let shown = found
        .approvals
        .iter()
        .map(|approval| json!({ "user": user_basic(world, Some(approval.user)), "approved_at": time(approval.at) }));
    shown.collect()
}

/// `/approvals` in the Community Edition.
pub(crate) fn approvals_community(world: &World, caller: &Caller, found: &MergeRequest) -> Value {
    let own = caller.user.is_some_and(|user| found.approved_by(user));
    json!({
        "user_has_approved": own,
        "user_can_approve": !own && found.author != caller.user,
        "approved": !found.approvals.is_empty(),
        "approved_by": approved_by(world, found),
    })
}

/// `/approvals` in the Enterprise Edition.
pub(crate) fn approvals_enterprise(world: &World, caller: &Caller, found: &MergeRequest) -> Value {
    let mut shown = approvals_community(world, caller, found);
    let more = json!({
        "id": found.id,
        "iid": found.iid,
        "project_id": found.project,
        "title": found.full_title(),
        "description": found.description,
        "state": found.state.name(),
        "created_at": time(found.created_at),
        "updated_at": time(found.updated_at),
        "merge_status": found.merge_status(),
        "approved": world.approvals_left(found) == 0,
        "approvals_required": world.approvals_required(found),
        "approvals_left": world.approvals_left(found),
        "require_password_to_approve": false,
        "suggested_approvers": [],
        "approvers": [],
        "approver_groups": [],
        "approval_rules_left": [],
        "has_approval_rules": true,
        "merge_request_approvers_available": true,
        "multiple_approval_rules_available": true,
        "invalid_approvers_rules": [],
    });
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    shown
}
