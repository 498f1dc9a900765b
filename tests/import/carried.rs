//! Which merge requests went out with which deployment: as GitLab links them, asked for once.

use gitlab_connector::importer::{Resources, Settings};
use gitlab_simulator::world::{Clock, Feature, Size};
use gitlab_simulator::{Fault, FaultKind, Simulator, World};
use jiff::SignedDuration;

use super::{Place, assert_same, company, die_and_go_on, import, lists, readable, serve, shop_of};

const BY_GRAPHQL: &str = "POST /graphql carried";
const BY_REST: &str = "GET /projects/:id/deployments/:deployment_id/merge_requests";

/// GraphQL knows what deployments brought in the one, and does not in the other.
const VERSIONS: [&str; 2] = ["19.1", "16.0"];

fn settings(place: &Place, key: &str) -> Settings {
    let resources = Resources { deployments: true, ..place.settings(key).resources };
    Settings { resources, walk_interval: SignedDuration::from_hours(24), ..place.settings(key) }
}

fn size() -> Size {
    Size { projects: 3, merge_requests: 12, notes: 1, commits: 1, pipelines: 40, ..Size::default() }
}

/// A shop that is deployed to production and to staging, once before and once after its second merge request.
fn shop() -> World {
    readable(World::new().with_group("acme", |group| {
        group.project("shop", |shop| {
            shop.merge_request("Sell tea", |one| one.by("ann").push(1).merge("bob"))
                .deployment("production", |_| ())
                .merge_request("Sell mugs", |one| one.by("bob").push(1).merge("ann"))
                .deployment("staging", |_| ())
                .deployment("production", |_| ())
                .deployment("review/mugs", |_| ())
        })
    }))
}

/// All that GitLab links, a line each.
fn linked(gitlab: &Simulator) -> Vec<String> {
    gitlab.read(|world| {
        let deployments = world.projects().flat_map(|project| world.deployments_of(project.id));
        let brought =
            deployments.flat_map(|one| world.merge_requests_brought_by(one).into_iter().map(move |mr| (one.id, mr.id)));
        let mut lines: Vec<String> = brought.map(|(deployment, found)| format!("{deployment} {found}")).collect();
        lines.sort();
        lines
    })
}

async fn stored(place: &Place) -> Vec<String> {
    let links = "select cast(deployment_id as text) || ' ' || cast(merge_request_id as text)
        from gitlab_deployment_merge_requests";
    let mut lines = place.texts(links).await;
    lines.sort();
    lines
}

/// What is known of the deployments: how many of each kind.
async fn known(place: &Place) -> Vec<String> {
    let known = "select coalesce(carries, 'untold') || ' ' || cast(count(*) as text) from gitlab_deployments
        where status = 'success' group by carries order by 1";
    place.texts(known).await
}

fn asked(gitlab: &Simulator) -> (usize, usize) {
    let counts = gitlab.counts();
    let of = |endpoint| counts.get(endpoint).copied().unwrap_or_default();
    (of(BY_GRAPHQL), of(BY_REST))
}

#[tokio::test]
async fn what_deployments_brought_is_what_gitlab_links() {
    for version in VERSIONS {
        let gitlab = serve(company(1, size()).with_version(version)).await;
        for place in Place::each().await {
            gitlab.forget_requests();
            let summary = import(&gitlab, &place, &settings(&place, "first")).await.unwrap();

            assert_eq!(summary.exit_code(), 0, "{summary:?}");
            let links = linked(&gitlab);
            assert!(links.len() > 20, "{links:?}");
            assert_same(&stored(&place).await, &links);
            let is_told = |one: &&gitlab_simulator::world::Deployment| one.status == "success";
            let told = gitlab.read(|world| {
                let in_folder = |one: &&gitlab_simulator::world::Deployment| {
                    world.environment(one.environment).is_some_and(|environment| environment.name.contains('/'))
                };
                let all = world.projects().flat_map(|project| world.deployments_of(project.id)).filter(is_told);
                all.filter(|one| !in_folder(one)).count()
            });
            match version {
                "16.0" => assert_eq!(asked(&gitlab), (0, told), "one for each"),
                _ => assert!(
                    asked(&gitlab).0 <= told / 20 + 3 && asked(&gitlab).1 == 0,
                    "{:?} of {told}",
                    asked(&gitlab)
                ),
            }
        }
    }
}

