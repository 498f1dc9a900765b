//! Approvals of a merge request.

use serde_json::{Value, json};

use super::route::Needs::User;
use super::route::{Route, enterprise, read};
use super::{Failure, Reply, Request, find, show};
use crate::world::World;

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/merge_requests/:iid/approvals", User, approvals),
    enterprise(read("/projects/:id/merge_requests/:iid/approval_state", User, state)),
];

pub(crate) fn approvals(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::merge_request(world, request)?;
    let body = if world.settings.edition.enterprise() {
        show::approvals_enterprise(world, &request.caller, found)
    } else {
        show::approvals_community(world, &request.caller, found)
    };
    Ok(Reply::ok(body))
}

/// The rules. Approvers whom no rule names are missing here: here the rule names the reviewers.
pub(crate) fn state(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::merge_request(world, request)?;
    if !world.settings.edition.licensed() {
        return Ok(Reply::ok(json!({ "approval_rules_overwritten": false, "rules": [] })));
    }
    let users = |ids: &mut dyn Iterator<Item = i64>| ids.map(|id| show::user_basic(world, Some(id))).collect::<Value>();
    let named = |user: i64| found.reviewers.iter().any(|reviewer| reviewer.user == user);
    let approvers = found.approvals.iter().map(|approval| approval.user);
    let rule = json!({
        "id": found.id,
        "name": "Reviewers",
        "rule_type": "regular",
        "report_type": null,
        "section": null,
        "eligible_approvers": users(&mut found.reviewers.iter().map(|reviewer| reviewer.user)),
        "approvals_required": world.approvals_required(found),
        "users": users(&mut found.reviewers.iter().map(|reviewer| reviewer.user)),
        "groups": [],
        "contains_hidden_groups": false,
        "approved_by": users(&mut approvers.filter(|user| named(*user))),
        "source_rule": null,
        "approved": world.approvals_left(found) == 0,
        "overridden": false,
        "code_owner": false,
    });
    Ok(Reply::ok(json!({ "approval_rules_overwritten": true, "rules": [rule] })))
}
