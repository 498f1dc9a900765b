//! Approval rules of merge requests and of projects (Premium).

use serde_json::{Value, json};

use super::page::{Paging, page};
use super::params::{PAGED, Param, integer, integers, one_of, text, texts};
use super::route::Needs::User;
use super::route::{Route, enterprise, read, write};
use super::{Failure, Reply, Request, find, show};
use crate::world::{ApprovalRule, Role, RuleKind, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    enterprise(read("/projects/:id/merge_requests/:iid/approval_rules", User, list)).takes(&[PAGED]),
    enterprise(write("POST", "/projects/:id/merge_requests/:iid/approval_rules", User, create)).takes(&[NEW]),
    enterprise(read("/projects/:id/merge_requests/:iid/approval_rules/:rule_id", User, one)),
    enterprise(write("PUT", "/projects/:id/merge_requests/:iid/approval_rules/:rule_id", User, update)).takes(&[CHANGE]),
    enterprise(write("DELETE", "/projects/:id/merge_requests/:iid/approval_rules/:rule_id", User, delete)),
    enterprise(read("/projects/:id/approval_rules", User, list_of_project)).takes(&[PAGED]),
    enterprise(write("POST", "/projects/:id/approval_rules", User, create_in_project)).takes(&[NEW, IN_PROJECT]),
    enterprise(read("/projects/:id/approval_rules/:rule_id", User, one_of_project)),
    enterprise(write("PUT", "/projects/:id/approval_rules/:rule_id", User, update_in_project)).takes(&[CHANGE]),
    enterprise(write("DELETE", "/projects/:id/approval_rules/:rule_id", User, delete_in_project)),
];

/// ee/lib/api/merge_request_approval_rules.rb.
static NEW: &[Param] = &[
    text("name").required(),
    integer("approvals_required").required(),
    integer("approval_project_rule_id"),
    integers("user_ids"),
    integers("group_ids"),
    texts("usernames").since(15, 8),
];

static IN_PROJECT: &[Param] = &[one_of("rule_type", &["regular", "any_approver", "report_approver"])];

static CHANGE: &[Param] = &[
    text("name"),
    integer("approvals_required"),
    integers("user_ids"),
    integers("group_ids"),
    texts("usernames").since(15, 8),
];

/// The merge request of the path, if the caller may change its rules: a Developer, or the author.
fn changeable(world: &World, request: &Request) -> Result<i64, Failure> {
    let (project, found) = find::merge_request(world, request)?;
    let author = found.author.is_some() && found.author == request.caller.user;
    if !author && world.caller_role(&request.caller, project) < Role::Developer {
        return Err(Failure::forbidden(""));
    }
    Ok(found.id)
}

/// What a request says of people, as far as they are there. GitLab leaves out the others without a word.
fn apply(world: &World, request: &Request, rule: &mut ApprovalRule) -> Result<(), Failure> {
    let args = &request.args;
    rule.name = args.filled("name").unwrap_or_else(|| rule.name.clone());
    rule.required = args.integer("approvals_required")?.unwrap_or(rule.required);
    if !(0..=100).contains(&rule.required) {
        let words = if rule.required < 0 { "greater than or equal to 0" } else { "less than or equal to 100" };
        return Err(Failure::invalid(&json!({ "approvals_required": [format!("must be {words}")] })));
    }
    let ids = |name: &str| args.list(name).iter().filter_map(|id| id.parse().ok()).collect::<Vec<i64>>();
    if args.raw("user_ids").is_some() || args.raw("usernames").is_some() {
        let named = args.list("usernames");
        let named = named.iter().filter_map(|name| world.user_by_name(name)).map(|user| user.id);
        rule.users = ids("user_ids").into_iter().filter(|id| world.user(*id).is_some()).chain(named).collect();
    }
    if args.raw("group_ids").is_some() {
        rule.groups = ids("group_ids").into_iter().filter(|id| world.group(*id).is_some()).collect();
    }
    Ok(())
}

pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::merge_request(world, request)?;
    page(world, request, Paging::Offset, &world.rules_of(found), |rule| show::approval_rule(world, rule))
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::merge_request(world, request)?;
    let id = find::number(request, 2, "approval_rule_id")?;
    let rule = world.rules_of(found).into_iter().find(|rule| rule.id == id).ok_or_else(Failure::no_row)?;
    Ok(Reply::ok(show::approval_rule(world, &rule)))
}

/// A new rule; from one of the project it takes over whom it names.
pub(crate) fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = changeable(world, request)?;
    let (project, _) = find::merge_request(world, request)?;
    let source = request.args.integer("approval_project_rule_id")?;
    let source = source.and_then(|source| project.approval_rules.iter().find(|rule| rule.id == source));
    let mut rule = source.cloned().unwrap_or_default();
    apply(world, request, &mut rule)?;
    rule.id = world.next_id("approval_rule");
    let body = show::approval_rule(world, &rule);
    world.edit_merge_request(id, |found| found.rules.push(rule));
    Ok(Reply::created(body))
}