#[tokio::test]
async fn nobody_is_asked_twice_what_a_deployment_brought() {
    for version in VERSIONS {
        for place in Place::each().await {
            let gitlab = serve(shop().with_version(version)).await;
            let shop = shop_of(&gitlab);
            import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
            assert_eq!(known(&place).await, ["never 1", "told 3"]);
            assert_same(&stored(&place).await, &linked(&gitlab));

            gitlab.forget_requests();
            import(&gitlab, &place, &settings(&place, "second")).await.unwrap();
            import(&gitlab, &place, &Settings { full: true, ..settings(&place, "full") }).await.unwrap();
            assert_eq!(asked(&gitlab), (0, 0), "{version}");

            gitlab.world(|world| {
                let id = world.open_merge_request(shop, "ann", "Sell plates").unwrap();
                world.merge(id, "bob").unwrap();
                world.deploy(shop, "production", "main", "ann").unwrap();
            });
            import(&gitlab, &place, &settings(&place, "third")).await.unwrap();
            assert_eq!(asked(&gitlab).0 + asked(&gitlab).1, 1, "{version}");
            assert_same(&stored(&place).await, &linked(&gitlab));
        }
    }
}

#[tokio::test]
async fn a_roll_back_brings_nothing_and_what_it_took_away_is_not_brought_again() {
    let gitlab = serve(shop()).await;
    let shop = shop_of(&gitlab);
    gitlab.world(|world| {
        world.roll_back(shop, "production", "ann").unwrap();
        world.deploy(shop, "production", "main", "ann").unwrap();
    });
    for place in Place::each().await {
        import(&gitlab, &place, &settings(&place, "first")).await.unwrap();

        let lines = "select environment || ' ' || cast(number as text) || ' ' || cast(count(b.pull_request_id) as text)
            from deployments d
            left join deployment_pull_requests b on b.source = d.source and b.deployment_id = d.id
            group by environment, number order by number";
        let brought = place.texts(lines).await;
        assert_eq!(
            brought,
            ["production 1 1", "staging 2 2", "production 3 1", "review/mugs 4 0", "production 5 0", "production 6 0"]
        );
        let firsts = "select distinct cast(d.number as text) from deployment_pull_requests b
            join deployments d on d.source = b.source and d.id = b.deployment_id where b.is_first order by 1";
        assert_eq!(place.texts(firsts).await, ["1", "2"]);
    }
}

#[tokio::test]
async fn a_deployment_that_brought_many_merge_requests_is_read_page_by_page() {
    for version in VERSIONS {
        let world = World::new().with_group("acme", |group| {
            group.project("shop", |shop| {
                let merged = |shop: gitlab_simulator::world::ProjectBuilder, number: i32| {
                    shop.merge_request(&format!("Number {number}"), |one| one.by("ann").push(1).merge("bob"))
                };
                (0..250).fold(shop, merged).deployment("production", |_| ()).deployment("staging", |_| ())
            })
        });
        let gitlab = serve(readable(world).with_version(version)).await;
        for place in Place::each().await {
            gitlab.forget_requests();
            let lives =
                die_and_go_on(&gitlab, &place, &Settings { concurrency: 1, ..settings(&place, "broken") }).await;

            assert!(lives > 2, "it died a few times");
            assert_eq!(linked(&gitlab).len(), 500);
            assert_same(&stored(&place).await, &linked(&gitlab));
            assert_eq!(known(&place).await, ["told 2"]);
            assert_eq!(lists(&place).await, ["deployments read "]);
        }
    }
}

#[tokio::test]
async fn dying_anywhere_and_going_on_equals_not_dying() {
    for version in VERSIONS {
        let gitlab = serve(company(6, Size { projects: 2, pipelines: 120, ..size() }).with_version(version)).await;
        for place in Place::each().await {
            die_and_go_on(&gitlab, &place, &Settings { concurrency: 1, ..settings(&place, "broken") }).await;

            assert_same(&stored(&place).await, &linked(&gitlab));
        }
    }
}

#[tokio::test]
async fn an_empty_answer_that_came_too_early_is_no_answer() {
    for version in VERSIONS {
        for place in Place::each().await {
            let mut world = shop().with_version(version);
            world.settings.linking_delay = SignedDuration::from_mins(10);
            let shop = world.projects().next().unwrap().id;
            let id = world.open_merge_request(shop, "ann", "Sell plates").unwrap();
            world.merge(id, "bob").unwrap();
            world.deploy(shop, "production", "main", "ann").unwrap();
            let gitlab = serve(world).await;

            import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
            assert_eq!(known(&place).await, ["never 1", "told 3", "untold 1"], "{version}");
            let before = stored(&place).await.len();

            gitlab.world(|world| world.clock = Clock::Real(SignedDuration::from_mins(11)));
            import(&gitlab, &place, &settings(&place, "second")).await.unwrap();
            assert_eq!(known(&place).await, ["never 1", "told 4"]);
            assert_eq!(stored(&place).await.len(), before + 1);
            assert_same(&stored(&place).await, &linked(&gitlab));
        }
    }
}

