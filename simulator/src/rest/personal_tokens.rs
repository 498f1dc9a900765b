//! Tokens of users: listed, looked at, made, replaced and taken back. Those of others are an administrator's business.

use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::least_role::{LEAST_ROLE, least_role};
use super::page::{Paging, page};
use super::params::{PAGED, Param, one_of, text, time, truth};
use super::route::Needs::{Admin, AnyScope, User};
use super::route::{Route, read, since, write};
use super::{Failure, Reply, Request, find, show, tokens};
use crate::world::{Group, Project, Scope, Token, TokenKind, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/personal_access_tokens", User, list).takes(&[FILTERS, OF_USER, PAGED]),
    since(17, 4, read("/personal_access_tokens/self/associations", AnyScope, associations)).takes(&[LEAST_ROLE, PAGED]),
    since(15, 4, write("DELETE", "/personal_access_tokens/self", AnyScope, revoke_own)),
    since(15, 1, read("/personal_access_tokens/:id", User, one)),
    write("DELETE", "/personal_access_tokens/:id", User, revoke),
    since(16, 0, write("POST", "/personal_access_tokens/:id/rotate", User, rotate)),
    write("POST", "/users/:user_id/personal_access_tokens", Admin, create).takes(&[NEW]),
    since(16, 5, write("POST", "/user/personal_access_tokens", User, create_own)).takes(&[NEW]),
];

/// lib/api/helpers/personal_access_tokens_helpers.rb; the filters came with 15.5.
pub(super) static FILTERS: &[Param] = &[
    truth("revoked").since(15, 5),
    one_of("state", &["active", "inactive"]).since(15, 5),
    time("created_before").since(15, 5),
    time("created_after").since(15, 5),
    time("last_used_before").since(15, 5),
    time("last_used_after").since(15, 5),
    text("expires_before").since(17, 8),
    text("expires_after").since(17, 8),
    text("search").since(15, 5),
    text("sort").since(17, 8),
];

static OF_USER: &[Param] = &[super::params::integer("user_id")];

static NEW: &[Param] = &[
    text("name").required(),
    text("description").since(17, 8),
    super::params::texts("scopes").required(),
    text("expires_at"),
];

/// All tokens for administrators, their own for others.
pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let wanted = request.args.integer("user_id")?;
    let own = request.caller.user;
    let user = match world.is_admin(&request.caller) {
        true if wanted.is_some_and(|user| world.user(user).is_none()) => return Err(Failure::absent()),
        true => wanted,
        false if wanted.is_some() && wanted != own => return Err(Failure::unauthorized()),
        false => own,
    };
    let tokens = world.tokens().filter(|token| token.kind != TokenKind::OAuth);
    let tokens = tokens.filter(|token| user.is_none_or(|user| token.user == user)).collect();
    page_of(world, request, tokens, |token| show::token(world, token))
}

/// A page of tokens, after the filters that every list of tokens has.
pub(super) fn page_of(
    world: &World,
    request: &Request,
    mut tokens: Vec<&Token>,
    show: impl Fn(&Token) -> Value,
) -> Result<Reply, Failure> {
    let args = &request.args;
    let now = world.now();
    let range = |name: &str| Ok((args.time(&format!("{name}_after"))?, args.time(&format!("{name}_before"))?));
    let within = |at: Option<Timestamp>, (after, before): (Option<Timestamp>, Option<Timestamp>)| {
        after.is_none_or(|after| at.is_some_and(|at| at >= after))
            && before.is_none_or(|before| at.is_some_and(|at| at <= before))
    };
    let (created, used) = (range("created")?, range("last_used")?);
    let (expires_after, expires_before) = (day(request, "expires_after")?, day(request, "expires_before")?);
    let (revoked, state, search) = (args.truth("revoked"), args.text("state"), args.filled("search"));
    let search = search.map(|text| text.to_lowercase());
    tokens.retain(|token| {
        revoked.is_none_or(|revoked| token.revoked == revoked)
            && state.as_ref().is_none_or(|state| (state == "active") == token.active(now))
            && within(Some(token.created_at), created)
            && within(token.last_used_at, used)
            && expires_after.is_none_or(|after| token.expires_at.is_some_and(|day| day >= after))
            && expires_before.is_none_or(|before| token.expires_at.is_some_and(|day| day <= before))
            && search.as_ref().is_none_or(|text| token.name.to_lowercase().contains(text))
    });
    let sort = args.text("sort").unwrap_or_default();
    match sort.rsplit_once('_').unwrap_or_default().0 {
        "created" => tokens.sort_by_key(|token| (token.created_at, token.id)),
        "expires" => tokens.sort_by_key(|token| (token.expires_at.is_none(), token.expires_at, token.id)),
        "last_used" => tokens.sort_by_key(|token| (token.last_used_at.is_none(), token.last_used_at, token.id)),
        "name" => tokens.sort_by(|left, right| left.name.cmp(&right.name).then(left.id.cmp(&right.id))),
        _ => {}
    }
    if sort.ends_with("_desc") {
        tokens.reverse();
    }
    page(world, request, Paging::Offset, &tokens, |token| show(token))
}

