//! Changes of a merge request's state, labels and milestone, which leave no notes.

use super::page::{Paging, page};
use super::params::PAGED;
use super::route::Needs::User;
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, show};
use crate::world::{MarkEvent, MergeRequest, StateEvent, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/merge_requests/:iid/resource_state_events", User, states).takes(&[PAGED]),
    read("/projects/:id/merge_requests/:iid/resource_state_events/:event_id", User, state),
    read("/projects/:id/merge_requests/:iid/resource_label_events", User, labels).takes(&[PAGED]),
    read("/projects/:id/merge_requests/:iid/resource_label_events/:event_id", User, label),
    read("/projects/:id/merge_requests/:iid/resource_milestone_events", User, milestones).takes(&[PAGED]),
    read("/projects/:id/merge_requests/:iid/resource_milestone_events/:event_id", User, milestone),
];

pub(crate) fn states(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::noteable(world, request)?;
    page(world, request, Paging::Offset, &found.state_events, |event| show::state_event(world, found, event))
}

pub(crate) fn state(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (found, event) = named(world, request, |found| &found.state_events, |event: &StateEvent| event.id)?;
    Ok(Reply::ok(show::state_event(world, found, event)))
}

pub(crate) fn labels(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::noteable(world, request)?;
    page(world, request, Paging::Offset, &found.label_events, |event| show::label_event(world, found, event))
}

pub(crate) fn label(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (found, event) = named(world, request, |found| &found.label_events, |event: &MarkEvent| event.id)?;
    Ok(Reply::ok(show::label_event(world, found, event)))
}

pub(crate) fn milestones(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::noteable(world, request)?;
    page(world, request, Paging::Offset, &found.milestone_events, |event| show::milestone_event(world, found, event))
}

pub(crate) fn milestone(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (found, event) = named(world, request, |found| &found.milestone_events, |event: &MarkEvent| event.id)?;
    Ok(Reply::ok(show::milestone_event(world, found, event)))
}

/// The event of the third placeholder, among those of one kind.
fn named<'w, T>(
    world: &'w World,
    request: &Request,
    events: fn(&MergeRequest) -> &Vec<T>,
    id: fn(&T) -> i64,
) -> Result<(&'w MergeRequest, &'w T), Failure> {
    let (_, found) = find::noteable(world, request)?;
    let wanted = find::number(request, 2, "event_id")?;
    let event = events(found).iter().find(|event| id(event) == wanted).ok_or_else(Failure::no_row)?;
    Ok((found, event))
}
