//! Milestones by title or by what they are.

use crate::graphql::context::Context;
use crate::world::{MergeRequest, Milestone};

/// Whether its milestone has a title; `None` and `Any` are no titles.
pub(super) fn is_titled(ctx: &Context<'_>, row: &MergeRequest, title: &str) -> bool {
    match title.to_ascii_lowercase().as_str() {
        "none" => row.milestone.is_none(),
        "any" => row.milestone.is_some(),
        _ => of(ctx, row).is_some_and(|milestone| milestone.title == title),
    }
}

/// Whether its milestone is what a `MilestoneWildcardId` says.
pub(super) fn is(ctx: &Context<'_>, row: &MergeRequest, wildcard: &str) -> bool {
    match wildcard {
        "NONE" => row.milestone.is_none(),
        "ANY" => row.milestone.is_some(),
        "STARTED" => of(ctx, row).is_some_and(|milestone| has_started(ctx, milestone)),
        "UPCOMING" => of(ctx, row).is_some_and(|milestone| is_upcoming(ctx, milestone)),
        _ => false,
    }
}

fn of<'w>(ctx: &Context<'w>, row: &MergeRequest) -> Option<&'w Milestone> {
    row.milestone.and_then(|id| ctx.world.milestone(id))
}

fn has_started(ctx: &Context<'_>, milestone: &Milestone) -> bool {
    !milestone.closed && milestone.start_date.is_some_and(|day| day <= ctx.today())
}

/// The next one to be due of its project or group.
fn is_upcoming(ctx: &Context<'_>, milestone: &Milestone) -> bool {
    let due = |one: &Milestone| one.due_date.filter(|day| !one.closed && *day > ctx.today());
    let Some(own) = due(milestone) else {
        return false;
    };
    ctx.world.milestones_of(milestone.owner).filter_map(due).all(|other| own <= other)
}
