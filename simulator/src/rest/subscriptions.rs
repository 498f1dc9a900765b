//! Hearing of merge requests, issues and labels, or no longer (`lib/api/subscriptions.rb`).

use axum::http::StatusCode;
use serde_json::Value;

use super::route::Needs::User;
use super::route::{Route, write};
use super::{Failure, Reply, Request, find, label, merge_request, planning, show};
use crate::world::{Subscribable, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    write("POST", "/projects/:id/merge_requests/:subscribable_id/subscribe", User, follow),
    write("POST", "/projects/:id/merge_requests/:subscribable_id/unsubscribe", User, leave),
    write("POST", "/projects/:id/issues/:subscribable_id/subscribe", User, follow),
    write("POST", "/projects/:id/issues/:subscribable_id/unsubscribe", User, leave),
    write("POST", "/projects/:id/labels/:subscribable_id/subscribe", User, follow),
    write("POST", "/projects/:id/labels/:subscribable_id/unsubscribe", User, leave),
    write("POST", "/groups/:id/labels/:subscribable_id/subscribe", User, follow),
    write("POST", "/groups/:id/labels/:subscribable_id/unsubscribe", User, leave),
];

fn follow(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    set(world, request, true)
}

fn leave(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    set(world, request, false)
}

/// What is so already is not modified.
fn set(world: &mut World, request: &Request, wanted: bool) -> Result<Reply, Failure> {
    let subject = subject(world, request)?;
    let user = find::caller(world, request)?.id;
    if world.subscribed(subject, user) == wanted {
        return Err(Failure::new(StatusCode::NOT_MODIFIED, Value::Null));
    }
    world.subscribe(subject, user, wanted);
    let caller = &request.caller;
    let shown = match subject {
        Subscribable::MergeRequest(id) => world.merge_request(id).map(|found| show::single(world, caller, found)),
        Subscribable::Issue(id) => world.issue(id).map(|found| show::issue_single(world, caller, found)),
        Subscribable::Label(id) => {
            let in_project = request.path.starts_with("/projects/");
            world.label(id).map(|found| show::label(world, caller, found, in_project))
        }
    };
    shown.map(Reply::created).ok_or_else(Failure::no_row)
}

/// What the path names. A merge request takes who may change it, as GitLab has it; the others take a reader.
fn subject(world: &World, request: &Request) -> Result<Subscribable, Failure> {
    match request.path.split('/').nth(3) {
        Some("merge_requests") => Ok(Subscribable::MergeRequest(merge_request::changeable(world, request)?.1.id)),
        Some("issues") => Ok(Subscribable::Issue(planning::issues::named(world, request)?.1.id)),
        _ => Ok(Subscribable::Label(label::readable(world, request)?.id)),
    }
}
