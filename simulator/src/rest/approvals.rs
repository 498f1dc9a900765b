//! Approvals of a merge request, and what a project says of them.

use serde_json::{Value, json};

use super::route::Needs::User;
use super::route::{Route, enterprise, read};
use super::{Failure, Reply, Request, find, show};
use crate::world::World;

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/merge_requests/:iid/approvals", User, approvals),
    enterprise(read("/projects/:id/merge_requests/:iid/approval_state", User, state)),
    enterprise(read("/projects/:id/approvals", User, settings)),
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

/// The rules. Approvers whom no rule names are missing here.
pub(crate) fn state(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::merge_request(world, request)?;
    let rules: Value = world.rules_of(found).iter().map(|rule| show::approval_state(world, found, rule)).collect();
    Ok(Reply::ok(json!({ "approval_rules_overwritten": !found.rules.is_empty(), "rules": rules })))
}

/// For those who may change its rules, and with a licence (`ee/lib/api/project_approvals.rb`).
fn settings(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    if !world.administers_project(&request.caller, project) || !world.settings.edition.licensed() {
        return Err(Failure::forbidden(""));
    }
    Ok(Reply::ok(show::approval_settings(world, project)))
}
