//! Pipelines and their jobs: all of them, the newest first, after everything else, and at the price of what moved.

use gitlab_connector::importer::{Resources, Settings};
use gitlab_simulator::world::{Clock, Edition, Feature, Job, JobKind, Pipeline, Size};
use gitlab_simulator::{Fault, FaultKind, Simulator, World};
use jiff::SignedDuration;

use super::{Place, assert_same, company, die_and_go_on, import, lists, readable, serve, shop_of};

const PAGES: &str = "POST /graphql pipelines";

/// Settings of a run that reads pipelines, and walks the scope once a day only.
fn settings(place: &Place, key: &str) -> Settings {
    let resources = Resources { pipelines: true, ..place.settings(key).resources };
    Settings { resources, walk_interval: SignedDuration::from_hours(24), ..place.settings(key) }
}

fn full(place: &Place, key: &str) -> Settings {
    Settings { full: true, ..settings(place, key) }
}

fn size() -> Size {
    Size { projects: 3, merge_requests: 2, notes: 1, commits: 1, pipelines: 60, ..Size::default() }
}

/// A project with a pipeline whose bridge started another, one whose job was tried again, and one of a merge request.
fn shop() -> World {
    let mut world = readable(World::new().with_group("acme", |group| {
        group.project("shop", |shop| {
            shop.merge_request("Sell tea", |one| one.by("ann").push(1))
                .pipeline("success", |one| one.coverage = Some(81.25))
                .pipeline("failed", |_| ())
        })
    }));
    let shop = world.projects().next().unwrap().id;
    let ids: Vec<i64> = world.pipelines_of(shop).map(|one| one.id).collect();
    let child = world.start_pipeline(shop, "main", "ann", "parent_pipeline").unwrap();
    world.finish_pipeline(child, "success").unwrap();
    world.edit_pipeline(child, |one| one.parent = Some(ids[0])).unwrap();
    world.edit_pipeline(ids[0], |one| {
        let jobs = one.jobs.clone();
        let bridge = Job { id: 9_000, kind: JobKind::Bridge(Some(child)), name: "deploy".into(), ..jobs[0].clone() };
        one.jobs.push(bridge);
        one.jobs[1].allow_failure = true;
    });
    let failed = world.pipeline(ids[1]).unwrap().jobs[0].id;
    world.retry_job(ids[1], failed).unwrap();
    world.finish_pipeline(ids[1], "success").unwrap();
    world
}

fn pipelines(world: &World) -> Vec<Pipeline> {
    world.projects().flat_map(|project| world.pipelines_of(project.id).cloned()).collect()
}

async fn fresh(gitlab: &Simulator, place: &Place) -> Vec<String> {
    super::fresh(gitlab, place, settings).await
}

#[tokio::test]
async fn every_pipeline_and_job_is_stored_as_gitlab_tells_it() {
    let gitlab = serve(company(1, size())).await;
    for place in Place::each().await {
        gitlab.forget_requests();
        let summary = import(&gitlab, &place, &settings(&place, "first")).await.unwrap();

        assert_eq!(summary.exit_code(), 0, "{summary:?}");
        let all = gitlab.read(pipelines);
        let jobs: usize = all.iter().map(|one| one.jobs.len()).sum();
        assert_eq!((all.len(), jobs), (180, 540));
        assert_eq!(place.count("gitlab_pipelines").await, 180);
        assert_eq!(place.count("gitlab_jobs").await, 540);
        let ran: i64 = all.iter().filter_map(Pipeline::duration).sum();
        let told =
            "select cast(sum(duration) as text) from pipeline_runs where repo is not null and username is not null
            and started_by = 'push' and jobs_complete and finished is not null";
        assert_eq!(place.texts(told).await, [ran.to_string()]);
        let failed = all.iter().flat_map(|one| &one.jobs).filter(|job| job.status == "failed").count();
        let told =
            "select cast(count(*) as text) from pipeline_jobs where status = 'failed' and failure_reason is not null";
        assert!(failed > 5);
        assert_eq!(place.texts(told).await, [failed.to_string()]);
        let counts = gitlab.counts();
        assert_eq!(counts[PAGES], 6, "fifty pipelines a request: {counts:?}");
        assert!(counts["GET /projects/:id/jobs"] <= 3, "and a hundred failed jobs: {counts:?}");
    }
}

