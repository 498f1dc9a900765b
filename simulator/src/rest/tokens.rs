//! The token that calls: what it is, and its rotation with all traps.

use jiff::Span;
use jiff::civil::Date;
use serde_json::json;

use super::route::Needs::{AnyScope, Rotate};
use super::route::{Route, read, since, write};
use super::{Failure, Reply, Request, show};
use crate::world::{Token, TokenKind, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    since(15, 5, read("/personal_access_tokens/self", AnyScope, current)),
    since(16, 10, write("POST", "/personal_access_tokens/self/rotate", Rotate, rotate)),
    since(16, 10, write("POST", "/groups/:id/access_tokens/self/rotate", Rotate, rotate_in_group)),
    since(16, 10, write("POST", "/projects/:id/access_tokens/self/rotate", Rotate, rotate_in_project)),
];

pub(crate) fn current(world: &World, request: &Request) -> Result<Reply, Failure> {
    let token = own(world, request)?;
    Ok(Reply::ok(show::token(world, token)))
}

pub(crate) fn rotate(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = own(world, request)?.id;
    replace(world, request, id)
}

pub(crate) fn rotate_in_group(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let group = super::find::group(world, request)?.id;
    let token = own(world, request)?;
    if token.kind != TokenKind::Group(group) {
        return Err(not_of_this_kind());
    }
    let id = token.id;
    replace(world, request, id)
}

pub(crate) fn rotate_in_project(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = super::find::project_to_change(world, request)?.id;
    let token = own(world, request)?;
    if token.kind != TokenKind::Project(project) {
        return Err(not_of_this_kind());
    }
    let id = token.id;
    replace(world, request, id)
}

fn not_of_this_kind() -> Failure {
    Failure::not_allowed(json!({ "message": "405 Method Not Allowed" }))
}

pub(super) fn own<'w>(world: &'w World, request: &Request) -> Result<&'w Token, Failure> {
    let token = request.caller.token.and_then(|id| world.token(id)).ok_or_else(Failure::unauthorized)?;
    if token.kind == TokenKind::OAuth {
        return Err(Failure::bad_request("This endpoint requires token type to be a personal access token"));
    }
    Ok(token)
}

/// The old token dies at once; without a wish the new one lives a week.
fn replace(world: &mut World, request: &Request, id: i64) -> Result<Reply, Failure> {
    let week = world.today().checked_add(Span::new().days(7)).ok().filter(|_| world.settings.require_expiry);
    let expires_at = wished_expiry(world, request)?.or(week);
    let new = world.rotate_token(id, expires_at).and_then(|new| world.token(new)).ok_or_else(Failure::unauthorized)?;
    let mut body = show::token(world, new);
    body["token"] = json!(new.secret);
    Ok(Reply::ok(body))
}

/// The same by id. A token that is dead already takes its family with it, since 16.3.
pub(super) fn replace_by_id(world: &mut World, request: &Request, id: i64) -> Result<Reply, Failure> {
    let token = world.token(id).ok_or_else(Failure::no_row)?;
    let (revoked, family) = (token.revoked, token.family);
    if revoked {
        if world.settings.at_least(16, 3) {
            world.revoke_family(family);
        }
        return Err(Failure::bad_request("Token already revoked"));
    }
    replace(world, request, id)
}

/// `expires_at`, which lies within a year.
pub(super) fn wished_expiry(world: &World, request: &Request) -> Result<Option<Date>, Failure> {
    let Some(text) = request.args.filled("expires_at") else {
        return Ok(None);
    };
    let day: Date = text.parse().map_err(|_| Failure::param("expires_at is invalid"))?;
    let last = year_from(world.today());
    if day > last {
        return Err(Failure::bad_request(&format!("Expiration date must be before {last}")));
    }
    if day <= world.today() {
        return Err(Failure::bad_request("Expiration date must be in the future"));
    }
    Ok(Some(day))
}

/// The longest that a token may live, where it has to end at all.
pub(super) fn longest(world: &World) -> Option<Date> {
    world.settings.require_expiry.then(|| year_from(world.today()))
}

fn year_from(day: Date) -> Date {
    day.checked_add(Span::new().days(365)).unwrap_or(day)
}
