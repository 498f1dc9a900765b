//! Newest wins, complete sets are whole, deliveries count once.

use gitlab_connector::store::rows::{
    Approval, Deployment, Environment, Group, HolderKind, Job, Label, Member, MergeRequest, MergeRequestCommit, Note,
    Pipeline, Project, User,
};
use gitlab_connector::store::{Batch, Committed, Complete, Delivery, List, ListStanding, ListState, Mark};
use jiff::{SignedDuration, Timestamp};

use super::{at, homes, merge_request};

fn note(merge_request_id: i64, id: i64, updated: i64) -> Note {
    Note { id, merge_request_id, project_id: 1, created_at: at(updated), updated_at: at(updated), ..Note::default() }
}

fn complete(merge_request_id: i64, as_of: i64) -> Complete {
    Complete { merge_request_id, as_of: at(as_of), notes: true, approvals: true, commits: true }
}

fn delivery(id: &str) -> Delivery {
    Delivery {
        id: id.into(),
        event: "merge_request".into(),
        project_id: Some(1),
        iid: Some(1),
        outcome: "stored".into(),
    }
}

/// One of everything.
pub(super) fn everything() -> Batch {
    Batch {
        as_of: Some(at(10)),
        groups: vec![Group { id: 1, full_path: "acme".into(), name: Some("Acme".into()), ..Group::default() }],
        projects: vec![Project {
            id: 1,
            path_with_namespace: "acme/api".into(),
            archived: Some(false),
            ..Project::default()
        }],
        labels: vec![Label { holder_id: 1, id: 1, name: "bug".into(), ..Label::default() }],
        members: vec![Member {
            kind: HolderKind::Group,
            holder_id: 1,
            user_id: 1,
            access_level: 30,
            ..Member::default()
        }],
        users: vec![User {
            id: 1,
            username: "root".into(),
            bot: Some(false),
            created_at: Some(at(0)),
            ..User::default()
        }],
        merge_requests: vec![MergeRequest {
            draft: Some(false),
            additions: Some(0),
            reviewer_ids: Some(vec![1, 2]),
            merged_at: Some(at(9)),
            ..merge_request(1, 9)
        }],
        notes: vec![note(1, 1, 5)],
        approvals: vec![Approval { merge_request_id: 1, user_id: 1, approved_at: None }],
        commits: vec![MergeRequestCommit { merge_request_id: 1, sha: "abc".into(), ..MergeRequestCommit::default() }],
        environments: vec![Environment { id: 1, project_id: 1, name: "production".into(), ..Environment::default() }],
        deployments: vec![Deployment {
            id: 1,
            iid: 1,
            project_id: 1,
            environment_id: Some(1),
            created_at: at(3),
            updated_at: at(4),
            ..Deployment::default()
        }],
        pipelines: vec![Pipeline {
            id: 1,
            iid: 1,
            project_id: 1,
            status: "success".into(),
            created_at: at(3),
            updated_at: at(4),
            queued_duration: Some(1.5),
            coverage: Some(81.25),
            ..Pipeline::default()
        }],
        jobs: vec![Job { id: 1, pipeline_id: 1, project_id: 1, kind: "build", ..Job::default() }],
        lists: vec![ListStanding {
            project_id: 1,
            list: List::Deployments,
            state: ListState::Read,
            watermark: Some(at(4)),
        }],
        complete: vec![complete(1, 9)],
        complete_labels: vec![(HolderKind::Project, 1)],
        complete_members: vec![(HolderKind::Group, 1)],
        ..Batch::default()
    }
}

/// The notes, and which of them are gone.
const NOTES: &str =
    "select cast(id as text) || case when gone_at is null then '' else ' gone' end from gitlab_notes order by id";

#[tokio::test]
async fn committing_twice_equals_committing_once() {
    for home in homes().await {
        home.store.commit(home.source, &everything()).await.unwrap();
        let once = home.dump().await;

        home.store.commit(home.source, &everything()).await.unwrap();

        assert_eq!(home.dump().await, once);
        assert_eq!(once.len(), 16, "{once:#?}");
    }
}

#[tokio::test]
async fn what_is_unknown_stays_null_and_zero_stays_zero() {
    for home in homes().await {
        home.store.commit(home.source, &everything()).await.unwrap();

        let known = "select cast(additions as text) || coalesce(cast(deletions as text), ' unknown') from gitlab_merge_requests";

        assert_eq!(home.texts(known).await, ["0 unknown"]);
    }
}

