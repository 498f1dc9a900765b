//! What asking for reviews, approving and pushing do to each other.

use gitlab_simulator::World;
use gitlab_simulator::world::{Edition, ReviewState};
use serde_json::json;

use crate::receiver::hooked;
use crate::support::small;

fn bodies(world: &World) -> Vec<&str> {
    world.merge_request(1).unwrap().notes.iter().map(|note| note.body.as_str()).collect()
}

/// `EE::SystemNotes::MergeRequestsService#approvals_reset`, action `approvals_reset`.
#[test]
fn approvals_taken_back_by_a_push_are_named_in_a_note() {
    let mut world = small();
    for user in ["bob", "cyd", "dan"] {
        world.approve(1, user);
    }

    world.push_commits(1, "ann", 1);

    let found = world.merge_request(1).unwrap();
    assert!(found.approvals.is_empty());
    let last = found.notes.last().unwrap();
    assert_eq!(last.body, "reset approvals from @bob, @cyd, and @dan by pushing to the branch");
    assert_eq!(last.action().unwrap().name(), "approvals_reset");
    assert_eq!(last.action().unwrap().icon(&world.settings), None);
}

#[test]
fn approvals_stay_where_the_project_or_the_edition_keeps_them() {
    let mut kept = small();
    kept.project_mut(1).unwrap().reset_approvals_on_push = false;
    for mut world in [kept, small().with_edition(Edition::Community), small().with_edition(Edition::Unlicensed)] {
        world.approve(1, "bob");
        world.push_commits(1, "ann", 1);
        assert_eq!(world.merge_request(1).unwrap().approvals.len(), 1);
    }
}

/// GitLab 18.6 lets webhooks hear of it: `unapproved` where the merge request is approved no more.
#[tokio::test]
async fn webhooks_hear_of_a_reset_since_18_6_from_whoever_pushed() {
    for (version, required, expected) in [
        ("18.6", 1, &["update", "unapproved"][..]),
        ("18.6", 0, &["update", "unapproval"][..]),
        ("18.5", 1, &["update"][..]),
    ] {
        let mut world = small().with_version(version);
        world.edit_merge_request(1, |found| found.approvals_required = required);
        world.approve(1, "bob");
        world.take_outbox();
        let (served, receiver, _) = hooked(world, json!({})).await;

        served.simulator.world(|world| world.push_commits(1, "cyd", 1));
        served.simulator.settled().await;

        let seen = receiver.seen();
        let actions: Vec<_> = seen.iter().map(|(_, body)| body["object_attributes"]["action"].clone()).collect();
        assert_eq!(actions, expected, "{version}");
        let last = &seen.last().unwrap().1;
        assert_eq!(last["user"]["username"], "cyd");
        if expected.len() == 2 {
            let attributes = &last["object_attributes"];
            assert_eq!(
                (&attributes["system"], &attributes["system_action"]),
                (&json!(true), &json!("approvals_reset_on_push"))
            );
        }
    }
}

/// `SystemNotes::IssuablesService#change_issuable_reviewers`.
#[test]
fn reviewers_asked_and_removed_stand_in_one_note() {
    let mut world = small();
    world.set_reviewers(1, "ann", &["bob"]);
    world.set_reviewers(1, "ann", &["cyd", "dan"]);
    world.set_reviewers(1, "ann", &["dan"]);
    world.set_reviewers(1, "ann", &["dan"]);

    assert_eq!(
        bodies(&world),
        [
            "requested review from @bob",
            "requested review from @cyd and @dan and removed review request for @bob",
            "removed review request for @cyd",
        ]
    );
}

/// `MergeRequests::RequestReviewService`.
#[test]
fn asking_an_approver_again_takes_the_approval_back() {
    let mut world = small();
    world.request_review(1, "ann", "bob");
    world.approve(1, "bob");

    world.request_review(1, "ann", "bob");

    let found = world.merge_request(1).unwrap();
    assert!(found.approvals.is_empty());
    assert_eq!(found.reviewers[0].state, ReviewState::Unreviewed);
    assert_eq!(bodies(&world)[2], "requested review from @bob and removed approval");
}

/// State since 16.9, note since 17.0 (gitlab-org/gitlab!151047), a webhook since 19.3 only (!246562).
#[tokio::test]
async fn requested_changes_are_a_state_a_note_and_lately_an_event() {
    for (version, state, notes, events) in [
        ("16.8", ReviewState::Unreviewed, 1, 0),
        ("16.9", ReviewState::RequestedChanges, 1, 0),
        ("17.0", ReviewState::RequestedChanges, 2, 0),
        ("19.3", ReviewState::RequestedChanges, 2, 1),
    ] {
        let mut world = small().with_version(version);
        world.request_review(1, "ann", "bob");
        let (served, receiver, _) = hooked(world, json!({})).await;

        served.simulator.world(|world| world.request_changes(1, "bob"));
        served.simulator.settled().await;

        served.simulator.world(|world| {
            let found = world.merge_request(1).unwrap();
            assert_eq!((found.reviewers[0].state, found.notes.len()), (state, notes), "{version}");
        });
        assert_eq!(receiver.seen().len(), events, "{version}");
    }
}

#[test]
fn requesting_changes_takes_the_own_approval_back_without_a_word() {
    let mut world = small();
    world.request_review(1, "ann", "bob");
    world.approve(1, "bob");

    world.request_changes(1, "bob");

    assert!(world.merge_request(1).unwrap().approvals.is_empty());
    assert_eq!(bodies(&world).last(), Some(&"requested changes"));
}

/// Since 16.9 a review has to be submitted (gitlab-org/gitlab!134766).
#[test]
fn a_comment_of_a_reviewer_is_no_review_any_more() {
    for (version, state) in [("16.8", ReviewState::Reviewed), ("16.9", ReviewState::Unreviewed)] {
        let mut world = small().with_version(version);
        world.request_review(1, "ann", "bob");
        world.comment(1, "bob", "hm");
        assert_eq!(world.merge_request(1).unwrap().reviewers[0].state, state);

        world.review(1, "bob");
        assert_eq!(world.merge_request(1).unwrap().reviewers[0].state, ReviewState::Reviewed);
    }
}
