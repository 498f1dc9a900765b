//! What lists of merge requests take (lib/api/helpers/merge_requests_helpers.rb and its Enterprise part).

use crate::rest::params::{Param, SORTS, id_or_wild, integer, integers, one_of, text, texts, time, truth};

/// `merge_requests_base_params`, for each of the three lists.
pub(super) static LIST: &[Param] = &[
    integer("author_id").excludes("author_username"),
    text("author_username"),
    id_or_wild("assignee_id").excludes("assignee_username"),
    texts("assignee_username"),
    id_or_wild("reviewer_id").excludes("reviewer_username"),
    text("reviewer_username"),
    texts("labels"),
    text("milestone"),
    text("my_reaction_emoji"),
    one_of("state", &["opened", "closed", "locked", "merged", "all"]).or("all"),
    one_of("order_by", ORDERS).or("created_at"),
    one_of("order_by", NEW_ORDERS).or("created_at").since(17, 2),
    one_of("sort", SORTS).or("desc"),
    truth("with_labels_details").or("false"),
    truth("with_merge_status_recheck").or("false"),
    time("created_after"),
    time("created_before"),
    time("updated_after"),
    time("updated_before"),
    one_of("view", &["simple"]),
    text("source_branch"),
    integer("source_project_id"),
    text("target_branch"),
    text("search"),
    text("in"),
    one_of("wip", &["yes", "no"]),
    truth("draft").since(19, 0),
    time("deployed_before"),
    time("deployed_after"),
    text("environment"),
    integer("merge_user_id").excludes("merge_user_username").since(17, 0),
    text("merge_user_username").since(17, 0),
    texts("approver_ids").enterprise(),
    texts("approved_by_ids").enterprise().excludes("approved_by_usernames"),
    texts("approved_by_usernames").enterprise(),
];

static ORDERS: &[&str] =
    &["created_at", "label_priority", "milestone_due", "popularity", "priority", "title", "updated_at"];
static NEW_ORDERS: &[&str] =
    &["created_at", "label_priority", "milestone_due", "popularity", "priority", "title", "updated_at", "merged_at"];

/// `merge_requests_negatable_params`.
pub(super) static NEGATED: &[Param] = &[
    integer("not[author_id]").excludes("not[author_username]"),
    text("not[author_username]"),
    id_or_wild("not[assignee_id]").excludes("not[assignee_username]"),
    texts("not[assignee_username]"),
    integer("not[reviewer_id]").excludes("not[reviewer_username]"),
    text("not[reviewer_username]"),
    texts("not[labels]"),
    text("not[milestone]"),
    text("not[my_reaction_emoji]"),
];

static SCOPES: &[&str] =
    &["created-by-me", "assigned-to-me", "created_by_me", "assigned_to_me", "reviews_for_me", "all"];

/// Of a project or a group: everything, unless asked for less.
pub(super) static SCOPE: &[Param] = &[one_of("scope", SCOPES)];
/// Of everywhere: what the caller made, unless asked for more.
pub(super) static OWN_SCOPE: &[Param] = &[one_of("scope", SCOPES).or("created_by_me")];
/// Of a project alone.
pub(super) static IN_PROJECT: &[Param] = &[integers("iids")];
/// Of a group alone.
pub(super) static IN_GROUP: &[Param] = &[truth("non_archived").or("true")];
