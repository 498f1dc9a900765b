//! A connection at rest: nothing is written, nothing is listed, and GitLab is asked what its interval says and no more.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gitlab_connector::api::GitLabConnection;
use gitlab_simulator::server::Logged;
use gitlab_simulator::{Fault, FaultKind};
use jiff::SignedDuration;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kube::api::{ListParams, PostParams};

use super::receiver::Receiver;
use super::scene::{HOOKS, NO_HOOKS, Scene};
use crate::harness::audit::{Moment, Request};
use crate::harness::until;
use crate::support::acme::{READER, acme};

/// As often as the rules of the API allow, and no import for a long time.
const OFTEN: &str = "  interval: 1s\n  import: {schedule: \"0 5 1 1 *\"}";
/// Over so many intervals nothing happens.
const INTERVALS: usize = 10;
const PATIENCE: Duration = Duration::from_secs(60);

/// What a look asks GitLab for a connection with a reader and a manager of webhooks, and one group.
const ONE_LOOK: [(&str, usize); 9] = [
    ("GET /metadata", 1),
    ("GET /personal_access_tokens/self", 2),
    ("GET /user", 2),
    ("GET /groups/:id", 2),
    ("GET /groups/:id/projects", 2),
    ("GET /projects/:id", 2),
    ("GET /projects/:id/merge_requests", 1),
    ("GET /groups/:id/hooks", 2),
    ("POST /graphql access", 1),
];

impl Scene {
    /// Waits until GitLab was asked a question so many times more.
    async fn until_asked(&self, times: usize, question: impl Fn(&Logged) -> bool) {
        let count = || self.gitlab.requests().iter().filter(|one| question(one)).count();
        let wanted = count() + times;
        until("GitLab is asked again and again", PATIENCE, async || match count() {
            enough if enough >= wanted => Ok(()),
            few => Err(format!("{few} times of {wanted}")),
        })
        .await;
    }

    /// Waits for some more looks at a connection whose tokens are accepted.
    async fn looks(&self, times: usize) {
        self.until_asked(times, is_look).await;
    }

    /// The version of each connection.
    async fn versions(&self) -> BTreeMap<String, Option<String>> {
        let all = self.namespace.api::<GitLabConnection>().list(&ListParams::default()).await.unwrap();
        all.into_iter().map(|one| (one.name_any(), one.metadata.resource_version)).collect()
    }

    /// Waits until the last look has left nothing to say to the next ones.
    async fn until_at_rest(&self, look: impl Fn(&Logged) -> bool) -> Moment {
        let began = Instant::now();
        loop {
            let (moment, before) = (self.namespace.cluster.moment(), self.versions().await);
            self.until_asked(3, &look).await;
            if self.versions().await == before && self.writes(moment).is_empty() {
                return self.namespace.cluster.moment();
            }
            assert!(began.elapsed() < PATIENCE, "it never rests: {:#?}", self.writes(moment));
        }
    }

    /// What controller and receiver asked of the API server, but for the lease.
    fn ours(&self, moment: Moment) -> Vec<Request> {
        let users = ["controller", "receiver"].map(|component| self.namespace.user_of(component));
        let requests = self.namespace.cluster.requests_since(moment).into_iter();
        requests.filter(|one| users.contains(&one.user.username) && one.object_ref.resource != "leases").collect()
    }

    fn writes(&self, moment: Moment) -> Vec<Request> {
        self.ours(moment).into_iter().filter(Request::writes).collect()
    }

    fn lists(&self, moment: Moment) -> Vec<Request> {
        self.ours(moment).into_iter().filter(|one| one.verb == "list").collect()
    }

    /// How often the controller has read a connection: once a look.
    fn reads(&self, moment: Moment) -> usize {
        let read =
            |one: &&Request| (one.verb.as_str(), one.object_ref.resource.as_str()) == ("get", "gitlabconnections");
        self.ours(moment).iter().filter(read).count()
    }

    /// Somebody says something in GitLab.
    fn comment(&self) {
        self.gitlab.world(|world| {
            let project = world.project_by_path("acme/web").unwrap().id;
            let merge_request = world.merge_request_by_iid(project, 2).unwrap().id;
            world.comment(merge_request, "grace", "well").unwrap();
        });
    }
}

/// Each look at a connection whose tokens are accepted asks this once.
fn is_look(asked: &Logged) -> bool {
    asked.endpoint() == "GET /metadata"
}

