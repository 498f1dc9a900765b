//! What is there and not shown: GitLab gives an empty list of merge requests then, and no error.

use gitlab_simulator::World;
use gitlab_simulator::world::{Feature, Role};

use super::{Place, import, readable, serve, whole};

/// Two projects with merge requests, notes, commits and approvals.
fn world() -> World {
    let world = World::new().with_group("acme", |group| {
        let project = |project: gitlab_simulator::world::ProjectBuilder| {
            project
                .merge_request("Add a page", |one| one.by("ann").comment("bob", "nice").approve("bob").merge("bob"))
                .merge_request("Add another", |one| one.by("bob").push(2))
        };
        group.project("web", project).project("api", project)
    });
    readable(world)
}

async fn rows(place: &Place) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in ["gitlab_merge_requests", "gitlab_notes", "gitlab_approvals", "gitlab_merge_request_commits"] {
        counts.push(place.count(table).await);
    }
    counts
}

#[tokio::test]
async fn merge_requests_that_are_switched_off_later_keep_their_rows() {
    for place in Place::each().await {
        let gitlab = serve(world()).await;
        import(&gitlab, &place, &place.settings("first")).await.unwrap();
        let before = rows(&place).await;

        gitlab.world(|world| world.project_mut(1).unwrap().merge_requests_access = Feature::Disabled);
        let off = whole(&gitlab, &place, "off").await;
        let newer = import(&gitlab, &place, &place.settings("newer")).await.unwrap();

        assert_eq!(rows(&place).await, before);
        for summary in [off, newer] {
            assert_eq!((summary.exit_code(), summary.run.progress.skipped), (0, 1), "{summary:?}");
            assert!(summary.run.troubles[0].reason.contains("switched off"), "{summary:?}");
        }
    }
}

/// A Guest of a private project is told that merge requests are enabled, and sees none.
#[tokio::test]
async fn what_the_token_may_see_no_more_keeps_its_rows_and_is_read_again_once_it_may() {
    for place in Place::each().await {
        let gitlab = serve(world()).await;
        import(&gitlab, &place, &place.settings("first")).await.unwrap();
        let before = rows(&place).await;
        let promote = |role| {
            gitlab.world(|world| {
                let reader = world.user_named("reader");
                world.add_group_member(1, reader, role);
            });
        };

        promote(Role::Guest);
        let hidden = whole(&gitlab, &place, "hidden").await;

        assert_eq!(rows(&place).await, before);
        assert_eq!((hidden.exit_code(), hidden.run.progress.skipped), (0, 2), "{hidden:?}");
        assert!(hidden.run.troubles[0].reason.contains("hidden from them"), "{hidden:?}");

        promote(Role::Developer);
        gitlab.world(|world| world.delete_merge_request(1));
        let seen = whole(&gitlab, &place, "seen").await;

        assert_eq!((seen.exit_code(), seen.run.progress.done), (0, 2), "{seen:?}");
        assert_eq!(rows(&place).await[0], before[0] - 1, "what is gone beside others is gone");
    }
}

#[tokio::test]
async fn requested_changes_are_reviews() {
    let world = World::new().with_group("acme", |group| {
        group.project("web", |project| {
            project.merge_request("Add a page", |one| one.by("ann").reviewer("bob").request_changes("bob"))
        })
    });
    let gitlab = serve(readable(world)).await;
    for place in Place::each().await {
        import(&gitlab, &place, &place.settings("first")).await.unwrap();

        let types = place.texts("select review_type from gitlab_reviews").await;
        assert_eq!(types, ["requested_changes"]);
    }
}
