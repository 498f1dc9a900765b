//! What became of what is stored: hidden, excluded, moved, deleted, and there again. Nothing is lost by any of it.

use gitlab_connector::importer::{self, Progress, Scope, Settings};
use gitlab_simulator::world::{Feature, Owner, Role, Scope as TokenScope, Visibility};
use gitlab_simulator::{Fault, FaultKind, World};
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::{Place, TOKEN, assert_same, client_with, import, serve, whole};

/// The group `acme` (1) with a private project `web` (1), which the reader is a member of, and a public one, `api` (2); beside
/// it the group `elsewhere` (2).
fn world() -> World {
    let world = World::new().with_group("acme", |group| {
        let project = |project: gitlab_simulator::world::ProjectBuilder| {
            project
                .visibility(Visibility::Public)
                .merge_request("Add a page", |one| one.by("ann").comment("bob", "nice").approve("bob").merge("bob"))
                .merge_request("Add another", |one| one.by("bob").push(2))
        };
        let private = |one| project(one).visibility(Visibility::Private).member("reader", Role::Developer);
        group.visibility(Visibility::Public).project("web", private).project("api", project)
    });
    let world = world.with_group("elsewhere", |group| group.visibility(Visibility::Public));
    world.with_token(TOKEN, |token| token.user("reader").scopes(&[TokenScope::ReadApi]))
}

/// What became of the project `web`.
async fn web(place: &Place) -> String {
    let states = "select case when deleted_at is not null then 'deleted ' else '' end
        || case when out_of_scope_at is not null then 'out of scope ' else '' end
        || case when excluded_at is not null then 'excluded ' else '' end
        || case when archived_at is not null then 'archived ' else '' end
        || case when unreadable_at is not null then 'unreadable ' else '' end
        from gitlab_projects where id = 1";
    place.texts(states).await.join("").trim_end().to_owned()
}

async fn figures(place: &Place) -> String {
    place
        .texts("select cast(count(*) as text) || ' of ' || cast(count(distinct repo_id) as text) from pull_requests")
        .await
        .join("")
}

/// All rows and figures but memberships, which begin anew.
async fn lasting(place: &Place) -> Vec<String> {
    let mut rows = place.rows().await;
    rows.retain(|row| !row.starts_with("gitlab_members"));
    rows.push(figures(place).await);
    rows
}

#[tokio::test]
async fn a_project_that_is_hidden_for_an_hour_is_unreadable_and_changes_no_figure() {
    for place in Place::each().await {
        let gitlab = serve(world()).await;
        import(&gitlab, &place, &place.settings("first")).await.unwrap();
        let before = lasting(&place).await;
        let reader = gitlab.world(|world| world.user_named("reader"));

        gitlab.world(|world| world.remove_member(Owner::Project(1), reader)).unwrap();
        for key in ["hidden", "still"] {
            let summary = whole(&gitlab, &place, key).await;

            assert_eq!(summary.exit_code(), 0, "{summary:?}");
            assert_eq!(web(&place).await, "unreadable");
            assert_same(&lasting(&place).await, &before);
        }

        gitlab.world(|world| world.add_project_member(1, reader, Role::Developer));
        import(&gitlab, &place, &place.settings("seen")).await.unwrap();

        assert_eq!(web(&place).await, "");
        assert_same(&lasting(&place).await, &before);
    }
}

#[tokio::test]
async fn what_is_excluded_moved_away_archived_or_waits_for_deletion_says_so_and_leaves_the_figures() {
    for place in Place::each().await {
        let gitlab = serve(world()).await;
        let elsewhere = 2;
        import(&gitlab, &place, &place.settings("first")).await.unwrap();
        assert_eq!(figures(&place).await, "4 of 2");

        let scope = Scope { exclude_projects: vec!["acme/w*".into()], ..place.settings("").scope };
        let settings = Settings { scope, ..place.settings("excluded") };
        import(&gitlab, &place, &settings).await.unwrap();
        assert_eq!((web(&place).await.as_str(), figures(&place).await.as_str()), ("excluded", "2 of 1"));

        gitlab.world(|world| world.archive_project(1)).unwrap();
        import(&gitlab, &place, &place.settings("archived")).await.unwrap();
        assert_eq!((web(&place).await.as_str(), figures(&place).await.as_str()), ("archived", "4 of 2"));

        gitlab.world(|world| world.transfer_project(1, elsewhere)).unwrap();
        import(&gitlab, &place, &place.settings("moved")).await.unwrap();
        assert_eq!((web(&place).await.as_str(), figures(&place).await.as_str()), ("out of scope archived", "2 of 1"));

        gitlab.world(|world| world.transfer_project(1, 1)).unwrap();
        gitlab.world(|world| world.schedule_project_deletion(1)).unwrap();
        import(&gitlab, &place, &place.settings("deleted")).await.unwrap();
        assert_eq!((web(&place).await.as_str(), figures(&place).await.as_str()), ("deleted archived", "2 of 1"));

        gitlab.world(|world| world.restore_project(1)).unwrap();
        import(&gitlab, &place, &place.settings("restored")).await.unwrap();
        assert_eq!((web(&place).await.as_str(), figures(&place).await.as_str()), ("archived", "4 of 2"));
    }
}

