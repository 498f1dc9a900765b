//! Requests follow changes, not projects: what a run costs where little or nothing changed, and that it misses nothing.

use gitlab_connector::importer::{Scope, Settings};
use gitlab_simulator::world::{Clock, Owner, Role, Scope as TokenScope, Size, Visibility};
use gitlab_simulator::{Simulator, World};
use jiff::SignedDuration;

use super::{Place, TOKEN, assert_same, company, die_and_go_on, import, serve};

/// Settings of a run that looks for new projects once a day only.
fn scheduled(place: &Place, key: &str) -> Settings {
    Settings { walk_interval: SignedDuration::from_hours(24), ..place.settings(key) }
}

/// How many requests a run takes.
async fn requests(gitlab: &Simulator, place: &Place, key: &str) -> usize {
    gitlab.forget_requests();
    let summary = import(gitlab, place, &scheduled(place, key)).await.unwrap();
    assert_eq!(summary.exit_code(), 0, "{summary:?}");
    gitlab.counts().values().sum()
}

/// All rows of a database that reads the same GitLab for the first time.
async fn fresh(gitlab: &Simulator, place: &Place) -> Vec<String> {
    let place = place.another().await;
    import(gitlab, &place, &place.settings("fresh")).await.unwrap();
    place.rows().await
}

#[tokio::test]
async fn where_nothing_changed_a_run_takes_three_requests_however_many_projects_there_are() {
    let size = Size { projects: 60, merge_requests: 3, notes: 1, commits: 1, ..Size::default() };
    let gitlab = serve(company(1, size)).await;
    for place in Place::each().await {
        import(&gitlab, &place, &scheduled(&place, "first")).await.unwrap();
        let before = place.rows().await;

        let taken = requests(&gitlab, &place, "second").await;

        assert!(taken <= 3, "{taken} requests: {:?}", gitlab.counts());
        assert_same(&place.rows().await, &before);
        let summary = place.store.last_run(place.source).await.unwrap().unwrap();
        assert_eq!((summary.progress.tasks, summary.progress.done, summary.progress.merge_requests), (60, 60, 0));
    }
}

#[tokio::test]
async fn changes_in_many_projects_come_together() {
    let size = Size { projects: 60, merge_requests: 3, notes: 1, commits: 1, ..Size::default() };
    let gitlab = serve(company(1, size)).await;
    let place = Place::sqlite().await;
    import(&gitlab, &place, &scheduled(&place, "first")).await.unwrap();

    gitlab.world(|world| {
        let firsts: Vec<i64> = world
            .projects()
            .map(|project| project.id)
            .filter_map(|id| Some(world.merge_request_by_iid(id, 1)?.id))
            .collect();
        for id in firsts.into_iter().take(50) {
            world.comment(id, "root", "one more word").unwrap();
        }
    });
    let taken = requests(&gitlab, &place, "second").await;

    assert!(taken <= 5, "{taken} requests: {:?}", gitlab.counts());
    assert_same(&place.rows().await, &fresh(&gitlab, &place).await);
    let summary = place.store.last_run(place.source).await.unwrap().unwrap();
    assert_eq!((summary.progress.tasks, summary.progress.done, summary.progress.merge_requests), (60, 60, 50));
}

#[tokio::test]
async fn a_project_that_is_new_is_read_as_soon_as_something_happens_in_it() {
    let gitlab = serve(company(2, Size { projects: 4, merge_requests: 3, ..Size::default() })).await;
    for place in Place::each().await {
        import(&gitlab, &place, &scheduled(&place, "first")).await.unwrap();

        let path = format!("new-{}", fastrand::u32(..));
        gitlab.world(|world| {
            let acme = world.group_by_path("acme").unwrap().id;
            let project = world.add_project(acme, &path);
            for title in ["Begin", "Go on"] {
                world.open_merge_request(project, "root", title).unwrap();
            }
        });
        requests(&gitlab, &place, "second").await;

        let found = format!("select name from gitlab_projects where path_with_namespace = 'acme/{path}'");
        assert_eq!(place.texts(&found).await.len(), 1);
        // The labels of the groups above come with the next walk.
        let without_labels = |mut rows: Vec<String>| {
            rows.retain(|row| !row.starts_with("gitlab_labels"));
            rows
        };
        assert_same(&without_labels(place.rows().await), &without_labels(fresh(&gitlab, &place).await));
        import(&gitlab, &place, &place.settings("walked")).await.unwrap();
        assert_same(&place.rows().await, &fresh(&gitlab, &place).await);
    }
}

