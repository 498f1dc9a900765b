//! Environments and deployments: all of them, after the merge requests, and at the price of what moved.

use gitlab_connector::importer::{self, Progress, Resources, Settings};
use gitlab_simulator::world::{Clock, Deployment, Edition, Feature, Role, Scope as TokenScope, Size, Visibility};
use gitlab_simulator::{Fault, FaultKind, Simulator, World};
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::{
    Place, TOKEN, assert_same, client, client_with, company, die_and_go_on, import, lists, readable, serve, shop_of,
};

const LIST: &str = "GET /projects/:id/deployments";

/// Settings of a run that reads deployments, and walks the scope once a day only.
fn settings(place: &Place, key: &str) -> Settings {
    let resources = Resources { deployments: true, ..place.settings(key).resources };
    Settings { resources, walk_interval: SignedDuration::from_hours(24), ..place.settings(key) }
}

fn full(place: &Place, key: &str) -> Settings {
    Settings { full: true, ..settings(place, key) }
}

fn size() -> Size {
    Size { projects: 3, merge_requests: 4, notes: 1, commits: 1, pipelines: 40, ..Size::default() }
}

/// The only project of the group `acme` and the branch that is deployed.
fn shop() -> World {
    readable(World::new().with_group("acme", |group| {
        group.project("shop", |shop| {
            shop.merge_request("Sell tea", |one| one.by("ann").push(1).merge("bob"))
                .deployment("staging", |_| ())
                .deployment("production", |_| ())
        })
    }))
}

/// The deployments of all projects.
fn deployments(world: &World) -> Vec<Deployment> {
    world.projects().flat_map(|project| world.deployments_of(project.id).cloned()).collect()
}

async fn fresh(gitlab: &Simulator, place: &Place) -> Vec<String> {
    super::fresh(gitlab, place, settings).await
}

#[tokio::test]
async fn every_environment_and_deployment_is_stored_with_its_job_and_its_people() {
    let gitlab = serve(company(1, size())).await;
    for place in Place::each().await {
        gitlab.forget_requests();
        let summary = import(&gitlab, &place, &settings(&place, "first")).await.unwrap();

        assert_eq!(summary.exit_code(), 0, "{summary:?}");
        let (environments, deployments, with_jobs) = gitlab.read(|world| {
            let with_jobs = deployments(world).iter().filter(|one| one.deployable.is_some()).count();
            (world.environments().count(), deployments(world).len(), with_jobs)
        });
        assert!(deployments > 30 && with_jobs > 30, "{deployments}, {with_jobs}");
        assert_eq!(place.count("gitlab_environments").await, i64::try_from(environments).unwrap());
        assert_eq!(place.count("gitlab_deployments").await, i64::try_from(deployments).unwrap());
        let told =
            "select cast(count(*) as text) from deployments where repo is not null and environment = 'production'
            and tier = 'production' and username is not null and deployed = finished and pipeline_id is not null
            and tag is not null";
        assert_eq!(place.texts(told).await, [with_jobs.to_string()]);
        assert_eq!(lists(&place).await, ["deployments read "; 3]);
        let counts = gitlab.counts();
        assert_eq!((counts[LIST], counts["GET /projects/:id/environments"]), (3, 3), "{counts:?}");
    }
}

#[tokio::test]
async fn merge_requests_are_read_first() {
    let gitlab = serve(company(2, Size { projects: 8, merge_requests: 120, ..size() })).await;
    let place = Place::sqlite().await;
    gitlab.faults().add(Fault::at("POST /graphql mergeRequests", FaultKind::Latency { millis: 100 }));
    gitlab.forget_requests();

    // The plan is whole long before the last merge requests are read.
    import(&gitlab, &place, &Settings { concurrency: 2, ..settings(&place, "first") }).await.unwrap();

    let asked: Vec<String> = gitlab.requests().iter().map(gitlab_simulator::Logged::endpoint).collect();
    let last_page = asked.iter().rposition(|endpoint| endpoint == "POST /graphql mergeRequests").unwrap();
    let first_list = asked.iter().position(|endpoint| endpoint.contains("environments")).unwrap();
    assert!(last_page < first_list, "{asked:?}");
}

