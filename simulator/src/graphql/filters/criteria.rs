//! What a merge request must be to be listed. Nothing here walks: rows come one by one.

use serde_json::Value as Json;

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::world::{Along, MergeRequest, MergeRequestState, Sketch, Subscribable, Timebox};

use super::deployed::Deployed;
use super::logic;
use super::people::People;
use super::rows::{Between, has_label, has_reaction, in_review, mentions, within};

/// Arguments whose answer a sketch of a merge request knows, and those that tell of the list and not of its rows.
const ROUGH: [&str; 12] = [
    "state",
    "createdAfter",
    "createdBefore",
    "updatedAfter",
    "updatedBefore",
    "includeSubgroups",
    "includeArchived",
    "sort",
    "first",
    "last",
    "after",
    "before",
];

/// The filters of a list of merge requests.
pub(super) struct Criteria<'a> {
    /// The numbers asked for, each once.
    pub(super) iids: Option<Vec<i64>>,
    /// When it changed, which the World has in order.
    pub(super) updated: Between,
    /// Whether a list was given that names nothing, or something that the World has none of.
    nothing: bool,
    /// Whether a sketch tells enough to know what is listed.
    pub(super) rough: bool,
    state: Option<&'a str>,
    draft: Option<bool>,
    /// When it was opened, which the World has in order, too.
    pub(super) created: Between,
    merged: Between,
    closed: Between,
    labels: Vec<&'a str>,
    milestone: Option<Timebox>,
    sources: Option<Vec<&'a str>>,
    targets: Option<Vec<&'a str>>,
    search: Option<(String, Vec<&'a str>)>,
    path: Option<&'a str>,
    reaction: Option<&'a str>,
    reviews: Option<Reviews<'a>>,
    deployed: Option<Deployed<'a>>,
    people: People<'a>,
    not: Option<&'a Json>,
    or: Option<&'a Json>,
    reviewer: Option<&'a str>,
    /// Whether the caller must have subscribed by hand, or taken it back.
    subscribed: Option<bool>,
}

/// States of reviews, perhaps of one reviewer, or of all but one.
struct Reviews<'a> {
    states: Vec<&'a str>,
    only: Option<i64>,
    but: Option<i64>,
}