#[tokio::test]
async fn another_scope_is_walked_at_once_and_what_it_excludes_is_not_read() {
    let gitlab = serve(company(2, Size { projects: 4, merge_requests: 3, ..Size::default() })).await;
    let place = Place::sqlite().await;
    import(&gitlab, &place, &scheduled(&place, "first")).await.unwrap();
    let path = place.texts("select path_with_namespace from gitlab_projects where id = 1").await.join("");
    let touched = || place.texts("select cast(updated_at as text) from gitlab_merge_requests where project_id = 1");
    let before = touched().await;

    let scope = Scope { exclude_projects: vec![path], ..place.settings("").scope };
    for key in ["second", "third"] {
        gitlab.world(|world| {
            let id = world.merge_request_by_iid(1, 1).unwrap().id;
            world.comment(id, "root", "not for us").unwrap();
        });
        let settings = Settings { scope: scope.clone(), ..scheduled(&place, key) };
        import(&gitlab, &place, &settings).await.unwrap();
    }

    assert_eq!(touched().await, before);
    let excluded = place.texts("select cast(id as text) from gitlab_projects where excluded_at is not null").await;
    assert_eq!(excluded, ["1"]);
}

/// While the role is lost, changes are hidden: the walk finds that GitLab has more than is stored.
#[tokio::test]
async fn what_changed_while_it_was_hidden_is_read_once_it_is_seen_again() {
    let gitlab = serve(company(2, Size { projects: 4, merge_requests: 3, ..Size::default() })).await;
    let place = Place::sqlite().await;
    import(&gitlab, &place, &scheduled(&place, "first")).await.unwrap();
    let role = |role| {
        gitlab.world(|world| {
            let (acme, reader) = (world.group_by_path("acme").unwrap().id, world.user_named("reader"));
            world.add_group_member(acme, reader, role);
        });
    };

    role(Role::Guest);
    gitlab.world(|world| world.open_merge_request(1, "root", "Unseen").unwrap());
    requests(&gitlab, &place, "hidden").await;
    role(Role::Developer);
    gitlab.world(|world| world.open_merge_request(2, "root", "Seen").unwrap());
    requests(&gitlab, &place, "seen").await;
    import(&gitlab, &place, &place.settings("walked")).await.unwrap();

    let titles = "select title from gitlab_merge_requests where title in ('Unseen', 'Seen') order by title";
    assert_eq!(place.texts(titles).await, ["Seen", "Unseen"]);
}

#[tokio::test]
async fn dying_anywhere_while_changes_are_read_and_going_on_equals_not_dying() {
    let size = Size { projects: 5, merge_requests: 60, notes: 1, commits: 1, ..Size::default() };
    let gitlab = serve(company(3, size)).await;
    for place in Place::each().await {
        import(&gitlab, &place, &scheduled(&place, "first")).await.unwrap();
        gitlab.world(|world| {
            let all: Vec<i64> = world.merge_requests().map(|one| one.id).collect();
            for id in all {
                world.comment(id, "root", "one more word").unwrap();
            }
            let acme = world.group_by_path("acme").unwrap().id;
            let project = world.add_project(acme, &format!("new-{}", fastrand::u32(..)));
            world.open_merge_request(project, "root", "Begin").unwrap();
        });

        let lives = die_and_go_on(&gitlab, &place, &scheduled(&place, "broken")).await;
        import(&gitlab, &place, &place.settings("walked")).await.unwrap();

        assert!(lives > 2, "it died a few times");
        assert_same(&place.rows().await, &fresh(&gitlab, &place).await);
    }
}

