//! A GitLab that calls us, and a refresher that reads what its events do not carry.

use std::collections::BTreeSet;

use base64::Engine;
use gitlab_connector::{
    gitlab::{Client, Instance, Metrics, Token},
    importer::{Resources, Scope, Settings, refresh},
};
use gitlab_simulator::{
    server::{Options, Simulator},
    world::{Hook, HookTarget, Role, World},
};
use jiff::SignedDuration;
use serde_json::json;

use super::{
    database::Database,
    served::{SECRET, Served},
};

const TOKEN: &str = "glpat-of-the-reader";

/// A project with one open merge request and a hook on the target, and what calls us then.
async fn gitlab(version: &str, hook: impl FnOnce(&World, &mut Hook)) -> Simulator {
    let mut world = World::new().with_version(version).with_token(TOKEN, |token| token).with_group("acme", |group| {
        group.member("alice", Role::Maintainer).member("bob", Role::Developer).project("api", |project| project)
    });
    let project = world.project_by_path("acme/api").unwrap().id;
    let mut template = Hook {
        id: 1,
        target: HookTarget::Project(project),
        url: String::new(),
        name: None,
        description: None,
        token: Some(SECRET.to_owned()),
        signing_token: None,
        events: BTreeSet::from(["merge_requests_events", "note_events", "confidential_note_events"]),
        enable_ssl_verification: true,
        push_events_branch_filter: None,
        branch_filter_strategy: "wildcard".into(),
        custom_webhook_template: None,
        custom_headers: Vec::new(),
        url_variables: Vec::new(),
        created_at: world.now(),
        recent_failures: 0,
        disabled_until: None,
        disabled: false,
        log: [].into(),
    };
    hook(&world, &mut template);
    world.insert_hook(template);
    Simulator::start(world, Options::default()).await.unwrap()
}

/// Opens, discusses, approves and merges a merge request, with so many seconds between. Returns its id.
async fn happen(gitlab: &Simulator, seconds: i64) -> i64 {
    let next = |step: &dyn Fn(&mut World) -> Option<()>| {
        gitlab.world(|world| {
            world.advance(SignedDuration::from_secs(seconds));
            step(world).unwrap();
        });
    };
    let id = gitlab.world(|world| {
        let project = world.project_by_path("acme/api").unwrap().id;
        world.open_merge_request(project, "alice", "Speak plainly").unwrap()
    });
    next(&|world| world.diff_comment(id, "bob", "Why?").map(|_| ()));
    next(&|world| world.internal_comment(id, "bob", "The customer asked.").map(|_| ()));
    next(&|world| world.push_commits(id, "alice", 2));
    next(&|world| world.approve(id, "bob"));
    next(&|world| world.merge(id, "bob"));
    gitlab.settled().await;
    id
}

fn statuses(gitlab: &Simulator) -> Vec<String> {
    gitlab.read(|world| {
        let hook = world.hook(1).unwrap();
        assert_eq!((hook.recent_failures, hook.alert_status(world.now())), (0, "executable"));
        hook.log.iter().map(|event| format!("{} {}", event.response_status, event.response_body.trim())).collect()
    })
}

async fn served(gitlab: &Simulator) -> Served {
    let project = gitlab.read(|world| world.project_by_path("acme/api").unwrap().id);
    let served = Served::start(Database::sqlite(), &[(project, "acme/api")]).await;
    let url = format!("{}/webhooks/gitlab/{}", served.url, served.uid);
    gitlab.world(|world| world.hook_mut(1).unwrap().url = url);
    served
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_of_every_version_of_gitlab_are_understood() {
    for version in ["15.11", "16.11", "17.4", "18.10", "19.1"] {
        let gitlab = gitlab(version, |_, _| {}).await;
        let served = served(&gitlab).await;

        let id = happen(&gitlab, 2).await;

        let statuses = statuses(&gitlab);
        assert!(statuses.len() >= 6, "{version}: {statuses:?}");
        assert!(statuses.iter().all(|status| status == "200 stored"), "{version}: {statuses:?}");
        let rows = served.database.rows("id, title, state, merge_user_id", "from gitlab_merge_requests").await;
        let bob = gitlab.read(|world| world.users().find(|user| user.username == "bob").unwrap().id);
        assert_eq!(
            rows,
            [json!({"id": id, "title": "Speak plainly", "state": "merged", "merge_user_id": bob})],
            "{version}"
        );
        let notes = served.database.rows("body, internal", "from gitlab_notes order by id").await;
        assert_eq!(
            notes,
            [json!({"body": "Why?", "internal": 0}), json!({"body": "The customer asked.", "internal": 1})]
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signed_deliveries_need_no_secret_in_clear() {
    let key = format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode([7; 32]));
    let signing = key.clone();
    let gitlab = gitlab("19.1", move |_, hook| {
        hook.token = None;
        hook.signing_token = Some(signing);
    })
    .await;
    let served = served(&gitlab).await;
    served.accept(&[&key]);

    happen(&gitlab, 2).await;

    assert!(statuses(&gitlab).iter().all(|status| status == "200 stored"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_system_hook_brings_merge_requests_and_its_noise_is_accepted() {
    let gitlab = gitlab("18.10", |_, hook| hook.target = HookTarget::System).await;
    let served = served(&gitlab).await;

    happen(&gitlab, 2).await;
    gitlab.world(|world| {
        let project = world.project_by_path("acme/api").unwrap().id;
        world.rename_project(project, "interface").unwrap();
    });
    gitlab.settled().await;

    let statuses = statuses(&gitlab);
    assert!(statuses.iter().all(|status| ["200 stored", "200 ignored"].contains(&status.as_str())), "{statuses:?}");
    let rows = served.database.rows("state", "from gitlab_merge_requests").await;
    assert_eq!(rows, [json!({"state": "merged"})]);
    let projects = served.database.rows("path_with_namespace", "from gitlab_projects").await;
    assert_eq!(projects, [json!({"path_with_namespace": "acme/interface"})]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_events_do_not_carry_or_bring_in_disorder_is_read_at_once() {
    let gitlab = gitlab("18.10", |_, _| {}).await;
    let served = served(&gitlab).await;
    let instance = Instance::at(gitlab.url().parse().unwrap());
    let token = Token { name: "primary".into(), secret: TOKEN.into() };
    let client = Client::new(&instance, vec![token], &Metrics::default()).unwrap();
    let settings = Settings {
        source: served.source,
        run_key: String::new(),
        worker: "0".into(),
        full: false,
        resync_interval: None,
        walk_interval: SignedDuration::ZERO,
        audit: None,
        lookback: None,
        scope: Scope::default(),
        since: None,
        resources: Resources::ALL,
        text: true,
        concurrency: 1,
        patience: SignedDuration::from_secs(5),
    };
    // All within one second: whichever event arrives last, GitLab has the last word.
    let id = happen(&gitlab, 0).await;

    while refresh::once(&client, &served.store, &settings).await.unwrap() > 0 {}

    let rows =
        served.database.rows("id, state, additions, deletions, commit_count", "from gitlab_merge_requests").await;
    let expected = gitlab.read(|world| {
        let merge_request = world.merge_request(id).unwrap();
        let (additions, deletions) = (merge_request.additions(), merge_request.deletions());
        json!({"id": id, "state": "merged", "additions": additions, "deletions": deletions, "commit_count": merge_request.commits.len()})
    });
    assert_eq!(rows, [expected]);
    assert_eq!(served.database.count("from gitlab_approvals").await, 1);
    let system_notes = served.database.count("from gitlab_notes where system").await;
    assert!(system_notes > 0);
}
