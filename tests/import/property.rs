//! Whatever happens in GitLab and to it: nothing that is there is ever called deleted, and a quiet day makes all rows right.

use std::collections::BTreeSet;

use gitlab_connector::importer::Settings;
use gitlab_simulator::world::{Feature, Owner, Role, Scope as TokenScope, Visibility};
use gitlab_simulator::{Fault, FaultKind, Simulator, World};
use jiff::SignedDuration;

use super::{Place, TOKEN, assert_same, audit, import, serve};

const PROJECTS: [i64; 3] = [1, 2, 3];

/// The group `acme` (1) with three private projects that the reader is a member of, and the group `elsewhere` (2).
fn world() -> World {
    let project = |project: gitlab_simulator::world::ProjectBuilder| {
        project
            .visibility(Visibility::Private)
            .member("reader", Role::Developer)
            .merge_request("Add a page", |one| one.by("ann").comment("bob", "nice").approve("bob").merge("bob"))
            .merge_request("Add another", |one| one.by("bob").push(2))
            .merge_request("Mend it", |one| one.by("ann").comment("bob", "hm"))
    };
    World::new()
        .with_group("acme", |group| {
            let group = group.visibility(Visibility::Public);
            group.project("web", project).project("api", project).project("app", project)
        })
        .with_group("elsewhere", |group| group.visibility(Visibility::Public))
        .with_token(TOKEN, |token| token.user("reader").scopes(&[TokenScope::ReadApi]))
}

/// One thing that happens, by chance.
fn happen(gitlab: &Simulator, chance: &mut fastrand::Rng, deleted: &mut BTreeSet<String>) {
    let project = PROJECTS[chance.usize(..PROJECTS.len())];
    let what = chance.u32(..14);
    gitlab.world(|world| {
        let reader = world.user_named("reader");
        let ann = world.user_named("ann");
        let ids: Vec<i64> = world.merge_requests_of(project).map(|one| one.id).collect();
        let some = ids.get(chance.usize(..ids.len().max(1))).copied();
        match (what, some) {
            (0, _) => drop(world.open_merge_request(project, "bob", "Go on")),
            (1, Some(id)) => drop(world.comment(id, "ann", "well")),
            (2, Some(id)) => drop(world.approve(id, "ann")),
            (3, Some(id)) => drop(world.unapprove(id, "ann")),
            (4, Some(id)) => {
                world.delete_merge_request(id);
                deleted.insert(id.to_string());
            }
            (5, _) => drop(world.remove_member(Owner::Project(project), reader)),
            (6, _) => world.add_project_member(project, reader, Role::Developer),
            (7, _) => world.add_project_member(project, reader, Role::Guest),
            (8, _) => world.project_mut(project).unwrap().merge_requests_access = Feature::Disabled,
            (9, _) => world.project_mut(project).unwrap().merge_requests_access = Feature::Enabled,
            (10, _) => drop(world.transfer_project(project, 2)),
            (11, _) => drop(world.transfer_project(project, 1)),
            (12, _) => drop(world.ban_user(ann)),
            _ => drop(world.activate_user(ann)),
        }
    });
}

fn trouble(gitlab: &Simulator, chance: &mut fastrand::Rng) {
    let kinds = [
        FaultKind::Status { status: 502 },
        FaultKind::Status { status: 500 },
        FaultKind::CutBody,
        FaultKind::FieldTimeout { fields: vec!["MergeRequest.notes".into()] },
        FaultKind::Html { status: 200 },
    ];
    let kind = kinds[chance.usize(..kinds.len())].clone();
    gitlab.faults().add(Fault::at("POST /graphql*", kind).after(chance.usize(..3)).times(2));
}

fn quiet(gitlab: &Simulator) {
    gitlab.faults().clear();
    gitlab.world(|world| {
        let (reader, ann) = (world.user_named("reader"), world.user_named("ann"));
        let _ = world.activate_user(ann);
        for project in PROJECTS {
            let _ = world.transfer_project(project, 1);
            world.add_project_member(project, reader, Role::Developer);
            world.project_mut(project).unwrap().merge_requests_access = Feature::Enabled;
        }
    });
}

async fn history(place: &Place, seed: u64) {
    let gitlab = serve(world()).await;
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut deleted = BTreeSet::new();
    import(&gitlab, place, &place.settings("first")).await.unwrap();

    for round in 0..8 {
        for _ in 0..chance.u32(1..4) {
            happen(&gitlab, &mut chance, &mut deleted);
        }
        if chance.bool() {
            trouble(&gitlab, &mut chance);
        }
        let settings = Settings {
            full: chance.u8(..3) == 0,
            walk_interval: if chance.bool() { SignedDuration::ZERO } else { SignedDuration::from_hours(24) },
            patience: SignedDuration::from_secs(2),
            ..place.settings(&format!("round {round}"))
        };
        // What ends early is part of a bad day.
        let _ended = import(&gitlab, place, &settings).await;

        let gone = "select cast(id as text) from gitlab_merge_requests where deleted_at is not null";
        let gone: BTreeSet<String> = place.texts(gone).await.into_iter().collect();
        assert!(gone.is_subset(&deleted), "seed {seed}, round {round}: {gone:?} are called deleted, {deleted:?} are");
    }

    quiet(&gitlab);
    import(&gitlab, place, &Settings { full: true, ..place.settings("quiet") }).await.unwrap();
    let fresh = place.another().await;
    import(&gitlab, &fresh, &fresh.settings("fresh")).await.unwrap();
    assert_same(&place.rows().await, &fresh.rows().await);
    assert_eq!(audit::differences(&gitlab, place).await, [""; 0], "seed {seed}");
}

#[tokio::test]
async fn nothing_that_is_there_is_called_deleted_and_a_quiet_day_makes_all_rows_right() {
    for seed in 0..6 {
        history(&Place::sqlite().await, seed).await;
    }
    history(&Place::postgres().await, 6).await;
}
