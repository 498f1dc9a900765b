//! Whether a run reads everything again is decided once, by the importer itself.

use std::time::{Duration, Instant};

use gitlab_connector::importer::{self, Progress, Resources, Settings};
use gitlab_simulator::world::Size;
use gitlab_simulator::{Fault, FaultKind};
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::{Place, client, company, import, serve, small};

#[tokio::test]
async fn who_asks_for_other_things_gets_everything_again_and_then_only_what_is_new() {
    let gitlab = serve(company(1, small())).await;
    for place in Place::each().await {
        let lean =
            |key: &str| Settings { resources: Resources { reviews: false, ..Resources::ALL }, ..place.settings(key) };

        let first = import(&gitlab, &place, &lean("first")).await.unwrap();
        let same = import(&gitlab, &place, &lean("same")).await.unwrap();
        let more = import(&gitlab, &place, &place.settings("more")).await.unwrap();
        let again = import(&gitlab, &place, &place.settings("again")).await.unwrap();

        let full = [&first, &same, &more, &again].map(|summary| summary.run.run.full);
        assert_eq!(full, [false, false, true, false]);
        assert!(place.count("gitlab_notes").await > 0);
    }
}

#[tokio::test]
async fn a_run_that_was_to_read_everything_and_did_not_end_is_made_up_for() {
    let gitlab = serve(company(1, small())).await;
    let place = Place::sqlite().await;
    let lean = Settings { resources: Resources { reviews: false, ..Resources::ALL }, ..place.settings("first") };
    import(&gitlab, &place, &lean).await.unwrap();
    gitlab.faults().add(Fault::at("*", FaultKind::Status { status: 500 }));

    let broken = Settings { patience: SignedDuration::ZERO, ..place.settings("broken") };
    import(&gitlab, &place, &broken).await.unwrap_err();
    gitlab.faults().clear();
    let next = import(&gitlab, &place, &place.settings("next")).await.unwrap();

    assert!(next.run.run.full);
    assert!(place.count("gitlab_notes").await > 0);
}

#[tokio::test]
async fn everything_is_read_again_when_the_last_time_is_too_long_ago() {
    let gitlab = serve(company(1, small())).await;
    let place = Place::sqlite().await;
    let every = |key: &str, interval| Settings { resync_interval: Some(interval), ..place.settings(key) };
    import(&gitlab, &place, &place.settings("first")).await.unwrap();

    let soon = import(&gitlab, &place, &every("soon", SignedDuration::from_hours(1))).await.unwrap();
    let late = import(&gitlab, &place, &every("late", SignedDuration::ZERO)).await.unwrap();

    assert_eq!((soon.run.run.full, late.run.run.full), (false, true));
}

#[tokio::test]
async fn the_workers_of_a_run_agree_on_what_they_read() {
    let gitlab = serve(company(3, Size { projects: 6, ..small() })).await;
    for place in Place::each().await {
        import(&gitlab, &place, &place.settings("first")).await.unwrap();

        // Each of them would decide for itself, and one finds that the run of the others has begun.
        let workers = ["0", "1", "2"].map(|worker| {
            let text = Settings { text: false, worker: worker.into(), concurrency: 1, ..place.settings("second") };
            let (client, store) = (client(&gitlab), place.store.clone());
            tokio::spawn(async move {
                importer::run(&client, &store, &text, &Progress::default(), CancellationToken::new()).await
            })
        });
        for worker in workers {
            assert!(worker.await.unwrap().unwrap().run.run.full);
        }
        let third = import(&gitlab, &place, &Settings { text: false, ..place.settings("third") }).await.unwrap();

        assert!(!third.run.run.full);
    }
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_leaves_its_tasks_to_the_others_at_once() {
    let size = Size { projects: 1, merge_requests: 250, ..Size::default() };
    let gitlab = serve(company(4, size)).await;
    for place in Place::each().await {
        let (stop, progress, connection) = (CancellationToken::new(), Progress::default(), client(&gitlab));
        let settings = place.settings("run");
        let run = importer::run(&connection, &place.store, &settings, &progress, stop.clone());
        let stopper = async {
            while progress.snapshot().merge_requests == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stop.cancel();
        };
        let (ended, ()) = tokio::join!(run, stopper);
        assert!(matches!(ended, Err(importer::Error::Stopped)), "{ended:?}");

        let begun = Instant::now();
        let other = Settings { worker: "1".into(), ..place.settings("run") };
        import(&gitlab, &place, &other).await.unwrap();

        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}: a lease is two minutes", begun.elapsed());
        assert_eq!(place.count("gitlab_merge_requests").await, 250);
    }
}