#[tokio::test]
async fn where_nothing_moved_a_run_asks_one_more_request_for_a_hundred_projects_and_writes_no_row() {
    let gitlab = serve(company(3, Size { projects: 120, merge_requests: 1, pipelines: 4, ..size() })).await;
    for place in Place::each().await {
        import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
        let written = "select cast(max(synced_at) as text) from gitlab_deployments
            union all select cast(max(synced_at) as text) from gitlab_environments
            union all select cast(max(tried_at) as text) from connector_lists";
        let before = place.texts(written).await;
        gitlab.forget_requests();

        import(&gitlab, &place, &settings(&place, "second")).await.unwrap();

        let counts = gitlab.counts();
        assert_eq!(counts.get("POST /graphql moved"), Some(&2), "{counts:?}");
        assert_eq!(counts.values().sum::<usize>(), 4, "{counts:?}");
        assert_eq!(place.texts(written).await, before);
    }
}

#[tokio::test]
async fn what_moved_since_equals_everything_read_now() {
    let gitlab = serve(company(4, size())).await;
    for place in Place::each().await {
        import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
        let projects: Vec<i64> = gitlab.read(|world| world.projects().map(|project| project.id).collect());
        for round in 0..4 {
            gitlab.world(|world| {
                // A deployment through the API, of which no pipeline tells.
                world.deploy(projects[0], "production", "main", "ann").unwrap();
                if round == 1 {
                    world.roll_back(projects[0], "production", "bob").unwrap();
                    let staging = world.environment_named(projects[0], "staging");
                    world.edit_environment(staging, |one| one.stopped = true).unwrap();
                }
            });
            import(&gitlab, &place, &settings(&place, &format!("round {round} {}", fastrand::u64(..)))).await.unwrap();

            // The first deployments here have jobs: that others come through the API is told with everything.
            if round == 0 {
                import(&gitlab, &place, &full(&place, "everything")).await.unwrap();
            }
            assert_same(&place.rows().await, &fresh(&gitlab, &place).await);
        }
        gitlab.forget_requests();
        import(&gitlab, &place, &settings(&place, "quiet")).await.unwrap();
        assert_eq!(gitlab.counts().get(LIST), Some(&1), "only the project that deploys through the API is asked");
    }
}

#[tokio::test]
async fn a_pipeline_that_moved_has_the_deployments_of_its_project_read() {
    let gitlab = serve(company(5, size())).await;
    let place = Place::sqlite().await;
    import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
    gitlab.world(|world| {
        let all = deployments(world);
        let (deployment, pipeline) = all.iter().find_map(|one| Some((one.id, one.deployable?.0))).unwrap();
        let now = world.now();
        world.edit_deployment(deployment, |one| {
            one.status = "failed";
            one.updated_at = now;
        });
        world.edit_pipeline(pipeline, |one| one.updated_at = now);
    });

    gitlab.forget_requests();
    import(&gitlab, &place, &settings(&place, "second")).await.unwrap();

    assert_eq!(gitlab.counts().get(LIST), Some(&1), "{:?}", gitlab.counts());
    assert_same(&place.rows().await, &fresh(&gitlab, &place).await);
}

#[tokio::test]
async fn the_first_deployment_of_a_project_is_seen_though_no_pipeline_tells_of_it() {
    let world = readable(World::new().with_group("acme", |group| {
        group.project("shop", |shop| shop.merge_request("Sell tea", |one| one.by("ann").merge("bob")))
    }));
    let gitlab = serve(world).await;
    for place in Place::each().await {
        import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
        let shop = shop_of(&gitlab);

        for number in 1..3 {
            gitlab.world(|world| world.deploy(shop, "production", "main", "ann")).unwrap();
            import(&gitlab, &place, &settings(&place, &format!("run {number}"))).await.unwrap();

            assert_same(&place.rows().await, &fresh(&gitlab, &place).await);
        }
    }
}

