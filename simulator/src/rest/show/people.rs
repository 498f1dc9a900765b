//! Users, members, tokens.

use serde_json::{Value, json};

use super::{extend, time};
use crate::world::{Caller, Member, Token, TokenKind, User, World};

/// `UserBasic`, or null for one that is gone.
pub(crate) fn user_basic(world: &World, id: Option<i64>) -> Value {
    let Some(user) = id.and_then(|id| world.user(id)) else {
        return Value::Null;
    };
    basic(world, user)
}

fn basic(world: &World, user: &User) -> Value {
    json!({
        "id": user.id,
        "username": user.username,
        "public_email": user.public_email,
        "name": user.name,
        "state": user.state.name(),
        "locked": false,
        "avatar_url": null,
        "web_url": world.web_url(&user.username),
    })
}

/// A user, with more for administrators.
pub(crate) fn user(world: &World, caller: &Caller, user: &User) -> Value {
    let mut shown = public(world, user);
    if world.is_admin(caller) {
        extend(&mut shown, private(user));
        extend(&mut shown, json!({ "is_admin": user.admin, "note": "", "namespace_id": user.id, "created_by": null }));
    }
    shown
}

/// The user who asks about themselves, at `/user`.
pub(crate) fn current_user(world: &World, user: &User) -> Value {
    let mut shown = public(world, user);
    extend(&mut shown, private(user));
    if user.admin {
        extend(&mut shown, json!({ "is_admin": true, "note": "" }));
    }
    shown
}

fn public(world: &World, user: &User) -> Value {
    let mut shown = basic(world, user);
    let more = json!({
        "created_at": time(user.created_at),
        "bio": "",
        "location": "",
        "linkedin": "",
        "twitter": "",
        "website_url": "",
        "job_title": "",
        "pronouns": null,
        "organization": "",
        "bot": user.bot(),
        "work_information": null,
        "followers": 0,
        "following": 0,
        "is_followed": false,
        "local_time": null,
    });
    extend(&mut shown, more);
    shown
}

fn private(user: &User) -> Value {
    json!({
        "email": user.email,
        "commit_email": user.email,
        "last_activity_on": user.last_activity_on,
        "last_sign_in_at": null,
        "current_sign_in_at": null,
        "confirmed_at": time(user.created_at),
        "identities": [],
        "projects_limit": 100_000,
        "can_create_group": true,
        "can_create_project": true,
        "two_factor_enabled": false,
        "external": false,
        "private_profile": false,
    })
}

/// A member.
pub(crate) fn member(world: &World, member: &Member) -> Value {
    let mut shown = user_basic(world, Some(member.user));
    let membership = json!({
        "access_level": member.role.level(),
        "created_at": time(member.created_at),
        "expires_at": member.expires_at,
        "membership_state": "active",
    });
    extend(&mut shown, membership);
    // It is left out where it is not known.
    if let Some(creator) = member.created_by {
        shown["created_by"] = user_basic(world, Some(creator));
    }
    shown
}

/// A token, without its secret.
pub(crate) fn token(world: &World, token: &Token) -> Value {
    let mut shown = json!({
        "id": token.id,
        "name": token.name,
        "revoked": token.revoked,
        "created_at": time(token.created_at),
        "description": token.description,
        "scopes": token.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>(),
        "user_id": token.user,
        "last_used_at": token.last_used_at.map(time),
        "active": token.active(world.now()),
        "expires_at": token.expires_at,
    });
    let role = match token.kind {
        TokenKind::Group(group) => Some(world.role_in_group(token.user, group)),
        TokenKind::Project(project) => world.project(project).map(|project| world.role_in_project(token.user, project)),
        TokenKind::Personal | TokenKind::OAuth => None,
    };
    if let Some(role) = role {
        shown["access_level"] = json!(role.level());
    }
    shown
}