#[tokio::test]
async fn an_older_merge_request_never_overwrites_a_newer_one() {
    for home in homes().await {
        for updated in [1, 3, 2] {
            let batch = Batch { merge_requests: vec![merge_request(1, updated)], ..Batch::default() };
            home.store.commit(home.source, &batch).await.unwrap();
        }
        let event = Batch { merge_request_events: vec![merge_request(1, 2)], ..Batch::default() };
        home.store.commit(home.source, &event).await.unwrap();

        assert_eq!(home.texts("select title from gitlab_merge_requests").await, ["as of 3"]);
    }
}

#[tokio::test]
async fn of_two_readings_of_one_version_the_later_one_tells_who_approves() {
    for home in homes().await {
        let reading = |read: i64, approvals: Vec<Approval>| Batch {
            as_of: Some(at(read)),
            merge_requests: vec![merge_request(1, 1)],
            approvals,
            complete: vec![complete(1, 1)],
            ..Batch::default()
        };
        let approval = Approval { merge_request_id: 1, user_id: 7, approved_at: Some(at(1)) };
        let withdrawn = reading(20, vec![]);
        let late = reading(10, vec![approval]);

        home.store.commit(home.source, &withdrawn).await.unwrap();
        home.store.commit(home.source, &late).await.unwrap();

        assert_eq!(home.texts("select cast(count(*) as text) from gitlab_approvals").await, ["0"]);
    }
}

#[tokio::test]
async fn an_event_from_a_clock_ahead_of_ours_gives_way_to_what_is_read_after_it() {
    for home in homes().await {
        let ahead = Timestamp::now() + SignedDuration::from_hours(1);
        let event = Batch { as_of: Some(ahead), merge_request_events: vec![merge_request(1, 1)], ..Batch::default() };
        home.store.commit(home.source, &event).await.unwrap();

        let full = MergeRequest { additions: Some(7), ..merge_request(1, 1) };
        let read = Batch { as_of: Some(Timestamp::now()), merge_requests: vec![full], ..Batch::default() };
        home.store.commit(home.source, &read).await.unwrap();

        assert_eq!(home.texts("select cast(additions as text) from gitlab_merge_requests").await, ["7"]);
    }
}

