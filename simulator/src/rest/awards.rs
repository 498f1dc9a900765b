//! Reactions to merge requests.

use super::page::{Paging, page};
use super::params::PAGED;
use super::route::Needs::{Nothing, User};
use super::route::{Route, read, write};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Award, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/merge_requests/:iid/award_emoji", Nothing, list).takes(&[PAGED]),
    write("POST", "/projects/:id/merge_requests/:iid/award_emoji", User, create),
    read("/projects/:id/merge_requests/:iid/award_emoji/:award_id", Nothing, one),
    write("DELETE", "/projects/:id/merge_requests/:iid/award_emoji/:award_id", User, delete),
];

pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::noteable(world, request)?;
    page(world, request, Paging::Offset, &found.awards, |award| show::award(world, found, award))
}

fn named<'w>(world: &'w World, request: &Request) -> Result<&'w Award, Failure> {
    let (_, found) = find::noteable(world, request)?;
    let id = find::number(request, 2, "award_id")?;
    found.awards.iter().find(|award| award.id == id).ok_or_else(Failure::no_row)
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::noteable(world, request)?;
    Ok(Reply::ok(show::award(world, found, named(world, request)?)))
}

/// A second one of the same name is refused as if it were absent (GitLab's `award_emoji.rb`).
pub(crate) fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = find::noteable(world, request)?.1.id;
    let user = find::caller(world, request)?.id;
    let name = request.args.text("name").ok_or_else(|| Failure::param("name is missing"))?;
    let made = world.award(id, user, &name);
    let found = world.merge_request(id).ok_or_else(Failure::no_row)?;
    let made = made.and_then(|made| found.awards.iter().find(|award| award.id == made));
    let made = made.ok_or_else(|| Failure::not_found("Award Emoji Name has already been taken"))?;
    Ok(Reply::created(show::award(world, found, made)))
}

pub(crate) fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let award = named(world, request)?;
    let (id, own) = (award.id, request.caller.user == Some(award.user));
    if !own && !world.is_admin(&request.caller) {
        return Err(Failure::unauthorized());
    }
    let merge_request = find::noteable(world, request)?.1.id;
    world.take_award_back(merge_request, id);
    Ok(Reply::no_content())
}
