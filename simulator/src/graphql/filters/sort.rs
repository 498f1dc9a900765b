//! The orders of lists of merge requests.
//!
//! In all of them the id breaks ties, the newest first (`Issuable.sort_by_attribute` in GitLab's source). Those that take more than
//! one column are numbered: GitLab has no cursors by value for them (`NON_STABLE_CURSOR_SORTS`).

use std::cmp::{Ordering, Reverse};

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::order::{By, Order};
use crate::world::{MergeRequest, Milestone};

/// How a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sorting {
    /// By one column, with cursors that survive changes.
    Column(Order),
    /// By when the milestone is due.
    MilestoneDue { descending: bool },
    /// By how many thumbs are up.
    Popularity { descending: bool },
    /// By the milestone first and the labels' priorities then. The World ranks no labels.
    Priority { descending: bool },
    /// By the labels' priorities, which the World does not rank.
    LabelPriority,
}

impl Sorting {
    /// The order that `sort` asks for, in either spelling.
    pub(super) fn of(arguments: &Arguments) -> Sorting {
        let text = arguments.text("sort").unwrap_or_default().to_ascii_lowercase();
        let (by, descending) = match text.strip_suffix("_asc") {
            Some(by) => (by, false),
            None => (text.strip_suffix("_desc").unwrap_or("created"), true),
        };
        let column = |by: By| Sorting::Column(Order::newest_first(by, descending));
        match by {
            "updated" => column(By::UpdatedAt),
            "merged_at" => column(By::MergedAt),
            "closed_at" => column(By::ClosedAt),
            "title" => column(By::Title),
            "milestone_due" => Sorting::MilestoneDue { descending },
            "popularity" => Sorting::Popularity { descending },
            "priority" => Sorting::Priority { descending },
            "label_priority" => Sorting::LabelPriority,
            _ => column(By::CreatedAt),
        }
    }

    /// The order that cursors name places in.
    pub(super) fn order(self) -> Order {
        match self {
            Sorting::Column(order) => order,
            _ => Order::NUMBERED,
        }
    }

    /// Puts rows in a numbered order; those by one column are sorted by it elsewhere.
    pub(super) fn arrange(self, ctx: &Context<'_>, rows: &mut [&MergeRequest]) {
        match self {
            Sorting::Column(_) => {}
            Sorting::LabelPriority => rows.sort_by_key(|row| Reverse(row.id)),
            Sorting::Popularity { descending } => rows.sort_by(|left, right| {
                let votes = left.upvotes().cmp(&right.upvotes());
                directed(votes, descending).then(right.id.cmp(&left.id))
            }),
            Sorting::MilestoneDue { descending } => rows.sort_by(|left, right| {
                // Those without a milestone come behind those whose milestone has no end.
                let without = left.milestone.is_none().cmp(&right.milestone.is_none());
                let due = by_due_date(milestone(ctx, left), milestone(ctx, right), descending);
                due.then(without).then(right.id.cmp(&left.id))
            }),
            Sorting::Priority { descending } => rows.sort_by(|left, right| {
                let due = by_due_date(milestone(ctx, left), milestone(ctx, right), descending);
                due.then(right.id.cmp(&left.id))
            }),
        }
    }
}

fn milestone<'w>(ctx: &Context<'w>, row: &MergeRequest) -> Option<&'w Milestone> {
    row.milestone.and_then(|id| ctx.world.milestone(id))
}

/// Days in either direction; what has none comes last in both.
fn by_due_date(left: Option<&Milestone>, right: Option<&Milestone>, descending: bool) -> Ordering {
    let due = |milestone: Option<&Milestone>| milestone.and_then(|milestone| milestone.due_date);
    match (due(left), due(right)) {
        (Some(left), Some(right)) => directed(left.cmp(&right), descending),
        (left, right) => left.is_none().cmp(&right.is_none()),
    }
}

fn directed(order: Ordering, descending: bool) -> Ordering {
    if descending { order.reverse() } else { order }
}
