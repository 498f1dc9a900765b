//! Reactions.

use serde_json::{Value, json};

use super::{time, user_basic};
use crate::world::{Award, MergeRequest, World};

/// A reaction to a merge request.
pub(crate) fn award(world: &World, found: &MergeRequest, award: &Award) -> Value {
    json!({
        "id": award.id,
        "name": award.name,
        "user": user_basic(world, Some(award.user)),
        "created_at": time(award.at),
        "updated_at": time(award.at),
        "awardable_id": found.id,
        "awardable_type": "MergeRequest",
        "url": null,
    })
}
