//! Runs, claims and checkpoints.

use std::collections::HashSet;

use gitlab_connector::store::rows::Project;
use gitlab_connector::store::{
    Batch, Connection, Delivery, Error, KnownList, List, ListStanding, ListState, NewTask, PlanClaim, Progress, Run,
    Task, TaskState,
};
use jiff::SignedDuration;

use super::{Home, at, homes, merge_request};

const LEASE: SignedDuration = SignedDuration::from_secs(60);

async fn planned(home: &Home, key: &str, full: bool, projects: i64) -> Run {
    let run = home.store.open_run(home.source, key, full).await.unwrap();
    let project = |id| Project { id, path_with_namespace: format!("acme/p{id}"), ..Project::default() };
    let plan = Batch {
        projects: (1..=projects).map(project).collect(),
        run_id: Some(run.id),
        plan: (1..=projects)
            .map(|project_id| NewTask { project_id, expected: project_id * 10, tokens: Vec::new(), read: None })
            .collect(),
        planned: true,
        ..Batch::default()
    };
    home.store.commit(home.source, &plan).await.unwrap();
    home.store.open_run(home.source, key, full).await.unwrap()
}

fn progress(task: &Task, state: TaskState) -> Option<Progress> {
    Some(Progress {
        task: task.id,
        claim: task.claim,
        cursor: Some("next".into()),
        watermark: Some(at(100)),
        merge_requests: 1,
        state,
    })
}

#[tokio::test]
async fn a_run_goes_from_plan_to_summary() {
    for home in homes().await {
        let store = &home.store;
        let run = store.open_run(home.source, "tick", false).await.unwrap();
        assert_eq!(store.claim_plan(run.id, "w0", LEASE).await.unwrap(), PlanClaim::Mine);
        assert_eq!(store.claim_plan(run.id, "w1", LEASE).await.unwrap(), PlanClaim::Elsewhere);
        let run = planned(&home, "tick", false, 3).await;
        assert!(run.planned);
        assert_eq!(store.claim_plan(run.id, "w1", LEASE).await.unwrap(), PlanClaim::Planned);

        let largest = store.claim_task(run.id, "w0", LEASE).await.unwrap().unwrap();
        assert_eq!((largest.project_id, largest.project_path.as_str(), largest.since), (3, "acme/p3", None));
        let next = store.claim_task(run.id, "w1", LEASE).await.unwrap().unwrap();
        let last = store.claim_task(run.id, "w1", LEASE).await.unwrap().unwrap();
        assert_eq!(store.claim_task(run.id, "w2", LEASE).await.unwrap(), None);

        for (task, state) in [
            (&largest, TaskState::Done),
            (&next, TaskState::Skipped { reason: "merge requests are off".into() }),
            (&last, TaskState::Failed { reason: "gone".into() }),
        ] {
            assert!(!store.finish_run(run.id).await.unwrap().run.finished());
            store.commit(home.source, &Batch { progress: progress(task, state), ..Batch::default() }).await.unwrap();
        }

        let summary = store.finish_run(run.id).await.unwrap();
        assert!(summary.run.finished());
        let counts = summary.progress;
        assert_eq!((counts.tasks, counts.done, counts.skipped, counts.failed, counts.open()), (3, 1, 1, 1, 0));
        assert_eq!((counts.expected, counts.merge_requests), (60, 3));
        let reasons: Vec<_> =
            summary.troubles.iter().map(|trouble| (trouble.failed, trouble.reason.as_str())).collect();
        assert_eq!(reasons, [(true, "gone"), (false, "merge requests are off")]);
        assert_eq!(store.unfinished_run(home.source).await.unwrap(), None);
        assert_eq!(store.last_run(home.source).await.unwrap(), Some(summary));
    }
}

#[tokio::test]
async fn the_last_full_run_is_the_first_of_all_or_one_that_was_asked_for() {
    for home in homes().await {
        let first = planned(&home, "first", false, 0).await;
        assert_eq!(home.store.last_full_run(home.source).await.unwrap(), None, "it has not ended");

        home.store.finish_run(first.id).await.unwrap();
        let incremental = planned(&home, "second", false, 0).await;
        home.store.finish_run(incremental.id).await.unwrap();
        assert_eq!(home.store.last_full_run(home.source).await.unwrap(), Some(first.started_at));

        let full = planned(&home, "third", true, 0).await;
        home.store.finish_run(full.id).await.unwrap();
        assert_eq!(home.store.last_full_run(home.source).await.unwrap(), Some(full.started_at));
    }
}

