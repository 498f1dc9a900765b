//! What things look like in REST answers.

mod approval_rules;
mod awards;
mod ci;
mod code;
mod deeds;
mod diffs;
mod draft_notes;
mod hooks;
mod merge_requests;
mod noteable;
mod notes;
mod people;
mod places;
mod planning;
mod repository;
mod resource_events;
mod tokens;

use jiff::Timestamp;

pub(crate) use approval_rules::{approval_rule, approval_settings, approval_state, project_approval_rule};
pub(crate) use awards::award;
pub(crate) use ci::{bridge, deployment_single, environment, pipeline_single};
pub(crate) use code::{add_trailers, commit, deployment, job, pipeline, runner};
pub(crate) use deeds::deed;
pub(crate) use diffs::{file, version};
pub(crate) use draft_notes::draft_note;
pub(crate) use hooks::{event, hook};
pub(crate) use merge_requests::{
    LabelStyle, approvals_community, approvals_enterprise, merge_request, merge_request_simple, single,
};
pub(crate) use noteable::Noteable;
pub(crate) use notes::{discussion, note};
pub(crate) use people::{current_user, member, token, user, user_basic};
use places::relative_to;
pub(crate) use places::{
    group, group_detail, group_statistics, label, label_basic, namespace, project, project_simple, statistics,
};
pub(crate) use planning::{issue, issue_basic, issue_single, milestone};
pub(crate) use repository::{branch, commit_single, protected_branch, release, status, tag};
pub(crate) use resource_events::{label_event, milestone_event, state_event};
pub(crate) use tokens::{group_association, project_association, resource_token};

/// `2017-04-29T08:46:00.000Z`, as most of REST writes times.
pub(crate) fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// `2017-04-29T08:46:00.000+00:00`, as commits write them.
pub(crate) fn commit_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000+00:00").to_string()
}

/// Adds keys to what is shown.
pub(super) fn extend(shown: &mut serde_json::Value, more: serde_json::Value) {
    if let (serde_json::Value::Object(shown), serde_json::Value::Object(more)) = (shown, more) {
        shown.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_however_round() {
        assert_eq!(time("2017-04-29T08:46:00Z".parse().unwrap()), "2017-04-29T08:46:00.000Z");
        assert_eq!(time("2017-04-29T08:46:00.1239Z".parse().unwrap()), "2017-04-29T08:46:00.123Z");
        assert_eq!(commit_time("2017-04-29T08:46:00Z".parse().unwrap()), "2017-04-29T08:46:00.000+00:00");
    }
}