#[tokio::test]
async fn a_connection_at_rest_writes_nothing_not_even_when_deliveries_arrive_or_we_begin_anew() {
    let mut scene = Scene::of(acme(), &["--identity=controller"]).await;
    let receiver = Receiver::start(&scene.namespace).await;
    let here = HOOKS.replace("{mode", &format!("{{url: \"{}\", mode", receiver.url));
    scene.apply(&format!("{here}\n{OFTEN}")).await;
    scene.until(("Ready", "True", "Succeeded")).await;
    scene.comment();
    scene.until(("DeliveriesSeen", "True", "Succeeded")).await;
    let moment = scene.until_at_rest(is_look).await;
    let before = scene.connection().await;

    // Nothing happens.
    scene.gitlab.forget_requests();
    let began = Instant::now();
    scene.looks(INTERVALS).await;
    let took = began.elapsed();
    until("each look asks the same", PATIENCE, async || {
        let counts = scene.gitlab.counts();
        let looks = counts.get("GET /metadata").copied().unwrap_or_default();
        let promised = ONE_LOOK.map(|(endpoint, times)| (endpoint.to_owned(), times * looks));
        if counts == promised.into() { Ok(()) } else { Err(format!("{looks} looks, {counts:#?}")) }
    })
    .await;
    assert!(took > Duration::from_millis(900) * 9, "an interval of a second, a tenth less at most: {took:?}");
    assert_eq!(scene.lists(moment).len(), 0, "{:#?}", scene.lists(moment));

    // Deliveries arrive, for longer than the receiver waits before it thinks of telling the status.
    for _ in 0..12 {
        scene.comment();
        scene.looks(1).await;
    }
    scene.gitlab.settled().await;
    let hooks = scene.hooks();
    assert!(hooks[0].log.len() > 12 && hooks[0].log.iter().all(|event| event.response_status == "200"), "{hooks:#?}");
    assert_eq!(scene.lists(moment).len(), 0, "{:#?}", scene.lists(moment));

    // Both begin anew.
    drop(receiver);
    let _receiver = Receiver::start(&scene.namespace).await;
    scene.controller.kill().await;
    scene.controller = scene.another().await;
    scene.looks(3).await;

    assert_eq!(scene.writes(moment).len(), 0, "{:#?}", scene.writes(moment));
    assert_eq!(scene.connection().await.metadata.resource_version, before.metadata.resource_version);
}

#[tokio::test]
async fn a_connection_whose_webhooks_are_switched_off_after_a_delivery_is_at_rest_again() {
    let scene = Scene::of(acme(), &[]).await;
    let receiver = Receiver::start(&scene.namespace).await;
    let here = HOOKS.replace("{mode", &format!("{{url: \"{}\", mode", receiver.url));
    scene.apply(&format!("{here}\n{OFTEN}")).await;
    scene.until(("Ready", "True", "Succeeded")).await;
    scene.comment();
    scene.until(("DeliveriesSeen", "True", "Succeeded")).await;

    scene.apply(&format!("{NO_HOOKS}\n{OFTEN}")).await;
    let off = |connection: &GitLabConnection| {
        let status = connection.status.as_ref();
        status.is_some_and(|status| status.conditions.iter().all(|one| one.type_ != "DeliveriesSeen"))
    };
    scene.until_it("switched off", off).await;

    let moment = scene.until_at_rest(is_look).await;
    scene.looks(INTERVALS).await;
    assert_eq!(scene.writes(moment).len(), 0, "{:#?}", scene.writes(moment));
}

#[tokio::test]
async fn connections_in_trouble_are_at_rest_too() {
    let scene = Scene::new().await;
    let world = |name: &str, from: &str, to: &str| {
        let more = format!("{NO_HOOKS}\n{OFTEN}");
        assert!(scene.manifest(name, &more).contains(from), "{from}");
        format!("{}---\n", scene.manifest(name, &more).replace(from, to))
    };
    let refused = ("refused", "name: tokens, key: reader", "name: tokens, key: mistyped");
    let mistyped = "glpat-mistyped";
    scene.namespace.secret("tokens", &[("reader", READER), ("mistyped", mistyped)]).await;
    let troubles = [
        (refused, ("CredentialsValid", "False", "invalid_credentials")),
        (
            ("keyless", "name: tokens, key: reader", "name: tokens, key: nowhere"),
            ("CredentialsValid", "False", "SecretKeyMissing"),
        ),
        (("ghosts", "groups: [acme]", "groups: [ghosts]"), ("AccessVerified", "False", "ScopeNotFound")),
        (("powerless", "{mode: Disabled}", "{mode: Group}"), ("WebhooksReady", "False", "InsufficientRole")),
        (
            ("homeless", "  store: {secretRef: {name: database, key: url}}\n", ""),
            ("ImportSucceeded", "False", "InvalidSpec"),
        ),
        (("away", scene.gitlab.url(), "http://127.0.0.1:9/"), ("CredentialsValid", "Unknown", "GitLabUnreachable")),
        (("asleep", "interval: 1s", "suspend: true"), ("Ready", "Unknown", "Suspended")),
    ];
    let manifests: String = troubles.iter().map(|((name, from, to), _)| world(name, from, to)).collect();

    scene.namespace.apply(&manifests).await;

    for ((name, ..), condition) in troubles {
        scene.namespace.until_condition(name, condition).await;
    }
    let refusal = |asked: &Logged| asked.status == 401 && asked.route == "/personal_access_tokens/self";
    let moment = scene.until_at_rest(refusal).await;
    let before = scene.versions().await;
    scene.until_asked(INTERVALS, refusal).await;
    assert_eq!(scene.writes(moment).len(), 0, "{:#?}", scene.writes(moment));
    assert_eq!(scene.versions().await, before);
}