impl<'a> Criteria<'a> {
    pub(super) fn of(ctx: &Context<'_>, arguments: &'a Arguments) -> Criteria<'a> {
        let between = |after: &str, before: &str| (ctx.time(arguments.text(after)), ctx.time(arguments.text(before)));
        let mut labels = arguments.texts("labels").unwrap_or_default();
        labels.extend(arguments.texts("labelName").unwrap_or_default());
        let fields = arguments.texts("in").unwrap_or_else(|| vec!["TITLE", "DESCRIPTION"]);
        // Milestones of the World belong to no release.
        let unknown = arguments.get("releaseTag").is_some();
        Criteria {
            iids: iids(arguments),
            updated: between("updatedAfter", "updatedBefore"),
            nothing: unknown || arguments.has_empty_list(),
            rough: arguments.only(&ROUGH) && !ctx.world.hides_some(ctx.caller),
            state: arguments.text("state").filter(|state| *state != "all"),
            draft: arguments.get("draft").and_then(Json::as_bool),
            created: between("createdAfter", "createdBefore"),
            merged: between("mergedAfter", "mergedBefore"),
            closed: between("closedAfter", "closedBefore"),
            labels,
            milestone: milestone(arguments),
            sources: arguments.texts("sourceBranches"),
            targets: arguments.texts("targetBranches"),
            search: arguments.text("search").map(|text| (text.to_lowercase(), fields)),
            path: arguments.text("blobPath"),
            reaction: arguments.text("myReactionEmoji"),
            reviews: reviews(ctx, arguments),
            deployed: Deployed::of(ctx, arguments),
            people: People::of(arguments),
            not: arguments.get("not"),
            or: arguments.get("or"),
            reviewer: arguments.text("reviewerUsername"),
            subscribed: arguments.text("subscribed").map(|wanted| wanted == "EXPLICITLY_SUBSCRIBED"),
        }
    }

    /// Whether whatever lies in a stretch of the list is listed.
    pub(super) fn all_along(&self, along: Along) -> bool {
        let (none, other) = ((None, None), if along == Along::Created { self.updated } else { self.created });
        self.rough && !self.nothing && self.state.is_none() && other == none
    }

    /// Whether a merge request may be listed, as far as a sketch of it tells.
    pub(super) fn suits(&self, sketch: &Sketch) -> bool {
        !self.nothing
            && self.state.is_none_or(|state| state == sketch.state.name())
            && within(self.created, Some(sketch.created_at))
            && within(self.updated, Some(sketch.updated_at))
    }

    /// Whether a merge request of which the sketch suits is listed. Whoever asks may read its project.
    pub(super) fn matches(&self, ctx: &Context<'_>, row: &MergeRequest) -> bool {
        (ctx.admin() || !ctx.world.hidden(row))
            && self.iids.as_ref().is_none_or(|iids| iids.contains(&row.iid))
            && self.draft.is_none_or(|draft| draft == row.draft)
            && self.match_ends(row)
            && self.match_marks(ctx, row)
            && self.people.match_all(ctx, row)
            && self.not.is_none_or(|not| logic::holds(ctx, row, not, self.reviewer))
            && self.or.is_none_or(|or| logic::any_of(ctx, row, or))
    }

    fn match_ends(&self, row: &MergeRequest) -> bool {
        let closed = row.closed_at.filter(|_| row.state == MergeRequestState::Closed);
        within(self.merged, row.merged_at) && within(self.closed, closed)
    }

    fn match_marks(&self, ctx: &Context<'_>, row: &MergeRequest) -> bool {
        self.labels.iter().all(|label| has_label(ctx, row, label))
            && self.milestone.as_ref().is_none_or(|wanted| ctx.world.is_planned(row.milestone, wanted))
            && self.sources.as_ref().is_none_or(|names| names.contains(&row.source_branch.as_str()))
            && self.targets.as_ref().is_none_or(|names| names.contains(&row.target_branch.as_str()))
            && self.search.as_ref().is_none_or(|(text, fields)| mentions(row, text, fields))
            && self.subscribed.is_none_or(|wanted| wish(ctx, row) == Some(wanted))
            && self.path.is_none_or(|path| row.files.iter().any(|file| file.path == path))
            && self.reaction.is_none_or(|emoji| has_reaction(row, ctx.caller.user, emoji))
            && self.reviews.as_ref().is_none_or(|asked| in_review(row, &asked.states, asked.only, asked.but))
            && self.deployed.as_ref().is_none_or(|deployed| deployed.matches(ctx, row))
    }
}

/// Both arguments at once are refused.
fn milestone(arguments: &Arguments) -> Option<Timebox> {
    let wildcard = arguments.text("milestoneWildcardId").and_then(Timebox::wildcard);
    arguments.text("milestoneTitle").map(Timebox::titled).or(wildcard)
}

fn iids(arguments: &Arguments) -> Option<Vec<i64>> {
    let mut iids: Vec<i64> = arguments.texts("iids")?.iter().filter_map(|iid| iid.parse().ok()).collect();
    iids.sort_unstable();
    iids.dedup();
    Some(iids)
}

fn reviews<'a>(ctx: &Context<'_>, arguments: &'a Arguments) -> Option<Reviews<'a>> {
    let mut states = arguments.texts("reviewStates");
    if let Some(state) = arguments.text("reviewState") {
        states.get_or_insert_default().push(state);
    }
    let user = |name: &str| arguments.text(name).and_then(|name| ctx.user_id(name));
    Some(Reviews { states: states?, only: user("reviewerUsername"), but: user("ignoredReviewerUsername") })
}

/// What the caller said by hand about hearing of a merge request.
fn wish(ctx: &Context<'_>, row: &MergeRequest) -> Option<bool> {
    ctx.caller.user.and_then(|user| ctx.world.wish(Subscribable::MergeRequest(row.id), user))
}
