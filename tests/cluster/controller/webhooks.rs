//! The webhooks in GitLab are as the spec wants them, and stay so.

use std::collections::BTreeSet;
use std::time::Duration;

use gitlab_connector::api::GitLabConnection;
use gitlab_connector::cluster::{ConnectionRef, HookState};
use gitlab_simulator::world::{Edition, Hook, HookTarget, Role};
use gitlab_simulator::{Fault, FaultKind};
use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;

use super::receiver::Receiver;
use super::scene::{Controller, Scene};
use crate::harness::{Namespace, until};
use crate::support::{
    acme::{OWNER, acme},
    rows,
};

/// The lines of a spec by which nothing is imported by itself.
const NO_IMPORTS: &str = "  import: {schedule: \"\"}";
const READY: (&str, &str, &str) = ("Ready", "True", "Succeeded");
const IN_PLACE: (&str, &str, &str) = ("WebhooksReady", "True", "Succeeded");
const PATIENCE: Duration = Duration::from_secs(30);

/// Nobody listens there.
const RECEIVER: &str = "http://127.0.0.1:9/webhooks/gitlab";

/// The lines of a spec by which the owner's token makes webhooks of this kind, and more about them.
fn hooks(mode: &str, more: &str) -> String {
    hooks_to(RECEIVER, mode, more)
}

/// The same for another receiver.
fn hooks_to(url: &str, mode: &str, more: &str) -> String {
    format!(
        "{NO_IMPORTS}\n  webhooks: {{mode: {mode}, url: '{url}', credentialRef: {{name: tokens, key: owner}}{more}}}"
    )
}

/// All hooks in GitLab, by id.
fn all(scene: &Scene) -> Vec<Hook> {
    let mut hooks: Vec<_> = scene.gitlab.read(|world| world.hooks().cloned().collect());
    hooks.sort_by_key(|hook: &Hook| hook.id);
    hooks
}

/// Those of one connection.
fn of(scene: &Scene, connection: &GitLabConnection) -> Vec<Hook> {
    let end = format!("/{}", connection.uid().unwrap());
    all(scene).into_iter().filter(|hook| hook.url.ends_with(&end)).collect()
}

/// Waits until the hooks in GitLab are so.
async fn until_hooks(scene: &Scene, what: &str, so: impl Fn(&[Hook]) -> bool) {
    until(what, PATIENCE, async || {
        let hooks = all(scene);
        if so(&hooks) { Ok(()) } else { Err(format!("{hooks:#?}")) }
    })
    .await;
}

/// The Secret in which a connection keeps what belongs to its webhooks.
async fn state(namespace: &Namespace, connection: &GitLabConnection) -> Secret {
    let label = format!("gitlab-connector.dev/connection-uid={}", connection.uid().unwrap());
    let mut secrets = namespace.api::<Secret>().list(&ListParams::default().labels(&label)).await.unwrap().items;
    assert_eq!(secrets.len(), 1, "{secrets:#?}");
    secrets.remove(0)
}

fn text(secret: &Secret, key: &str) -> Option<String> {
    let value = secret.data.as_ref()?.get(key)?;
    Some(String::from_utf8(value.0.clone()).unwrap())
}

#[tokio::test]
async fn group_webhooks_that_an_unlicensed_gitlab_never_calls_give_way_to_those_of_projects() {
    let scene = Scene::of(acme().with_edition(Edition::Unlicensed), &[]).await;
    scene.apply("  webhooks: {credentialRef: {name: tokens, key: owner}}\n  import: {schedule: \"\"}").await;
    let made = scene.until(("WebhooksReady", "True", "Succeeded")).await;
    let webhooks = |connection: GitLabConnection| connection.status.unwrap().webhooks.unwrap();
    let made = webhooks(made);
    assert_eq!(made.summary.as_deref(), Some("1/1 Group"));
    assert!(made.notes[0].contains("no delivery has been seen"), "{:?}", made.notes);

    scene.gitlab.world(|world| {
        let project = world.project_by_path("acme/api").unwrap().id;
        world.open_merge_request(project, "ada", "Add logout").unwrap();
        world.advance(SignedDuration::from_mins(20));
    });
    let found = webhooks(scene.look().await);

    assert_eq!(found.summary.as_deref(), Some("2/2 Project"));
    assert!(found.notes[0].contains("no licence"), "{:?}", found.notes);
    assert_eq!(scene.hooks().len(), 2);
    assert_eq!(webhooks(scene.look().await), found, "and so it stays");
}