#[tokio::test]
async fn dying_anywhere_and_going_on_equals_not_dying() {
    let gitlab = serve(company(6, Size { projects: 2, pipelines: 500, ..size() })).await;
    for place in Place::each().await {
        let whole = fresh(&gitlab, &place).await;

        let lives = die_and_go_on(&gitlab, &place, &Settings { concurrency: 1, ..settings(&place, "broken") }).await;

        assert!(lives > 2, "it died a few times");
        assert_same(&place.rows().await, &whole);
        assert_eq!(lists(&place).await, ["deployments read "; 2]);
    }
}

#[tokio::test]
async fn a_run_that_nobody_ended_hides_nothing_from_the_next() {
    let gitlab = serve(company(13, Size { projects: 1, pipelines: 4, ..size() })).await;
    let place = Place::sqlite().await;
    import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
    let shop = shop_of(&gitlab);
    gitlab.world(|world| {
        world.start_pipeline(shop, "main", "ann", "push").unwrap();
        world.clock = Clock::Real(SignedDuration::from_hours(1));
    });
    gitlab.faults().add(Fault::at("GET /projects/:id/environments", FaultKind::Latency { millis: 60_000 }));
    let (connection, progress) = (client(&gitlab), Progress::default());
    let given_up = settings(&place, "given up");
    let run = importer::run(&connection, &place.store, &given_up, &progress, CancellationToken::new());
    let _ = tokio::time::timeout(std::time::Duration::from_secs(2), run).await;
    gitlab.faults().clear();
    gitlab.forget_requests();

    import(&gitlab, &place, &settings(&place, "next")).await.unwrap();

    assert_eq!(gitlab.counts().get(LIST), Some(&1), "{:?}", gitlab.counts());
}

#[tokio::test]
async fn many_workers_equal_one() {
    let gitlab = serve(company(7, Size { projects: 8, ..size() })).await;
    for place in Place::each().await {
        let alone = fresh(&gitlab, &place).await;
        gitlab.forget_requests();

        let workers = ["0", "1", "2"].map(|worker| {
            let settings = Settings { worker: worker.into(), concurrency: 1, ..settings(&place, "together") };
            let (client, store) = (client(&gitlab), place.store.clone());
            tokio::spawn(async move {
                importer::run(&client, &store, &settings, &Progress::default(), CancellationToken::new()).await
            })
        });
        for worker in workers {
            assert!(worker.await.unwrap().unwrap().run.run.finished());
        }

        assert_same(&place.rows().await, &alone);
        assert_eq!(gitlab.counts()[LIST], 8, "each list is read once");
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
        assert!(noted.len() == 1 && noted[0].starts_with("deployments off ") && noted[0].contains("403"), "{noted:?}");
        assert_same(&place.rows().await, &before);

        gitlab.forget_requests();
        import(&gitlab, &place, &settings(&place, "still off")).await.unwrap();
        assert_eq!(gitlab.counts().get(LIST), None, "it is looked at again with a walk");

        gitlab.world(|world| {
            world.project_mut(shop).unwrap().builds_access = Feature::Enabled;
            world.deploy(shop, "production", "main", "ann").unwrap();
        });
        let walk = Settings { walk_interval: SignedDuration::ZERO, ..settings(&place, "on") };
        import(&gitlab, &place, &walk).await.unwrap();
        assert_eq!(lists(&place).await, ["deployments read "]);
        assert_same(&place.rows().await, &fresh(&gitlab, &place).await);
    }
}