pub(crate) fn update(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = changeable(world, request)?;
    let wanted = find::number(request, 2, "approval_rule_id")?;
    let found = world.merge_request(id).ok_or_else(Failure::no_row)?;
    let mut rule = world.rules_of(found).into_iter().find(|rule| rule.id == wanted).ok_or_else(Failure::no_row)?;
    changes_by_people(&rule)?;
    apply(world, request, &mut rule)?;
    let body = show::approval_rule(world, &rule);
    world.edit_merge_request(id, |found| match found.rules.iter_mut().find(|known| known.id == wanted) {
        Some(known) => *known = rule,
        None => found.approvals_required = rule.required,
    });
    Ok(Reply::ok(body))
}

pub(crate) fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = changeable(world, request)?;
    let wanted = find::number(request, 2, "approval_rule_id")?;
    let found = world.merge_request(id).ok_or_else(Failure::no_row)?;
    let rule = world.rules_of(found).into_iter().find(|rule| rule.id == wanted).ok_or_else(Failure::no_row)?;
    changes_by_people(&rule)?;
    world.edit_merge_request(id, |found| {
        found.rules.retain(|known| known.id != wanted);
        if rule.kind == RuleKind::AnyApprover {
            found.approvals_required = 0;
        }
    });
    Ok(Reply::no_content())
}

/// Rules that GitLab makes itself are not for people to change.
fn changes_by_people(rule: &ApprovalRule) -> Result<(), Failure> {
    match rule.kind {
        RuleKind::Regular | RuleKind::AnyApprover => Ok(()),
        RuleKind::CodeOwner | RuleKind::ReportApprover => Err(Failure::forbidden("")),
    }
}

/// The id of the project of the path, if the caller administers it and GitLab has a licence.
fn administered(world: &World, request: &Request) -> Result<i64, Failure> {
    let project = find::project_to_change(world, request)?;
    if !world.administers_project(&request.caller, project) || !world.settings.edition.licensed() {
        return Err(Failure::forbidden(""));
    }
    Ok(project.id)
}

fn rules_of_project<'w>(world: &'w World, request: &Request) -> Result<&'w [ApprovalRule], Failure> {
    let project = find::readable(world, request)?;
    if !world.settings.edition.licensed() {
        return Err(Failure::forbidden(""));
    }
    Ok(&project.approval_rules)
}

fn of_project<'w>(world: &'w World, request: &Request) -> Result<&'w ApprovalRule, Failure> {
    let id = find::number(request, 1, "approval_rule_id")?;
    rules_of_project(world, request)?.iter().find(|rule| rule.id == id).ok_or_else(Failure::no_row)
}

pub(crate) fn list_of_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    let rules = rules_of_project(world, request)?;
    page(world, request, Paging::Offset, rules, |rule| show::project_approval_rule(world, rule))
}

pub(crate) fn one_of_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    let rule = of_project(world, request)?;
    Ok(Reply::ok(show::project_approval_rule(world, rule)))
}

pub(crate) fn create_in_project(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = administered(world, request)?;
    let mut rule = ApprovalRule::default();
    apply(world, request, &mut rule)?;
    let wished = request.args.text("rule_type");
    rule.kind = match wished.as_deref() {
        Some("any_approver") => RuleKind::AnyApprover,
        Some("report_approver") => RuleKind::ReportApprover,
        _ => RuleKind::Regular,
    };
    let known = world.project(project).into_iter().flat_map(|project| &project.approval_rules);
    if rule.kind == RuleKind::AnyApprover && known.clone().any(|known| known.kind == RuleKind::AnyApprover) {
        return Err(Failure::invalid(&json!({ "rule_type": ["any-approver for the project already exists"] })));
    }
    if known.clone().any(|known| known.name == rule.name) {
        return Err(Failure::invalid(&json!({ "name": ["has already been taken"] })));
    }
    rule.id = world.next_id("approval_rule");
    Ok(Reply::created(keep(world, project, rule)?))
}

pub(crate) fn update_in_project(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = administered(world, request)?;
    let mut rule = of_project(world, request)?.clone();
    apply(world, request, &mut rule)?;
    Ok(Reply::ok(keep(world, project, rule)?))
}

fn keep(world: &mut World, project: i64, rule: ApprovalRule) -> Result<Value, Failure> {
    let body = show::project_approval_rule(world, &rule);
    let rules = &mut world.project_mut(project).ok_or_else(Failure::no_row)?.approval_rules;
    match rules.iter_mut().find(|known| known.id == rule.id) {
        Some(known) => *known = rule,
        None => rules.push(rule),
    }
    Ok(body)
}

pub(crate) fn delete_in_project(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = administered(world, request)?;
    let id = of_project(world, request)?.id;
    if let Some(project) = world.project_mut(project) {
        project.approval_rules.retain(|rule| rule.id != id);
    }
    Ok(Reply::no_content())
}