#[tokio::test]
async fn retried_jobs_bridges_and_child_pipelines_are_told_apart() {
    let gitlab = serve(shop()).await;
    for place in Place::each().await {
        import(&gitlab, &place, &settings(&place, "first")).await.unwrap();

        let runs = "select started_by || ' ' || status || ' ' || coalesce(cast(upstream_id as text), '-') || ' '
            || coalesce(cast(coverage as text), '-') from pipeline_runs order by id";
        let (first, child) = (1, 3);
        assert_eq!(
            place.texts(runs).await,
            ["push success - 81.25", "push success - -", &format!("parent_pipeline success {first} -")]
        );
        let jobs = "select kind || ' ' || name || ' ' || status || case when retried then ' retried' else '' end
            || case when allow_failure then ' allowed' else '' end || coalesce(' ' || failure_reason, '')
            || coalesce(' > ' || cast(downstream_id as text), '') from pipeline_jobs where pipeline_id < 3 order by pipeline_id, id";
        assert_eq!(
            place.texts(jobs).await,
            [
                "build build success",
                "build test success allowed",
                &format!("bridge deploy success > {child}"),
                "build build failed retried script_failure",
                "build test skipped",
                "build build success",
            ]
        );
    }
}

#[tokio::test]
async fn where_nothing_moved_a_run_asks_one_more_request_and_writes_no_row() {
    let gitlab = serve(company(3, Size { projects: 90, merge_requests: 1, pipelines: 4, ..size() })).await;
    for place in Place::each().await {
        import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
        let written = "select cast(max(synced_at) as text) from gitlab_pipelines
            union all select cast(max(synced_at) as text) from gitlab_jobs
            union all select cast(max(tried_at) as text) from connector_lists";
        let before = place.texts(written).await;
        gitlab.forget_requests();

        import(&gitlab, &place, &settings(&place, "second")).await.unwrap();

        let counts = gitlab.counts();
        assert_eq!(counts.get("POST /graphql moved"), Some(&1), "{counts:?}");
        assert_eq!(counts.values().sum::<usize>(), 3, "{counts:?}");
        assert_eq!(place.texts(written).await, before);

        import(&gitlab, &place, &full(&place, "full")).await.unwrap();
        assert_eq!(place.texts(written).await[..2], before[..2], "nothing is written because it was read again");
    }
}

#[tokio::test]
async fn what_moved_is_asked_of_fewer_projects_where_many_are_too_much() {
    let gitlab = serve(company(5, Size { projects: 90, merge_requests: 1, pipelines: 4, ..size() })).await;
    let place = Place::sqlite().await;
    import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
    let timeout = FaultKind::FieldTimeout { fields: vec!["Project.pipelines".into()] };
    gitlab.faults().add(Fault::at("POST /graphql moved", timeout).times(2));
    gitlab.forget_requests();

    import(&gitlab, &place, &settings(&place, "second")).await.unwrap();

    let counts = gitlab.counts();
    assert_eq!((counts["POST /graphql moved"], counts.get(PAGES)), (5, None), "90, 45, 22 and 23, 45: {counts:?}");
}