#[tokio::test]
async fn a_complete_row_erases_and_an_event_keeps() {
    for home in homes().await {
        let full = MergeRequest { additions: Some(7), description: Some("text".into()), ..merge_request(1, 1) };
        let event = MergeRequest { state: Some("merged".into()), title: None, labels: None, ..merge_request(1, 2) };
        let facts = "select title || ' ' || state || ' ' || coalesce(cast(additions as text), '?') || ' ' || \
                     coalesce(cast(labels as text), '?') from gitlab_merge_requests";

        home.store.commit(home.source, &Batch { merge_requests: vec![full], ..Batch::default() }).await.unwrap();
        home.store.commit(home.source, &Batch { merge_request_events: vec![event], ..Batch::default() }).await.unwrap();
        assert_eq!(home.texts(facts).await, [r#"as of 1 merged 7 ["bug"]"#]);

        let erased = MergeRequest { labels: Some(vec![]), ..merge_request(1, 3) };
        home.store.commit(home.source, &Batch { merge_requests: vec![erased], ..Batch::default() }).await.unwrap();
        assert_eq!(home.texts(facts).await, ["as of 3 opened ? []"]);
    }
}

#[tokio::test]
async fn of_two_readings_of_one_version_the_later_wins() {
    for home in homes().await {
        for (read, additions) in [(20, Some(5)), (10, None)] {
            let row = MergeRequest { additions, ..merge_request(1, 1) };
            let batch = Batch { as_of: Some(at(read)), merge_requests: vec![row], ..Batch::default() };
            home.store.commit(home.source, &batch).await.unwrap();
        }

        assert_eq!(home.texts("select cast(additions as text) from gitlab_merge_requests").await, ["5"]);
    }
}

#[tokio::test]
async fn children_that_a_complete_set_lacks_are_gone_and_newer_ones_are_not() {
    for home in homes().await {
        let first = Batch {
            merge_requests: vec![merge_request(1, 5), merge_request(2, 5)],
            notes: vec![note(1, 1, 5), note(1, 2, 5), note(1, 3, 8), note(2, 4, 5)],
            approvals: vec![Approval { merge_request_id: 1, user_id: 1, approved_at: Some(at(4)) }],
            commits: vec![MergeRequestCommit {
                merge_request_id: 1,
                sha: "old".into(),
                ..MergeRequestCommit::default()
            }],
            ..Batch::default()
        };
        let second = Batch {
            merge_requests: vec![merge_request(1, 6)],
            notes: vec![note(1, 2, 5)],
            complete: vec![complete(1, 6)],
            ..Batch::default()
        };

        home.store.commit(home.source, &first).await.unwrap();
        home.store.commit(home.source, &second).await.unwrap();

        assert_eq!(home.texts(NOTES).await, ["1 gone", "2", "3", "4"]);
        assert_eq!(home.rows("gitlab_approvals").await.len(), 0);
        assert_eq!(home.rows("gitlab_merge_request_commits").await.len(), 0);

        home.store.commit(home.source, &Batch { notes: vec![note(1, 1, 5)], ..Batch::default() }).await.unwrap();
        assert_eq!(home.texts(NOTES).await, ["1", "2", "3", "4"], "what is seen again is there again");
    }
}

/// Whoever may not see internal notes is given a whole list without them.
#[tokio::test]
async fn internal_notes_are_gone_only_for_somebody_who_sees_internal_notes() {
    for home in homes().await {
        let internal = |id| Note { internal: Some(true), ..note(1, id, 5) };
        let set = |notes: Vec<Note>, updated| Batch {
            merge_requests: vec![merge_request(1, updated)],
            notes,
            complete: vec![complete(1, updated)],
            ..Batch::default()
        };
        let all = set(vec![note(1, 1, 5), internal(2), internal(3)], 5);
        home.store.commit(home.source, &all).await.unwrap();

        home.store.commit(home.source, &set(vec![note(1, 1, 5)], 6)).await.unwrap();
        assert_eq!(home.texts(NOTES).await, ["1", "2", "3"]);

        home.store.commit(home.source, &set(vec![internal(3)], 7)).await.unwrap();
        assert_eq!(home.texts(NOTES).await, ["1 gone", "2 gone", "3"]);
    }
}

#[tokio::test]
async fn a_complete_set_older_than_the_merge_request_changes_nothing() {
    for home in homes().await {
        let newer = Batch {
            merge_requests: vec![merge_request(1, 9)],
            notes: vec![note(1, 2, 9)],
            complete: vec![complete(1, 9)],
            ..Batch::default()
        };
        let older = Batch {
            merge_requests: vec![merge_request(1, 5)],
            notes: vec![note(1, 1, 5)],
            approvals: vec![Approval { merge_request_id: 1, user_id: 1, approved_at: None }],
            complete: vec![complete(1, 5)],
            ..Batch::default()
        };
        home.store.commit(home.source, &newer).await.unwrap();
        let before = home.dump().await;

        home.store.commit(home.source, &older).await.unwrap();

        assert_eq!(home.dump().await, before);
    }
}

#[tokio::test]
async fn labels_and_members_that_a_complete_set_lacks_are_gone_and_an_empty_one_proves_nothing() {
    for home in homes().await {
        let label = |holder_id, id| Label { holder_id, id, name: "l".into(), ..Label::default() };
        let member = |holder_id, user_id| Member {
            kind: HolderKind::Project,
            holder_id,
            user_id,
            access_level: 30,
            ..Member::default()
        };
        let first = Batch {
            labels: vec![label(1, 1), label(1, 2), label(2, 1)],
            members: vec![member(1, 1), member(1, 2), member(2, 1)],
            ..Batch::default()
        };
        let second = Batch {
            labels: vec![label(1, 2)],
            members: vec![member(1, 2)],
            complete_labels: vec![(HolderKind::Project, 1)],
            complete_members: vec![(HolderKind::Project, 1)],
            ..Batch::default()
        };

        let silent = Batch {
            complete_labels: vec![(HolderKind::Project, 1), (HolderKind::Project, 2)],
            complete_members: vec![(HolderKind::Project, 1), (HolderKind::Project, 2)],
            ..Batch::default()
        };

        for batch in [first, second, silent] {
            home.store.commit(home.source, &batch).await.unwrap();
        }

        let labels = "select cast(holder_id as text) || '/' || cast(id as text)
            || case when gone_at is null then '' else ' gone' end from gitlab_labels order by 1";
        let members = "select cast(holder_id as text) || '/' || cast(user_id as text)
            || case when gone_at is null then '' else ' gone' end from gitlab_members order by 1";
        assert_eq!(home.texts(labels).await, ["1/1 gone", "1/2", "2/1"]);
        assert_eq!(home.texts(members).await, ["1/1 gone", "1/2", "2/1"]);
    }
}

#[tokio::test]
async fn users_keep_what_a_partial_row_does_not_say() {
    for home in homes().await {
        let user =
            |bot, name: &str| User { id: 1, username: "root".into(), bot, name: Some(name.into()), ..User::default() };

        home.store
            .commit(home.source, &Batch { users: vec![user(Some(true), "old")], ..Batch::default() })
            .await
            .unwrap();
        home.store.commit(home.source, &Batch { users: vec![user(None, "new")], ..Batch::default() }).await.unwrap();

        assert_eq!(home.texts("select name || cast(bot as text) from gitlab_users").await.len(), 1);
        assert!(home.rows("gitlab_users").await[0].contains("new"));
        let overview = home.texts("select username from users where is_bot").await;
        assert_eq!(overview, ["root"]);
    }
}

#[tokio::test]
async fn a_delivery_that_comes_twice_counts_once() {
    for home in homes().await {
        let batch = |id: &str, updated| Batch {
            merge_request_events: vec![merge_request(1, updated)],
            deliveries: vec![delivery(id)],
            refresh: vec![Mark { project_id: 1, project_path: "acme/api".into(), iid: 1 }],
            ..Batch::default()
        };
        let source = home.source;

        let first = home
            .store
            .commit_all(&[(source, batch("a", 1)), (source, batch("a", 5)), (source, batch("b", 2))])
            .await
            .unwrap();
        let again = home.store.commit(source, &batch("b", 9)).await.unwrap();

        assert_eq!(first, [Committed::Stored, Committed::Duplicate, Committed::Stored]);
        assert_eq!(again, Committed::Duplicate);
        assert_eq!(home.texts("select title from gitlab_merge_requests").await, ["as of 2"]);
        assert_eq!(home.store.pending_refreshes(source, 10).await.unwrap().len(), 1);
        assert!(home.store.last_delivery(source).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn deliveries_of_two_connections_share_a_transaction_and_no_rows() {
    for home in homes().await {
        let other = home.store.register(&super::connection("other")).await.unwrap().source;
        let batch = || Batch {
            merge_request_events: vec![merge_request(1, 1)],
            deliveries: vec![delivery("a")],
            ..Batch::default()
        };

        let committed = home.store.commit_all(&[(home.source, batch()), (other, batch())]).await.unwrap();

        assert_eq!(committed, [Committed::Stored, Committed::Stored]);
        assert_eq!(home.rows("gitlab_merge_requests").await.len(), 2);
        home.store.forget(other).await.unwrap();
        assert_eq!(home.rows("gitlab_merge_requests").await.len(), 1);
        assert_eq!(home.rows("connector_deliveries").await.len(), 1);
    }
}

#[tokio::test]
async fn a_refresh_marked_again_meanwhile_stays_due() {
    for home in homes().await {
        let mark = |iid| Mark { project_id: 1, project_path: "acme/api".into(), iid };
        let marked = Batch { refresh: vec![mark(1), mark(2)], ..Batch::default() };
        home.store.commit(home.source, &marked).await.unwrap();
        let pending = home.store.pending_refreshes(home.source, 10).await.unwrap();

        home.store.commit(home.source, &Batch { refresh: vec![mark(2)], ..Batch::default() }).await.unwrap();
        home.store.commit(home.source, &Batch { refreshed: pending, ..Batch::default() }).await.unwrap();

        let left = home.store.pending_refreshes(home.source, 10).await.unwrap();
        assert_eq!(
            left.iter().map(|refresh| (refresh.iid, refresh.project_path.as_str())).collect::<Vec<_>>(),
            [(2, "acme/api")]
        );
    }
}

#[tokio::test]
async fn text_with_quotes_backslashes_and_nul_is_stored() {
    for home in homes().await {
        let row = MergeRequest { title: Some("it's \"x\" \\u0000 \0 ü 🦀".into()), ..merge_request(1, 1) };

        home.store.commit(home.source, &Batch { merge_requests: vec![row], ..Batch::default() }).await.unwrap();

        assert_eq!(home.texts("select title from gitlab_merge_requests").await, ["it's \"x\" \\u0000  ü 🦀"]);
    }
}

#[tokio::test]
async fn many_workers_that_bring_the_same_users_do_not_deadlock() {
    for home in homes().await {
        let workers = (0..8).map(|worker| {
            let (store, source) = (home.store.clone(), home.source);
            tokio::spawn(async move {
                for round in 0..10_i64 {
                    let mut ids: Vec<i64> = (0..40).collect();
                    fastrand::shuffle(&mut ids);
                    let user =
                        |id: &i64| User { id: *id, username: format!("u{id}-{worker}-{round}"), ..User::default() };
                    let batch = Batch {
                        users: ids.iter().map(user).collect(),
                        merge_requests: ids.iter().map(|id| merge_request(*id, round)).collect(),
                        notes: ids.iter().map(|id| note(*id, *id, round)).collect(),
                        complete: ids.iter().map(|id| complete(*id, round)).collect(),
                        ..Batch::default()
                    };
                    store.commit(source, &batch).await.unwrap();
                }
            })
        });

        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }

        assert_eq!(home.rows("gitlab_users").await.len(), 40);
        assert_eq!(home.texts("select distinct title from gitlab_merge_requests").await, ["as of 9"]);
    }
}
