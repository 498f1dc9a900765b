//! What holds for history that is made where it is looked at.

use crate::world::{Along, MergeRequestState, Scale, Sha, Stretch, World};

fn company() -> World {
    World::company(3, Scale { projects: 5, merge_requests: 400, ..Scale::default() })
}

fn projects(world: &World) -> Vec<i64> {
    world.projects().map(|project| project.id).collect()
}

fn places(world: &World, stretch: Stretch) -> Vec<(jiff::Timestamp, i64)> {
    world.places(projects(world), stretch).collect()
}

#[test]
fn the_same_seed_gives_the_same_rows() {
    let rows = |seed| {
        let world = World::company(seed, Scale { projects: 5, merge_requests: 300, ..Scale::default() });
        let rows: Vec<String> = world.merge_requests().map(|row| format!("{row:?}")).collect();
        let commits = world.projects().flat_map(|project| world.commits_of(project));
        (rows, commits.map(|commit| format!("{commit:?}")).collect::<Vec<_>>())
    };

    assert_eq!(rows(3), rows(3));
    assert_ne!(rows(3), rows(4));
}

#[test]
fn there_are_as_many_as_were_asked_for() {
    let world = company();

    assert_eq!(world.merge_request_count(), 400);
    assert_eq!(world.merge_requests().count(), 400);
    assert_eq!(places(&world, Stretch::all(Along::Updated, false)).len(), 400);
    assert_eq!(world.count_places(projects(&world), Stretch::all(Along::Created, false)), 400);
}

#[test]
fn a_list_is_in_its_order_and_its_places_are_those_of_the_rows() {
    let mut world = company();
    let touched = world.merge_requests().nth(7).unwrap().id;
    world.comment(touched, "root", "Why?");
    for along in [Along::Created, Along::Updated] {
        let up = places(&world, Stretch::all(along, false));
        let mut down = places(&world, Stretch::all(along, true));
        down.reverse();

        assert_eq!(up, down);
        assert!(up.is_sorted());
        for (at, id) in up {
            let row = world.glance(id).unwrap();
            assert_eq!(at, if along == Along::Created { row.created_at } else { row.updated_at });
        }
    }
}

#[test]
fn a_window_is_cut_out_of_the_list_and_counted_without_a_look() {
    let mut world = company();
    let ids: Vec<i64> = world.merge_requests().map(|row| row.id).collect();
    for id in ids.iter().step_by(9) {
        world.comment(*id, "root", "Why?");
    }
    for along in [Along::Created, Along::Updated] {
        let all = places(&world, Stretch::all(along, false));
        let (after, before) = (all[50].0, all[150].0);
        let stretch = Stretch::all(along, true).between((Some(after), Some(before)));

        let found = places(&world, stretch);
        assert!(found.len() > 100 && found.iter().all(|(at, _)| (after..=before).contains(at)));
        assert_eq!(world.count_places(projects(&world), stretch), found.len());
    }
}

#[test]
fn a_walk_makes_nothing_that_stays() {
    let world = company();
    let open = places(&world, Stretch::all(Along::Updated, false));
    let open = open.iter().filter(|(_, id)| world.glance(*id).unwrap().state == MergeRequestState::Opened);

    assert!(open.count() > 0);
    assert_eq!(world.archive.merge_requests.len(), 0);
}

#[test]
fn what_is_edited_is_held_and_what_is_deleted_stays_deleted() {
    let mut world = company();
    let project = projects(&world)[2];
    let (edited, deleted) =
        (world.merge_request_by_iid(project, 3).unwrap().id, world.merge_request_by_iid(project, 4));
    let deleted = deleted.unwrap().id;

    world.edit_merge_request(edited, |row| row.title = "Edited".to_owned());
    world.delete_merge_request(deleted);
    world.tidy();

    assert_eq!(world.merge_request_by_iid(project, 3).unwrap().title, "Edited");
    assert!(world.merge_request(deleted).is_none() && world.merge_request_by_iid(project, 4).is_none());
    assert_eq!(world.merge_request_count(), 399);
    assert!(places(&world, Stretch::all(Along::Updated, false)).iter().all(|(_, id)| *id != deleted));
    assert_eq!(world.merge_requests_of(project).filter(|row| row.id == edited).count(), 1);
}