#[tokio::test]
async fn what_moved_since_equals_everything_read_now() {
    let gitlab = serve(company(4, size())).await;
    for place in Place::each().await {
        import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
        let projects: Vec<i64> = gitlab.read(|world| world.projects().map(|project| project.id).collect());
        let mut running = None;
        for round in 0..4 {
            gitlab.world(|world| {
                if let Some(id) = running.take() {
                    world.finish_pipeline(id, if round % 2 == 0 { "success" } else { "failed" }).unwrap();
                }
                running = world.start_pipeline(projects[0], "main", "ann", "web");
                world.start_pipeline(projects[1], "main", "bob", "parent_pipeline").unwrap();
                // An old one is tried again.
                let old = world.pipelines_of(projects[2]).find(|one| one.status == "failed").map(|one| one.id);
                if let Some(id) = old {
                    world.retry_pipeline(id).unwrap();
                }
            });

            import(&gitlab, &place, &settings(&place, &format!("round {round} {}", fastrand::u64(..)))).await.unwrap();

            assert_same(&place.rows().await, &fresh(&gitlab, &place).await);
        }
        gitlab.forget_requests();
        gitlab.world(|world| world.start_pipeline(projects[0], "main", "ann", "push")).unwrap();
        import(&gitlab, &place, &settings(&place, "one")).await.unwrap();
        assert!(gitlab.counts()[PAGES] <= 3, "a request for each project that moved lately: {:?}", gitlab.counts());
    }
}

#[tokio::test]
async fn dying_anywhere_and_going_on_equals_not_dying() {
    let gitlab = serve(company(6, Size { projects: 1, pipelines: 700, ..size() })).await;
    // A page of these reaches much further back than one of the others.
    gitlab.world(|world| {
        for one in pipelines(world).iter().filter(|one| one.id % 9 == 0) {
            world.edit_pipeline(one.id, |one| one.source = "parent_pipeline").unwrap();
        }
    });
    for version in ["19.1", "16.3"] {
        gitlab.world(|world| world.settings.version = gitlab_simulator::world::Version::parse(version).unwrap());
        for place in Place::each().await {
            let whole = fresh(&gitlab, &place).await;

            let lives =
                die_and_go_on(&gitlab, &place, &Settings { concurrency: 1, ..settings(&place, "broken") }).await;

            assert!(lives > 2, "it died a few times");
            assert_same(&place.rows().await, &whole);
            assert_eq!(lists(&place).await, ["pipelines read "]);
        }
    }
}

#[tokio::test]
async fn what_changes_on_pages_that_are_read_already_is_read_by_the_next_run() {
    let gitlab = serve(company(8, Size { projects: 1, pipelines: 200, ..size() })).await;
    let project = shop_of(&gitlab);
    for place in Place::each().await {
        gitlab.world(|world| world.clock = Clock::Real(SignedDuration::ZERO));
        let newest = gitlab.world(|world| world.start_pipeline(project, "main", "ann", "push")).unwrap();
        let client = super::client(&gitlab);
        let first = settings(&place, &format!("first {newest}"));
        let life = || {
            let progress = gitlab_connector::importer::Progress::default();
            let stop = tokio_util::sync::CancellationToken::new();
            let (client, store, settings) = (client.clone(), place.store.clone(), first.clone());
            async move { gitlab_connector::importer::run(&client, &store, &settings, &progress, stop).await }
        };
        gitlab.forget_requests();
        tokio::select! {
            done = life() => panic!("it ended: {done:?}"),
            () = async {
                while gitlab.counts().get(PAGES).is_none_or(|pages| *pages < 2) {
                    tokio::task::yield_now().await;
                }
            } => {}
        }

        // The newest is on a page that is stored, the oldest on the last one, which is read after it changed.
        gitlab.world(|world| {
            world.clock = Clock::Real(SignedDuration::from_hours(1));
            world.finish_pipeline(newest, "success").unwrap();
            world.clock = Clock::Real(SignedDuration::from_hours(2));
            let oldest = world.pipelines_of(project).map(|one| one.id).min().unwrap();
            let now = world.now();
            world.edit_pipeline(oldest, |one| one.updated_at = now).unwrap();
        });
        assert_eq!(life().await.unwrap().exit_code(), 0);
        import(&gitlab, &place, &settings(&place, &format!("next {newest}"))).await.unwrap();

        assert_same(&place.rows().await, &fresh(&gitlab, &place).await);
    }
}

