//! A group with three projects, people with their tokens, and a connection that wants webhooks.

use std::{collections::VecDeque, time::Duration};

use axum::Router;
use gitlab_connector::{
    api::{Adopt, Events, Mode, NamedRef, Scope as Followed},
    gitlab::{Client, Deadlines, Instance, Metrics, Patience, Term, Token, install_tls},
    webhooks::{self, Desired, Memory, Outcome, Place, Progress, Removed},
};
use gitlab_simulator::{
    Options, Simulator, World,
    world::{Hook, HookTarget, ProjectBuilder, Role, Scope},
};
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use url::Url;

pub(super) const SECRET: &str = "shared-secret-of-the-hook";
pub(super) const OWNER: &str = "owner";
pub(super) const MAINTAINER: &str = "maintainer";
pub(super) const DEVELOPER: &str = "developer";
const ADMIN: &str = "admin";

/// Three projects that follow, one that is archived, and a token for each role.
pub(super) fn acme() -> World {
    let mut world = World::new().with_user(ADMIN, |user| user.admin = true).with_group("acme", |group| {
        group
            .member(OWNER, Role::Owner)
            .member(MAINTAINER, Role::Maintainer)
            .member(DEVELOPER, Role::Developer)
            .project("web", |project| project.merge_request("Add login", |found| found))
            .project("sandbox-1", |project| project)
            .project("old", ProjectBuilder::archived)
            .subgroup("deep", |group| group.project("api", |project| project))
    });
    for user in [OWNER, MAINTAINER, DEVELOPER, ADMIN] {
        world = world.with_token(&format!("glpat-{user}"), |token| token.user(user).scopes(&[Scope::Api]));
    }
    world
}

/// A served World and the connection that wants its hooks.
pub(super) struct Scene {
    pub(super) simulator: Simulator,
    pub(super) desired: Desired,
    client: Client,
}

impl Scene {
    pub(super) async fn of(world: World) -> Scene {
        install_tls();
        let version = world.settings.full_version();
        let simulator = Simulator::start(world, Options::default()).await.unwrap();
        let instance = Instance::at(Url::parse(simulator.url()).unwrap());
        let token = |name: &str| Token { name: name.into(), secret: format!("glpat-{name}").into() };
        let tokens = [OWNER, MAINTAINER, DEVELOPER, ADMIN].map(token).to_vec();
        let deadlines = Deadlines { headers: Duration::from_millis(500), ..Deadlines::default() };
        let patience = Patience { attempts: 3, waiting: Duration::from_secs(5), backoff: Duration::from_millis(1) };
        let client = Client::with_deadlines(&instance, tokens, &Metrics::default(), deadlines).unwrap();
        let client = client.with_patience(patience);
        let group = client.group("acme").await.unwrap();
        let desired = Desired {
            uid: "uid-1".into(),
            connection: "metrics/acme".into(),
            receiver: "https://hooks.example.com/webhooks/gitlab".parse().unwrap(),
            secret: SECRET.into(),
            digest_key: "glpat-owner".into(),
            mode: Mode::Auto,
            events: Events::default(),
            ssl_verification: true,
            adopt: Adopt::Marked,
            version: Some(version),
            managers: vec![OWNER.into()],
            powerless: Vec::new(),
            groups: vec![Place::from(&group)],
            projects: Vec::new(),
            scope: Followed {
                groups: vec![NamedRef::from("acme")],
                include_subgroups: true,
                include_archived: true,
                ..Followed::default()
            },
            delivered_at: None,
        };
        simulator.forget_requests();
        Scene { simulator, desired, client }
    }

    pub(super) async fn ensure(&self, memory: &Memory) -> Outcome {
        webhooks::ensure(&self.client, &self.desired, memory, Progress::default()).await
    }

