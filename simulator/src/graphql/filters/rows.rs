//! What filters ask of one merge request.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::graphql::context::Context;
use crate::world::{MergeRequest, ReviewState};

/// After, and before; both ends are included, as in GitLab.
pub(super) type Between = (Option<Timestamp>, Option<Timestamp>);

pub(super) fn within((after, before): Between, at: Option<Timestamp>) -> bool {
    if after.is_none() && before.is_none() {
        return true;
    }
    at.is_some_and(|at| after.is_none_or(|after| at >= after) && before.is_none_or(|before| at <= before))
}

/// Whether it carries a label; `None` and `Any` are no titles.
pub(super) fn has_label(ctx: &Context<'_>, row: &MergeRequest, label: &str) -> bool {
    match label.to_ascii_lowercase().as_str() {
        "none" => row.labels.is_empty(),
        "any" => !row.labels.is_empty(),
        _ => row.labels.iter().any(|id| ctx.world.label(*id).is_some_and(|known| known.title == label)),
    }
}

/// Whether a search finds it in these fields: `TITLE`, `DESCRIPTION`.
pub(super) fn mentions(row: &MergeRequest, text: &str, fields: &[&str]) -> bool {
    let description = || row.description.as_deref().map_or(Cow::Borrowed(""), |text| text.to_lowercase().into());
    fields.contains(&"TITLE") && row.full_title().to_lowercase().contains(text)
        || fields.contains(&"DESCRIPTION") && description().contains(text)
}

/// Whether a user reacted to it with an emoji; `None` and `Any` are no emojis.
pub(super) fn has_reaction(row: &MergeRequest, user: Option<i64>, emoji: &str) -> bool {
    let mut own = row.awards.iter().filter(|award| Some(award.user) == user);
    match emoji.to_ascii_lowercase().as_str() {
        "none" => own.next().is_none(),
        "any" => own.next().is_some(),
        _ => own.any(|award| award.name == emoji),
    }
}

/// Whether a review stands in one of these states: that of one reviewer, or of any but one.
pub(super) fn in_review(row: &MergeRequest, states: &[&str], only: Option<i64>, but: Option<i64>) -> bool {
    let counts = |user: i64| only.is_none_or(|only| only == user) && but.is_none_or(|but| but != user);
    let wanted = |state: ReviewState| states.contains(&state.enum_name());
    row.reviewers.iter().any(|reviewer| counts(reviewer.user) && wanted(reviewer.state))
}

pub(super) fn is_user(ctx: &Context<'_>, user: Option<i64>, name: &str) -> bool {
    user.is_some() && user == ctx.user_id(name)
}

pub(super) fn is_assigned(ctx: &Context<'_>, row: &MergeRequest, name: &str) -> bool {
    ctx.user_id(name).is_some_and(|id| row.assignees.contains(&id))
}

pub(super) fn is_reviewer(ctx: &Context<'_>, row: &MergeRequest, name: &str) -> bool {
    ctx.user_id(name).is_some_and(|id| row.reviewers.iter().any(|reviewer| reviewer.user == id))
}

pub(super) fn has_approved(ctx: &Context<'_>, row: &MergeRequest, name: &str) -> bool {
    ctx.user_id(name).is_some_and(|id| row.approved_by(id))
}