#[tokio::test]
async fn what_moved_while_a_project_was_left_out_is_read_once_it_is_back() {
    let gitlab = serve(company(11, size())).await;
    let project = shop_of(&gitlab);
    let path = gitlab.read(|world| world.project(project).unwrap().full_path.clone());
    for place in Place::each().await {
        let at_hour = |hour| gitlab.world(|world| world.clock = Clock::Real(SignedDuration::from_hours(hour)));
        at_hour(0);
        let running = gitlab.world(|world| world.start_pipeline(project, "main", "ann", "push")).unwrap();
        import(&gitlab, &place, &settings(&place, "first")).await.unwrap();

        gitlab.world(|world| world.finish_pipeline(running, "success")).unwrap();
        for (hour, key) in [(0, "without"), (1, "still without")] {
            at_hour(hour);
            let mut without = Settings { walk_interval: SignedDuration::ZERO, ..settings(&place, key) };
            without.scope.exclude_projects = vec![path.clone()];
            import(&gitlab, &place, &without).await.unwrap();
            assert!(lists(&place).await.contains(&"pipelines missed ".to_owned()), "{:?}", lists(&place).await);
        }
        // By now it is longer ago than a look reaches back.
        at_hour(2);
        let back = Settings { walk_interval: SignedDuration::ZERO, ..settings(&place, "back") };
        import(&gitlab, &place, &back).await.unwrap();

        assert_eq!(lists(&place).await, ["pipelines read "; 3]);
        assert_same(&place.rows().await, &fresh(&gitlab, &place).await);
    }
}

#[tokio::test]
async fn a_pipeline_with_more_jobs_than_ride_along_is_read_to_its_end() {
    let gitlab = serve(shop()).await;
    gitlab.world(|world| {
        world.edit_pipeline(1, |one| {
            let more = (0..260).map(|number| Job { id: 10_000 + number, ..one.jobs[0].clone() });
            let more: Vec<Job> = more.collect();
            one.jobs.extend(more);
        })
    });
    for place in Place::each().await {
        gitlab.forget_requests();
        import(&gitlab, &place, &settings(&place, "first")).await.unwrap();

        let jobs: usize = gitlab.read(pipelines).iter().map(|one| one.jobs.len()).sum();
        assert_eq!(place.count("gitlab_jobs").await, i64::try_from(jobs).unwrap());
        assert_eq!(gitlab.counts()["POST /graphql jobsOfPipeline"], 3, "a hundred a request");
        let whole = "select cast(count(*) as text) from gitlab_pipelines where not jobs_complete";
        assert_eq!(place.texts(whole).await, ["0"]);
    }
}

#[tokio::test]
async fn a_feature_that_is_off_is_a_state_of_the_project_and_no_failure() {
    for place in Place::each().await {
        let gitlab = serve(shop()).await;
        let shop = shop_of(&gitlab);
        import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
        let before = place.rows().await;

        gitlab.world(|world| world.project_mut(shop).unwrap().builds_access = Feature::Disabled);
        let summary = import(&gitlab, &place, &full(&place, "off")).await.unwrap();

        assert_eq!((summary.exit_code(), summary.reason()), (0, "Succeeded"), "{summary:?}");
        let noted = lists(&place).await;
        assert!(noted.len() == 1 && noted[0].starts_with("pipelines off pipelines are switched off"), "{noted:?}");
        assert_same(&place.rows().await, &before);

        gitlab.world(|world| world.project_mut(shop).unwrap().builds_access = Feature::Enabled);
        let walk = Settings { walk_interval: SignedDuration::ZERO, ..settings(&place, "on") };
        import(&gitlab, &place, &walk).await.unwrap();
        assert_eq!(lists(&place).await, ["pipelines read "]);
    }
}

