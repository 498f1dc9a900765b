//! However an import comes about, the rows are the same.

use std::sync::Arc;
use std::time::Duration;

use gitlab_connector::importer::{self, Progress, Settings, refresh};
use gitlab_connector::store::{Batch, Mark};
use gitlab_simulator::world::{Size, Version};
use gitlab_simulator::{Fault, FaultKind, Simulator};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Place, assert_same, client, company, die_and_go_on, import, serve, small};

#[tokio::test]
async fn rows_are_those_of_the_world() {
    let gitlab = serve(company(1, small())).await;
    for place in Place::each().await {
        let summary = import(&gitlab, &place, &place.settings("first")).await.unwrap();

        assert_eq!(summary.exit_code(), 0, "{summary:?}");
        assert!(summary.run.run.finished() && summary.differences.is_empty(), "{summary:?}");
        let (merge_requests, notes, commits) = gitlab.read(|world| {
            let all: Vec<_> = world.merge_requests().collect();
            let notes: usize = all.iter().map(|one| one.notes.len()).sum();
            let commits: usize = all.iter().map(|one| one.commits.len()).sum();
            (all.len(), notes, commits)
        });
        assert_eq!(place.count("gitlab_merge_requests").await, i64::try_from(merge_requests).unwrap());
        assert_eq!(place.count("gitlab_notes").await, i64::try_from(notes).unwrap());
        assert_eq!(place.count("gitlab_merge_request_commits").await, i64::try_from(commits).unwrap());
        assert_eq!(place.count("gitlab_projects").await, 3);
        assert_eq!(place.count("gitlab_groups").await, 5);
        let actions = place.rows().await.iter().filter(|row| row.contains("| approved |")).count();
        assert!(actions > 0, "system notes have their actions");
    }
}

#[tokio::test]
async fn importing_twice_equals_importing_once() {
    let gitlab = serve(company(2, small())).await;
    for place in Place::each().await {
        import(&gitlab, &place, &place.settings("first")).await.unwrap();
        let once = place.rows().await;

        import(&gitlab, &place, &place.settings("second")).await.unwrap();
        import(&gitlab, &place, &Settings { full: true, ..place.settings("third") }).await.unwrap();

        assert_same(&place.rows().await, &once);
    }
}

#[tokio::test]
async fn a_finished_run_is_not_repeated() {
    let gitlab = serve(company(2, small())).await;
    let place = Place::sqlite().await;
    import(&gitlab, &place, &place.settings("tick")).await.unwrap();
    gitlab.forget_requests();

    let again = import(&gitlab, &place, &place.settings("tick")).await.unwrap();

    assert_eq!(again.exit_code(), 0);
    assert_eq!(gitlab.requests().len(), 0, "the database knows");
}

#[tokio::test]
async fn many_workers_equal_one() {
    let gitlab = serve(company(3, Size { projects: 8, ..small() })).await;
    for place in Place::each().await {
        import(&gitlab, &place, &place.settings("alone")).await.unwrap();
        let alone = place.rows().await;

        let together = place.another().await;
        let workers = ["0", "1", "2", "3"].map(|worker| {
            let settings = Settings { worker: worker.into(), concurrency: 1, ..together.settings("together") };
            let (client, store) = (client(&gitlab), together.store.clone());
            tokio::spawn(async move {
                importer::run(&client, &store, &settings, &Progress::default(), CancellationToken::new()).await
            })
        });
        for worker in workers {
            let summary = worker.await.unwrap().unwrap();
            assert!(summary.run.run.finished(), "each stays until all is done: {summary:?}");
        }

        assert_same(&together.rows().await, &alone);
    }
}

#[tokio::test]
async fn dying_anywhere_and_going_on_equals_not_dying() {
    let gitlab =
        serve(company(4, Size { projects: 2, merge_requests: 130, notes: 2, commits: 1, ..Size::default() })).await;
    for place in Place::each().await {
        import(&gitlab, &place, &place.settings("whole")).await.unwrap();
        let whole = place.rows().await;
        let broken = place.another().await;
        let settings = Settings { concurrency: 1, ..broken.settings("broken") };
        let lives = die_and_go_on(&gitlab, &broken, &settings).await;

        assert!(lives > 2, "it died a few times");
        assert_same(&broken.rows().await, &whole);
    }
}

#[tokio::test]
async fn what_changed_since_equals_everything_read_now() {
    for seed in [5, 6] {
        let gitlab = serve(company(seed, small())).await;
        for place in Place::each().await {
            import(&gitlab, &place, &place.settings("first")).await.unwrap();

            let mut random = fastrand::Rng::with_seed(seed);
            for round in 0..3 {
                gitlab.world(|world| {
                    for _ in 0..30 {
                        world.live(&mut random);
                    }
                });
                import(&gitlab, &place, &place.settings(&format!("round {round}"))).await.unwrap();
            }

            let fresh = place.another().await;
            import(&gitlab, &fresh, &fresh.settings("fresh")).await.unwrap();
            assert_same(&place.rows().await, &fresh.rows().await);
        }
    }
}

