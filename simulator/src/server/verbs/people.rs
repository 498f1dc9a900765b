//! What happens to users.

use serde_json::json;

use super::sent::{Sent, nothing};
use super::verb::{Done, Verb, verb};
use crate::world::World;

pub(super) static VERBS: &[Verb] = &[
    verb("block-user", "user", "stops a user", |world, sent| on(sent, world, World::block_user)),
    verb("deactivate-user", "user", "puts a dormant user to rest", |world, sent| {
        on(sent, world, World::deactivate_user)
    }),
    verb("ban-user", "user", "stops a user and hides their merge requests", |world, sent| {
        on(sent, world, World::ban_user)
    }),
    verb("activate-user", "user", "lets a user in again", |world, sent| on(sent, world, World::activate_user)),
    verb("delete-user", "user", "deletes a user; what they did is the ghost's", |world, sent| {
        on(sent, world, World::delete_user)
    }),
];

fn on(sent: &Sent<'_>, world: &mut World, act: impl FnOnce(&mut World, i64) -> Option<()>) -> Done {
    let id = sent.user(world)?;
    act(world, id).ok_or_else(nothing)?;
    Ok(json!({ "user": id }))
}
