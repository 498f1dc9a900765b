//! Events of states and labels.

use serde_json::{Value, json};

use super::{label, time, user_basic};
use crate::world::{MarkEvent, MergeRequest, StateEvent, World};

/// A change of state.
pub(crate) fn state_event(world: &World, found: &MergeRequest, event: &StateEvent) -> Value {
    json!({
        "id": event.id,
        "user": user_basic(world, event.user),
        "created_at": time(event.at),
        "resource_type": "MergeRequest",
        "resource_id": found.id,
        "source_commit": null,
        "source_merge_request_id": null,
        "state": event.state,
    })
}

/// A label set or taken away; null once the label is gone.
pub(crate) fn label_event(world: &World, found: &MergeRequest, event: &MarkEvent) -> Value {
    json!({
        "id": event.id,
        "user": user_basic(world, event.user),
        "created_at": time(event.at),
        "resource_type": "MergeRequest",
        "resource_id": found.id,
        "label": world.label(event.subject).map(label),
        "action": event.action(),
    })
}
