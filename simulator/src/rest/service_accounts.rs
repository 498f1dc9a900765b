//! Service accounts of groups (`ee/lib/api/group_service_accounts.rb`).

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::page::{Paging, page};
use super::params::{PAGED, Param, SORTS, one_of, text, texts};
use super::personal_tokens::{FILTERS, make, page_of, wished_scopes};
use super::route::Needs;
use super::route::{Route, enterprise, read, since, write};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Role, Scope, TokenKind, User, UserKind, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    since(17, 1, enterprise(read("/groups/:id/service_accounts", Needs::User, list))).takes(&[LIST, PAGED]),
    since(16, 1, enterprise(write("POST", "/groups/:id/service_accounts", Needs::User, create))).takes(&[NEW]),
    since(17, 11, enterprise(read("/groups/:id/service_accounts/:user_id/personal_access_tokens", Needs::User, list_tokens))).takes(&[FILTERS, PAGED]),
    since(16, 1, enterprise(write("POST", "/groups/:id/service_accounts/:user_id/personal_access_tokens", Needs::User, create_token))).takes(&[TOKEN]),
];

static LIST: &[Param] = &[one_of("order_by", &["id", "username"]).or("id"), one_of("sort", SORTS).or("desc")];
static NEW: &[Param] = &[text("name").since(16, 10), text("username").since(16, 10), text("email").since(17, 11)];
static TOKEN: &[Param] =
    &[text("name").required(), text("description").since(17, 8), texts("scopes").required(), text("expires_at")];

/// The group of the path. Its Owners and administrators look after its accounts, with a licence.
fn owned(world: &World, request: &Request) -> Result<i64, Failure> {
    let group = find::group(world, request)?;
    let owns = world.caller_role_in_group(&request.caller, group.id) >= Role::Owner;
    if !world.settings.edition.licensed() || !(owns || world.is_admin(&request.caller)) {
        return Err(Failure::forbidden(""));
    }
    Ok(group.id)
}

fn shown(world: &World, user: &User) -> Value {
    let mut shown = json!({ "id": user.id, "username": user.username, "name": user.name });
    if world.settings.at_least(17, 11) {
        shown["email"] = json!(user.email);
    }
    shown
}

fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = owned(world, request)?;
    let mut found: Vec<&User> = world.users().filter(|user| user.provisioned_by == Some(group)).collect();
    if request.args.text("order_by").as_deref() == Some("username") {
        found.sort_by(|left, right| left.username.cmp(&right.username));
    }
    if request.args.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    page(world, request, Paging::Offset, &found, |user| shown(world, user))
}

/// Groups at the top have them. The new account is a member of nothing.
fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let group = owned(world, request)?;
    if world.group(group).is_some_and(|group| group.parent.is_some()) {
        return Err(Failure::bad_request("Group provided for service account is not a root group"));
    }
    let random = &World::fresh_secret()[6..];
    let made_up = format!("service_account_group_{group}_{}", random.to_lowercase().replace(['-', '_'], "0"));
    let username = request.args.filled("username").unwrap_or(made_up);
    if world.user_by_name(&username).is_some() {
        return Err(Failure::bad_request("Username has already been taken"));
    }
    let id = world.create_user(&username, UserKind::ServiceAccount);
    let user = world.user_mut(id).ok_or_else(Failure::no_row)?;
    user.name = request.args.filled("name").unwrap_or_else(|| "Service account user".to_owned());
    user.email = request.args.filled("email").unwrap_or_else(|| format!("{username}@noreply.gitlab.example.com"));
    user.provisioned_by = Some(group);
    Ok(Reply::created(shown(world, world.user(id).ok_or_else(Failure::no_row)?)))
}

/// The account of the second placeholder, which belongs to the group.
fn account(world: &World, request: &Request) -> Result<i64, Failure> {
    let group = owned(world, request)?;
    let id = find::number(request, 1, "user_id")?;
    let found = world.user(id).filter(|user| user.provisioned_by == Some(group));
    Ok(found.ok_or_else(|| Failure::message(StatusCode::NOT_FOUND, "404 User Not Found"))?.id)
}

fn list_tokens(world: &World, request: &Request) -> Result<Reply, Failure> {
    let user = account(world, request)?;
    let tokens = world.tokens().filter(|token| token.user == user && token.kind == TokenKind::Personal).collect();
    page_of(world, request, tokens, |token| show::token(world, token))
}

fn create_token(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let user = account(world, request)?;
    let scopes = wished_scopes(request, &Scope::ALL)?;
    make(world, request, user, &scopes)
}
