//! What people did: events of the caller, of a user, of a project (`lib/api/events.rb`).
//!
//! GitLab keeps a record of each; here they are read off the things that happened.

use std::cmp::Reverse;

use jiff::Timestamp;
use jiff::civil::Date;

use super::page::{Paging, enough, page};
use super::params::{PAGED, Param, SORTS, one_of, text};
use super::route::Needs::{Nothing, Profile};
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Along, Deed, Project, Role, Stretch, World};

/// `Event.actions` and `Event.target_types`.
static FILTERS: &[Param] = &[
    one_of(
        "action",
        &[
            "created",
            "updated",
            "closed",
            "reopened",
            "pushed",
            "commented",
            "merged",
            "joined",
            "left",
            "destroyed",
            "expired",
            "approved",
        ],
    ),
    one_of(
        "target_type",
        &["issue", "milestone", "merge_request", "note", "project", "snippet", "user", "wiki", "design"],
    ),
    text("before"),
    text("after"),
    one_of("sort", SORTS).or("desc"),
];
static SCOPE: &[Param] = &[text("scope")];

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/events", Profile, own).takes(&[SCOPE, FILTERS, PAGED]),
    read("/users/:id/events", Profile, of_user).takes(&[FILTERS, PAGED]),
    read("/projects/:id/events", Nothing, of_project).takes(&[FILTERS, PAGED]),
];

fn own(world: &World, request: &Request) -> Result<Reply, Failure> {
    let user = find::caller(world, request)?.id;
    let all = request.args.filled("scope").as_deref() == Some("all");
    let member = |project: &&Project| world.role_in_project(user, project) > Role::None;
    list(world, request, world.projects().filter(member).collect(), (!all).then_some(user))
}

fn of_user(world: &World, request: &Request) -> Result<Reply, Failure> {
    let name = request.param(0);
    let by_id = name.parse().ok().and_then(|id| world.user(id));
    let user = by_id.or_else(|| world.user_by_name(name)).ok_or_else(|| Failure::not_found("User"))?.id;
    list(world, request, world.projects().collect(), Some(user))
}

fn of_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    list(world, request, vec![project], None)
}

/// Events that the caller may see in these projects, by one user or by all.
fn list(world: &World, request: &Request, projects: Vec<&Project>, user: Option<i64>) -> Result<Reply, Failure> {
    let args = &request.args;
    let caller = &request.caller;
    let (after, before) = (end_of(request, "after")?, start_of(request, "before")?);
    let (action, target) = (args.filled("action"), args.filled("target_type"));
    let descending = args.text("sort").as_deref() != Some("asc");
    let wants = |deed: &Deed| {
        user.is_none_or(|user| deed.user == user)
            && after.is_none_or(|after| deed.at > after)
            && before.is_none_or(|before| deed.at < before)
            && action.as_ref().is_none_or(|action| deed.kind.action() == action)
            && target.as_ref().is_none_or(|target| deed.kind.target() == target)
    };
    let seen: Vec<&Project> = projects.into_iter().filter(|project| world.sees_project(caller, project)).collect();
    let mut deeds: Vec<Deed> = Vec::new();
    for project in &seen {
        let issues = world.issues_of(project.id).filter(|issue| world.sees_issue(caller, project, issue));
        let role = world.caller_role(caller, project);
        deeds.extend(issues.flat_map(|issue| world.deeds_of_issue(issue, role)).filter(|deed| wants(deed)));
        deeds.extend(world.deed_of_project(project).into_iter().filter(|deed| wants(deed)));
    }
    let readable = seen.iter().filter(|project| world.reads_merge_requests(caller, project)).map(|project| project.id);
    let stretch = Stretch::all(Along::Updated, true).between((after, None));
    let most = enough(world, request)?;
    // Nothing about a merge request is younger than its last change, so that the youngest deeds are found first.
    for (number, (updated_at, id)) in world.places(readable, stretch).enumerate() {
        let settled = number % 256 == 0 && descending && deeds.len() >= most;
        if settled && deeds.iter().filter(|deed| deed.at > updated_at).count() >= most {
            break;
        }
        let found = world.merge_request(id).filter(|found| world.sees_merge_request(caller, found));
        let role = |found: &crate::world::MergeRequest| {
            world.project(found.project).map_or(Role::None, |project| world.caller_role(caller, project))
        };
        deeds.extend(found.into_iter().flat_map(|found| world.deeds_of(found, role(found))).filter(|deed| wants(deed)));
    }
    if descending {
        deeds.sort_by_key(|deed| Reverse((deed.at, deed.id)));
    } else {
        deeds.sort_by_key(|deed| (deed.at, deed.id));
    }
    deeds.truncate(most);
    page(world, request, Paging::Offset, &deeds, |deed| show::deed(world, deed))
}

fn day(request: &Request, name: &str) -> Result<Option<Date>, Failure> {
    let Some(text) = request.args.filled(name) else {
        return Ok(None);
    };
    let invalid = || Failure::param(&format!("{name} is invalid"));
    let day = text.get(..10).unwrap_or(&text);
    day.parse().map(Some).map_err(|_| invalid())
}

fn start_of(request: &Request, name: &str) -> Result<Option<Timestamp>, Failure> {
    let day = day(request, name)?;
    Ok(day.and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok()).map(|at| at.timestamp()))
}

/// `after` leaves its own day out.
fn end_of(request: &Request, name: &str) -> Result<Option<Timestamp>, Failure> {
    let day = day(request, name)?.and_then(|day| day.tomorrow().ok());
    let start = day.and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok()).map(|at| at.timestamp());
    Ok(start.and_then(|at| at.checked_sub(jiff::SignedDuration::from_millis(1)).ok()))
}