#[tokio::test]
async fn a_deployment_that_brought_nothing_is_believed_when_it_is_an_hour_old() {
    let gitlab = serve(shop()).await;
    let shop = shop_of(&gitlab);
    gitlab.world(|world| world.deploy(shop, "production", "main", "ann")).unwrap();
    let place = Place::sqlite().await;

    import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
    assert_eq!(known(&place).await, ["never 1", "told 3", "untold 1"]);
    let now = gitlab.read(World::now);
    gitlab.world(|world| world.clock = Clock::Fixed(now + SignedDuration::from_mins(61)));
    import(&gitlab, &place, &settings(&place, "second")).await.unwrap();

    assert_eq!(known(&place).await, ["never 1", "told 4"]);
}

#[tokio::test]
async fn where_merge_requests_are_hidden_it_is_unknown_what_deployments_brought() {
    for version in VERSIONS {
        let gitlab = serve(shop().with_version(version)).await;
        let shop = shop_of(&gitlab);
        for place in Place::each().await {
            gitlab.world(|world| world.project_mut(shop).unwrap().merge_requests_access = Feature::Disabled);

            let summary = import(&gitlab, &place, &settings(&place, "off")).await.unwrap();

            assert_eq!(summary.exit_code(), 0, "{version}: {summary:?}");
            assert_eq!(known(&place).await, ["never 1", "untold 3"], "{version}");
            assert_eq!(lists(&place).await, ["deployments read "]);
            let told = "select cast(count(*) as text) from deployments where pull_requests_known";
            assert_eq!(place.texts(told).await, ["0"]);

            gitlab.world(|world| world.project_mut(shop).unwrap().merge_requests_access = Feature::Enabled);
            let walk = Settings { walk_interval: SignedDuration::ZERO, ..settings(&place, "on") };
            import(&gitlab, &place, &walk).await.unwrap();
            import(&gitlab, &place, &settings(&place, "after")).await.unwrap();
            assert_eq!(known(&place).await, ["never 1", "told 3"], "{version}");
            assert_same(&stored(&place).await, &linked(&gitlab));
        }
    }
}

#[tokio::test]
async fn what_gitlab_cannot_tell_of_deployments_costs_only_itself_and_is_asked_again() {
    for (version, endpoint) in VERSIONS.into_iter().zip([BY_GRAPHQL, BY_REST]) {
        let gitlab = serve(shop().with_version(version)).await;
        for place in Place::each().await {
            gitlab.faults().add(Fault::at(endpoint, FaultKind::Status { status: 500 }));

            let summary = import(&gitlab, &place, &settings(&place, "troubled")).await.unwrap();

            assert_eq!((summary.exit_code(), summary.reason()), (42, "PartiallyFailed"), "{version}");
            assert_eq!((place.count("gitlab_merge_requests").await, place.count("gitlab_deployments").await), (2, 4));
            assert_eq!(known(&place).await, ["never 1", "untold 3"]);

            gitlab.faults().clear();
            let summary = import(&gitlab, &place, &settings(&place, "again")).await.unwrap();
            assert_eq!(summary.exit_code(), 0, "{summary:?}");
            assert_same(&stored(&place).await, &linked(&gitlab));
            assert_eq!(lists(&place).await, ["deployments read "]);
        }
    }
}

#[tokio::test]
async fn deployments_that_were_stored_before_are_asked_about_as_well() {
    let gitlab = serve(shop()).await;
    for place in Place::each().await {
        import(&gitlab, &place, &settings(&place, "first")).await.unwrap();
        place.execute("update gitlab_deployments set carries = null where carries = 'told'").await;
        place.execute("delete from gitlab_deployment_merge_requests").await;

        import(&gitlab, &place, &settings(&place, "second")).await.unwrap();

        assert_same(&stored(&place).await, &linked(&gitlab));
        assert_eq!(known(&place).await, ["never 1", "told 3"]);
    }
}

#[tokio::test]
async fn two_runs_at_once_tell_the_same() {
    let gitlab = serve(company(9, size())).await;
    for place in Place::each().await {
        let runs = ["one", "other"].map(|key| {
            let (client, store, settings) = (super::client(&gitlab), place.store.clone(), settings(&place, key));
            let stop = tokio_util::sync::CancellationToken::new();
            tokio::spawn(async move {
                gitlab_connector::importer::run(&client, &store, &settings, &Default::default(), stop).await
            })
        });
        for run in runs {
            run.await.unwrap().unwrap();
        }

        assert_same(&stored(&place).await, &linked(&gitlab));
    }
}
