//! Events of states, labels and milestones.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::noteable::Noteable;
use super::{extend, label_basic, milestone, time, user_basic};
use crate::world::{MarkEvent, StateEvent, World};

/// What all of them say.
fn event(world: &World, found: Noteable<'_>, (id, user, at): (i64, Option<i64>, Timestamp), more: Value) -> Value {
    let mut shown = json!({
        "id": id,
        "user": user_basic(world, user),
        "created_at": time(at),
        "resource_type": found.kind,
        "resource_id": found.id,
    });
    extend(&mut shown, more);
    shown
}

/// A change of state.
pub(crate) fn state_event<'w>(world: &World, found: impl Into<Noteable<'w>>, change: &StateEvent) -> Value {
    let by = change.by_merge_of;
    let more = json!({ "source_commit": null, "source_merge_request_id": by, "state": change.state });
    event(world, found.into(), (change.id, change.user, change.at), more)
}

/// A label set or taken away; null once the label is gone.
pub(crate) fn label_event<'w>(world: &World, found: impl Into<Noteable<'w>>, mark: &MarkEvent) -> Value {
    let label = world.label(mark.subject).map(|label| label_basic(world, label));
    let more = json!({ "label": label, "action": mark.action() });
    event(world, found.into(), (mark.id, mark.user, mark.at), more)
}

/// A milestone set or taken away, and how things stood then (lib/api/entities/resource_milestone_event.rb).
pub(crate) fn milestone_event<'w>(world: &World, found: impl Into<Noteable<'w>>, mark: &MarkEvent) -> Value {
    let found = found.into();
    let before = found.states.iter().rev().find(|state| state.at <= mark.at);
    let more = json!({
        "milestone": world.milestone(mark.subject).map(|found| milestone(world, found)),
        "action": mark.action(),
        "state": before.map(|state| state.state).filter(|state| *state != "reopened").unwrap_or("opened"),
    });
    event(world, found, (mark.id, mark.user, mark.at), more)
}
