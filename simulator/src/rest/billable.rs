//! Who takes a seat below a group at the top (`BilledUsersFinder`).

use std::collections::BTreeMap;

use serde_json::json;

use super::page::{Paging, page};
use super::params::{PAGED, Param, text};
use super::route::Needs;
use super::route::{Route, enterprise, read};
use super::{Failure, Reply, Request, find, search, show};
use crate::world::{Member, Role, User, UserKind, UserState, World};

static LIST: &[Param] = &[text("search"), text("sort")];

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    enterprise(read("/groups/:id/billable_members", Needs::User, list)).takes(&[LIST, PAGED]),
];

/// Where somebody is a member, which is told with the widest place first.
type Seats<'w> = BTreeMap<i64, (&'static str, &'w Member)>;

/// Owners see them. Bots and people who are stopped take no seat.
fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?;
    if world.caller_role_in_group(&request.caller, group.id) < Role::Owner {
        return Err(Failure::forbidden(""));
    }
    if group.parent.is_some() {
        return Err(Failure::bad_request(""));
    }
    let wanted = request.args.filled("search");
    let seats = seats(world, group.id);
    let takes = |user: &&User| {
        let named = |text: &String| search::matches(text, [user.username.as_str(), &user.name]);
        let active = matches!(user.state, UserState::Active | UserState::Deactivated);
        user.kind == UserKind::Human && active && wanted.as_ref().is_none_or(named)
    };
    let mut found: Vec<&User> = seats.keys().filter_map(|id| world.user(*id)).filter(takes).collect();
    found.sort_by(|left, right| left.name.cmp(&right.name).then(left.id.cmp(&right.id)));
    if request.args.text("sort").as_deref() == Some("name_desc") {
        found.reverse();
    }
    page(world, request, Paging::Offset, &found, |user| {
        let mut shown = show::user_basic(world, Some(user.id));
        let (kind, member) = seats[&user.id];
        shown["email"] = json!(user.public_email);
        shown["last_activity_on"] = json!(user.last_activity_on);
        shown["membership_type"] = json!(kind);
        shown["removable"] = json!(member.role < Role::Owner);
        shown["created_at"] = json!(show::time(user.created_at));
        shown["last_login_at"] = json!(null);
        shown
    })
}

fn seats(world: &World, group: i64) -> Seats<'_> {
    let mut seats = Seats::new();
    let groups: Vec<i64> = std::iter::once(group).chain(world.descendant_groups(group)).collect();
    for group in groups.iter().filter_map(|id| world.group(*id)) {
        for member in &group.members {
            seats.entry(member.user).or_insert(("group_member", member));
        }
    }
    let projects = groups.iter().flat_map(|id| world.projects_of_group(*id)).filter_map(|id| world.project(*id));
    for member in projects.flat_map(|project| &project.members) {
        seats.entry(member.user).or_insert(("project_member", member));
    }
    seats
}
