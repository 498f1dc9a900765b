//! A webhook's custom headers and the variables of its URL, one by one.

use axum::http::StatusCode;
use serde_json::json;

use super::attributes::merge;
use super::target::named;
use crate::rest::{Failure, Reply, Request};
use crate::world::{Hook, World};

pub(super) fn set_variable(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    set(world, request, |hook| &mut hook.url_variables)
}

pub(super) fn delete_variable(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    unset(world, request, |hook| &mut hook.url_variables)
}

pub(super) fn set_header(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    set(world, request, |hook| &mut hook.custom_headers)
}

pub(super) fn delete_header(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    unset(world, request, |hook| &mut hook.custom_headers)
}

/// The part of a hook that holds pairs.
type Pairs = fn(&mut Hook) -> &mut Vec<(String, String)>;

fn set(world: &mut World, request: &Request, pairs: Pairs) -> Result<Reply, Failure> {
    let id = named(world, request, false)?.id;
    let key = request.param(2).to_owned();
    let value = request.args.text("value").ok_or_else(|| Failure::param("value is missing"))?;
    let hook = world.hook_mut(id).ok_or_else(Failure::no_row)?;
    merge(pairs(hook), vec![(key, value)]);
    Ok(Reply::no_content())
}

fn unset(world: &mut World, request: &Request, pairs: Pairs) -> Result<Reply, Failure> {
    let id = named(world, request, false)?.id;
    let key = request.param(2);
    let hook = world.hook_mut(id).ok_or_else(Failure::no_row)?;
    let pairs = pairs(hook);
    if !pairs.iter().any(|(known, _)| known == key) {
        return Err(Failure::new(StatusCode::NOT_FOUND, json!({ "message": "404 Not Found" })));
    }
    pairs.retain(|(known, _)| known != key);
    Ok(Reply::no_content())
}
