//! Old and new servers, both editions, large and odd projects.

use gitlab_connector::importer::{Scope, Settings};
use gitlab_simulator::World;
use gitlab_simulator::world::{Edition, ProjectBuilder, Role, Size};

use super::{Place, assert_same, company, import, readable, serve, small};

#[tokio::test]
async fn every_version_and_edition_can_be_read() {
    for version in ["15.5", "16.3", "16.11", "17.2", "18.0", "19.1"] {
        for edition in [Edition::Community, Edition::Licensed] {
            let world = company(1, small()).with_version(version).with_edition(edition);
            let gitlab = serve(world).await;
            let place = Place::sqlite().await;

            let summary = import(&gitlab, &place, &place.settings("first")).await.unwrap();

            assert_eq!(summary.exit_code(), 0, "{version} {edition:?}: {summary:?}");
            assert_eq!(place.count("gitlab_merge_requests").await, 36, "{version} {edition:?}");
            let closed = place.rows().await;
            let closed: Vec<_> = closed
                .iter()
                .filter(|row| row.contains("| closed |") && row.starts_with("gitlab_merge_requests"))
                .collect();
            assert!(
                !closed.is_empty() && closed.iter().all(|row| !row.ends_with("NULL")),
                "{version}: closed_at is known"
            );
        }
    }
}

#[tokio::test]
async fn lists_longer_than_a_page_are_read_to_their_ends() {
    let world = World::new().with_group("acme", |group| {
        group.project("web", |project| {
            project
                .merge_requests(3)
                .merge_request("Long", |one| one.by("ann").push(130).comments(250).approve("bob"))
                .merge_request("Longer than rides along", |one| one.by("ann").push(30).comments(40))
        })
    });
    let gitlab = serve(readable(world)).await;
    for place in Place::each().await {
        let summary = import(&gitlab, &place, &place.settings("first")).await.unwrap();

        assert_eq!(summary.exit_code(), 0);
        let (notes, commits) = gitlab.read(|world| {
            let notes: usize = world.merge_requests().map(|one| one.notes.len()).sum();
            (notes, world.merge_requests().map(|one| one.commits.len()).sum::<usize>())
        });
        assert!(notes > 290 && commits > 160);
        assert_eq!(place.count("gitlab_notes").await, i64::try_from(notes).unwrap());
        assert_eq!(place.count("gitlab_merge_request_commits").await, i64::try_from(commits).unwrap());
    }
}

#[tokio::test]
async fn many_projects_groups_labels_and_members_are_found() {
    let world = World::new().with_group("acme", |mut group| {
        for number in 0..120 {
            group = group.project(&format!("project-{number}"), |project| project.label("own"));
        }
        for number in 0..60 {
            group = group.subgroup(&format!("team-{number}"), |team| {
                let team = team.label(&format!("team-{number}"));
                if number == 59 { team.project("deep", |project| project) } else { team }
            });
        }
        for number in 0..150 {
            group = group.member(&format!("person-{number}"), Role::Developer).label(&format!("label-{number}"));
        }
        group
    });
    let gitlab = serve(readable(world)).await;
    let place = Place::sqlite().await;

    import(&gitlab, &place, &place.settings("first")).await.unwrap();

    assert_eq!(place.count("gitlab_projects").await, 121);
    assert_eq!(place.count("gitlab_groups").await, 61);
    assert_eq!(place.count("gitlab_members").await, 151);
    assert_eq!(place.count("gitlab_labels").await, 120 + 60 + 150, "each once");
    let seen = place.texts("select cast(count(*) as text) from repo_labels group by repo_id order by 1").await;
    assert_eq!(seen, [vec!["151"; 121]].concat(), "own labels, and those of all groups above");
}

#[tokio::test]
async fn projects_that_have_nothing_to_read_are_skipped_with_a_reason() {
    let world = World::new().with_group("acme", |group| {
        group
            .project("off", |project| project.merge_requests(2).without_merge_requests())
            .project("empty", ProjectBuilder::empty)
            .project("archived", |project| project.merge_requests(2).archived())
            .project("web", |project| project.merge_requests(2))
    });
    let gitlab = serve(readable(world)).await;
    let place = Place::sqlite().await;

    let summary = import(&gitlab, &place, &place.settings("first")).await.unwrap();

    assert_eq!(summary.exit_code(), 0, "{summary:?}");
    assert_eq!((summary.run.progress.done, summary.run.progress.skipped), (3, 1), "{summary:?}");
    assert_eq!(summary.run.troubles[0].project_path, "acme/off");
    assert!(summary.run.troubles[0].reason.contains("switched off"), "{summary:?}");
    assert_eq!(place.count("gitlab_merge_requests").await, 4);
}

#[tokio::test]
async fn a_scope_can_name_projects_ids_and_exceptions() {
    let gitlab = serve(company(1, Size { projects: 5, ..small() })).await;
    let (group, project) = gitlab.read(|world| {
        let group = world.group_by_path("acme/platform").unwrap().id;
        (group, world.projects().find(|project| project.full_path.starts_with("acme/data/")).unwrap().id)
    });
    let place = Place::sqlite().await;
    let scope = Scope {
        groups: vec![group.to_string()],
        projects: vec![project.to_string()],
        exclude_projects: vec!["acme/platform/infrastructure/*".into()],
        include_subgroups: true,
        include_archived: true,
    };

    let summary = import(&gitlab, &place, &Settings { scope, ..place.settings("first") }).await.unwrap();

    assert_eq!(summary.run.progress.tasks, 2, "{summary:?}");
    let rows = place.rows().await;
    let projects: Vec<_> = rows.iter().filter(|row| row.starts_with("gitlab_projects")).collect();
    assert!(projects.iter().all(|row| !row.contains("infrastructure")), "{projects:?}");
}

#[tokio::test]
async fn a_project_that_moves_during_the_import_is_read_all_the_same() {
    let gitlab = serve(company(9, small())).await;
    let place = Place::sqlite().await;
    import(&gitlab, &place, &place.settings("first")).await.unwrap();
    let stay = place.rows().await;
    // The store still knows the old path when the refresh, and so the task, begins.
    let moved = place.another().await;
    import(&gitlab, &moved, &moved.settings("first")).await.unwrap();
    gitlab.world(|world| {
        let project = world.projects().next().unwrap().id;
        world.rename_project(project, "renamed").unwrap();
    });

    let summary = import(&gitlab, &moved, &Settings { full: true, ..moved.settings("second") }).await.unwrap();

    assert_eq!(summary.exit_code(), 0, "{summary:?}");
    let merge_requests =
        |rows: &[String]| rows.iter().filter(|row| row.starts_with("gitlab_notes")).cloned().collect::<Vec<_>>();
    assert_same(&merge_requests(&moved.rows().await), &merge_requests(&stay));
}
