//! Finding the token of a request.

use super::incoming::Incoming;
use super::shared::Shared;
use crate::rest::{Args, Dialect};
use crate::world::{AuthError, Caller, TokenKind};

/// The caller, or why there is none and in which words.
pub(super) type Authenticated = Result<Caller, (AuthError, Dialect)>;

/// Who asks, as far as the request proves it.
#[derive(Debug)]
pub(super) struct Visitor {
    /// The caller, or why there is none.
    pub(super) caller: Authenticated,
    /// The user's name, if the token was accepted.
    pub(super) username: Option<String>,
    /// The secret that was sent.
    pub(super) secret: Option<String>,
}

impl Visitor {
    /// The user's id, if the token was accepted.
    pub(super) fn user(&self) -> Option<i64> {
        self.caller.as_ref().ok()?.user
    }
}

/// Who calls. GitLab takes the token from two headers and from the query.
pub(super) fn authenticate(shared: &Shared, incoming: &Incoming) -> Visitor {
    let args = Args::of_query(&incoming.query);
    let bearer = incoming.header("authorization").and_then(bearer).or_else(|| args.text("access_token"));
    let private = incoming.header("private-token").map(str::to_owned).or_else(|| args.text("private_token"));
    let by_header = private.is_some();
    let secret = private.or(bearer).filter(|secret| !secret.is_empty());
    let world = shared.read();
    let oauth = secret.as_deref().is_some_and(|secret| !secret.starts_with("glpat-"));
    let dialect = if oauth && !by_header { Dialect::OAuth } else { Dialect::Message };
    let token = secret.as_deref().and_then(|secret| world.token_by_secret(secret));
    if by_header && token.is_some_and(|token| token.kind == TokenKind::OAuth) {
        return Visitor { caller: Err((AuthError::Unknown, Dialect::Message)), username: None, secret };
    }
    let caller = world.authenticate(secret.as_deref()).map_err(|error| (error, dialect));
    let user = caller.as_ref().ok().and_then(|caller| world.user(caller.user?));
    let username = user.map(|user| user.username.clone());
    if matches!(caller, Err((AuthError::Revoked, _))) && incoming.path.ends_with("/rotate") {
        let family = token.map(|token| token.family);
        drop(world);
        family.into_iter().for_each(|family| shared.write().revoke_family(family));
        return Visitor { caller, username, secret };
    }
    let used = caller.as_ref().ok().and_then(|caller| caller.token).filter(|id| world.token_use_is_news(*id));
    drop(world);
    used.into_iter().for_each(|id| shared.write().use_token(id));
    Visitor { caller, username, secret }
}

/// The token after `Bearer`, which may be written in any case.
fn bearer(header: &str) -> Option<String> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}
