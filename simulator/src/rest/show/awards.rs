//! Reactions.

use serde_json::{Value, json};

use super::noteable::Noteable;
use super::{time, user_basic};
use crate::world::{Award, World};

/// A reaction to a merge request or an issue.
pub(crate) fn award<'w>(world: &World, found: impl Into<Noteable<'w>>, award: &Award) -> Value {
    let found = found.into();
    json!({
        "id": award.id,
        "name": award.name,
        "user": user_basic(world, Some(award.user)),
        "created_at": time(award.at),
        "updated_at": time(award.at),
        "awardable_id": found.id,
        "awardable_type": found.kind,
        "url": null,
    })
}
