//! Reactions to issues (`lib/api/award_emoji.rb`).

use super::issues::named;
use crate::rest::page::{Paging, page};
use crate::rest::params::{PAGED, Param, text};
use crate::rest::route::Needs::{Nothing, User};
use crate::rest::route::{Route, read, write};
use crate::rest::{Failure, Reply, Request, find, show};
use crate::world::{Award, Issue, World};

static NEW: &[Param] = &[text("name").required()];

#[rustfmt::skip]
pub(in crate::rest) static ROUTES: &[Route] = &[
    read("/projects/:id/issues/:issue_iid/award_emoji", Nothing, list).takes(&[PAGED]),
    write("POST", "/projects/:id/issues/:issue_iid/award_emoji", User, create).takes(&[NEW]),
    read("/projects/:id/issues/:issue_iid/award_emoji/:award_id", Nothing, one),
    write("DELETE", "/projects/:id/issues/:issue_iid/award_emoji/:award_id", User, delete),
];

fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = named(world, request)?;
    page(world, request, Paging::Offset, &found.awards, |award| show::award(world, found, award))
}

/// The reaction of the last placeholder.
fn award<'w>(world: &'w World, request: &Request) -> Result<(&'w Issue, &'w Award), Failure> {
    let (_, found) = named(world, request)?;
    let id = find::number(request, 2, "award_id")?;
    let award = found.awards.iter().find(|award| award.id == id);
    Ok((found, award.ok_or_else(Failure::no_row)?))
}

fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (found, award) = award(world, request)?;
    Ok(Reply::ok(show::award(world, found, award)))
}

/// A second one of the same name is refused as if it were absent.
fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = named(world, request)?.1.id;
    let user = find::caller(world, request)?.id;
    let made = world.award_issue(id, user, &request.args.text("name").unwrap_or_default());
    let (_, found) = named(world, request)?;
    let made = made.and_then(|made| found.awards.iter().find(|award| award.id == made));
    let made = made.ok_or_else(|| Failure::not_found("Award Emoji Name has already been taken"))?;
    Ok(Reply::created(show::award(world, found, made)))
}

fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (found, award) = award(world, request)?;
    if request.caller.user != Some(award.user) && !world.is_admin(&request.caller) {
        return Err(Failure::unauthorized());
    }
    let (issue, id) = (found.id, award.id);
    world.take_issue_award_back(issue, id);
    Ok(Reply::no_content())
}