#[tokio::test]
async fn a_merge_request_that_was_deleted_is_marked_also_where_only_the_last_months_are_read() {
    for place in Place::each().await {
        let gitlab = serve(world()).await;
        let settings = |key: &str| Settings {
            full: true,
            lookback: Some(SignedDuration::from_hours(24 * 180)),
            ..place.settings(key)
        };
        import(&gitlab, &place, &settings("first")).await.unwrap();

        gitlab.world(|world| world.delete_merge_request(1));
        import(&gitlab, &place, &settings("deleted")).await.unwrap();

        let gone = "select cast(id as text) from gitlab_merge_requests where deleted_at is not null";
        assert_eq!(place.texts(gone).await, ["1"]);
        assert_eq!(figures(&place).await, "3 of 2");
    }
}

#[tokio::test]
async fn merge_requests_of_a_banned_author_are_hidden_and_not_deleted() {
    for place in Place::each().await {
        let gitlab = serve(world()).await;
        import(&gitlab, &place, &place.settings("first")).await.unwrap();

        let ann = gitlab.world(|world| world.user_named("ann"));
        gitlab.world(|world| world.ban_user(ann)).unwrap();
        whole(&gitlab, &place, "banned").await;

        let hidden = "select cast(count(*) as text) from gitlab_merge_requests
            where unreadable_at is not null and deleted_at is null";
        assert_eq!(place.texts(hidden).await, ["2"]);
        assert_eq!(figures(&place).await, "4 of 2");

        gitlab.world(|world| world.activate_user(ann)).unwrap();
        whole(&gitlab, &place, "again").await;
        assert_eq!(place.texts(hidden).await, ["0"]);
    }
}

/// The list tells which, why and since when, and what is behind it is not read again for its sake.
#[tokio::test]
async fn what_gitlab_cannot_deliver_is_asked_for_by_itself_until_it_comes() {
    for place in Place::each().await {
        let gitlab = serve(world()).await;
        gitlab.world(|world| world.edit_merge_request(1, |one| one.title = "Broken on disk".into()));
        gitlab
            .faults()
            .add(Fault::at("POST /graphql*", FaultKind::PoisonedBy { text: "Broken on disk".into(), status: 500 }));
        let settings = |key: &str| Settings { patience: SignedDuration::from_millis(500), ..place.settings(key) };
        let list = "select cast(project_id as text) || '!' || cast(iid as text) || ' ' || cast(since as text)
            from connector_unreadable";

        let first = import(&gitlab, &place, &settings("first")).await.unwrap();
        let listed = place.texts(list).await;
        gitlab.forget_requests();
        let second = import(&gitlab, &place, &settings("second")).await.unwrap();

        assert!(listed.len() == 1 && listed[0].starts_with("1!1 "), "{listed:?}");
        assert_eq!(place.texts(list).await, listed, "it keeps the time since when");
        for summary in [first, second] {
            assert_eq!(summary.exit_code(), 42, "{summary:?}");
            assert!(summary.message().contains("acme/web: !1 cannot be read"), "{}", summary.message());
        }
        let checkpoints = "select cast(count(*) as text) from connector_checkpoints where watermark is not null";
        assert_eq!(place.texts(checkpoints).await, ["2"], "what is behind it is not read again for its sake");

        gitlab.faults().clear();
        let healed = import(&gitlab, &place, &settings("healed")).await.unwrap();

        assert_eq!(healed.exit_code(), 0, "{healed:?}");
        assert_eq!(place.texts(list).await, Vec::<String>::new());
        assert_eq!(figures(&place).await, "4 of 2");
    }
}

/// The first token sees no project `web`, an empty list of merge requests in `api`, and no internal notes.
#[tokio::test]
async fn tokens_that_see_different_things_change_no_row_from_run_to_run() {
    let tokens = ["glpat-outsider", TOKEN];
    for place in Place::each().await {
        let gitlab =
            serve(world().with_token(tokens[0], |token| token.user("eve").scopes(&[TokenScope::ReadApi]))).await;
        gitlab.world(|world| {
            let reader = world.user_named("reader");
            world.add_project_member(2, reader, Role::Developer);
            world.project_mut(2).unwrap().merge_requests_access = Feature::Private;
            world.internal_comment(4, "bob", "not for everybody").unwrap();
        });
        let alone = place.another().await;
        import(&gitlab, &alone, &alone.settings("alone")).await.unwrap();

        for (key, full) in [("first", false), ("second", true), ("third", false), ("fourth", true)] {
            let settings = Settings { full, concurrency: 1, ..place.settings(key) };
            let stop = CancellationToken::new();
            let client = client_with(&gitlab, &tokens);
            let summary = importer::run(&client, &place.store, &settings, &Progress::default(), stop).await.unwrap();

            assert_eq!((summary.exit_code(), summary.run.progress.done), (0, 2), "{key}: {summary:?}");
            assert_same(&place.rows().await, &alone.rows().await);
        }
        assert_eq!(figures(&place).await, "4 of 2");
    }
}
