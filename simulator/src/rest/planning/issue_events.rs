//! Changes of an issue's state, labels and milestone (`lib/api/resource_{state,label,milestone}_events.rb`).

use super::issues::named;
use crate::rest::page::{Paging, page};
use crate::rest::params::PAGED;
use crate::rest::route::Needs::User;
use crate::rest::route::{Route, read};
use crate::rest::{Failure, Reply, Request, find, show};
use crate::world::{Issue, MarkEvent, StateEvent, World};

#[rustfmt::skip]
pub(in crate::rest) static ROUTES: &[Route] = &[
    read("/projects/:id/issues/:eventable_iid/resource_state_events", User, states).takes(&[PAGED]),
    read("/projects/:id/issues/:eventable_iid/resource_state_events/:event_id", User, state),
    read("/projects/:id/issues/:eventable_id/resource_label_events", User, labels).takes(&[PAGED]),
    read("/projects/:id/issues/:eventable_id/resource_label_events/:event_id", User, label),
    read("/projects/:id/issues/:eventable_id/resource_milestone_events", User, milestones).takes(&[PAGED]),
    read("/projects/:id/issues/:eventable_id/resource_milestone_events/:event_id", User, milestone),
];

fn states(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = named(world, request)?;
    page(world, request, Paging::Offset, &found.state_events, |event| show::state_event(world, found, event))
}

fn state(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (found, event) = one(world, request, |found| &found.state_events, |event: &StateEvent| event.id)?;
    Ok(Reply::ok(show::state_event(world, found, event)))
}

fn labels(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = named(world, request)?;
    page(world, request, Paging::Offset, &found.label_events, |event| show::label_event(world, found, event))
}

fn label(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (found, event) = one(world, request, |found| &found.label_events, |event: &MarkEvent| event.id)?;
    Ok(Reply::ok(show::label_event(world, found, event)))
}

fn milestones(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = named(world, request)?;
    page(world, request, Paging::Offset, &found.milestone_events, |event| show::milestone_event(world, found, event))
}

fn milestone(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (found, event) = one(world, request, |found| &found.milestone_events, |event: &MarkEvent| event.id)?;
    Ok(Reply::ok(show::milestone_event(world, found, event)))
}

/// The event of the third placeholder, among those of one kind.
fn one<'w, T>(
    world: &'w World,
    request: &Request,
    events: fn(&Issue) -> &Vec<T>,
    id: fn(&T) -> i64,
) -> Result<(&'w Issue, &'w T), Failure> {
    let (_, found) = named(world, request)?;
    let wanted = find::number(request, 2, "event_id")?;
    let event = events(found).iter().find(|event| id(event) == wanted).ok_or_else(Failure::no_row)?;
    Ok((found, event))
}
