//! What other processes may let happen in the World, verb by verb: over the control API, and as faults that happen.

mod ci;
mod instance;
mod keys;
mod people;
mod places;
mod planning;
mod reviews;
mod sent;
mod verb;

use serde_json::{Value, json};

use crate::world::World;
use sent::Sent;
use verb::{Done, Verb};

/// The verbs of every room.
static ROOMS: &[&[Verb]] =
    &[reviews::VERBS, places::VERBS, people::VERBS, keys::VERBS, ci::VERBS, planning::VERBS, instance::VERBS];

/// Lets a verb happen.
pub(super) fn act(world: &mut World, name: &str, sent: &Value) -> Done {
    let verb = ROOMS.iter().copied().flatten().find(|verb| verb.name == name);
    let verb = verb.ok_or_else(|| format!("there is no verb {name:?}; GET /-/simulator/verbs lists them"))?;
    (verb.act)(world, &Sent(sent))
}

/// All verbs, for people.
pub(super) fn list() -> Value {
    let shown = |verb: &Verb| json!({ "verb": verb.name, "takes": verb.takes, "does": verb.does });
    ROOMS.iter().copied().flatten().map(shown).collect()
}