/// The hour passes between two walks: nothing but the runs in it could have noticed.
#[tokio::test]
async fn what_changed_while_a_project_was_hidden_is_read_with_the_walks_that_follow() {
    for hide in [Hide::Project, Hide::MergeRequests] {
        for place in Place::each().await {
            let gitlab = serve(private()).await;
            import(&gitlab, &place, &scheduled(&place, "first")).await.unwrap();

            at_minute(&gitlab, 10);
            hide.apply(&gitlab);
            gitlab.world(|world| world.merge(1, "bob").unwrap());
            at_minute(&gitlab, 40);
            gitlab.world(|world| world.comment(2, "ann", "seen by all").unwrap());
            requests(&gitlab, &place, "meanwhile").await;
            at_minute(&gitlab, 60);
            show(&gitlab);
            gitlab.world(|world| world.comment(2, "ann", "seen by all again").unwrap());
            requests(&gitlab, &place, "after").await;
            import(&gitlab, &place, &place.settings("walked")).await.unwrap();

            assert_same(&lasting(&place).await, &lasting_fresh(&gitlab, &place).await);
        }
    }
}

/// The walk itself falls into the hour: from then on the project is asked for by itself.
#[tokio::test]
async fn what_changed_while_a_walk_saw_nothing_of_a_project_is_read_with_the_first_run_that_sees_it() {
    for hide in [Hide::Project, Hide::MergeRequests] {
        for place in Place::each().await {
            let gitlab = serve(private()).await;
            import(&gitlab, &place, &scheduled(&place, "first")).await.unwrap();

            at_minute(&gitlab, 10);
            hide.apply(&gitlab);
            gitlab.world(|world| world.merge(1, "bob").unwrap());
            for (key, minute) in [("walked", 40), ("walked again", 80), ("and again", 120)] {
                at_minute(&gitlab, minute);
                gitlab.world(|world| world.comment(2, "ann", key).unwrap());
                import(&gitlab, &place, &place.settings(key)).await.unwrap();
            }
            show(&gitlab);
            import(&gitlab, &place, &place.settings("seen")).await.unwrap();

            assert_same(&lasting(&place).await, &lasting_fresh(&gitlab, &place).await);
        }
    }
}

/// How a project can be hidden from somebody.
#[derive(Clone, Copy)]
enum Hide {
    /// As a whole.
    Project,
    /// Only its merge requests.
    MergeRequests,
}

impl Hide {
    fn apply(self, gitlab: &Simulator) {
        gitlab.world(|world| {
            let reader = world.user_named("reader");
            match self {
                Hide::Project => world.remove_member(Owner::Project(1), reader).unwrap(),
                Hide::MergeRequests => world.add_project_member(1, reader, Role::Guest),
            }
        });
    }
}

/// So much later than now, by GitLab's clock.
fn at_minute(gitlab: &Simulator, minute: i64) {
    gitlab.world(|world| world.clock = Clock::Real(SignedDuration::from_mins(minute)));
}

fn show(gitlab: &Simulator) {
    gitlab.world(|world| {
        let reader = world.user_named("reader");
        world.add_project_member(1, reader, Role::Developer);
    });
}

/// Two private projects with a merge request each (1 and 2).
fn private() -> World {
    let project = |project: gitlab_simulator::world::ProjectBuilder| {
        let project = project.visibility(Visibility::Private).member("reader", Role::Developer);
        project.merge_request("Add a page", |one| one.by("ann").push(1))
    };
    World::new()
        .with_group("acme", |group| {
            group.visibility(Visibility::Public).project("web", project).project("api", project)
        })
        .with_token(TOKEN, |token| token.user("reader").scopes(&[TokenScope::ReadApi]))
}

/// All rows but memberships, which begin anew.
async fn lasting(place: &Place) -> Vec<String> {
    let mut rows = place.rows().await;
    rows.retain(|row| !row.starts_with("gitlab_members"));
    rows
}

async fn lasting_fresh(gitlab: &Simulator, place: &Place) -> Vec<String> {
    let place = place.another().await;
    import(gitlab, &place, &place.settings("fresh")).await.unwrap();
    lasting(&place).await
}