#[tokio::test]
async fn webhooks_of_groups_and_of_projects_are_made_as_the_spec_says() {
    let scene = Scene::new().await;
    let group = scene.manifest("group", &hooks("Group", ""));
    let projects = hooks("Project", ", sslVerification: false, events: {comments: false}");
    let projects = scene.manifest("projects", &projects);

    scene.namespace.apply(&format!("{group}---\n{projects}")).await;

    let group = scene.namespace.until_condition("group", READY).await;
    let projects = scene.namespace.until_condition("projects", READY).await;
    let [hook] = &of(&scene, &group)[..] else { panic!("{:#?}", all(&scene)) };
    assert_eq!(hook.url, format!("{RECEIVER}/{}", group.uid().unwrap()));
    assert_eq!(hook.target, HookTarget::Group(scene.gitlab.read(|world| world.group_by_path("acme").unwrap().id)));
    assert_eq!(hook.events.iter().copied().collect::<Vec<_>>(), ["merge_requests_events", "note_events"]);
    assert_eq!(hook.name.as_deref(), Some("gitlab-connector"));
    assert!(hook.enable_ssl_verification);
    let state_of_group = state(&scene.namespace, &group).await;
    assert_eq!(hook.token, text(&state_of_group, "secret"));
    let owner = &state_of_group.owner_references()[0];
    assert_eq!((owner.kind.as_str(), owner.controller), ("GitLabConnection", Some(true)));
    let found = of(&scene, &projects);
    let secret = text(&state(&scene.namespace, &projects).await, "secret");
    let ids = scene.gitlab.read(|world| ["acme/web", "acme/api"].map(|path| world.project_by_path(path).unwrap().id));
    assert_eq!(found.len(), 2, "{found:#?}");
    for hook in &found {
        assert!(ids.map(HookTarget::Project).contains(&hook.target), "{hook:#?}");
        assert_eq!(hook.events.iter().copied().collect::<Vec<_>>(), ["merge_requests_events"]);
        assert!(!hook.enable_ssl_verification);
        assert_eq!(hook.token, secret);
    }
    let summary = |connection: &GitLabConnection| connection.status.clone().unwrap().webhooks.unwrap().summary.unwrap();
    assert_eq!((summary(&group).as_str(), summary(&projects).as_str()), ("1/1 Group", "2/2 Project"));
}