#[test]
fn a_deleted_project_takes_its_history_along() {
    let mut world = company();
    let project = projects(&world)[1];
    let left = 400 - world.merge_requests_of(project).count();
    let one = world.merge_request_by_iid(project, 1).unwrap().id;

    world.delete_project(project);

    assert!(world.merge_request(one).is_none());
    assert_eq!((world.merge_request_count(), world.merge_requests().count()), (left, left));
}

#[test]
fn what_a_deleted_user_did_is_the_ghost_s() {
    let mut world = company();
    let author = world.merge_requests().next().unwrap().author.unwrap();
    let ghost = world.user_by_name("ghost").unwrap().id;
    let before = world.merge_requests().filter(|row| row.author == Some(ghost)).count();

    world.delete_user(author);

    let by = |user| world.merge_requests().filter(|row| row.author == Some(user)).count();
    assert_eq!(by(author), 0);
    assert!(by(ghost) > before);
}

#[test]
fn a_new_one_comes_behind_history() {
    let mut world = company();
    let project = projects(&world)[0];
    let last = world.merge_requests_of(project).map(|row| (row.iid, row.id)).max().unwrap();

    let id = world.open_merge_request(project, "root", "One more").unwrap();

    let new = world.merge_request(id).unwrap();
    assert_eq!(new.iid, last.0 + 1);
    assert!(new.id > world.merge_requests().map(|row| row.id).filter(|other| *other != id).max().unwrap());
    assert_eq!(places(&world, Stretch::all(Along::Created, true))[0].1, id);
}

#[test]
fn commits_of_the_default_branch_are_found_by_name() {
    let world = company();
    let project = world.projects().next().unwrap();
    let commits: Vec<_> = world.commits_of(project).collect();

    assert!(commits.len() > 50 && commits.is_sorted_by_key(|commit| std::cmp::Reverse(commit.committed_at)));
    for commit in commits {
        assert_eq!(world.commit_of(project, commit.sha).unwrap().sha, commit.sha);
    }
    assert!(world.commit_of(project, Sha::default()).is_none());
}

/// Several projects of many blocks each, over years.
fn old_company() -> World {
    World::company(5, Scale { projects: 4, merge_requests: 6_000, days: 1_500, ..Scale::default() })
}

#[test]
fn blocks_come_to_the_whole_order_in_both_directions() {
    let world = old_company();
    let by_row = |id: i64| (world.sketch(id).unwrap().updated_at, id);
    let mut expected: Vec<_> =
        places(&world, Stretch::all(Along::Created, false)).into_iter().map(|(_, id)| by_row(id)).collect();
    expected.sort_unstable();

    assert_eq!(places(&world, Stretch::all(Along::Updated, false)), expected);
    let (after, before) = (expected[2_000].0, expected[2_900].0);
    let stretch = Stretch::all(Along::Updated, true).between((Some(after), Some(before)));
    expected.retain(|(at, _)| (after..=before).contains(at));
    expected.reverse();
    assert_eq!(places(&world, stretch), expected);
    assert_eq!(world.count_places(projects(&world), stretch), expected.len());
}

#[test]
fn a_walk_makes_only_the_blocks_that_it_gets_to() {
    for descending in [false, true] {
        let world = old_company();
        let first = world.places(projects(&world), Stretch::all(Along::Updated, descending)).take(20).count();

        let made: usize = world.archive.updated.iter().map(super::updated::Blocks::made).sum();
        assert_eq!(first, 20);
        // There are about 50.
        assert!((4..16).contains(&made), "{made}");
    }
}

#[test]
fn a_sketch_tells_what_the_row_tells() {
    let mut world = company();
    let touched = world.merge_requests().nth(3).unwrap().id;
    world.comment(touched, "root", "Why?");

    for row in world.merge_requests() {
        assert_eq!(world.sketch(row.id), Some(super::Sketch::of(row)));
    }
    assert_eq!(world.sketch(1), None);
}