#[tokio::test]
async fn lists_are_read_with_the_tokens_of_whoever_may_see_them() {
    let public = |private: bool| {
        let world = World::new().with_group("acme", |group| {
            let group = group.visibility(Visibility::Public).member("insider", Role::Developer);
            group.project("shop", |shop| {
                shop.visibility(Visibility::Public)
                    .merge_request("Sell tea", |one| one.by("ann").merge("bob"))
                    .pipeline("success", |_| ())
                    .deployment("production", |_| ())
            })
        });
        let mut world = world
            .with_token(TOKEN, |token| token.user("stranger").scopes(&[TokenScope::ReadApi]))
            .with_token("glpat-insider", |token| token.user("insider").scopes(&[TokenScope::ReadApi]));
        let shop = world.projects().next().unwrap().id;
        if private {
            world.project_mut(shop).unwrap().builds_access = Feature::Private;
        }
        world
    };
    for place in Place::each().await {
        let gitlab = serve(public(true)).await;
        let resources = Resources { deployments: true, pipelines: true, ..settings(&place, "").resources };
        let both = |key: &str| Settings { resources, ..settings(&place, key) };

        // A stranger reads merge requests and sees that there is nothing more to see.
        let summary = import(&gitlab, &place, &both("stranger")).await.unwrap();

        assert_eq!(summary.exit_code(), 0, "{summary:?}");
        assert_eq!(place.count("gitlab_merge_requests").await, 1);
        let noted = place.texts("select list || ' ' || state from connector_lists order by list").await;
        assert_eq!(noted, ["deployments off", "pipelines off"]);

        let several = client_with(&gitlab, &[TOKEN, "glpat-insider"]);
        let stop = CancellationToken::new();
        let summary = importer::run(&several, &place.store, &both("both"), &Progress::default(), stop).await.unwrap();

        assert_eq!(summary.exit_code(), 0, "{summary:?}");
        let noted = place.texts("select list || ' ' || state from connector_lists order by list").await;
        assert_eq!(noted, ["deployments read", "pipelines read"]);
        assert_eq!((place.count("gitlab_deployments").await, place.count("gitlab_pipelines").await), (1, 1));
    }
}

#[tokio::test]
async fn a_list_that_gitlab_cannot_deliver_costs_only_itself() {
    let gitlab = serve(company(8, size())).await;
    for place in Place::each().await {
        let first: String = gitlab.read(|world| world.projects().next().unwrap().full_path.clone());
        gitlab.faults().add(Fault::at(LIST, FaultKind::Status { status: 500 }).for_project(&first));

        let summary = import(&gitlab, &place, &settings(&place, "troubled")).await.unwrap();

        assert_eq!((summary.exit_code(), summary.reason()), (42, "PartiallyFailed"));
        let message = summary.message();
        assert!(message.contains("all merge requests are imported") && message.contains("deployments: "), "{message}");
        assert_eq!(summary.run.progress.failed, 0, "no project failed");
        assert_eq!(place.count("gitlab_merge_requests").await, 12);
        let mut noted = lists(&place).await;
        noted.sort();
        assert!(noted[0].starts_with("deployments failed ") && noted[0].contains("500"), "{noted:?}");
        assert_eq!(noted[1..], ["deployments read "; 2]);

        gitlab.faults().clear();
        gitlab.forget_requests();
        let summary = import(&gitlab, &place, &settings(&place, "again")).await.unwrap();
        assert_eq!((summary.exit_code(), gitlab.counts().get(LIST)), (0, Some(&1)), "what failed is tried again");
        assert_same(&place.rows().await, &fresh(&gitlab, &place).await);
    }
}

#[tokio::test]
async fn what_was_deleted_is_gone_once_gitlab_said_so_of_it() {
    for place in Place::each().await {
        let gitlab = serve(shop()).await;
        let shop = shop_of(&gitlab);
        gitlab.world(|world| {
            for _ in 0..3 {
                world.deploy(shop, "production", "main", "ann").unwrap();
            }
            world.deploy(shop, "review/tea", "main", "ann").unwrap();
        });
        import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
        let stored = place.count("gitlab_deployments").await;
        let (newest, environment) = gitlab.world(|world| {
            let ids: Vec<i64> = world.deployments_of(shop).map(|one| one.id).collect();
            world.delete_deployment(ids[2]).unwrap();
            let review = world.environments_of(shop).find(|one| one.name == "review/tea").unwrap().id;
            world.delete_environment(review).unwrap();
            (*ids.last().unwrap(), review)
        });

        import(&gitlab, &place, &full(&place, "full")).await.unwrap();

        assert_eq!(place.count("gitlab_deployments").await, stored - 2);
        let gone = "select cast(id as text) from gitlab_environments where gone_at is not null";
        assert_eq!(place.texts(gone).await, [environment.to_string()]);
        let newest = format!("select cast(count(*) as text) from deployments where id = {newest}");
        assert_eq!(place.texts(&newest).await, ["0"]);
        assert_same(&place.rows().await, &fresh(&gitlab, &place).await);
    }
}