#[tokio::test]
async fn a_full_pass_repairs_what_no_change_reveals() {
    let gitlab = serve(company(7, small())).await;
    for place in Place::each().await {
        import(&gitlab, &place, &place.settings("first")).await.unwrap();
        gitlab.world(|world| {
            let (gone, note) = {
                let mut all = world.merge_requests().filter(|one| one.notes.len() > 1);
                (all.next().unwrap().id, all.next().unwrap().notes[0].id)
            };
            world.delete_merge_request(gone).unwrap();
            world.delete_note(note).unwrap();
        });

        import(&gitlab, &place, &Settings { full: true, ..place.settings("full") }).await.unwrap();

        let fresh = place.another().await;
        import(&gitlab, &fresh, &fresh.settings("fresh")).await.unwrap();
        // Somebody whose last word is gone stays known.
        let without_users =
            |rows: Vec<String>| rows.into_iter().filter(|row| !row.starts_with("gitlab_users")).collect::<Vec<_>>();
        assert_same(&without_users(place.rows().await), &without_users(fresh.rows().await));
    }
}

/// Changes every merge request, and names them all.
pub(super) fn comment_on_all(gitlab: &Simulator) -> Vec<Mark> {
    gitlab.world(|world| {
        let all: Vec<_> = world.merge_requests().map(|one| (one.id, one.project, one.iid)).collect();
        for (id, ..) in &all {
            world.comment(*id, "reader", "one more").unwrap();
        }
        let path = |project| world.project(project).unwrap().full_path.clone();
        all.iter()
            .map(|(_, project, iid)| Mark { project_id: *project, project_path: path(*project), iid: *iid })
            .collect()
    })
}

#[tokio::test]
async fn a_merge_request_that_cannot_be_read_does_not_keep_the_others_from_being_refreshed() {
    let gitlab = serve(company(8, Size { projects: 1, merge_requests: 12, ..Size::default() })).await;
    let place = Place::sqlite().await;
    let settings = place.settings("first");
    import(&gitlab, &place, &settings).await.unwrap();
    let marks = comment_on_all(&gitlab);
    place.store.commit(place.source, &Batch { refresh: marks, ..Batch::default() }).await.unwrap();
    // Twelve, six, three and one are asked for, each twice.
    let broken = FaultKind::Status { status: 502 };
    gitlab.faults().add(Fault::at("POST /graphql mergeRequestsByIid", broken).times(8));

    let troubled = refresh::once(&client(&gitlab), &place.store, &settings).await;

    assert!(troubled.is_err());
    assert_eq!(refresh::once(&client(&gitlab), &place.store, &settings).await.unwrap(), 1, "one was left");
}

#[tokio::test]
async fn a_server_of_another_version_is_asked_in_its_own_words_from_then_on() {
    let gitlab = serve(company(8, Size { projects: 1, merge_requests: 3, ..Size::default() })).await;
    let place = Place::sqlite().await;
    let settings = place.settings("first");
    import(&gitlab, &place, &settings).await.unwrap();
    let (stop, wake, connection) = (CancellationToken::new(), Arc::new(Notify::new()), client(&gitlab));
    let refreshing = refresh::run(&connection, &place.store, &settings, Arc::clone(&wake), stop.clone());
    let scenes = async {
        for version in [(19, 1), (15, 5)] {
            gitlab.world(|world| world.settings.version = Version::new(version.0, version.1));
            let refresh = comment_on_all(&gitlab);
            place.store.commit(place.source, &Batch { refresh, ..Batch::default() }).await.unwrap();
            wake.notify_one();
            while !place.store.pending_refreshes(place.source, 1).await.unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        stop.cancel();
    };

    tokio::time::timeout(Duration::from_secs(30), async { tokio::join!(refreshing, scenes) }).await.unwrap();

    let notes: usize = gitlab.read(|world| world.merge_requests().map(|one| one.notes.len()).sum());
    assert_eq!(place.count("gitlab_notes").await, i64::try_from(notes).unwrap());
}

#[tokio::test]
async fn refreshing_what_was_named_equals_importing_it() {
    let gitlab = serve(company(8, small())).await;
    for place in Place::each().await {
        let settings = place.settings("first");
        import(&gitlab, &place, &settings).await.unwrap();
        let marks = comment_on_all(&gitlab);
        place.store.commit(place.source, &Batch { refresh: marks, ..Batch::default() }).await.unwrap();
        gitlab.forget_requests();

        let read = refresh::once(&client(&gitlab), &place.store, &settings).await.unwrap();

        assert_eq!(read, 36);
        assert_eq!(gitlab.counts().get("POST /graphql mergeRequestsByIid"), Some(&3), "{:?}", gitlab.counts());
        assert_eq!(
            refresh::once(&client(&gitlab), &place.store, &settings).await.unwrap(),
            0,
            "nothing is due any more"
        );
        let fresh = place.another().await;
        import(&gitlab, &fresh, &fresh.settings("fresh")).await.unwrap();
        assert_same(&place.rows().await, &fresh.rows().await);
    }
}

/// PostgreSQL plans for tables as they were when it last counted them, which was when they were empty.
#[tokio::test]
async fn what_a_page_reads_of_the_database_does_not_grow_with_what_is_stored() {
    let gitlab = serve(company(2, Size { projects: 1, merge_requests: 1_500, ..Size::default() })).await;
    let place = Place::postgres().await;

    import(&gitlab, &place, &place.settings("first")).await.unwrap();

    place.store.close().await;
    let reads = "select cast(max((coalesce(idx_tup_fetch, 0) + seq_tup_read) / greatest(n_tup_ins, 100)) as text)
        from pg_stat_user_tables where relname like 'gitlab_%' or relname in ('connector_facts', 'connector_participants')";
    let most: i64 = place.texts(reads).await[0].parse().unwrap();
    // A few pages are dear, as long as there is little to read.
    assert!(most < 400, "{most} rows are read for each that is stored");
}
