//! The orders of lists of merge requests.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::rest::Request;
use crate::world::{Along, MergeRequest, World};

/// The order of the World that a request asks for, if it is one of those.
pub(super) fn along(request: &Request) -> Option<Along> {
    match request.args.text("order_by").as_deref() {
        Some("created_at") => Some(Along::Created),
        Some("updated_at") => Some(Along::Updated),
        _ => None,
    }
}

/// What rows are compared by; the id breaks ties.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Nothing,
    At(Timestamp),
    Text(String),
    Votes(i64),
    Due(Date),
}

/// Sorts rows as a request asks for. All of them are looked at, and none is kept. Those that lack what is sorted by come last
/// either way.
pub(super) fn sorted(world: &World, request: &Request, rows: impl Iterator<Item = i64>) -> Vec<i64> {
    let ascending = request.args.text("sort").as_deref() == Some("asc");
    let order_by = request.args.text("order_by").unwrap_or_default();
    let mut keys: Vec<(Option<Key>, i64)> =
        rows.filter_map(|id| Some((key(world, &order_by, world.glance(id)?.as_ref()), id))).collect();
    keys.sort_unstable_by(|left, right| {
        let lacking = left.0.is_none().cmp(&right.0.is_none());
        let ordering = left.cmp(right);
        lacking.then(if ascending { ordering } else { ordering.reverse() })
    });
    keys.into_iter().map(|(_, id)| id).collect()
}

fn key(world: &World, order_by: &str, found: &MergeRequest) -> Option<Key> {
    match order_by {
        "merged_at" => found.merged_at.map(Key::At),
        // The column holds `Draft: ` too; GitLab compares it in small letters.
        "title" => Some(Key::Text(found.full_title().to_lowercase())),
        "popularity" => Some(Key::Votes(found.upvotes())),
        "milestone_due" | "priority" => {
            found.milestone.and_then(|id| world.milestone(id)).and_then(|milestone| milestone.due_date).map(Key::Due)
        }
        // No label of this World has a priority, so labels order nothing.
        _ => Some(Key::Nothing),
    }
}
