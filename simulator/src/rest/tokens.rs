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

fn own<'w>(world: &'w World, request: &Request) -> Result<&'w Token, Failure> {
    let token = request.caller.token.and_then(|id| world.token(id)).ok_or_else(Failure::unauthorized)?;
    if token.kind == TokenKind::OAuth {
        return Err(Failure::bad_request("This endpoint requires token type to be a personal access token"));
    }
    Ok(token)
}

/// The old token dies at once; without a wish the new one lives a week.
fn replace(world: &mut World, request: &Request, id: i64) -> Result<Reply, Failure> {
    let today = world.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let wished: Option<Date> = match request.args.text("expires_at") {
        Some(day) => Some(day.parse().map_err(|_| Failure::param("expires_at is invalid"))?),
        None => None,
    };
    let year = today.checked_add(Span::new().days(365)).unwrap_or(today);
    if wished.is_some_and(|day| day <= today || day > year) {
        return Err(Failure::bad_request("Failed to rotate token"));
    }
    let week = today.checked_add(Span::new().days(7)).ok().filter(|_| world.settings.require_expiry);
    let old = world.token_mut(id).ok_or_else(Failure::unauthorized)?;
    old.revoked = true;
    let mut new = old.clone();
    new.id = world.next_id("token");
    new.revoked = false;
    new.created_at = world.now();
    new.expires_at = wished.or(week);
    new.secret = format!("glpat-{}", std::iter::repeat_with(fastrand::alphanumeric).take(20).collect::<String>());
    let mut body = show::token(world, &new);
    body["token"] = json!(new.secret);
    world.insert_token(new);
    Ok(Reply::ok(body))
}

impl World {
    /// Someone tried to rotate a token that was rotated before: all of its family die.
    pub(crate) fn revoke_family(&mut self, secret: &str) {
        let Some(family) = self.token_by_secret(secret).map(|token| token.family) else {
            return;
        };
        let relatives: Vec<i64> = self.tokens().filter(|token| token.family == family).map(|token| token.id).collect();
        for id in relatives {
            if let Some(token) = self.token_mut(id) {
                token.revoked = true;
            }
        }
    }
}