#[tokio::test]
async fn a_list_that_lacks_something_is_no_proof_that_it_is_gone() {
    for place in Place::each().await {
        let gitlab = serve(shop()).await;
        import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
        let before = place.rows().await;
        for list in [LIST, "GET /projects/:id/environments"] {
            for kind in [
                FaultKind::Status { status: 404 },
                FaultKind::FewerItems { property: None, keep: 0 },
                FaultKind::FewerItems { property: None, keep: 1 },
            ] {
                gitlab.faults().add(Fault::at(list, kind.clone()));

                import(&gitlab, &place, &full(&place, &format!("{list} {kind:?}"))).await.unwrap();

                gitlab.faults().clear();
                assert_same(&place.rows().await, &before);
            }
        }
    }
}

#[tokio::test]
async fn every_version_and_edition_tells_its_deployments_and_what_changed_of_them() {
    for version in ["15.0", "15.5", "15.11", "16.0", "17.2", "18.0", "19.1"] {
        for edition in [Edition::Community, Edition::Licensed] {
            let gitlab = serve(shop().with_version(version).with_edition(edition)).await;
            let place = Place::sqlite().await;
            import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
            let shop = shop_of(&gitlab);
            gitlab.world(|world| world.deploy(shop, "production", "main", "bob")).unwrap();

            let summary = import(&gitlab, &place, &settings(&place, "second")).await.unwrap();

            assert_eq!(summary.exit_code(), 0, "{version} {edition:?}: {summary:?}");
            assert_eq!(place.count("gitlab_deployments").await, 3, "{version} {edition:?}");
            assert_eq!(place.count("gitlab_environments").await, 2, "{version} {edition:?}");
        }
    }
}

#[tokio::test]
async fn what_was_deployed_before_the_time_that_is_wanted_is_left_out() {
    let gitlab = serve(company(9, Size { projects: 1, pipelines: 600, ..size() })).await;
    for place in Place::each().await {
        let mut made: Vec<jiff::Timestamp> =
            gitlab.read(|world| deployments(world).iter().map(|one| one.created_at).collect());
        made.sort();
        let since = jiff::Timestamp::from_second(made[made.len() - 20].as_second()).unwrap();
        gitlab.forget_requests();

        let limited = |key: &str| Settings { since: Some(since), ..settings(&place, key) };
        import(&gitlab, &place, &limited("first")).await.unwrap();
        import(&gitlab, &place, &Settings { full: true, ..limited("full") }).await.unwrap();

        let wanted = made.iter().filter(|at| **at >= since).count();
        assert_eq!(place.count("gitlab_deployments").await, i64::try_from(wanted).unwrap());
        assert!(gitlab.counts()[LIST] <= 4, "the old ones are not read: {:?}", gitlab.counts());
    }
}

#[tokio::test]
async fn deployments_that_are_too_old_to_be_wanted_are_not_asked_for_again() {
    let gitlab = serve(shop()).await;
    let later = gitlab.read(World::now) + SignedDuration::from_hours(1);
    for place in Place::each().await {
        let since = |key: &str| Settings { since: Some(later), ..settings(&place, key) };
        import(&gitlab, &place, &since("first")).await.unwrap();
        assert_eq!(
            (place.count("gitlab_deployments").await, lists(&place).await),
            (0, vec!["deployments read ".into()])
        );

        gitlab.forget_requests();
        import(&gitlab, &place, &since("second")).await.unwrap();

        assert_eq!(gitlab.counts().get(LIST), None, "{:?}", gitlab.counts());
    }
}
