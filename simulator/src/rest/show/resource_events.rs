//! Events of states, labels and milestones.

use serde_json::{Value, json};

use super::{label_basic, milestone, time, user_basic};
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
        "label": world.label(event.subject).map(|label| label_basic(world, label)),
        "action": event.action(),
    })
}

/// A milestone set or taken away, and where the merge request stood then (lib/api/entities/resource_milestone_event.rb).
pub(crate) fn milestone_event(world: &World, found: &MergeRequest, event: &MarkEvent) -> Value {
    let before = found.state_events.iter().rev().find(|state| state.at <= event.at);
    json!({
        "id": event.id,
        "user": user_basic(world, event.user),
        "created_at": time(event.at),
        "resource_type": "MergeRequest",
        "resource_id": found.id,
        "milestone": world.milestone(event.subject).map(|found| milestone(world, found)),
        "action": event.action(),
        "state": before.map(|state| state.state).filter(|state| *state != "reopened").unwrap_or("opened"),
    })
}