#[tokio::test]
async fn pages_that_gitlab_cannot_deliver_cost_only_their_project() {
    let gitlab = serve(company(8, size())).await;
    for place in Place::each().await {
        let first: String = gitlab.read(|world| world.projects().next().unwrap().full_path.clone());
        gitlab.faults().add(Fault::at(PAGES, FaultKind::Status { status: 500 }).for_project(&first));

        let summary = import(&gitlab, &place, &settings(&place, "troubled")).await.unwrap();

        assert_eq!((summary.exit_code(), summary.reason()), (42, "PartiallyFailed"));
        assert!(summary.message().contains("pipelines: "), "{}", summary.message());
        let mut noted = lists(&place).await;
        noted.sort();
        assert!(noted[0].starts_with("pipelines failed ") && noted[0].contains("500"), "{noted:?}");
        assert_eq!(noted[1..], ["pipelines read "; 2]);

        gitlab.faults().clear();
        let summary = import(&gitlab, &place, &settings(&place, "again")).await.unwrap();
        assert_eq!(summary.exit_code(), 0);
        assert_same(&place.rows().await, &fresh(&gitlab, &place).await);
    }
}

#[tokio::test]
async fn a_page_that_is_too_much_is_asked_for_in_smaller_ones() {
    let gitlab = serve(company(9, Size { projects: 1, ..size() })).await;
    let place = Place::sqlite().await;
    let timeout = FaultKind::FieldTimeout { fields: vec!["Pipeline.jobs".into()] };
    gitlab.faults().add(Fault::at(PAGES, timeout).times(2));

    let summary = import(&gitlab, &place, &settings(&place, "first")).await.unwrap();

    assert_eq!(summary.exit_code(), 0, "{summary:?}");
    assert_same(&place.rows().await, &fresh(&gitlab, &place).await);
}

#[tokio::test]
async fn what_was_deleted_is_gone_once_gitlab_said_so_of_it() {
    for place in Place::each().await {
        let gitlab = serve(company(10, Size { projects: 1, ..size() })).await;
        import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
        let before = place.rows().await;
        // A list that is empty or short is no proof.
        for keep in [0, 1] {
            gitlab.faults().add(Fault::at(PAGES, FaultKind::FewerItems { property: Some("nodes".into()), keep }));
            import(&gitlab, &place, &full(&place, &format!("keeps {keep}"))).await.unwrap();
            gitlab.faults().clear();
            assert_same(&place.rows().await, &before);
        }
        let gone = gitlab.world(|world| {
            let gone: Vec<i64> = pipelines(world).iter().map(|one| one.id).filter(|id| id % 9 == 0).collect();
            gone.iter().for_each(|id| drop(world.delete_pipeline(*id).unwrap()));
            gone
        });

        import(&gitlab, &place, &full(&place, "full")).await.unwrap();

        let marked = "select cast(id as text) from gitlab_pipelines where gone_at is not null order by id + 0";
        let gone: Vec<String> = gone.iter().map(ToString::to_string).collect();
        assert_eq!(place.texts(marked).await, gone);
        assert_same(&place.rows().await, &fresh(&gitlab, &place).await);
    }
}

#[tokio::test]
async fn what_is_refused_by_itself_is_not_gone() {
    for place in Place::each().await {
        let gitlab = serve(company(9, size())).await;
        import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
        gitlab.world(|world| world.delete_pipeline(pipelines(world)[0].id)).unwrap();
        gitlab.faults().add(Fault::at("GET /projects/:id/pipelines/:pipeline_id", FaultKind::Status { status: 403 }));

        import(&gitlab, &place, &full(&place, "refused")).await.unwrap();
        let gone = "select cast(count(*) as text) from gitlab_pipelines where gone_at is not null";
        assert_eq!(place.texts(gone).await, ["0"]);
        gitlab.faults().clear();
        import(&gitlab, &place, &full(&place, "told")).await.unwrap();

        assert_eq!(place.texts(gone).await, ["1"]);
    }
}

