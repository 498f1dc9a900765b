//! Tokens of groups and projects, each with a bot of its own.

use serde_json::{Value, json};

use super::params::{PAGED, Param, one_of, text, texts};
use super::personal_tokens::{FILTERS, page_of, wished_scopes};
use super::route::Needs::User;
use super::route::{Route, read, since, write};
use super::{Failure, Reply, Request, find, show, tokens};
use crate::world::{Role, Scope, Token, TokenKind, UserKind, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/groups/:id/access_tokens", User, list).takes(&[FILTERS, PAGED]),
    write("POST", "/groups/:id/access_tokens", User, create).takes(&[NEW]),
    read("/groups/:id/access_tokens/:token_id", User, one),
    write("DELETE", "/groups/:id/access_tokens/:token_id", User, revoke),
    since(16, 0, write("POST", "/groups/:id/access_tokens/:token_id/rotate", User, rotate)),
    read("/projects/:id/access_tokens", User, list).takes(&[FILTERS, PAGED]),
    write("POST", "/projects/:id/access_tokens", User, create).takes(&[NEW]),
    read("/projects/:id/access_tokens/:token_id", User, one),
    write("DELETE", "/projects/:id/access_tokens/:token_id", User, revoke),
    since(16, 0, write("POST", "/projects/:id/access_tokens/:token_id/rotate", User, rotate)),
];

/// lib/api/resource_access_tokens.rb.
static NEW: &[Param] = &[
    text("name").required(),
    text("description").since(17, 8),
    texts("scopes").required(),
    text("expires_at"),
    one_of("access_level", &["10", "20", "30", "40", "50"]).or("40"),
    one_of("access_level", &["10", "15", "20", "30", "40", "50"]).or("40").since(17, 7),
];

/// What a bot may be given (`Gitlab::Auth.resource_bot_scopes`).
const SCOPES: [Scope; 11] = [
    Scope::Api,
    Scope::ReadApi,
    Scope::ReadRepository,
    Scope::WriteRepository,
    Scope::ReadRegistry,
    Scope::WriteRegistry,
    Scope::CreateRunner,
    Scope::ManageRunner,
    Scope::AiFeatures,
    Scope::K8sProxy,
    Scope::SelfRotate,
];

/// A group or a project of the path, as tokens belong to it.
struct Place {
    kind: TokenKind,
    name: &'static str,
    role: Role,
    administered: bool,
}

fn place(world: &World, request: &Request) -> Result<Place, Failure> {
    if request.path.starts_with("/groups/") {
        let group = find::group(world, request)?;
        let role = world.caller_role_in_group(&request.caller, group.id);
        return Ok(Place { kind: TokenKind::Group(group.id), name: "group", role, administered: role >= Role::Owner });
    }
    let project = find::project(world, request)?;
    let role = world.caller_role(&request.caller, project);
    let kind = TokenKind::Project(project.id);
    Ok(Place { kind, name: "project", role, administered: role >= Role::Maintainer })
}

/// The token of the second placeholder, if it is one of the place's.
fn named<'w>(world: &'w World, request: &Request, place: &Place) -> Option<&'w Token> {
    let id = request.param(1).parse().ok()?;
    world.token(id).filter(|token| token.kind == place.kind)
}

fn absent(place: &Place) -> Failure {
    Failure::not_found(&format!("{} Access Token", place.name))
}

pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let place = place(world, request)?;
    if !place.administered {
        return Err(Failure::unauthorized());
    }
    let tokens = world.tokens().filter(|token| token.kind == place.kind).collect();
    page_of(world, request, tokens, |token| show::resource_token(world, token))
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let place = place(world, request)?;
    if !place.administered {
        return Err(Failure::unauthorized());
    }
    let token = named(world, request, &place).ok_or_else(|| absent(&place))?;
    Ok(Reply::ok(show::resource_token(world, token)))
}

/// A new token with a bot of its own. The secret comes this once.
pub(crate) fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let place = place(world, request)?;
    let scopes = wished_scopes(request, &SCOPES)?;
    let level = request.args.integer("access_level")?.unwrap_or(Role::Maintainer.level());
    let role = Role::from_level(level).unwrap_or(Role::Maintainer);
    let bot = find::caller(world, request)?.kind == UserKind::ProjectBot;
    if !place.administered || bot {
        let error = format!("User does not have permission to create {} access token", place.name);
        return Err(Failure::bad_request(&error));
    }
    if role > place.role {
        let error = "Access level of the token contains permissions not held by the creating user";
        return Err(Failure::bad_request(error));
    }
    let expires_at = tokens::wished_expiry(world, request)?.or(tokens::longest(world));
    let secret = World::fresh_secret();
    let id = match place.kind {
        TokenKind::Group(group) => world.create_group_token(&secret, group, role, &scopes),
        TokenKind::Project(project) => world.create_project_token(&secret, project, role, &scopes),
        TokenKind::Personal | TokenKind::OAuth => return Err(absent(&place)),
    };
    let name = request.args.text("name").unwrap_or_default();
    let token = world.token_mut(id).ok_or_else(|| absent(&place))?;
    token.name.clone_from(&name);
    token.description = request.args.text("description");
    token.expires_at = expires_at;
    let bot = token.user;
    if let Some(bot) = world.user_mut(bot) {
        bot.name = name;
    }
    Ok(Reply::created(with_secret(world, id).ok_or_else(|| absent(&place))?))
}

fn with_secret(world: &World, id: i64) -> Option<Value> {
    let token = world.token(id)?;
    let mut shown = show::resource_token(world, token);
    shown["token"] = json!(token.secret);
    Some(shown)
}

/// Before 17.10 the bot goes with its token, and what it did is the ghost's.
pub(crate) fn revoke(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let place = place(world, request)?;
    let token = named(world, request, &place).ok_or_else(|| absent(&place))?;
    let (id, bot) = (token.id, token.user);
    if !place.administered {
        let name = |user: i64| world.user(user).map_or("", |user| &user.name);
        let caller = find::caller(world, request)?.id;
        return Err(Failure::bad_request(&format!("{} cannot delete {}", name(caller), name(bot))));
    }
    world.revoke_token(id);
    if !world.settings.at_least(17, 10) {
        world.delete_user(bot);
    }
    Ok(Reply::no_content())
}

pub(crate) fn rotate(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let place = place(world, request)?;
    let token = named(world, request, &place).filter(|_| place.administered).map(|token| token.id);
    let Some(id) = token else {
        // Only administrators are told that there is none.
        return Err(if world.is_admin(&request.caller) { Failure::absent() } else { Failure::unauthorized() });
    };
    let mut reply = tokens::replace_by_id(world, request, id)?;
    let new = reply.body.as_ref().and_then(|body| body["id"].as_i64());
    reply.body = new.and_then(|new| with_secret(world, new));
    Ok(reply)
}
