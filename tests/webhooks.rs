//! Exactly one webhook for each group or project, whatever happens.

mod scene;

use std::time::Duration;

use gitlab_connector::{
    api::{Adopt, Mode},
    webhooks::{self, Changes, Memory, State},
};
use gitlab_simulator::{
    Fault, FaultKind,
    world::{Edition, HookTarget, Namespace},
};
use tokio_util::sync::CancellationToken;

use scene::{DEVELOPER, MAINTAINER, OWNER, SECRET, Scene, acme, receiver};

const NOTHING: Changes = Changes { created: 0, updated: 0, removed: 0, enabled: 0 };

fn incomplete(state: &State) -> (&str, &str) {
    match state {
        State::Incomplete { reason, message } => (reason, message),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_group_gets_one_hook_and_the_second_pass_changes_nothing() {
    let scene = Scene::of(acme()).await;

    let first = scene.ensure(&Memory::default()).await;
    scene.simulator.forget_requests();
    let second = scene.ensure(&first.memory).await;

    assert_eq!((&first.state, first.mode), (&State::InPlace, Mode::Group));
    assert_eq!((first.desired, first.ready), (1, 1));
    let [hook] = &scene.hooks()[..] else { panic!("{:?}", scene.hooks()) };
    assert_eq!(hook.url, "https://hooks.example.com/webhooks/gitlab/uid-1");
    assert_eq!(hook.token.as_deref(), Some(SECRET));
    assert_eq!(hook.events.iter().copied().collect::<Vec<_>>(), ["merge_requests_events", "note_events"]);
    assert_eq!(hook.name.as_deref(), Some("gitlab-connector"));
    assert!(hook.enable_ssl_verification);
    assert_eq!((second.changes, &second.state), (NOTHING, &State::InPlace));
    assert_eq!(scene.writes(), 0);
}

#[tokio::test]
async fn a_group_hook_that_has_brought_nothing_yet_says_so_and_stays_while_nothing_happens() {
    let mut scene = Scene::of(acme().with_edition(Edition::Unlicensed)).await;

    let before = scene.ensure(&Memory::default()).await;
    scene.pass(30);
    let quiet = scene.ensure(&before.memory).await;
    scene.desired.delivered_at = Some(scene.now());
    let after = scene.ensure(&quiet.memory).await;
    scene.desired.delivered_at = None;
    scene.desired.mode = Mode::Project;
    let projects = scene.ensure(&after.memory).await;

    for outcome in [&before, &quiet] {
        assert_eq!((&outcome.state, outcome.mode), (&State::InPlace, Mode::Group));
        let [note] = &outcome.notes[..] else { panic!("{:?}", outcome.notes) };
        assert!(note.contains("no delivery has been seen") && note.contains("Auto"), "{note}");
    }
    assert!(after.notes.is_empty() && projects.notes.is_empty());
}

#[tokio::test]
async fn a_group_hook_that_gitlab_never_calls_gives_way_to_those_of_projects() {
    let scene = Scene::of(acme().with_edition(Edition::Unlicensed)).await;
    let first = scene.ensure(&Memory::default()).await;
    scene.open_merge_request("acme/web");
    scene.pass(5);
    let soon = scene.ensure(&first.memory).await;
    scene.pass(15);

    let found = scene.ensure(&soon.memory).await;
    scene.simulator.forget_requests();
    let again = scene.ensure(&found.memory).await;

    assert_eq!((first.mode, soon.mode), (Mode::Group, Mode::Group), "GitLab may be busy");
    assert_eq!((&found.state, found.mode, found.ready), (&State::InPlace, Mode::Project, 3));
    assert_eq!(found.changes, Changes { created: 3, removed: 1, ..NOTHING });
    assert_eq!(scene.hooked_projects(), ["acme/deep/api", "acme/sandbox-1", "acme/web"]);
    let [note] = &found.notes[..] else { panic!("{:?}", found.notes) };
    assert!(note.contains("group acme") && note.contains("no licence"), "{note}");
    assert_eq!((again.changes, again.mode, &again.notes), (NOTHING, Mode::Project, &found.notes));
    assert_eq!(scene.writes(), 0);
}

#[tokio::test]
async fn in_the_mode_group_a_hook_that_gitlab_never_calls_is_trouble_and_trying_anew_is_a_change_of_mode_away() {
    let mut scene = Scene::of(acme().with_edition(Edition::Unlicensed)).await;
    scene.desired.mode = Mode::Group;
    let first = scene.ensure(&Memory::default()).await;
    scene.open_merge_request("acme/web");
    scene.pass(20);

    let mute = scene.ensure(&first.memory).await;
    scene.desired.mode = Mode::Auto;
    let auto = scene.ensure(&mute.memory).await;
    scene.simulator.world(|world| world.settings.edition = Edition::Licensed);
    scene.desired.mode = Mode::Group;
    let licensed = scene.ensure(&auto.memory).await;

    let (reason, message) = incomplete(&mute.state);
    assert_eq!((reason, mute.ready, mute.desired), ("GroupHooksUnavailable", 0, 1));
    assert!(message.contains("no licence") && message.contains("Auto"), "{message}");
    assert_eq!((auto.mode, auto.ready), (Mode::Project, 3));
    assert_eq!((&licensed.state, licensed.mode), (&State::InPlace, Mode::Group));
    assert_eq!(scene.hooks().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_gitlab_calls_in_vain_is_no_missing_licence() {
    let scene = Scene::of(acme()).await;
    let first = scene.ensure(&Memory::default()).await;
    scene.open_merge_request("acme/web");
    while scene.hooks()[0].log.is_empty() {
        tokio::task::yield_now().await;
    }
    scene.pass(20);

    let failing = scene.ensure(&first.memory).await;

    assert_eq!((&failing.state, failing.mode, failing.failing), (&State::InPlace, Mode::Group, true));
    assert_eq!(scene.hooks().len(), 1);
}

#[tokio::test]
async fn before_gitlab_keeps_a_log_of_calls_silence_proves_nothing() {
    let scene = Scene::of(acme().with_edition(Edition::Unlicensed).with_version("17.2.0")).await;
    let first = scene.ensure(&Memory::default()).await;
    (0..9).for_each(|_| scene.open_merge_request("acme/web"));
    scene.pass(20);

    let silent = scene.ensure(&first.memory).await;

    assert_eq!((&silent.state, silent.mode), (&State::InPlace, Mode::Group));
    assert!(silent.notes[0].contains("no delivery has been seen"), "{:?}", silent.notes);
}

#[tokio::test]
async fn a_merge_request_from_before_the_log_of_calls_begins_and_one_that_nobody_wants_to_hear_of_prove_nothing() {
    let mut scene = Scene::of(acme().with_edition(Edition::Unlicensed)).await;
    let first = scene.ensure(&Memory::default()).await;
    scene.open_merge_request("acme/web");
    scene.pass(8 * 24 * 60);

    let old = scene.ensure(&first.memory).await;
    scene.desired.events.merge_requests = false;
    let deaf = scene.ensure(&old.memory).await;
    scene.open_merge_request("acme/web");
    scene.pass(20);
    let still_deaf = scene.ensure(&deaf.memory).await;

    for outcome in [&old, &deaf, &still_deaf] {
        assert_eq!((&outcome.state, outcome.mode), (&State::InPlace, Mode::Group));
    }
}

#[tokio::test]
async fn where_a_group_has_no_hook_the_groups_and_projects_below_it_that_are_named_get_theirs() {
    let mut scene = Scene::of(acme().with_edition(Edition::Community)).await;
    scene.desired.scope.include_subgroups = false;
    scene.follow_below(&["acme/deep"], &["acme/deep/api"]).await;

    let both = scene.ensure(&Memory::default()).await;
    scene.desired.groups.truncate(1);
    let single = scene.ensure(&both.memory).await;

    for outcome in [&both, &single] {
        assert_eq!((&outcome.state, outcome.ready), (&State::InPlace, 3));
    }
    assert_eq!(scene.hooked_projects(), ["acme/deep/api", "acme/sandbox-1", "acme/web"]);
}

#[tokio::test]
async fn a_pass_that_runs_out_of_time_says_how_far_it_is_and_goes_on_there_in_its_next_turn() {
    let mut scene = Scene::of(acme()).await;
    scene.desired.mode = Mode::Project;
    // The first project's hooks are listed, one is made, and they are listed again.
    scene.simulator.faults().add(Fault::at("GET /projects/:id/hooks", FaultKind::Hang).after(2));
    let off = CancellationToken::new();
    let made = async {
        while scene.simulator.faults().list()[0].struck == 0 {
            tokio::task::yield_now().await;
        }
        off.cancel();
    };

    let (first, ()) = tokio::join!(scene.turn(off.clone(), None), made);
    scene.simulator.faults().clear();
    scene.simulator.forget_requests();
    let second = scene.turn(CancellationToken::new(), Some(first.clone())).await;

    let State::Unknown { reason, message } = &first.state else { panic!("{:?}", first.state) };
    assert_eq!((*reason, message.as_str()), ("Progressing", "1 of 3 are in place so far"));
    assert_eq!((first.desired, first.ready, first.waiting, first.failures.len()), (3, 1, 2, 0));
    assert_eq!((&second.state, second.ready, second.waiting), (&State::InPlace, 3, 0));
    assert_eq!(scene.hooked_projects().len(), 3);
    let asked: Vec<_> = scene.simulator.requests().into_iter().map(|request| request.route).collect();
    assert!(!asked.iter().any(|route| route.ends_with("/groups/:id/projects")), "{asked:?}");
    let of_projects = asked.iter().filter(|route| *route == "/projects/:id/hooks").count();
    assert_eq!(of_projects, 2 * 3, "two projects are listed, made and listed again: {asked:?}");
    assert_eq!(scene.ensure(&second.memory).await.changes, NOTHING);
}

#[tokio::test]
async fn a_turn_in_which_gitlab_answers_nothing_is_trouble_and_no_progress() {
    let mut scene = Scene::of(acme()).await;
    scene.desired.mode = Mode::Project;
    let off = CancellationToken::new();
    off.cancel();

    let outcome = scene.turn(off, None).await;

    let State::Unknown { reason, .. } = &outcome.state else { panic!("{:?}", outcome.state) };
    assert_eq!((*reason, outcome.waiting), ("GitLabUnreachable", 0));
}

#[tokio::test]
async fn a_hook_whose_making_was_not_recorded_is_adopted() {
    let scene = Scene::of(acme()).await;
    scene.ensure(&Memory::default()).await;

    let again = scene.ensure(&Memory::default()).await;

    assert_eq!(again.changes, Changes { updated: 1, ..NOTHING });
    assert_eq!(scene.hooks().len(), 1);
}

#[tokio::test]
async fn a_hook_edited_by_hand_is_repaired_and_keeps_its_secret() {
    let scene = Scene::of(acme()).await;
    let first = scene.ensure(&Memory::default()).await;
    scene.edit(|hook| {
        hook.url = "https://elsewhere.example.com/".into();
        hook.token = None;
        hook.events.insert("push_events");
        hook.events.remove("note_events");
        hook.enable_ssl_verification = false;
    });

    let repaired = scene.ensure(&first.memory).await;

    assert_eq!(repaired.changes, Changes { updated: 1, ..NOTHING });
    let [hook] = &scene.hooks()[..] else { panic!("{:?}", scene.hooks()) };
    assert_eq!(hook.url, "https://hooks.example.com/webhooks/gitlab/uid-1");
    assert_eq!(hook.token.as_deref(), Some(SECRET));
    assert_eq!(hook.events.iter().copied().collect::<Vec<_>>(), ["merge_requests_events", "note_events"]);
    assert!(hook.enable_ssl_verification);
}

#[tokio::test]
async fn a_receiver_that_moves_takes_hook_and_secret_along() {
    let mut scene = Scene::of(acme()).await;
    let first = scene.ensure(&Memory::default()).await;
    let id = scene.hooks()[0].id;
    scene.desired.receiver = "https://new.example.com/webhooks/gitlab".parse().unwrap();

    let moved = scene.ensure(&first.memory).await;

    assert_eq!(moved.changes, Changes { updated: 1, ..NOTHING });
    let [hook] = &scene.hooks()[..] else { panic!("{:?}", scene.hooks()) };
    assert_eq!((hook.id, hook.token.as_deref()), (id, Some(SECRET)));
    assert_eq!(hook.url, "https://new.example.com/webhooks/gitlab/uid-1");
}

#[tokio::test]
async fn a_new_secret_is_pushed_once() {
    let mut scene = Scene::of(acme()).await;
    let first = scene.ensure(&Memory::default()).await;
    scene.desired.secret = "another-secret".into();

    let pushed = scene.ensure(&first.memory).await;
    let rest = scene.ensure(&pushed.memory).await;

    assert_eq!((pushed.changes, rest.changes), (Changes { updated: 1, ..NOTHING }, NOTHING));
    assert_eq!(scene.hooks()[0].token.as_deref(), Some("another-secret"));
}

#[tokio::test]
async fn an_old_gitlab_that_keeps_no_names_comes_to_rest_too() {
    let scene = Scene::of(acme().with_version("16.11")).await;

    let first = scene.ensure(&Memory::default()).await;
    let second = scene.ensure(&first.memory).await;

    assert_eq!((first.changes.created, second.changes), (1, NOTHING));
}

#[tokio::test]
async fn duplicates_of_ours_go_and_foreign_hooks_stay_as_they_are() {
    let scene = Scene::of(acme()).await;
    let first = scene.ensure(&Memory::default()).await;
    let (kept, target) = (scene.hooks()[0].id, scene.hooks()[0].target);
    scene.add(target, "https://hooks.example.com/webhooks/gitlab/uid-1");
    scene.add(target, "https://hooks.example.com/webhooks/gitlab/uid-2");
    scene.add(target, "https://ci.example.com/hook");

    let cleaned = scene.ensure(&first.memory).await;

    assert_eq!(cleaned.changes, Changes { removed: 1, ..NOTHING });
    let left: Vec<_> = scene.hooks().into_iter().map(|hook| (hook.id == kept, hook.url, hook.name)).collect();
    assert_eq!(
        left,
        [
            (true, "https://hooks.example.com/webhooks/gitlab/uid-1".into(), Some("gitlab-connector".into())),
            (false, "https://hooks.example.com/webhooks/gitlab/uid-2".into(), None),
            (false, "https://ci.example.com/hook".into(), None),
        ]
    );
}

#[tokio::test]
async fn ours_is_found_behind_a_hundred_foreign_hooks() {
    let mut world = acme();
    world.settings.group_hook_limit = 500;
    let scene = Scene::of(world).await;
    let group = scene.group();
    for number in 0..120 {
        scene.add(HookTarget::Group(group), &format!("https://ci.example.com/{number}"));
    }

    let first = scene.ensure(&Memory::default()).await;
    let second = scene.ensure(&first.memory).await;

    assert_eq!((first.changes.created, second.changes), (1, NOTHING));
}

#[tokio::test]
async fn a_hook_made_by_hand_is_adopted_where_the_spec_says_so() {
    let mut scene = Scene::of(acme()).await;
    scene.desired.adopt = Adopt::ByURL;
    let by_hand = scene.add(HookTarget::Group(scene.group()), "https://hooks.example.com/webhooks/gitlab");

    let adopted = scene.ensure(&Memory::default()).await;

    assert_eq!(adopted.changes, Changes { updated: 1, ..NOTHING });
    let [hook] = &scene.hooks()[..] else { panic!("{:?}", scene.hooks()) };
    assert_eq!((hook.id, hook.token.as_deref()), (by_hand, Some(SECRET)));
}

#[tokio::test]
async fn without_group_hooks_each_followed_project_gets_one() {
    let mut scene = Scene::of(acme().with_edition(Edition::Community)).await;
    scene.desired.scope.exclude_projects = vec!["acme/sandbox-*".into()];

    let first = scene.ensure(&Memory::default()).await;
    let second = scene.ensure(&first.memory).await;

    assert_eq!((&first.state, first.mode, first.ready), (&State::InPlace, Mode::Project, 2));
    assert_eq!(scene.hooked_projects(), ["acme/deep/api", "acme/web"]);
    assert_eq!(second.changes, NOTHING);
}

#[tokio::test]
async fn a_project_over_which_gitlab_fails_keeps_no_other_from_its_hook() {
    let scene = Scene::of(acme().with_edition(Edition::Community)).await;
    let fails =
        |project: &str| Fault::at("* /projects/:id/hooks*", FaultKind::Status { status: 500 }).for_project(project);
    // The one that is tried first.
    scene.simulator.faults().add(fails("acme/web"));

    let first = scene.ensure(&Memory::default()).await;
    scene.simulator.faults().clear();
    let second = scene.ensure(&first.memory).await;

    assert!(matches!(first.state, State::Incomplete { .. } | State::Unknown { .. }), "{:?}", first.state);
    assert_eq!((first.ready, first.changes.created), (2, 2));
    assert_eq!((&second.state, second.changes.created), (&State::InPlace, 1));
}

#[tokio::test]
async fn however_many_projects_are_broken_the_others_get_their_hooks_while_gitlab_answers() {
    let mut world = acme().with_edition(Edition::Community);
    let group = world.group_by_path("acme").unwrap().id;
    // The newest have the highest ids, and are tried last.
    world.create_project(Namespace::Group(group), "sound");
    let scene = Scene::of(world).await;
    for project in ["acme/web", "acme/deep/api", "acme/sandbox-1"] {
        let fails = Fault::at("* /projects/:id/hooks*", FaultKind::Status { status: 500 }).for_project(project);
        scene.simulator.faults().add(fails);
    }

    let outcome = scene.ensure(&Memory::default()).await;

    assert_eq!((outcome.ready, outcome.changes.created), (1, 1), "{:?}", outcome.state);
    assert_eq!(scene.hooked_projects(), ["acme/sound"]);
}

#[tokio::test]
async fn the_mode_group_says_that_this_edition_has_none() {
    let mut scene = Scene::of(acme().with_edition(Edition::Community)).await;
    scene.desired.mode = Mode::Group;

    let refused = scene.ensure(&Memory::default()).await;

    assert_eq!(incomplete(&refused.state).0, "GroupHooksUnavailable");
    assert!(scene.hooks().is_empty());
}

#[tokio::test]
async fn a_maintainer_gets_project_hooks_where_groups_want_an_owner() {
    let mut scene = Scene::of(acme()).await;
    scene.desired.managers = vec![MAINTAINER.into()];

    let outcome = scene.ensure(&Memory::default()).await;

    assert_eq!((&outcome.state, outcome.mode, outcome.ready), (&State::InPlace, Mode::Project, 3));
}

#[tokio::test]
async fn a_token_that_may_not_is_passed_over_for_one_that_may() {
    let mut scene = Scene::of(acme()).await;
    scene.desired.managers = vec![DEVELOPER.into(), OWNER.into()];

    let outcome = scene.ensure(&Memory::default()).await;

    assert_eq!((&outcome.state, outcome.mode), (&State::InPlace, Mode::Group));
}

#[tokio::test]
async fn a_developers_token_leaves_the_work_to_a_person_with_the_exact_commands() {
    let mut scene = Scene::of(acme()).await;
    scene.desired.managers = vec![DEVELOPER.into()];

    let outcome = scene.ensure(&Memory::default()).await;

    let (reason, message) = incomplete(&outcome.state);
    assert_eq!((reason, outcome.mode, outcome.ready, outcome.desired), ("ManualActionRequired", Mode::Manual, 0, 3));
    assert!(message.contains("need the role Maintainer, which token 'developer' has not"), "{message}");
    assert_eq!(outcome.commands.len(), 3);
    assert!(outcome.commands[0].contains("$GITLAB_TOKEN") && outcome.commands[0].contains("$WEBHOOK_SECRET"));
    assert!(!message.contains("curl"), "a status has no room for commands: {message}");
    assert!(!format!("{outcome:?}").contains(SECRET));
    assert_eq!(outcome.failures[0].reason, "InsufficientRole");

    scene.desired.mode = Mode::Project;
    let refused = scene.ensure(&Memory::default()).await;
    assert_eq!(incomplete(&refused.state).0, "InsufficientRole");
}

#[tokio::test]
async fn deliveries_show_that_a_person_made_the_hook() {
    let mut scene = Scene::of(acme()).await;
    scene.desired.mode = Mode::Manual;

    let before = scene.ensure(&Memory::default()).await;
    scene.desired.delivered_at = Some(scene.now());
    let after = scene.ensure(&Memory::default()).await;

    assert_eq!(incomplete(&before.state).0, "ManualActionRequired");
    assert_eq!((before.ready, before.desired, before.commands.len()), (0, 1, 1));
    assert_eq!((&after.state, after.ready, after.desired), (&State::InPlace, 1, 1));
    assert!(scene.hooks().is_empty());
}

#[tokio::test]
async fn the_limit_and_a_refused_url_have_their_reasons_and_are_not_tried_for_ever() {
    let mut world = acme().with_edition(Edition::Community);
    world.settings.project_hook_limit = 0;
    let full = Scene::of(world).await;
    let outcome = full.ensure(&Memory::default()).await;
    assert_eq!(incomplete(&outcome.state).0, "HookLimitExceeded");
    assert_eq!(outcome.failures.len(), 3);

    let mut world = acme().with_edition(Edition::Community);
    world.settings.allow_local_webhooks = false;
    let mut local = Scene::of(world).await;
    local.desired.receiver = "http://127.0.0.1:9/webhooks/gitlab".parse().unwrap();
    let outcome = local.ensure(&Memory::default()).await;
    assert_eq!(incomplete(&outcome.state).0, "HookURLRejected");
    assert_eq!((outcome.failures.len(), local.writes()), (3, 1));
}

#[tokio::test]
async fn a_post_whose_answer_is_lost_makes_one_hook() {
    for kind in [FaultKind::CutBody, FaultKind::Status { status: 502 }, FaultKind::Hang] {
        let scene = Scene::of(acme()).await;
        scene.simulator.faults().add(Fault::at("POST /groups/:id/hooks", kind.clone()).times(1));

        let outcome = scene.ensure(&Memory::default()).await;

        assert_eq!((&outcome.state, scene.hooks().len()), (&State::InPlace, 1), "{kind:?}");
    }
}

#[tokio::test]
async fn killed_at_any_request_the_next_pass_comes_to_one_hook_each() {
    let stops = [FaultKind::Hang, FaultKind::Latency { millis: 200 }];
    for (at, kind) in (0..12).flat_map(|at| stops.clone().map(|kind| (at, kind))) {
        let scene = Scene::of(acme().with_edition(Edition::Community)).await;
        scene.simulator.faults().add(Fault::at("*", kind).after(at).times(1));
        let memory = Memory::default();
        // Dropped in the middle of a request, as a process that is killed.
        drop(tokio::time::timeout(Duration::from_millis(100), scene.ensure(&memory)).await);
        scene.simulator.faults().clear();

        let outcome = scene.ensure(&Memory::default()).await;

        assert_eq!((&outcome.state, outcome.ready), (&State::InPlace, 3), "killed at {at}");
        assert_eq!(scene.hooked_projects(), ["acme/deep/api", "acme/sandbox-1", "acme/web"], "killed at {at}");
    }
}

#[tokio::test]
async fn two_at_once_come_to_exactly_one() {
    for _ in 0..10 {
        let scene = Scene::of(acme()).await;
        let (one, other) = (Memory::default(), Memory::default());

        tokio::join!(scene.ensure(&one), scene.ensure(&other));
        let after = scene.ensure(&Memory::default()).await;

        assert_eq!((&after.state, scene.hooks().len()), (&State::InPlace, 1));
    }
}

#[tokio::test]
async fn a_disabled_hook_is_switched_on_once_the_receiver_answers() {
    let mut scene = Scene::of(acme()).await;
    scene.desired.receiver = receiver().await;
    let first = scene.ensure(&Memory::default()).await;
    scene.edit(|hook| hook.disabled = true);

    let enabled = scene.ensure(&first.memory).await;

    assert_eq!((enabled.changes, &enabled.state), (Changes { enabled: 1, ..NOTHING }, &State::InPlace));
    assert!(!scene.hooks()[0].disabled);
}

#[tokio::test]
async fn a_disabled_hook_stays_a_failure_while_the_receiver_is_away() {
    let mut scene = Scene::of(acme()).await;
    scene.desired.receiver = "http://127.0.0.1:9/webhooks/gitlab".parse().unwrap();
    let first = scene.ensure(&Memory::default()).await;
    scene.edit(|hook| hook.disabled = true);

    let outcome = scene.ensure(&first.memory).await;

    assert_eq!(incomplete(&outcome.state).0, "HookDisabled");
    assert_eq!((outcome.desired, outcome.ready), (1, 0));
}

#[tokio::test]
async fn an_administrator_can_have_the_instance_call_us_without_comments() {
    let mut scene = Scene::of(acme()).await;
    scene.desired.mode = Mode::System;
    scene.desired.managers = vec!["admin".into()];

    let outcome = scene.ensure(&Memory::default()).await;
    let again = scene.ensure(&outcome.memory).await;

    assert_eq!((&outcome.state, outcome.mode), (&State::InPlace, Mode::System));
    assert_eq!(outcome.notes, ["the system webhook brings no comments: imports alone find those"]);
    assert_eq!((scene.hooks()[0].target, again.changes), (HookTarget::System, NOTHING));
}

#[tokio::test]
async fn another_mode_takes_the_old_hooks_away() {
    let mut scene = Scene::of(acme()).await;
    let groups = scene.ensure(&Memory::default()).await;

    scene.desired.mode = Mode::Project;
    let projects = scene.ensure(&groups.memory).await;
    assert_eq!(projects.changes, Changes { created: 3, removed: 1, ..NOTHING });

    scene.desired.mode = Mode::Disabled;
    let none = scene.ensure(&projects.memory).await;
    assert_eq!((&none.state, none.changes.removed), (&State::NotWanted, 3));
    assert!(scene.hooks().is_empty());
}

#[tokio::test]
async fn what_could_not_be_found_is_not_taken_for_unwanted() {
    let mut scene = Scene::of(acme().with_edition(Edition::Community)).await;
    let first = scene.ensure(&Memory::default()).await;

    scene.simulator.faults().add(Fault::at("GET /groups/:id/projects", FaultKind::Status { status: 503 }));
    let blind = scene.ensure(&first.memory).await;
    scene.simulator.faults().clear();
    scene.desired.groups.clear();
    let lost = scene.ensure(&first.memory).await;

    assert!(matches!(blind.state, State::Unknown { reason: "GitLabUnreachable", .. }), "{:?}", blind.state);
    assert_eq!((blind.changes.removed, lost.changes.removed), (0, 0));
    assert_eq!(scene.hooks().len(), 3);
}

#[tokio::test]
async fn a_group_that_cannot_be_asked_at_present_costs_its_projects_no_hook() {
    let mut scene = Scene::of(acme()).await;
    scene.desired.managers = vec![MAINTAINER.into()];
    let first = scene.ensure(&Memory::default()).await;

    scene.simulator.faults().add(Fault::at("GET /groups/:id/hooks", FaultKind::Status { status: 503 }));
    let blind = scene.ensure(&first.memory).await;

    assert_eq!(first.changes, Changes { created: 3, ..NOTHING });
    assert!(matches!(blind.state, State::Unknown { reason: "GitLabUnreachable", .. }), "{:?}", blind.state);
    assert_eq!((blind.changes.removed, scene.hooks().len()), (0, 3));
}

#[tokio::test]
async fn a_project_that_leaves_the_scope_loses_its_hook() {
    let mut scene = Scene::of(acme().with_edition(Edition::Community)).await;
    let first = scene.ensure(&Memory::default()).await;
    scene.desired.scope.exclude_projects = vec!["acme/sandbox-*".into()];

    let second = scene.ensure(&first.memory).await;

    assert_eq!(second.changes, Changes { removed: 1, ..NOTHING });
    assert_eq!(scene.hooked_projects(), ["acme/deep/api", "acme/web"]);
}

#[tokio::test]
async fn removal_takes_ours_even_those_that_were_not_recorded_and_no_others() {
    let scene = Scene::of(acme().with_edition(Edition::Community)).await;
    scene.ensure(&Memory::default()).await;
    let target = scene.hooks()[0].target;
    scene.add(target, "https://ci.example.com/hook");

    let removed = scene.remove(&Memory::default()).await;
    let again = scene.remove(&Memory::default()).await;

    assert_eq!((removed.removed, removed.left.len()), (3, 0));
    assert_eq!((again.removed, again.left.len()), (0, 0));
    assert_eq!(scene.hooks().len(), 1);
}

#[tokio::test]
async fn removal_finds_the_hooks_of_projects_that_nobody_remembers_also_where_groups_could_have_them() {
    for mode in [Mode::Project, Mode::Auto] {
        let mut scene = Scene::of(acme()).await;
        scene.desired.mode = Mode::Project;
        scene.ensure(&Memory::default()).await;
        scene.desired.mode = mode;

        let removed = scene.remove(&Memory::default()).await;

        assert_eq!((removed.removed, removed.left.len(), scene.hooks().len()), (3, 0, 0), "{mode:?}");
    }
}

#[tokio::test]
async fn removal_says_what_it_had_to_leave_behind() {
    let mut scene = Scene::of(acme()).await;
    let first = scene.ensure(&Memory::default()).await;
    scene.desired.managers = vec![DEVELOPER.into()];

    let removed = scene.remove(&first.memory).await;

    assert_eq!(removed.removed, 0);
    assert_eq!((removed.left[0].subject.as_str(), removed.left[0].reason), ("group acme", "InsufficientRole"));
}

#[tokio::test]
async fn removal_that_cannot_look_everywhere_says_so() {
    let mut scene = Scene::of(acme().with_edition(Edition::Community)).await;
    scene.ensure(&Memory::default()).await;

    scene.simulator.faults().add(Fault::at("GET /groups/:id/projects", FaultKind::Status { status: 503 }));
    let blind = scene.remove(&Memory::default()).await;
    scene.simulator.faults().clear();
    scene.desired.managers.clear();
    let nobody = scene.remove(&Memory::default()).await;

    let left = |removed: &webhooks::Removed| removed.left.iter().map(|left| left.subject.clone()).collect::<Vec<_>>();
    assert_eq!(left(&blind), ["projects of group acme"]);
    assert_eq!(left(&nobody)[0], "group acme");
    assert_eq!(scene.hooks().len(), 3);
}

#[tokio::test]
async fn two_connections_to_one_group_do_not_disturb_each_other() {
    let mut scene = Scene::of(acme()).await;
    let one = scene.ensure(&Memory::default()).await;
    scene.desired.uid = "uid-2".into();
    scene.desired.connection = "other/acme".into();
    let other = scene.ensure(&Memory::default()).await;

    let other_again = scene.ensure(&other.memory).await;
    scene.remove(&other.memory).await;
    scene.desired.uid = "uid-1".into();
    scene.desired.connection = "metrics/acme".into();
    let one_again = scene.ensure(&one.memory).await;

    assert_eq!((other_again.changes, one_again.changes), (NOTHING, NOTHING));
    assert_eq!(scene.hooks().len(), 1);
}