#[tokio::test]
async fn what_people_do_to_our_webhooks_is_undone_and_those_of_others_stay() {
    let scene = Scene::new().await;
    scene.apply(&format!("{}\n  interval: 2s", hooks("Group", ""))).await;
    let ours = scene.until(READY).await;
    let made = of(&scene, &ours).remove(0);
    let theirs =
        Hook { id: made.id + 1000, url: "https://ci.example.com/hook".into(), description: None, ..made.clone() };
    scene.gitlab.world(|world| world.insert_hook(theirs.clone()));
    let as_made = |hook: &Hook| {
        let said = (&hook.url, &hook.token, &hook.events, hook.enable_ssl_verification, &hook.name);
        said == (&made.url, &made.token, &made.events, made.enable_ssl_verification, &made.name)
    };

    scene.gitlab.world(|world| {
        let hook = world.hook_mut(made.id).unwrap();
        hook.url = "https://elsewhere.example.com/".into();
        hook.token = None;
        hook.events = ["push_events"].into();
        hook.enable_ssl_verification = false;
    });
    until_hooks(&scene, "the edited one is repaired", |hooks| {
        hooks.len() == 2 && hooks[0].id == made.id && as_made(&hooks[0])
    })
    .await;
    scene.gitlab.world(|world| world.delete_hook(made.id));
    until_hooks(&scene, "the deleted one is made again", |hooks| hooks.len() == 2 && hooks.iter().any(as_made)).await;
    let again = of(&scene, &ours).remove(0);
    scene.gitlab.world(|world| world.insert_hook(Hook { id: made.id + 2000, ..again.clone() }));
    until_hooks(&scene, "the duplicate goes", |hooks| hooks.len() == 2).await;

    let left: Vec<_> = all(&scene).into_iter().map(|hook| hook.id).collect();
    assert!(left.contains(&again.id) && left.contains(&theirs.id), "{left:?}");
    let kept = scene.gitlab.read(|world| world.hook(theirs.id).cloned()).unwrap();
    assert_eq!((&kept.url, &kept.token, &kept.events), (&theirs.url, &theirs.token, &theirs.events));
    scene.until(READY).await;
}

#[tokio::test]
async fn two_connections_of_one_name_and_one_receiver_leave_each_other_alone() {
    let scene = Scene::new().await;
    let other = Namespace::new().await;
    for name in ["tokens", "database"] {
        let secret: Secret = scene.namespace.api().get(name).await.unwrap();
        let annotations = secret.metadata.annotations.clone();
        let metadata = kube::api::ObjectMeta { name: Some(name.into()), annotations, ..Default::default() };
        let copy = Secret { metadata, ..secret };
        other.api().create(&kube::api::PostParams::default(), &copy).await.unwrap();
    }
    let _controller = Controller::start(&other, &[]).await;
    let spec = format!("{}\n  interval: 2s", hooks("Group", ""));

    scene.apply(&spec).await;
    other.apply(&scene.manifest("acme", &spec)).await;

    let [first, second] = [scene.until(READY).await, other.until_condition("acme", READY).await];
    let [ours, theirs] = [of(&scene, &first), of(&scene, &second)];
    assert_eq!((ours.len(), theirs.len()), (1, 1));
    assert_ne!(ours[0].token, theirs[0].token);
    scene.gitlab.world(|world| world.delete_hook(ours[0].id));
    until_hooks(&scene, "the deleted one is made again", |hooks| hooks.len() == 2).await;
    scene.namespace.kubectl(&["delete", "glconn/acme"]).await.says(0, &[]);
    let left: Vec<_> = all(&scene).into_iter().map(|hook| (hook.id, hook.token)).collect();
    assert_eq!(left, [(theirs[0].id, theirs[0].token.clone())]);
}

#[tokio::test]
async fn webhooks_move_with_their_url_and_go_when_nobody_wants_them() {
    let scene = Scene::new().await;
    scene.apply(&hooks("Group", "")).await;
    let before = scene.until(READY).await;
    let [made] = &of(&scene, &before)[..] else { panic!("{:#?}", all(&scene)) };

    scene.apply(&hooks_to("https://new.example.com/webhooks/gitlab", "Group", "")).await;
    scene.until(READY).await;
    let moved = all(&scene);
    scene.apply(&hooks("Disabled", "")).await;
    let without = scene.until(IN_PLACE).await;

    let [moved] = &moved[..] else { panic!("{moved:#?}") };
    assert_eq!(moved.url, format!("https://new.example.com/webhooks/gitlab/{}", before.uid().unwrap()));
    assert_eq!((moved.id, &moved.token), (made.id, &made.token));
    assert!(all(&scene).is_empty(), "{:#?}", all(&scene));
    let status = without.status.unwrap();
    assert!(status.conditions.iter().all(|one| one.type_ != "DeliveriesSeen"), "{status:#?}");
}

