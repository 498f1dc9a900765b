//! A verb: its name, what it reads, what it does.

use serde_json::Value;

use super::sent::Sent;
use crate::world::World;

/// How a verb went: what it made, or why it did nothing.
pub(super) type Done = Result<Value, String>;

/// A verb.
pub(super) struct Verb {
    /// Its name in the address.
    pub(super) name: &'static str,
    /// The properties that it reads.
    pub(super) takes: &'static str,
    /// What it does, for people.
    pub(super) does: &'static str,
    /// Does it.
    pub(super) act: fn(&mut World, &Sent<'_>) -> Done,
}

/// A line of a table of verbs.
pub(super) const fn verb(
    name: &'static str,
    takes: &'static str,
    does: &'static str,
    act: fn(&mut World, &Sent<'_>) -> Done,
) -> Verb {
    Verb { name, takes, does, act }
}
