//! Who takes part in a merge request, and who is to review it.

use serde_json::json;

use super::merge_requests::role;
use super::page::{Paging, page};
use super::params::PAGED;
use super::route::Needs::Nothing;
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, show};
use crate::world::World;

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/merge_requests/:iid/participants", Nothing, participants).takes(&[PAGED]),
    read("/projects/:id/merge_requests/:iid/reviewers", Nothing, reviewers).takes(&[PAGED]),
];

/// Author, assignees, reviewers and whoever wrote a note that the caller sees, each once.
pub(crate) fn participants(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::merge_request(world, request)?;
    let role = role(world, request, project);
    let notes = found.notes.iter().filter(|note| World::sees_note(role, note));
    let reviewers = found.reviewers.iter().map(|reviewer| reviewer.user);
    let named = found.author.into_iter().chain(found.assignees.iter().copied()).chain(reviewers);
    let mut people: Vec<i64> = Vec::new();
    for user in named.chain(notes.filter_map(|note| note.author)) {
        if !people.contains(&user) && world.user(user).is_some() {
            people.push(user);
        }
    }
    page(world, request, Paging::Offset, &people, |user| show::user_basic(world, Some(*user)))
}

pub(crate) fn reviewers(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::merge_request(world, request)?;
    page(world, request, Paging::Offset, &found.reviewers, |reviewer| {
        json!({
            "user": show::user_basic(world, Some(reviewer.user)),
            "state": reviewer.state.name(),
            "created_at": show::time(reviewer.requested_at),
        })
    })
}