#[tokio::test]
async fn where_no_token_may_make_webhooks_a_person_is_asked_until_one_may() {
    let scene = Scene::new().await;

    scene.apply(NO_IMPORTS).await;
    let asked = scene.until(("WebhooksReady", "False", "ManualActionRequired")).await;
    scene.apply(&format!("{NO_IMPORTS}\n  webhooks: {{mode: Group}}")).await;
    let refused = scene.until(("WebhooksReady", "False", "InsufficientRole")).await;

    let stalled = |connection: &GitLabConnection| {
        let conditions = connection.status.clone().unwrap().conditions;
        conditions.into_iter().find(|one| one.type_ == "Stalled").map(|one| one.reason)
    };
    assert_eq!(stalled(&asked).as_deref(), Some("ManualActionRequired"));
    let commands = asked.status.clone().unwrap().webhooks.unwrap().commands;
    let secret = HookState::name(&ConnectionRef::of(&asked).unwrap());
    assert!(
        commands[0].starts_with("WEBHOOK_SECRET=$(kubectl get secret") && commands[0].contains(&secret),
        "{commands:?}"
    );
    assert!(commands.len() > 1 && commands[1..].iter().all(|one| one.starts_with("curl ")), "{commands:?}");
    let kept = text(&state(&scene.namespace, &asked).await, "secret").unwrap();
    assert!(commands.iter().all(|command| !command.contains(&kept)));
    assert_eq!(stalled(&refused).as_deref(), Some("InsufficientRole"));
    assert!(all(&scene).is_empty());
    scene.apply(&hooks("Group", "")).await;
    scene.until(READY).await;
    assert_eq!(all(&scene).len(), 1);
}

#[tokio::test]
async fn a_right_that_is_refused_is_not_asked_for_again_until_it_may_have_been_given() {
    let scene = Scene::new().await;
    let role = |role| {
        scene.gitlab.world(|world| {
            let (group, owner) = (world.group_by_path("acme").unwrap().id, world.token_by_secret(OWNER).unwrap().user);
            world.add_group_member(group, owner, role);
        });
    };
    role(Role::Developer);
    scene.apply(&format!("{}\n  interval: 1s", hooks("Project", ""))).await;
    scene.until(("WebhooksReady", "False", "InsufficientRole")).await;
    scene.gitlab.forget_requests();

    until("it has been verified five times", PATIENCE, async || {
        let requests = scene.gitlab.requests();
        let verified = requests.iter().filter(|one| one.route == "/personal_access_tokens/self").count();
        if verified >= 2 * 5 { Ok(()) } else { Err(verified.to_string()) }
    })
    .await;
    let requests = scene.gitlab.requests();
    let asked: BTreeSet<_> =
        requests.iter().filter(|one| one.route == "/projects/:id/hooks").map(|one| &one.path).collect();
    assert!(asked.len() <= 1, "verification tries one of the two, and the webhooks none: {asked:?}");

    role(Role::Owner);
    scene.until(READY).await;
    assert_eq!(all(&scene).len(), 2);
}

#[tokio::test]
async fn a_change_in_gitlab_arrives_as_a_row_and_the_condition_says_that_deliveries_do() {
    let scene = Scene::new().await;
    let receiver = Receiver::start(&scene.namespace).await;
    let spec = hooks_to(&receiver.url, "Group", "").replace(NO_IMPORTS, "");
    scene.apply(&spec).await;
    scene.until(("DeliveriesSeen", "Unknown", "NoDeliveryYet")).await;
    scene.until(READY).await;
    rows::until(&scene.database, "select count(*) from gitlab_merge_requests", 3).await;

    scene.gitlab.world(|world| {
        let project = world.project_by_path("acme/api").unwrap().id;
        world.open_merge_request(project, "grace", "Listen").unwrap();
    });

    rows::until(&scene.database, "select count(*) from gitlab_merge_requests", 4).await;
    let seen = scene.until(("DeliveriesSeen", "True", "Succeeded")).await;
    assert!(seen.status.unwrap().webhooks.unwrap().last_delivery.is_some());
}