#[tokio::test]
async fn old_tasks_and_deliveries_are_forgotten_but_for_the_last_delivery() {
    for home in homes().await {
        let old = planned(&home, "old", false, 2).await;
        while let Some(task) = home.store.claim_task(old.id, "w0", LEASE).await.unwrap() {
            let batch = Batch { progress: progress(&task, TaskState::Done), ..Batch::default() };
            home.store.commit(home.source, &batch).await.unwrap();
        }
        home.store.finish_run(old.id).await.unwrap();
        for id in ["first", "last"] {
            let delivery = Delivery {
                id: id.into(),
                event: "note".into(),
                project_id: None,
                iid: None,
                outcome: "ignored".into(),
            };
            home.store.commit(home.source, &Batch { deliveries: vec![delivery], ..Batch::default() }).await.unwrap();
        }
        home.change("update connector_runs set finished_at = '2020-01-01T00:00:00.000Z'").await;
        home.change("update connector_deliveries set received_at = '2020-01-01T00:00:00.000Z' where id = 'first'")
            .await;
        home.change("update connector_deliveries set received_at = '2020-01-02T00:00:00.000Z' where id = 'last'").await;

        let new = planned(&home, "new", false, 0).await;
        home.store.finish_run(new.id).await.unwrap();
        home.store.forget_old_deliveries(home.source, jiff::Timestamp::now()).await.unwrap();

        assert_eq!(home.texts("select cast(count(*) as text) from connector_tasks").await, ["0"]);
        assert_eq!(home.texts("select id from connector_deliveries").await, ["last"]);
        assert!(home.store.last_delivery(home.source).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_finished_task_moves_the_checkpoint_and_a_full_run_ignores_it() {
    for home in homes().await {
        let run = planned(&home, "first", false, 1).await;
        let task = home.store.claim_task(run.id, "w", LEASE).await.unwrap().unwrap();
        let open = Batch { progress: progress(&task, TaskState::Open), ..Batch::default() };
        home.store.commit(home.source, &open).await.unwrap();
        assert_eq!(home.store.known_projects(home.source).await.unwrap()[0].since, None);
        let done = Batch { progress: progress(&task, TaskState::Done), ..Batch::default() };
        home.store.commit(home.source, &done).await.unwrap();

        let second = planned(&home, "second", false, 1).await;
        let full = planned(&home, "full", true, 1).await;

        let since = |task: Option<Task>| task.unwrap().since;
        assert_eq!(since(home.store.claim_task(second.id, "w", LEASE).await.unwrap()), Some(at(100)));
        assert_eq!(since(home.store.claim_task(full.id, "w", LEASE).await.unwrap()), None);
    }
}

#[tokio::test]
async fn work_under_a_stale_claim_is_refused_and_leaves_nothing() {
    for home in homes().await {
        let run = planned(&home, "tick", false, 1).await;
        let dead = home.store.claim_task(run.id, "w", LEASE).await.unwrap().unwrap();
        home.store.release_worker(run.id, "w").await.unwrap();
        let alive = home.store.claim_task(run.id, "w", LEASE).await.unwrap().unwrap();
        let batch = |task| Batch {
            merge_requests: vec![merge_request(1, 1)],
            progress: progress(task, TaskState::Open),
            ..Batch::default()
        };

        let refused = home.store.commit(home.source, &batch(&dead)).await;

        assert!(matches!(refused, Err(Error::ClaimLost)), "{refused:?}");
        assert_eq!(home.rows("gitlab_merge_requests").await.len(), 0);
        assert!(matches!(home.store.extend_lease(dead.id, dead.claim, LEASE).await, Err(Error::ClaimLost)));
        home.store.extend_lease(alive.id, alive.claim, LEASE).await.unwrap();
        home.store.commit(home.source, &batch(&alive)).await.unwrap();
        assert_eq!(home.rows("gitlab_merge_requests").await.len(), 1);
    }
}

#[tokio::test]
async fn an_expired_lease_is_claimed_by_another_who_goes_on_from_the_cursor() {
    for home in homes().await {
        let run = planned(&home, "tick", false, 1).await;
        let slow = home.store.claim_task(run.id, "w0", SignedDuration::from_millis(80)).await.unwrap().unwrap();
        let open = Batch { progress: progress(&slow, TaskState::Open), ..Batch::default() };
        home.store.commit(home.source, &open).await.unwrap();
        assert_eq!(home.store.claim_task(run.id, "w1", LEASE).await.unwrap(), None);
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;

        let task = home.store.claim_task(run.id, "w1", LEASE).await.unwrap().unwrap();

        assert_eq!((task.id, task.cursor.as_deref(), task.merge_requests), (slow.id, Some("next"), 1));
        assert!(task.claim > slow.claim);
    }
}

#[tokio::test]
async fn two_claimers_never_get_the_same_task() {
    for home in homes().await {
        let run = planned(&home, "tick", false, 40).await;
        let workers = (0..8).map(|worker| {
            let store = home.store.clone();
            tokio::spawn(async move {
                let mut claimed = Vec::new();
                while let Some(task) = store.claim_task(run.id, &format!("w{worker}"), LEASE).await.unwrap() {
                    claimed.push(task.id);
                }
                claimed
            })
        });

        let mut claimed = Vec::new();
        for worker in workers.collect::<Vec<_>>() {
            claimed.extend(worker.await.unwrap());
        }

        assert_eq!(claimed.len(), 40);
        assert_eq!(claimed.into_iter().collect::<HashSet<_>>().len(), 40);
    }
}

#[tokio::test]
async fn a_full_pass_knows_what_it_has_not_met_however_often_it_is_resumed() {
    for home in homes().await {
        let all = Batch { merge_requests: (1..=4).map(|id| merge_request(id, id)).collect(), ..Batch::default() };
        home.store.commit(home.source, &all).await.unwrap();
        let run = planned(&home, "full", true, 1).await;
        let unmet = async |task: &Task, since: Option<i64>| {
            let unmet = home.store.unmet(home.source, (task.id, 1), since.map(at), 0).await.unwrap();
            unmet.iter().map(|one| one.id).collect::<Vec<_>>()
        };

        let claim = async |worker| home.store.claim_task(run.id, worker, LEASE).await.unwrap().unwrap();
        let pages = |task: &Task, state| Batch { progress: progress(task, state), ..Batch::default() };

        let task = claim("a").await;
        // Of 2 a newer version is stored: being met counts all the same.
        let met = Batch { meets: true, merge_requests: vec![merge_request(2, 1)], ..pages(&task, TaskState::Open) };
        home.store.commit(home.source, &met).await.unwrap();
        home.store.release_worker(run.id, "a").await.unwrap();
        let task = claim("b").await;

        assert_eq!(unmet(&task, None).await, [1, 3, 4]);
        assert_eq!(unmet(&task, Some(3)).await, [3, 4], "what was not asked for proves nothing");

        let gone = Batch { deleted: vec![3], ..Batch::default() };
        let early = Batch { as_of: Some(at(0)), deleted: vec![1], ..Batch::default() };
        for batch in [gone, early] {
            home.store.commit(home.source, &batch).await.unwrap();
        }

        // 1 was read after the moment of that proof.
        assert_eq!(unmet(&task, None).await, [1, 4]);
        home.store.commit(home.source, &pages(&task, TaskState::Done)).await.unwrap();
        assert_eq!(home.texts("select cast(count(*) as text) from connector_met").await, ["0"]);

        let again = Batch { merge_requests: vec![merge_request(3, 3)], ..Batch::default() };
        home.store.commit(home.source, &again).await.unwrap();
        assert_eq!(unmet(&task, None).await, [1, 2, 3, 4], "what is seen again is there again");
    }
}

#[tokio::test]
async fn a_connection_keeps_its_identity_and_its_facts() {
    for home in homes().await {
        let store = &home.store;
        let again = store.register(&super::connection("acme")).await.unwrap();
        let slash = Connection { url: "https://gitlab.test/".into(), ..super::connection("acme") };
        assert_eq!(store.register(&slash).await.unwrap(), again);
        let loud = Connection { url: "HTTPS://GitLab.test:443".into(), ..super::connection("acme") };
        assert_eq!(store.register(&loud).await.unwrap(), again, "one GitLab is one source");
        assert_eq!((again.source, again.uid.len()), (home.source, 36));
        let uid = Connection { uid: Some("from-kubernetes".into()), ..super::connection("acme") };
        assert_eq!(store.register(&uid).await.unwrap().uid, "from-kubernetes");

        assert_eq!(store.state(home.source, "fact").await.unwrap(), None);
        for value in ["a", "b"] {
            store.set_state(home.source, "fact", value).await.unwrap();
            assert_eq!(store.state(home.source, "fact").await.unwrap().as_deref(), Some(value));
        }
        store.erase_state(home.source, "fact").await.unwrap();
        assert_eq!(store.state(home.source, "fact").await.unwrap(), None);
    }
}

#[tokio::test]
async fn other_lists_of_projects_wait_until_no_merge_requests_are_left_to_read() {
    for home in homes().await {
        let store = &home.store;
        let run = planned(&home, "tick", false, 2).await;
        let plan_lists = vec![(1, List::Pipelines), (1, List::Deployments)];
        for _ in 0..2 {
            let lists = Batch { run_id: Some(run.id), plan_lists: plan_lists.clone(), ..Batch::default() };
            store.commit(home.source, &lists).await.unwrap();
        }
        let claim = || async { store.claim_task(run.id, "w", LEASE).await.unwrap() };
        let end = |task: Task, lists: Vec<ListStanding>| async move {
            let ended = Batch { progress: progress(&task, TaskState::Done), lists, ..Batch::default() };
            store.commit(home.source, &ended).await.unwrap();
        };

        let (first, second) = (claim().await.unwrap(), claim().await.unwrap());
        assert_eq!((first.list, second.list), (List::MergeRequests, List::MergeRequests));
        end(first, Vec::new()).await;
        assert_eq!(claim().await, None, "merge requests of another project are being read");
        end(second, Vec::new()).await;
        assert!(!store.finish_run(run.id).await.unwrap().run.finished());
        for list in [List::Deployments, List::Pipelines] {
            let task = claim().await.unwrap();
            assert_eq!((task.project_id, task.list, task.since), (1, list, None));
            let standing = ListStanding { project_id: 1, list, state: ListState::Read, watermark: Some(at(50)) };
            end(task, vec![standing]).await;
        }
        let progress = store.finish_run(run.id).await.unwrap();

        assert!(progress.run.finished());
        assert_eq!((progress.progress.tasks, progress.progress.merge_requests), (2, 2), "tasks are those of projects");
        assert_eq!(store.known_lists(home.source, List::Deployments).await.unwrap()[&1], KnownList::Read);
        let next = store.open_run(home.source, "next", false).await.unwrap();
        let plan = vec![NewTask { project_id: 1, expected: 0, tokens: Vec::new(), read: None }];
        let plan_lists = vec![(1, List::Pipelines)];
        let batch = Batch { run_id: Some(next.id), plan, plan_lists, ..Batch::default() };
        store.commit(home.source, &batch).await.unwrap();
        let task = store.claim_task(next.id, "w", LEASE).await.unwrap().unwrap();
        assert_eq!(task.since, Some(at(100)), "each list has a checkpoint of its own");
        let ended = Batch { progress: self::progress(&task, TaskState::Done), ..Batch::default() };
        store.commit(home.source, &ended).await.unwrap();
        assert_eq!(store.claim_task(next.id, "w", LEASE).await.unwrap().unwrap().since, Some(at(50)));
    }
}

#[tokio::test]
async fn a_run_goes_on_where_it_was_when_its_tasks_become_those_of_lists() {
    for home in homes().await {
        let run = planned(&home, "tick", false, 2).await;
        let task = home.store.claim_task(run.id, "w", LEASE).await.unwrap().unwrap();
        let page = Batch { progress: progress(&task, TaskState::Open), ..Batch::default() };
        home.store.commit(home.source, &page).await.unwrap();
        home.without_facts().await;

        home.store.migrate().await.unwrap();

        home.store.release_worker(run.id, "w").await.unwrap();
        let again = home.store.claim_task(run.id, "w", LEASE).await.unwrap().unwrap();
        assert_eq!((again.id, again.cursor.as_deref(), again.merge_requests), (task.id, Some("next"), 1));
        assert_eq!(again.list, List::MergeRequests);
        assert!(again.claim > task.claim);
    }
}
