//! What happens to users.

use serde_json::json;

use super::sent::{Sent, nothing};
use super::{Done, Verb, verb};
use crate::world::{UserState, World};

pub(super) static VERBS: &[Verb] = &[
    verb("block-user", "user", "stops a user", |world, sent| set(sent, world, UserState::Blocked)),
    verb("deactivate-user", "user", "puts a dormant user to rest", |world, sent| {
        set(sent, world, UserState::Deactivated)
    }),
    verb("ban-user", "user", "stops a user and hides their merge requests", |world, sent| {
        set(sent, world, UserState::Banned)
    }),
    verb("activate-user", "user", "lets a user in again", |world, sent| set(sent, world, UserState::Active)),
    verb("delete-user", "user", "deletes a user; what they did is the ghost's", |world, sent| {
        let id = sent.user(world)?;
        world.delete_user(id).ok_or_else(nothing)?;
        Ok(json!({ "user": id }))
    }),
];

fn set(sent: &Sent<'_>, world: &mut World, state: UserState) -> Done {
    let id = sent.user(world)?;
    world.user_mut(id).map(|user| user.state = state).ok_or_else(nothing)?;
    Ok(json!({ "user": id }))
}