#[tokio::test]
async fn a_new_webhook_secret_reaches_gitlab_and_no_delivery_is_refused_meanwhile() {
    let scene = Scene::new().await;
    let receiver = Receiver::start(&scene.namespace).await;
    keep(&scene, "the-first-secret").await;
    scene.apply(&hooks_to(&receiver.url, "Group", ", secretRef: {name: tokens, key: hook}")).await;
    scene.until(READY).await;
    let holds = |hooks: &[Hook], secret: &str| hooks.len() == 1 && hooks[0].token.as_deref() == Some(secret);
    assert!(holds(&all(&scene), "the-first-secret"), "{:#?}", all(&scene));

    keep(&scene, "the-second-secret").await;
    // GitLab delivers all the while: before it has the new secret, and after.
    let talk = || {
        scene.gitlab.world(|world| {
            let one = world.merge_requests().next().unwrap().id;
            world.comment(one, "ada", "and another thing").unwrap();
        });
    };
    until("GitLab holds the new secret", PATIENCE, async || {
        talk();
        if holds(&all(&scene), "the-second-secret") { Ok(()) } else { Err(format!("{:#?}", all(&scene))) }
    })
    .await;
    for _ in 0..5 {
        talk();
    }
    scene.gitlab.settled().await;

    let log = &all(&scene)[0].log;
    let answers: Vec<_> = log.iter().map(|delivery| delivery.response_status.as_str()).collect();
    assert!(answers.iter().all(|status| *status == "200"), "{answers:?}");
    assert!(answers.len() > 10, "{answers:?}");
    let state = state(&scene.namespace, &scene.connection().await).await;
    assert_eq!(text(&state, "secret").as_deref(), Some("the-second-secret"));
    // What is still on its way.
    assert_eq!(text(&state, "previous").as_deref(), Some(r#"["the-first-secret"]"#));
}

#[tokio::test]
async fn a_webhook_secret_that_changes_twice_before_gitlab_can_be_told_costs_no_delivery() {
    let scene = Scene::new().await;
    let receiver = Receiver::start(&scene.namespace).await;
    keep(&scene, "the-first-secret").await;
    scene.apply(&hooks_to(&receiver.url, "Group", ", secretRef: {name: tokens, key: hook}")).await;
    let connection = scene.until(READY).await;
    let name = state(&scene.namespace, &connection).await.name_any();
    scene.gitlab.faults().add(Fault::at("GET /groups/:id/hooks", FaultKind::Status { status: 503 }));

    for secret in ["the-second-secret", "the-third-secret"] {
        keep(&scene, secret).await;
        let kept = |state: &Secret| text(state, "secret").as_deref() == Some(secret);
        scene.namespace.until::<Secret>(&name, "kept", PATIENCE, kept).await;
    }
    // GitLab is asked once receivers have had the time to learn the secret.
    scene.gitlab.forget_requests();
    let asked = async || match scene.gitlab.requests().iter().any(|one| one.path.ends_with("/hooks")) {
        true => Ok(()),
        false => Err("GitLab is not asked for its hooks".to_owned()),
    };
    until("the controller tries", PATIENCE, asked).await;
    scene.gitlab.world(|world| {
        let one = world.merge_requests().next().unwrap().id;
        world.comment(one, "ada", "and another thing").unwrap();
    });
    scene.gitlab.settled().await;

    let log = &all(&scene)[0].log;
    assert!(!log.is_empty() && log.iter().all(|delivery| delivery.response_status == "200"), "{log:#?}");
    assert_eq!(all(&scene)[0].token.as_deref(), Some("the-first-secret"));
}

#[tokio::test]
async fn a_secret_of_somebody_else_in_the_place_of_ours_is_told_of_and_left_alone() {
    let scene = Scene::new().await;
    scene.apply(&format!("  suspend: true\n{}", hooks("Group", ""))).await;
    let suspended = scene.until(("Ready", "Unknown", "Suspended")).await;
    let name = HookState::name(&ConnectionRef::of(&suspended).unwrap());
    scene.namespace.secret(&name, &[("secret", "of-somebody-else")]).await;

    scene.apply(&hooks("Group", "")).await;

    let refused = scene.until(("WebhooksReady", "False", "HookSecretRefused")).await;
    let conditions = refused.status.unwrap().conditions;
    let of = |kind: &str| conditions.iter().find(|condition| condition.type_ == kind).unwrap();
    assert!(of("WebhooksReady").message.contains(&name), "{conditions:#?}");
    assert_eq!(of("AccessVerified").status, "True", "{conditions:#?}");
    assert!(all(&scene).is_empty());
    scene.namespace.kubectl(&["delete", "secret", &name]).await.says(0, &["deleted"]);
    scene.until(READY).await;
}

#[tokio::test]
async fn a_webhook_secret_that_somebody_blanks_is_replaced() {
    let scene = Scene::new().await;
    scene.apply(&hooks("Group", "")).await;
    let connection = scene.until(READY).await;
    let name = state(&scene.namespace, &connection).await.name_any();

    let blank = Patch::Merge(json!({"data": {"secret": ""}}));
    scene.namespace.api::<Secret>().patch(&name, &PatchParams::default(), &blank).await.unwrap();

    until("GitLab sends what is kept", PATIENCE, async || {
        let (kept, sent) = (text(&state(&scene.namespace, &connection).await, "secret"), all(&scene)[0].token.clone());
        let same = kept == sent && kept.as_ref().is_some_and(|secret| !secret.is_empty());
        if same { Ok(()) } else { Err(format!("{kept:?} is kept and {sent:?} is sent")) }
    })
    .await;
}

#[tokio::test]
async fn a_secret_that_the_spec_names_no_more_is_sent_nowhere_any_more() {
    let scene = Scene::new().await;
    scene.namespace.secret("theirs", &[("hook", "offered-for-one-receiver")]).await;
    scene.apply(&hooks("Group", ", secretRef: {name: theirs, key: hook}")).await;
    scene.until(READY).await;
    assert_eq!(all(&scene)[0].token.as_deref(), Some("offered-for-one-receiver"));

    scene.apply(&hooks_to("http://127.0.0.1:9/elsewhere/webhooks/gitlab", "Group", "")).await;

    until("the webhook is elsewhere", PATIENCE, async || {
        let hook = all(&scene).remove(0);
        if hook.url.contains("/elsewhere/") { Ok(()) } else { Err(hook.url) }
    })
    .await;
    let sent = all(&scene)[0].token.clone().unwrap();
    assert!(!sent.is_empty() && sent != "offered-for-one-receiver", "{sent}");
}

#[tokio::test]
async fn a_webhook_secret_that_somebody_removes_is_made_anew() {
    let scene = Scene::new().await;
    scene.apply(&hooks("Group", "")).await;
    let connection = scene.until(READY).await;
    let before = state(&scene.namespace, &connection).await;

    let name = before.name_any();
    scene.namespace.kubectl(&["delete", "secret", &name]).await.says(0, &["deleted"]);

    let again = |secret: &Secret| secret.metadata.uid != before.metadata.uid;
    scene.namespace.until::<Secret>(&name, "made anew", PATIENCE, again).await;
    until("GitLab sends what is kept", PATIENCE, async || {
        let (kept, sent) = (text(&state(&scene.namespace, &connection).await, "secret"), all(&scene)[0].token.clone());
        if kept == sent { Ok(()) } else { Err(format!("{kept:?} is kept and {sent:?} is sent")) }
    })
    .await;
    assert_eq!(all(&scene).len(), 1);
}

/// Keeps a secret where the spec names one.
async fn keep(scene: &Scene, secret: &str) {
    let patch = Patch::Merge(json!({"stringData": {"hook": secret}}));
    scene.namespace.api::<Secret>().patch("tokens", &PatchParams::default(), &patch).await.unwrap();
}
