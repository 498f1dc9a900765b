//! Finding the token of a request.

use super::incoming::Incoming;
use super::shared::Shared;
use crate::rest::{Args, Dialect};
use crate::world::{AuthError, Caller, TokenKind};

/// The caller, or why there is none and in which words.
pub(super) type Authenticated = Result<Caller, (AuthError, Dialect)>;

/// Who calls, and their name. GitLab takes the token from two headers and from the query.
pub(super) fn authenticate(shared: &Shared, incoming: &Incoming) -> (Authenticated, Option<String>) {
    let text = |name: &str| incoming.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let args = Args::of_query(&incoming.query);
    let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
    let bearer = bearer.or_else(|| args.text("access_token"));
    let private = text("private-token").map(str::to_owned).or_else(|| args.text("private_token"));
    let by_header = private.is_some();
    let secret = private.or(bearer).filter(|secret| !secret.is_empty());
    let world = shared.read();
    let oauth = secret.as_deref().is_some_and(|secret| !secret.starts_with("glpat-"));
    let dialect = if oauth && !by_header { Dialect::OAuth } else { Dialect::Message };
    let token = secret.as_deref().and_then(|secret| world.token_by_secret(secret));
    if by_header && token.is_some_and(|token| token.kind == TokenKind::OAuth) {
        return (Err((AuthError::Unknown, Dialect::Message)), None);
    }
    let caller = world.authenticate(secret.as_deref()).map_err(|error| (error, dialect));
    let user = caller.as_ref().ok().and_then(|caller| world.user(caller.user?));
    let user = user.map(|user| user.username.clone());
    if matches!(caller, Err((AuthError::Revoked, _))) && incoming.path.ends_with("/rotate") {
        let family = token.map(|token| token.family);
        drop(world);
        family.into_iter().for_each(|family| shared.write().revoke_family(family));
        return (caller, user);
    }
    let used = caller.as_ref().ok().and_then(|caller| caller.token).filter(|id| world.token_use_is_news(*id));
    drop(world);
    used.into_iter().for_each(|id| shared.write().use_token(id));
    (caller, user)
}
