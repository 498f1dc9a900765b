//! The orders of lists of merge requests.

use std::cmp::Ordering;

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

/// Sorts rows as a request asks for. Rows that lack what is sorted by come last either way.
pub(super) fn sort(world: &World, request: &Request, rows: &mut [&MergeRequest]) {
    let ascending = request.args.text("sort").as_deref() == Some("asc");
    let order_by = request.args.text("order_by").unwrap_or_default();
    rows.sort_by(|left, right| {
        let ordering = compare(world, &order_by, left, right);
        let lacking = lacks(world, &order_by, left).cmp(&lacks(world, &order_by, right));
        lacking.then(if ascending { ordering } else { ordering.reverse() })
    });
}

fn compare(world: &World, order_by: &str, left: &MergeRequest, right: &MergeRequest) -> Ordering {
    let by_id = left.id.cmp(&right.id);
    let ordering = match order_by {
        "merged_at" => left.merged_at.cmp(&right.merged_at),
        // The column holds `Draft: ` too; GitLab compares it in small letters.
        "title" => left.full_title().to_lowercase().cmp(&right.full_title().to_lowercase()),
        "popularity" => left.upvotes().cmp(&right.upvotes()),
        "milestone_due" | "priority" => due(world, left).cmp(&due(world, right)),
        // No label of this World has a priority, so labels order nothing; the other orders are the World's. the other orders are the World's.
        _ => Ordering::Equal,
    };
    ordering.then(by_id)
}

fn lacks(world: &World, order_by: &str, found: &MergeRequest) -> bool {
    match order_by {
        "merged_at" => found.merged_at.is_none(),
        "milestone_due" | "priority" => due(world, found).is_none(),
        _ => false,
    }
}

fn due(world: &World, found: &MergeRequest) -> Option<jiff::civil::Date> {
    found.milestone.and_then(|id| world.milestone(id))?.due_date
}