#[tokio::test]
async fn a_look_for_any_other_cause_asks_gitlab_nothing_and_lists_nothing() {
    let scene = Scene::new().await;
    scene.apply(&format!("{HOOKS}\n  interval: 1d\n  import: {{schedule: \"0 5 1 1 *\"}}")).await;
    scene.until(("Ready", "True", "Succeeded")).await;
    // The Event of becoming ready follows the status: it is there before the next look.
    scene.look().await;
    let before = scene.connection().await;
    scene.gitlab.forget_requests();
    let moment = scene.namespace.cluster.moment();
    let causes: [&[&str]; 4] = [
        &["annotate", "glconn/acme", "example.com/note=1"],
        &["label", "secret/tokens", "touched=yes"],
        // As its time to live does.
        &["delete", "jobs", "--all", "--wait"],
        &["annotate", "secret/database", "example.com/note=1"],
    ];

    for cause in causes {
        let looks = scene.reads(moment);
        scene.namespace.kubectl(cause).await.says(0, &[]);
        until(&format!("{cause:?} causes a look"), PATIENCE, async || {
            if scene.reads(moment) > looks { Ok(()) } else { Err(format!("{:#?}", scene.ours(moment))) }
        })
        .await;
    }
    // What would cause another look would have to come before this.
    scene.namespace.kubectl(&["label", "glconn/acme", "team=one"]).await.says(0, &[]);
    scene.look().await;

    let asked = scene.gitlab.counts();
    let promised = ONE_LOOK.map(|(endpoint, times)| (endpoint.to_owned(), times));
    assert_eq!(asked, promised.into(), "only who wants an answer of GitLab gets one");
    assert_eq!(scene.lists(moment).len(), 0, "{:#?}", scene.lists(moment));
    let writes = scene.writes(moment);
    assert_eq!(writes.len(), 1, "that it was looked at on request: {writes:#?}");
    assert_eq!(conditions(&scene.connection().await), conditions(&before));
    assert_eq!(scene.namespace.api::<Job>().list(&ListParams::default()).await.unwrap().items.len(), 0);
}

#[tokio::test]
async fn a_status_in_another_order_is_left_as_it_is() {
    let scene = Scene::new().await;
    scene.apply(&format!("{NO_HOOKS}\n{OFTEN}")).await;
    scene.until(("Ready", "True", "Succeeded")).await;
    let moment = scene.until_at_rest(is_look).await;

    let mut turned = scene.connection().await;
    turned.status.as_mut().unwrap().conditions.reverse();
    let turned = scene.namespace.api().replace_status("acme", &PostParams::default(), &turned).await.unwrap();
    scene.looks(INTERVALS).await;

    assert_eq!(scene.writes(moment).len(), 0, "{:#?}", scene.writes(moment));
    assert_eq!(conditions(&scene.connection().await), conditions(&turned));
}

#[tokio::test]
async fn progress_is_told_every_ten_seconds_at_most() {
    let world = (0..40).fold(acme(), |world, number| {
        world.with_group("acme", |group| {
            group.project(&format!("p{number}"), |project| project.merge_request("One", |one| one.by("ada")))
        })
    });
    let scene = Scene::of(world, &[]).await;
    let _receiver = Receiver::start(&scene.namespace).await;
    scene.gitlab.faults().add(Fault::at("POST /graphql mergeRequests", FaultKind::Latency { millis: 9000 }));
    let moment = scene.namespace.cluster.moment();

    scene.apply(&format!("{NO_HOOKS}\n  import: {{schedule: \"0 5 1 1 *\", parallelism: 1}}")).await;
    let halfway = |connection: &GitLabConnection| {
        let import = connection.status.as_ref().and_then(|status| status.import.as_ref());
        import.and_then(|import| import.progress.as_ref()).is_some_and(|progress| progress.projects_done > 0)
    };
    scene.until_it("progress is told", halfway).await;
    scene.until(("Ready", "True", "Succeeded")).await;
    let forgotten = |connection: &GitLabConnection| {
        connection.status.as_ref().and_then(|status| status.import.as_ref()).is_some_and(|one| one.progress.is_none())
    };
    scene.until_it("progress is forgotten", forgotten).await;

    let receiver = scene.namespace.user_of("receiver");
    let told = || -> Vec<_> {
        let writes = scene.writes(moment).into_iter().filter(|one| one.user.username == receiver);
        writes.map(|one| one.at).collect()
    };
    let mut times = until("it was told more than once", PATIENCE, async || match told() {
        times if times.len() > 2 => Ok(times),
        few => Err(format!("{few:?}")),
    })
    .await;
    // That the run is over is told at once.
    times.pop();
    for pair in times.windows(2) {
        assert!(pair[1].duration_since(pair[0]) > SignedDuration::from_millis(9500), "{times:?}");
    }
}

fn conditions(connection: &GitLabConnection) -> Vec<Condition> {
    connection.status.clone().unwrap().conditions
}
