//! What GitLab records beside notes: state, label and milestone events.

use gitlab_simulator::world::{Milestone, Owner};

use crate::support::{READER, serve, small};

/// `SystemNoteService.change_status` has made a `ResourceStateEvent` since 13.x, and labels and milestones have theirs.
#[tokio::test]
async fn merging_closing_reopening_labels_and_milestones_leave_events_and_no_notes() {
    let served = serve(small()).await;
    served.simulator.world(|world| {
        let milestone = Milestone { id: 7, owner: Owner::Project(1), title: "1.0".to_owned(), ..Milestone::default() };
        world.insert_milestone(milestone);
        world.add_label(1, "ann", "bug").unwrap();
        world.remove_label(1, "bob", "bug").unwrap();
        world.set_milestone(1, "ann", Some(7)).unwrap();
        world.set_milestone(1, "ann", None).unwrap();
        world.close(1, "ann").unwrap();
        world.reopen(1, "bob").unwrap();
        world.merge(1, "bob").unwrap();
    });

    let notes = served.read("/projects/1/merge_requests/1/notes", READER).await;
    assert_eq!(notes, (200, serde_json::json!([])));
    served.simulator.world(|world| {
        let found = world.merge_request(1).unwrap();
        let states: Vec<_> = found.state_events.iter().map(|event| event.state).collect();
        assert_eq!(states, ["closed", "reopened", "merged"]);
        assert_eq!(found.state_events[2].user, found.merge_user);
        let labels: Vec<_> = found.label_events.iter().map(|event| (event.id, event.action())).collect();
        assert_eq!(labels, [(1, "add"), (2, "remove")]);
        let milestones: Vec<_> = found.milestone_events.iter().map(|event| (event.subject, event.action())).collect();
        assert_eq!(milestones, [(7, "add"), (7, "remove")]);
    });
}

/// The record is saved, so `updated_at` moves although no note is written.
#[tokio::test]
async fn a_label_and_a_change_of_state_touch_the_merge_request() {
    let served = serve(small()).await;
    let updated =
        |served: &crate::support::Served| served.simulator.world(|world| world.merge_request(1).unwrap().updated_at);

    let opened = updated(&served);
    served.simulator.world(|world| world.add_label(1, "ann", "bug"));
    let labelled = updated(&served);
    served.simulator.world(|world| world.close(1, "ann"));
    let closed = updated(&served);

    assert!(opened < labelled && labelled < closed, "{opened} {labelled} {closed}");
}

#[tokio::test]
async fn merging_closes_the_issues_that_it_says_it_closes() {
    let served = serve(small()).await;
    served.simulator.world(|world| {
        let issue = gitlab_simulator::world::Issue { id: 3, iid: 1, project: 1, ..Default::default() };
        world.insert_issue(issue);
        world.edit_merge_request(1, |found| found.closes.push(3));

        world.merge(1, "bob");

        let issue = world.issue(3).unwrap();
        assert_eq!((issue.closed_at.is_some(), issue.closed_by), (true, world.merge_request(1).unwrap().merge_user));
    });
}

/// Each push is a version (`GET …/versions`), the newest of which has the head.
#[tokio::test]
async fn every_push_is_a_version_of_the_diff() {
    let served = serve(small()).await;
    served.simulator.world(|world| {
        world.push_commits(1, "ann", 2);

        let found = world.merge_request(1).unwrap();
        let commits: Vec<_> = found.versions.iter().map(|version| (version.commits, version.files)).collect();
        assert_eq!(commits, [(1, 1), (3, 3)]);
        assert_eq!(Some(found.versions[1].head), found.sha);
    });
}

/// lib/api/resource_milestone_events.rb; and a merge request shows its milestone.
#[tokio::test]
async fn a_milestone_is_shown_and_its_coming_and_going_are_listed() {
    let served = serve(small()).await;
    served.simulator.world(|world| {
        let milestone = Milestone { id: 7, owner: Owner::Project(1), title: "1.0".to_owned(), ..Milestone::default() };
        world.insert_milestone(milestone);
        world.set_milestone(1, "ann", Some(7)).unwrap();
    });

    let (_, shown) = served.read("/projects/1/merge_requests/1", READER).await;
    assert_eq!(shown["milestone"]["title"], "1.0");
    let path = "/projects/1/merge_requests/1/resource_milestone_events";
    let (status, events) = served.read(path, READER).await;
    let event = &events[0];
    assert_eq!((status, &event["action"], &event["state"]), (200, &"add".into(), &"opened".into()));
    assert_eq!((&event["milestone"]["id"], &event["user"]["username"]), (&7.into(), &"ann".into()));
    assert_eq!(served.read(&format!("{path}/{}", event["id"]), READER).await, (200, event.clone()));
    assert_eq!(served.read(&format!("{path}/4711"), READER).await.0, 404);
}