#[tokio::test]
async fn every_version_and_edition_tells_its_pipelines() {
    for version in ["15.0", "15.5", "16.3", "17.1", "17.2", "18.0", "19.1"] {
        for edition in [Edition::Community, Edition::Licensed] {
            let gitlab = serve(shop().with_version(version).with_edition(edition)).await;
            let place = Place::sqlite().await;

            let summary = import(&gitlab, &place, &settings(&place, "first")).await.unwrap();

            assert_eq!(summary.exit_code(), 0, "{version} {edition:?}: {summary:?}");
            let told =
                "select cast(count(*) as text) from pipeline_runs where started_by is not null and jobs_complete";
            assert_eq!(place.texts(told).await, ["3"], "{version} {edition:?}");
            assert_eq!(place.count("gitlab_jobs").await, 8, "{version} {edition:?}");
            let told = "select cast(count(*) as text) from pipeline_jobs where failure_reason = 'script_failure'";
            assert_eq!(place.texts(told).await, ["1"], "{version} {edition:?}");
        }
    }
}

#[tokio::test]
async fn a_large_project_costs_hardly_more_requests_than_its_pages_and_the_newest_come_first() {
    let gitlab = serve(company(11, Size { projects: 1, pipelines: 2_000, ..size() })).await;
    let place = Place::sqlite().await;
    gitlab.forget_requests();

    import(&gitlab, &place, &settings(&place, "first")).await.unwrap();

    let counts = gitlab.counts();
    let (pages, beside) = (counts[PAGES], counts["GET /projects/:id/jobs"]);
    assert_eq!(pages, 40);
    assert!(beside <= 3, "far less than a fifth of the pages: {counts:?}");
    let order = "select cast(id as text) from gitlab_pipelines order by synced_at, id";
    let stored: Vec<i64> = place.texts(order).await.iter().map(|id| id.parse().unwrap()).collect();
    assert!(stored[0] > stored[stored.len() - 1], "the newest were stored first");
}

#[tokio::test]
async fn what_ran_before_the_time_that_is_wanted_is_left_out() {
    let gitlab = serve(company(12, Size { projects: 1, pipelines: 600, ..size() })).await;
    for place in Place::each().await {
        let mut made: Vec<jiff::Timestamp> =
            gitlab.read(|world| pipelines(world).iter().map(|one| one.created_at).collect());
        made.sort();
        let since = jiff::Timestamp::from_second(made[made.len() - 30].as_second()).unwrap();
        gitlab.forget_requests();

        let limited = |key: &str| Settings { since: Some(since), ..settings(&place, key) };
        import(&gitlab, &place, &limited("first")).await.unwrap();
        import(&gitlab, &place, &Settings { full: true, ..limited("full") }).await.unwrap();

        let wanted = made.iter().filter(|at| **at >= since).count();
        assert_eq!(place.count("gitlab_pipelines").await, i64::try_from(wanted).unwrap());
        assert!(gitlab.counts()[PAGES] <= 4, "the old ones are not read: {:?}", gitlab.counts());
    }
}

/// PostgreSQL plans for tables as they were when it last counted them, which was when they were empty.
#[tokio::test]
async fn what_a_page_reads_of_the_database_does_not_grow_with_what_is_stored() {
    let gitlab = serve(company(13, Size { projects: 1, pipelines: 2_000, ..size() })).await;
    let place = Place::postgres().await;
    let resources = Resources { deployments: true, ..settings(&place, "").resources };
    let both = |key: &str| Settings { resources, ..settings(&place, key) };

    import(&gitlab, &place, &both("first")).await.unwrap();
    import(&gitlab, &place, &Settings { full: true, ..both("full") }).await.unwrap();

    place.store.close().await;
    let reads = "select cast(max((coalesce(idx_tup_fetch, 0) + seq_tup_read) / greatest(n_tup_ins, 100)) as text)
        from pg_stat_user_tables
        where relname in ('gitlab_pipelines', 'gitlab_jobs', 'gitlab_deployments', 'gitlab_environments', 'connector_lists')";
    let most: i64 = place.texts(reads).await[0].parse().unwrap();
    // A few pages are dear, as long as there is little to read.
    assert!(most < 400, "{most} rows are read for each that is stored");
}