fn day(request: &Request, name: &str) -> Result<Option<Date>, Failure> {
    let text = request.args.filled(name);
    text.map(|text| text.parse().map_err(|_| Failure::param(&format!("{name} is invalid")))).transpose()
}

/// A token of the caller's, or anybody's for administrators, who alone learn that there is none.
fn named(world: &World, request: &Request) -> Result<i64, Failure> {
    let id = request.param(0).parse().ok();
    let token = id.and_then(|id| world.token(id)).filter(|token| token.kind != TokenKind::OAuth);
    match token {
        Some(token) if world.is_admin(&request.caller) || Some(token.user) == request.caller.user => Ok(token.id),
        None if world.is_admin(&request.caller) => Err(Failure::absent()),
        _ => Err(Failure::unauthorized()),
    }
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let token = world.token(named(world, request)?).ok_or_else(Failure::absent)?;
    Ok(Reply::ok(show::token(world, token)))
}

pub(crate) fn rotate(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = named(world, request)?;
    tokens::replace_by_id(world, request, id)
}

/// Whoever may not revoke it hears that the request was bad, not that it was forbidden (GitLab's `revoke_token`).
pub(crate) fn revoke(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = request.param(0).parse().ok().filter(|id| world.token(*id).is_some()).ok_or_else(Failure::no_row)?;
    if named(world, request).is_err() {
        return Err(Failure::new(StatusCode::BAD_REQUEST, json!({ "message": "400 Bad request" })));
    }
    world.revoke_token(id);
    Ok(Reply::no_content())
}

pub(crate) fn revoke_own(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = tokens::own(world, request)?.id;
    world.revoke_token(id);
    Ok(Reply::no_content())
}

/// A token for somebody, by an administrator.
pub(crate) fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let user = find::number(request, 0, "user_id")?;
    let user = world.user(user).ok_or_else(|| Failure::not_found("User"))?.id;
    let scopes = wished_scopes(request, &Scope::ALL)?;
    make(world, request, user, &scopes)
}

/// A token for oneself, which can do next to nothing (`lib/api/users.rb`).
pub(crate) fn create_own(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let user = find::caller(world, request)?.id;
    let scopes = wished_scopes(request, &[Scope::K8sProxy, Scope::SelfRotate])?;
    make(world, request, user, &scopes)
}

/// Makes a token of a user, whose secret comes this once.
pub(super) fn make(world: &mut World, request: &Request, user: i64, scopes: &[Scope]) -> Result<Reply, Failure> {
    let expires_at = tokens::wished_expiry(world, request).map_err(unprocessable)?.or(tokens::longest(world));
    let id = world.create_token(&World::fresh_secret(), user, scopes);
    let token = world.token_mut(id).ok_or_else(Failure::absent)?;
    token.name = request.args.text("name").unwrap_or_default();
    token.description = request.args.text("description");
    token.expires_at = expires_at;
    let secret = token.secret.clone();
    let mut body = show::token(world, world.token(id).ok_or_else(Failure::absent)?);
    body["token"] = json!(secret);
    Ok(Reply::created(body))
}

/// What rotating calls a bad request, making calls unprocessable, without the status in the words.
fn unprocessable(failure: Failure) -> Failure {
    match failure.body["message"].as_str().and_then(|words| words.strip_prefix("400 Bad request - ")) {
        Some(words) => Failure::new(StatusCode::UNPROCESSABLE_ENTITY, json!({ "message": words })),
        None => failure,
    }
}

/// `scopes`, each one of those that are offered.
pub(super) fn wished_scopes(request: &Request, offered: &[Scope]) -> Result<Vec<Scope>, Failure> {
    let names = request.args.list("scopes");
    let scopes: Option<Vec<Scope>> =
        names.iter().map(|name| Scope::from_name(name).filter(|scope| offered.contains(scope))).collect();
    scopes.filter(|scopes| !scopes.is_empty()).ok_or_else(|| Failure::param("scopes does not have a valid value"))
}

/// The groups and projects that the token's user sees, paged side by side.
pub(crate) fn associations(world: &World, request: &Request) -> Result<Reply, Failure> {
    tokens::own(world, request)?;
    let caller = &request.caller;
    let least = least_role(request)?;
    let places: Vec<&Group> = world
        .groups()
        .filter(|group| world.sees_group(caller, group) && world.caller_role_in_group(caller, group.id) >= least)
        .collect();
    let projects: Vec<&Project> = world
        .projects()
        .filter(|project| world.sees_project(caller, project) && world.caller_role(caller, project) >= least)
        .collect();
    let shown = page(world, request, Paging::Offset, &places, |group| show::group_association(world, caller, group))?;
    let mut reply =
        page(world, request, Paging::Offset, &projects, |project| show::project_association(world, caller, project))?;
    reply.body = Some(json!({ "groups": shown.body, "projects": reply.body }));
    Ok(reply)
}