    /// One turn of a pass: what earlier turns did is in their outcome.
    pub(super) async fn turn(&self, called_off: CancellationToken, before: Option<Outcome>) -> Outcome {
        let (memory, progress) = before.map(|before| (before.memory, before.progress)).unwrap_or_default();
        let term = Term::new(tokio::time::Instant::now() + Duration::from_secs(60), called_off);
        webhooks::ensure(&self.client.within(term), &self.desired, &memory, progress).await
    }

    pub(super) async fn remove(&self, memory: &Memory) -> Removed {
        webhooks::remove(&self.client, &self.desired, memory).await
    }

    /// GitLab's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.simulator.read(World::now)
    }

    /// So many minutes go by in GitLab.
    pub(super) fn pass(&self, minutes: i64) {
        self.simulator.world(|world| world.advance(SignedDuration::from_mins(minutes)));
    }

    /// Somebody opens a merge request.
    pub(super) fn open_merge_request(&self, project: &str) {
        self.simulator.world(|world| {
            let project = world.project_by_path(project).unwrap().id;
            world.open_merge_request(project, DEVELOPER, "Add logout").unwrap();
        });
    }

    /// Has the connection follow these too.
    pub(super) async fn follow_below(&mut self, groups: &[&str], projects: &[&str]) {
        for group in groups {
            self.desired.groups.push(Place::from(&self.client.group(group).await.unwrap()));
            self.desired.scope.groups.push(NamedRef::from(*group));
        }
        for project in projects {
            self.desired.projects.push(Place::from(&self.client.project(project).await.unwrap()));
            self.desired.scope.projects.push(NamedRef::from(*project));
        }
        self.simulator.forget_requests();
    }

    /// All hooks in GitLab, by id.
    pub(super) fn hooks(&self) -> Vec<Hook> {
        let mut hooks: Vec<_> = self.simulator.read(|world| world.hooks().cloned().collect());
        hooks.sort_by_key(|hook: &Hook| hook.id);
        hooks
    }

    /// The projects that carry a hook; one that carries two is named twice.
    pub(super) fn hooked_projects(&self) -> Vec<String> {
        let path = |hook: &Hook| match hook.target {
            HookTarget::Project(id) => self.simulator.read(|world| world.project(id).unwrap().full_path.clone()),
            other => format!("{other:?}"),
        };
        let mut paths: Vec<_> = self.hooks().iter().map(path).collect();
        paths.sort();
        paths
    }

    /// Edits the only hook by hand.
    pub(super) fn edit(&self, edit: impl FnOnce(&mut Hook)) {
        let id = self.hooks()[0].id;
        self.simulator.world(|world| edit(world.hook_mut(id).unwrap()));
    }

    /// Makes a hook by hand.
    pub(super) fn add(&self, target: HookTarget, url: &str) -> i64 {
        let id = self.hooks().last().map_or(1000, |hook| hook.id + 1000);
        let hook = Hook {
            id,
            target,
            url: url.to_owned(),
            name: None,
            description: None,
            token: Some("another secret".to_owned()),
            signing_token: None,
            events: ["merge_requests_events", "note_events"].into(),
            enable_ssl_verification: true,
            push_events_branch_filter: None,
            branch_filter_strategy: "wildcard".to_owned(),
            custom_webhook_template: None,
            custom_headers: Vec::new(),
            url_variables: Vec::new(),
            created_at: self.simulator.read(World::now),
            recent_failures: 0,
            disabled_until: None,
            disabled: false,
            log: VecDeque::new(),
        };
        self.simulator.world(|world| world.insert_hook(hook));
        id
    }

    pub(super) fn group(&self) -> i64 {
        self.simulator.read(|world| world.group_by_path("acme").unwrap().id)
    }

    /// Requests so far that could have changed something.
    pub(super) fn writes(&self) -> usize {
        self.simulator.requests().iter().filter(|request| request.method != "GET").count()
    }
}

/// A receiver that takes everything.
pub(super) async fn receiver() -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhooks/gitlab", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(|| async {})).await });
    url.parse().unwrap()
}
