//! The checks that stand between a merge request and merging (`MergeRequest.all_mergeability_checks` in GitLab's source).

use crate::graphql::context::Context;
use crate::graphql::schema::Level;
use crate::graphql::value::Value;
use crate::world::{MergeRequest, MergeRequestState, ReviewState};

/// Each check with its outcome.
pub(super) fn all<'w>(ctx: &Context<'w>, one: &MergeRequest) -> Value<'w> {
    let edition = ctx.world.settings.edition;
    let asks_changes = one.reviewers.iter().any(|reviewer| reviewer.state == ReviewState::RequestedChanges);
    let left = ctx.world.approvals_left(one);
    let mut checks = vec![
        ("NOT_OPEN", outcome(one.state == MergeRequestState::Opened)),
        ("DRAFT_STATUS", outcome(!one.draft)),
        ("COMMITS_STATUS", outcome(!one.commits.is_empty())),
        // The settings that turn these on are off in every project.
        ("DISCUSSIONS_NOT_RESOLVED", "INACTIVE"),
        ("CI_MUST_PASS", "INACTIVE"),
        ("CONFLICT", outcome(!one.conflicts)),
        ("NEED_REBASE", "INACTIVE"),
    ];
    if ctx.level >= Level::V18_0 {
        checks.push(("MERGE_TIME", "INACTIVE"));
    }
    if edition.enterprise() {
        checks.push(("NOT_APPROVED", if edition.licensed() { outcome(left == 0) } else { "INACTIVE" }));
        checks.push(("REQUESTED_CHANGES", if edition.licensed() { outcome(!asks_changes) } else { "INACTIVE" }));
    }
    let checks = checks.into_iter().map(|(identifier, status)| {
        Value::record([("identifier", Value::Str(identifier)), ("status", Value::Str(status))])
    });
    Value::List(checks.collect())
}

fn outcome(passes: bool) -> &'static str {
    if passes { "SUCCESS" } else { "FAILED" }
}
