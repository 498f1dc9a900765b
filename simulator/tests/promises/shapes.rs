//! Answers and webhooks have at least the keys that GitLab's documentation shows.

use crate::deliveries::{Receiver, hooked};
use crate::support::{READER, missing, serve, small};

const MERGE_REQUEST: &str = "id iid project_id title description state imported imported_from created_at updated_at merged_at \
    merge_after prepared_at closed_by closed_at merged_by merge_user target_branch source_branch source_project_id \
    target_project_id user_notes_count upvotes downvotes author assignee assignees reviewers labels draft work_in_progress \
    milestone merge_when_pipeline_succeeds merge_status detailed_merge_status sha merge_commit_sha squash_commit_sha \
    discussion_locked should_remove_source_branch force_remove_source_branch reference references web_url time_stats squash \
    squash_on_merge task_completion_status has_conflicts blocking_discussions_resolved approvals_before_merge";
const SINGLE: &str =
    "subscribed changes_count diff_refs pipeline head_pipeline first_deployed_to_production_at merge_error user";
const NOTE: &str = "id type body author created_at updated_at system noteable_id noteable_type noteable_iid project_id resolvable \
    confidential internal imported imported_from commands_changes";
const GROUP: &str = "id name path description visibility avatar_url web_url full_name full_path parent_id created_at archived \
    shared_with_groups";
const PROJECT: &str = "id name path path_with_namespace name_with_namespace default_branch visibility archived empty_repo \
    created_at updated_at last_activity_at namespace web_url ssh_url_to_repo http_url_to_repo merge_requests_enabled \
    merge_requests_access_level repository_access_level jobs_enabled issues_enabled marked_for_deletion_on import_status topics \
    permissions _links";
const USER: &str =
    "id username name state locked avatar_url web_url bot created_at bio location public_email job_title";
const MEMBER: &str = "id username name state avatar_url web_url access_level created_at expires_at membership_state";
const COMMIT: &str = "id short_id created_at parent_ids title message author_name author_email authored_date committer_name \
    committer_email committed_date trailers extended_trailers web_url";
const TOKEN: &str = "id name revoked created_at description scopes user_id last_used_at active expires_at";

const EVENT: &str = "object_kind event_type user project object_attributes labels changes repository";
const ATTRIBUTES: &str = "id iid author_id assignee_id assignee_ids reviewer_ids title description state state_id created_at \
    updated_at prepared_at last_edited_at last_edited_by_id updated_by_id draft work_in_progress source_branch target_branch \
    source_project_id target_project_id head_pipeline_id merge_commit_sha merge_error merge_params merge_status \
    detailed_merge_status merge_user_id merge_when_pipeline_succeeds milestone_id blocking_discussions_resolved \
    first_contribution time_estimate time_change total_time_spent human_time_estimate human_time_change human_total_time_spent \
    labels last_commit source target url approval_rules system action actioned_at";
const NOTE_EVENT: &str = "object_kind event_type user project_id project object_attributes merge_request repository";
const NOTE_ATTRIBUTES: &str = "attachment author_id change_position commit_id created_at discussion_id id internal line_code note \
    noteable_id noteable_type original_position position project_id resolved_at resolved_by_id resolved_by_push st_diff system \
    type updated_at updated_by_id description url action";

#[tokio::test]
async fn answers_have_the_documented_keys() {
    let world = small()
        .with_project("acme/web", |project| project.merge_request("Noted", |found| found.comment("bob", "hello")));
    let served = serve(world).await;

    let web = "/projects/acme%2Fweb";
    for (path, keys) in [
        (format!("{web}/merge_requests"), MERGE_REQUEST.to_owned()),
        (format!("{web}/merge_requests/2"), format!("{MERGE_REQUEST} {SINGLE}")),
        (format!("{web}/merge_requests/2/notes"), NOTE.to_owned()),
        (format!("{web}/merge_requests/2/commits"), COMMIT.to_owned()),
        ("/groups/acme".to_owned(), GROUP.to_owned()),
        (web.to_owned(), PROJECT.to_owned()),
        ("/user".to_owned(), USER.to_owned()),
        ("/groups/acme/members/all".to_owned(), MEMBER.to_owned()),
        ("/personal_access_tokens/self".to_owned(), TOKEN.to_owned()),
    ] {
        let (status, body) = served.read(&path, READER).await;
        assert_eq!(status, 200, "{path}");
        let first = if body.is_array() { &body[0] } else { &body };
        assert_eq!(missing(first, &keys), Vec::<String>::new(), "{path}");
    }
}

#[tokio::test]
async fn webhooks_have_the_documented_keys() {
    let (served, receiver, _): (_, Receiver, _) = hooked(small(), serde_json::json!({})).await;
    served.simulator.world(|world| world.approve(1, "bob"));
    served.simulator.settled().await;
    served.simulator.world(|world| world.diff_comment(1, "bob", "nit"));
    served.simulator.settled().await;

    let seen = receiver.seen();
    let (approval, note) = (&seen[0].1, &seen[1].1);
    assert_eq!(missing(approval, EVENT), Vec::<String>::new());
    assert_eq!(missing(&approval["object_attributes"], ATTRIBUTES), Vec::<String>::new());
    assert_eq!(missing(note, NOTE_EVENT), Vec::<String>::new());
    assert_eq!(missing(&note["object_attributes"], NOTE_ATTRIBUTES), Vec::<String>::new());
}
