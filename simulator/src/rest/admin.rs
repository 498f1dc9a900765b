//! What administrators read of an instance, and what everybody is told of it: licence, settings, counts, messages.

use serde_json::{Value, json};

use super::page::{Paging, page};
use super::params::PAGED;
use super::route::Needs::{Admin, Nothing, User};
use super::route::{Route, enterprise, read};
use super::{Failure, Reply, Request, find};
use crate::world::{UserKind, UserState, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    enterprise(read("/license", Admin, license)),
    read("/features", Admin, features).takes(&[PAGED]),
    read("/application/settings", Admin, settings),
    read("/application/statistics", Admin, statistics),
    read("/broadcast_messages", Nothing, nothing).takes(&[PAGED]),
    read("/todos", User, nothing).takes(&[PAGED]),
    read("/runners", User, runners).takes(&[PAGED]),
    read("/runners/all", Admin, runners).takes(&[PAGED]),
    enterprise(read("/groups/:id/epics", Nothing, premium_of_group).takes(&[PAGED])),
    enterprise(read("/groups/:id/iterations", Nothing, premium_of_group).takes(&[PAGED])),
    enterprise(read("/projects/:id/iterations", Nothing, premium_of_project).takes(&[PAGED])),
    read("/groups/:id/boards", User, boards_of_group).takes(&[PAGED]),
    read("/projects/:id/boards", User, boards_of_project).takes(&[PAGED]),
];

/// `ee/lib/ee/api/entities/gitlab_license.rb`; null without one.
fn license(world: &World, _: &Request) -> Result<Reply, Failure> {
    if !world.settings.edition.licensed() {
        return Ok(Reply::ok(Value::Null));
    }
    let people = world.users().filter(|user| user.kind == UserKind::Human && user.state == UserState::Active).count();
    let today = world.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let starts = today.first_of_year();
    Ok(Reply::ok(json!({
        "id": 1,
        "plan": "premium",
        "created_at": format!("{starts}T00:00:00.000Z"),
        "starts_at": starts,
        "expires_at": today.last_of_year(),
        "historical_max": people,
        "maximum_user_count": people,
        "expired": false,
        "overage": 0,
        "user_limit": people.max(100),
        "active_users": people,
        "licensee": { "Name": "Acme", "Company": "Acme", "Email": "admin@example.com" },
        "add_ons": {},
    })))
}

/// No feature flag was ever changed.
fn features(world: &World, request: &Request) -> Result<Reply, Failure> {
    nothing(world, request)
}

/// The settings that the World knows of.
fn settings(world: &World, _: &Request) -> Result<Reply, Failure> {
    let known = &world.settings;
    Ok(Reply::ok(json!({
        "id": 1,
        "admin_mode": known.admin_mode,
        "require_personal_access_token_expiry": known.require_expiry,
        "allow_local_requests_from_web_hooks_and_services": known.allow_local_webhooks,
        "allow_local_requests_from_hooks_and_services": known.allow_local_webhooks,
        "throttle_authenticated_api_enabled": known.rate_limit.is_some(),
        "throttle_authenticated_api_requests_per_period": known.rate_limit.unwrap_or(7200),
        "throttle_authenticated_api_period_in_seconds": if known.rate_limit.is_some() { known.rate_period } else { 3600 },
        "default_project_visibility": "private",
        "default_group_visibility": "private",
        "signup_enabled": true,
        "deletion_adjourned_period": 30,
    })))
}

/// Counts as text with a comma a thousand (`lib/api/entities/application_statistics.rb`).
fn statistics(world: &World, _: &Request) -> Result<Reply, Failure> {
    let issues: usize = world.projects().map(|project| world.issues_of(project.id).count()).sum();
    let milestones = world.groups().map(|group| crate::world::Owner::Group(group.id));
    let milestones = milestones.chain(world.projects().map(|project| crate::world::Owner::Project(project.id)));
    let milestones: usize = milestones.map(|owner| world.milestones_of(owner).count()).sum();
    let forks = world.projects().filter(|project| project.forked_from.is_some()).count();
    let active = world.users().filter(|user| user.state == UserState::Active).count();
    let count = |number: usize| Value::String(with_commas(number));
    Ok(Reply::ok(json!({
        "forks": count(forks),
        "issues": count(issues),
        "merge_requests": count(world.merge_request_count()),
        "notes": count(0),
        "snippets": count(0),
        "ssh_keys": count(0),
        "milestones": count(milestones),
        "users": count(world.users().count()),
        "groups": count(world.groups().count()),
        "projects": count(world.projects().count()),
        "active_users": count(active),
    })))
}

fn with_commas(number: usize) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut shown = digits[..first].to_owned();
    for (place, digit) in digits[first..].chars().enumerate() {
        if place % 3 == 0 && !shown.is_empty() {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// The runners that took jobs of the projects that the caller administers.
fn runners(world: &World, request: &Request) -> Result<Reply, Failure> {
    let administered = world.projects().filter(|project| world.administers_project(&request.caller, project));
    let jobs = administered.flat_map(|project| world.pipelines_of(project.id)).flat_map(|pipeline| &pipeline.jobs);
    let mut found: Vec<(i64, &str)> =
        jobs.filter_map(|job| Some((job.runner.as_ref()?.0, job.runner.as_ref()?.1.as_str()))).collect();
    found.sort_unstable();
    found.dedup();
    page(world, request, Paging::Offset, &found, |(id, description)| super::show::runner(*id, description))
}

/// Lists of what the World has none of.
fn nothing(world: &World, request: &Request) -> Result<Reply, Failure> {
    page(world, request, Paging::Offset, &[], Value::clone)
}

/// A board is made when somebody looks at it, so nobody has one here.
fn boards_of_group(world: &World, request: &Request) -> Result<Reply, Failure> {
    find::group(world, request)?;
    nothing(world, request)
}

/// Boards go with issues (`read_issue_board`).
fn boards_of_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    if !world.reads_issues(&request.caller, project) {
        return Err(Failure::forbidden(""));
    }
    nothing(world, request)
}

/// Epics and iterations are there with a licence, forbidden without (`check_epics_enabled!`).
fn premium_of_group(world: &World, request: &Request) -> Result<Reply, Failure> {
    find::group(world, request)?;
    licensed(world, request)
}

fn premium_of_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    find::project(world, request)?;
    licensed(world, request)
}

fn licensed(world: &World, request: &Request) -> Result<Reply, Failure> {
    if !world.settings.edition.licensed() {
        return Err(Failure::forbidden(""));
    }
    nothing(world, request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_have_commas() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(with_commas), ["0", "999", "1,000", "1,234,567"]);
    }
}
