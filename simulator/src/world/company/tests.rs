//! What one believes of a company, within wide bounds.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::world::{
    Deployment, FileChange, JobKind, MergeRequest, MergeRequestState, NoteKind, Scale, SystemAction, UserState, World,
};

const HOUR: f64 = 3_600.0;

/// One for all tests, so that its rows are made once.
static BIG: LazyLock<World> = LazyLock::new(|| {
    World::company(11, Scale { projects: 12, merge_requests: 4_000, people: 60, days: 700, ..Scale::default() })
});

/// The share of the rows for which something holds, in percent.
fn percent(rows: &[&MergeRequest], holds: impl Fn(&MergeRequest) -> bool) -> usize {
    rows.iter().filter(|row| holds(row)).count() * 100 / rows.len().max(1)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn the_figures_are_those_of_a_company_that_does_well() {
    let world = &*BIG;
    let rows: Vec<&MergeRequest> = world.merge_requests().collect();
    let cycle =
        rows.iter().filter_map(|row| Some((row.merged_at?.duration_since(row.created_at)).as_secs_f64() / HOUR));
    let cycle = median(cycle.collect());
    let first = |row: &&MergeRequest| {
        let others = row.notes.iter().find(|note| note.author != row.author && note.action().is_none())?;
        Some(others.created_at.duration_since(row.created_at).as_secs_f64() / HOUR)
    };
    let review = median(rows.iter().filter_map(first).collect());

    assert!((12.0..96.0).contains(&cycle), "cycle time {cycle} h");
    assert!((0.5..40.0).contains(&review), "first review {review} h");
    let state = |state| percent(&rows, |row| row.state == state);
    assert!((78..95).contains(&state(MergeRequestState::Merged)), "{} % merged", state(MergeRequestState::Merged));
    assert!((4..13).contains(&state(MergeRequestState::Closed)), "{} % closed", state(MergeRequestState::Closed));
    assert!((1..9).contains(&state(MergeRequestState::Opened)), "{} % open", state(MergeRequestState::Opened));
    assert!((30..75).contains(&percent(&rows, |row| row.versions.len() > 1)));
    let notes: usize = rows.iter().map(|row| row.notes.len()).sum();
    assert!((5..20).contains(&(notes / rows.len())), "{} notes each", notes / rows.len());
}

#[test]
fn everything_that_happens_to_merge_requests_happens() {
    let world = &*BIG;
    let rows: Vec<&MergeRequest> = world.merge_requests().collect();
    let count = |holds: &dyn Fn(&MergeRequest) -> bool| rows.iter().filter(|row| holds(row)).count();
    let ghost = world.user_by_name("ghost").map(|ghost| ghost.id);
    let blocked = world.users().filter(|user| user.state == UserState::Blocked).count();

    assert!(blocked > 0);
    assert!(count(&|row| row.author == ghost) > 10);
    assert!(count(&|row| row.author.is_none()) > 1);
    assert!(count(&|row| row.draft) > 10);
    assert!(count(&|row| row.source_project.is_none()) > 20);
    assert!(count(&|row| row.source_branch.starts_with("renovate/")) > 300);
    assert!(count(&|row| row.title.starts_with("Revert \"")) > 50);
    assert!(count(&|row| row.target_branch != "main") > 1);
    assert!(count(&|row| row.milestone.is_some()) > 500);
    assert!(count(&|row| row.state_events.iter().any(|event| event.state == "reopened")) > 50);
    assert!(count(&|row| row.label_events.iter().any(|event| !event.added)) > 50);
    assert!(count(&|row| row.commits.iter().any(|commit| commit.message.contains("\nCo-"))) > 500);
    assert!(count(&|row| row.notes.iter().any(|note| note.internal)) > 20);
    assert!(count(&|row| row.merged_at > Some(row.updated_at)) > 100);
    assert!(count(&|row| row.approvals.is_empty() && row.merged_at.is_some()) > 50);
    for action in [
        SystemAction::Approved,
        SystemAction::ApprovalsReset,
        SystemAction::RequestedChanges,
        SystemAction::Title,
        SystemAction::Reviewer,
        SystemAction::Commit,
        SystemAction::Discussion,
    ] {
        let happened = count(&|row| row.notes.iter().any(|note| note.action() == Some(action)));
        assert!(happened > 50, "{action:?} on {happened}");
    }
}

#[test]
fn history_keeps_the_order_of_things() {
    let world = &*BIG;
    let until = Scale::default().until;
    for row in world.merge_requests() {
        assert!(row.notes.is_sorted_by_key(|note| (note.created_at, note.id)), "{}", row.id);
        assert!(
            row.notes.iter().all(|note| (row.created_at..=row.updated_at).contains(&note.created_at)),
            "{}",
            row.id
        );
        assert!(row.created_at <= row.updated_at && row.updated_at <= until, "{}", row.id);
        assert!(row.commits.is_sorted_by_key(|commit| std::cmp::Reverse(commit.committed_at)), "{}", row.id);
        assert_eq!(row.versions.last().map(|version| version.head), row.sha);
        assert_eq!(row.commits.iter().map(|commit| commit.additions).sum::<i64>(), row.additions());
        assert!(row.notes.iter().all(|note| note.created_at.subsec_nanosecond() % 1_000_000 == 0));
        let approved = row.notes.iter().filter(|note| note.action() == Some(SystemAction::Approved)).count();
        assert!(approved >= row.approvals.len());
    }
}

#[test]
fn a_revert_takes_back_what_was_merged_before_in_the_same_project() {
    let world = &*BIG;
    let mut found = 0;
    for row in world.merge_requests() {
        let text = row.description.as_deref().unwrap_or_default();
        let Some(iid) = text.strip_prefix("This reverts merge request !").and_then(|iid| iid.parse().ok()) else {
            continue;
        };
        let reverted = world.merge_request_by_iid(row.project, iid).unwrap();
        assert_eq!(row.title, format!("Revert \"{}\"", reverted.title));
        assert!(reverted.state == MergeRequestState::Merged);
        found += 1;
    }
    assert!(found > 50);
}

#[test]
fn ids_are_unique_and_tell_whose_they_are() {
    let world = World::company(2, Scale { merge_requests: 600, ..Scale::default() });
    let mut notes = HashMap::new();
    for row in world.merge_requests() {
        for note in &row.notes {
            assert!(notes.insert(note.id, row.id).is_none());
        }
    }
    for (note, owner) in notes {
        assert_eq!(world.merge_request_of_note(note).unwrap().id, owner);
    }
}

#[test]
fn people_work_on_working_days() {
    let world = &*BIG;
    let weekend = |at: jiff::Timestamp| {
        let day = at.to_zoned(jiff::tz::TimeZone::UTC).weekday();
        matches!(day, jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday)
    };
    let rows: Vec<&MergeRequest> = world.merge_requests().collect();
    let comments: Vec<_> =
        rows.iter().flat_map(|row| &row.notes).filter(|note| matches!(note.kind, NoteKind::Comment)).collect();
    let late = comments.iter().filter(|note| weekend(note.created_at)).count();

    assert!(percent(&rows, |row| weekend(row.created_at)) < 4);
    assert!(late * 100 / comments.len() < 4);
}

#[test]
fn pipelines_run_on_the_commits_of_merge_requests_and_of_the_default_branch() {
    let world = &*BIG;
    let project = world.projects().nth(1).unwrap();
    let pipelines: Vec<_> = world.pipelines_of(project.id).collect();
    let share = |holds: &dyn Fn(&crate::world::Pipeline) -> bool| {
        pipelines.iter().filter(|one| holds(one)).count() * 100 / pipelines.len()
    };

    assert!(pipelines.len() > 300);
    assert!(pipelines.is_sorted_by_key(|one| (one.created_at, one.id)));
    assert!(pipelines.iter().zip(1..).all(|(one, number)| one.iid == number));
    assert!(pipelines.iter().all(|one| world.commit_of(project, one.sha).is_some()));
    assert!((5..25).contains(&share(&|one| one.status == "failed")));
    assert!(share(&|one| one.jobs.iter().any(|job| job.retried)) > 3);
    assert!(share(&|one| one.coverage.is_some()) > 60);
    assert!(pipelines.iter().flat_map(|one| &one.jobs).all(|job| job.started_at <= job.finished_at));
    let young = world.merge_requests_of(project.id).last().unwrap();
    let head = world.pipeline(world.head_pipeline(young).unwrap()).unwrap();
    assert_eq!(Some(head.sha), young.versions.last().map(|version| version.head));
    assert!(world.pipelines_of_merge_request(young).any(|one| one.id == head.id));
    let job = &head.jobs[1];
    assert_eq!(world.job(project.id, job.id).map(|(of, _)| of.id), Some(head.id));
}

#[test]
fn deployments_go_to_staging_and_production_and_sometimes_back() {
    let world = &*BIG;
    let mut production = 0;
    let mut failed = 0;
    let mut back = 0;
    for project in world.projects() {
        let deployments: Vec<_> = world.deployments_of(project.id).collect();
        assert!(deployments.is_sorted_by_key(|one| (one.created_at, one.id)));
        for one in deployments {
            let environment = world.environment(one.environment).unwrap();
            assert_eq!(environment.project, project.id);
            assert!(world.commit_of(project, one.sha).is_some());
            production += usize::from(environment.name == "production");
            failed += usize::from(environment.name == "production" && one.status == "failed");
            back += usize::from(one.deployable.is_none());
        }
    }
    assert!(production > 200 && (3..16).contains(&(failed * 100 / production)), "{failed} of {production} failed");
    assert!(back > 10 && back <= failed);
}

#[test]
fn an_edited_pipeline_stays_where_it_is_and_a_deleted_one_stays_deleted() {
    let mut world = World::company(2, Scale { merge_requests: 300, ..Scale::default() });
    let project = world.projects().next().unwrap().id;
    let ids: Vec<i64> = world.pipelines_of(project).map(|one| one.id).collect();

    world.edit_pipeline(ids[3], |one| one.name = Some("edited".to_owned()));
    world.delete_pipeline(ids[4]);
    let new = world.start_pipeline(project, "main", "root", "push").unwrap();
    world.tidy();

    let mut expected = ids.clone();
    expected.remove(4);
    expected.push(new);
    assert_eq!(world.pipelines_of(project).map(|one| one.id).collect::<Vec<_>>(), expected);
    assert_eq!(world.pipeline(ids[3]).unwrap().name.as_deref(), Some("edited"));
    assert_eq!(world.pipeline(new).unwrap().iid, ids.len() as i64 + 1);
}

#[test]
fn incidents_and_releases_are_about_what_was_merged() {
    let world = &*BIG;
    let project = world.projects().next().unwrap();
    let incidents: Vec<_> = world.issues_of(project.id).collect();

    assert!(incidents.len() > 5 && incidents.iter().any(|one| one.closed_at.is_some()));
    assert!(project.releases.len() > 5 && project.tags.is_sorted_by_key(|tag| tag.created_at));
    assert!(project.tags.iter().all(|tag| world.commit_of(project, tag.sha).is_some()));
}

#[test]
fn life_goes_on_with_what_is_young() {
    let mut world = BIG.clone();
    let until = Scale::default().until;
    world.clock = crate::world::Clock::Fixed(until);
    let open = |world: &World| world.projects().map(|one| world.open_merge_requests_of(one.id).count()).sum::<usize>();
    let before = open(&world);
    let mut random = fastrand::Rng::with_seed(5);
    let mut merged = 0;
    for _ in 0..1_500 {
        world.advance(jiff::SignedDuration::from_mins(2));
        if let Some(happened) = world.live(&mut random).filter(|happened| happened.what == "merged") {
            let project = world.project_by_path(&happened.project).unwrap().id;
            let row = world.merge_request_by_iid(project, happened.iid).unwrap();
            let took = row.merged_at.unwrap().duration_since(row.created_at);
            assert!(took < jiff::SignedDuration::from_hours(24 * 15), "{took}");
            merged += 1;
        }
    }
    assert!(merged > 50);
    assert!(open(&world) < before + 12 * 12, "{before} were open, {} are", open(&world));
}

#[test]
fn from_the_eleventh_project_on_some_are_special() {
    let world = World::company(1, Scale { projects: 20, merge_requests: 400, ..Scale::default() });
    let projects: Vec<_> = world.projects().collect();

    assert!(
        projects.iter().take(10).all(|one| !one.archived && !one.empty_repo() && one.marked_for_deletion_on.is_none())
    );
    assert!(projects.iter().any(|one| one.archived));
    assert!(projects.iter().any(|one| one.empty_repo() && world.merge_requests_of(one.id).count() == 0));
    assert!(projects.iter().any(|one| one.marked_for_deletion_on.is_some() && one.path.contains("deletion_scheduled")));
    assert!(projects.iter().any(|one| one.forked_from.is_some()));
    assert!(
        world.project_by_old_path("acme/notifier").is_some() || projects.iter().any(|one| one.path.ends_with("-next"))
    );
    assert_eq!(world.merge_request_count(), 400);
}

#[test]
fn nothing_changes_later_than_the_longest_story_takes() {
    let world = World::company(9, Scale { projects: 6, merge_requests: 30_000, days: 2_000, ..Scale::default() });
    let ids: Vec<i64> = world.projects().map(|project| project.id).collect();
    let all = crate::world::Stretch::all(crate::world::Along::Created, false);
    let sketches = world.places(ids, all).filter_map(|(_, id)| world.sketch(id));
    let took: Vec<_> = sketches.map(|row| row.updated_at.duration_since(row.created_at)).collect();

    assert_eq!(took.len(), 30_000);
    assert!(took.iter().all(|took| took.as_millis() <= i128::from(super::LONGEST)));
}

#[test]
fn a_merge_request_leaves_the_default_branch_at_a_commit_older_than_its_own() {
    let world = &*BIG;
    let project = world.projects().next().unwrap();
    let mut left = 0;
    for row in world.merge_requests_of(project.id) {
        let first = row.commits.last().unwrap();
        assert_eq!(first.parents, [row.merge_base()]);
        assert!(row.versions.iter().all(|version| version.base == row.merge_base()));
        let Some(base) = world.commits_of(project).find(|commit| commit.sha == row.merge_base()) else {
            continue;
        };
        assert!(base.committed_at <= first.committed_at, "{}", row.iid);
        left += 1;
    }
    assert!(left > 500, "{left}");
    let merges = world.pipelines_of(project.id).filter(|one| one.ref_name == "main");
    assert!(merges.filter(|one| world.commit_of(project, one.before_sha).is_some()).count() > 50);
}

#[test]
fn some_files_are_new_some_are_moved_and_some_are_gone() {
    let files: Vec<_> = BIG.merge_requests().flat_map(|row| &row.files).collect();
    let share = |holds: &dyn Fn(&FileChange) -> bool| {
        files.iter().filter(|file| holds(&file.change)).count() * 100 / files.len()
    };

    assert!((8..20).contains(&share(&|change| *change == FileChange::Added)));
    assert!((1..8).contains(&share(&|change| *change == FileChange::Deleted)));
    assert!((1..8).contains(&share(&|change| matches!(change, FileChange::Renamed(_)))));
    assert!(files.iter().all(|file| match file.change {
        FileChange::Added => file.deletions == 0,
        FileChange::Deleted => file.additions == 0,
        _ => true,
    }));
}

#[test]
fn review_apps_stop_when_their_merge_requests_end() {
    let world = &*BIG;
    let (mut running, mut deployed) = (0, 0);
    for project in world.projects() {
        let apps = world.environments_of(project.id).filter(|one| one.name.starts_with("review/"));
        for app in apps {
            let branch = app.name.trim_start_matches("review/");
            let row = world.merge_requests_of(project.id).rfind(|row| row.source_branch == branch).unwrap();
            assert_eq!(app.stopped, row.state != MergeRequestState::Opened, "{}", app.name);
            running += usize::from(!app.stopped);
            for one in world.deployments_of(project.id).filter(|one| one.environment == app.id) {
                assert!(row.versions.iter().any(|version| version.head == one.sha));
                assert!(world.deployments_bringing(row).iter().all(|known| known.environment != app.id));
                deployed += 1;
            }
        }
    }
    assert!(running > 3 && deployed > 10, "{running} run, {deployed} deployments");
}

#[test]
fn some_projects_deploy_production_from_tags_alone() {
    let world = &*BIG;
    let production = |one: &&Deployment| world.environment(one.environment).unwrap().name == "production";
    let project = world.projects().nth(5).unwrap();
    let deployments: Vec<_> = world.deployments_of(project.id).filter(production).collect();

    assert!(deployments.len() > 3);
    for one in deployments.iter().filter(|one| one.deployable.is_some()) {
        let tag = project.tags.iter().find(|tag| tag.name == one.ref_name).unwrap();
        let pipeline = world.pipeline(one.deployable.unwrap().0).unwrap();
        assert_eq!((tag.sha, pipeline.tag, &pipeline.ref_name), (one.sha, true, &tag.name));
    }
}

#[test]
fn some_pipelines_start_others_that_know_them() {
    let world = &*BIG;
    let project = world.projects().nth(4).unwrap();
    let mut children = 0;
    for parent in world.pipelines_of(project.id) {
        for bridge in &parent.jobs {
            if let JobKind::Bridge(Some(child)) = bridge.kind {
                let child = world.pipeline(child).unwrap();
                assert_eq!((child.parent, child.source, child.sha), (Some(parent.id), "parent_pipeline", parent.sha));
                children += 1;
            }
        }
    }
    let with_parent = world.pipelines_of(project.id).filter(|one| one.parent.is_some()).count();
    assert!(children > 20 && with_parent == children, "{children} of {with_parent}");
}
