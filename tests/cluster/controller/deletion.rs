//! A deletion takes our webhooks away, and never hangs.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use gitlab_connector::api::GitLabConnection;
use gitlab_simulator::world::{Hook, Role};
use gitlab_simulator::{Fault, FaultKind};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Namespace as KubeNamespace, Pod, Secret};
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::scene::{Controller, HOOKS, NO_HOOKS, Scene};
use crate::harness::{Namespace, until};
use crate::support::acme::{OWNER, acme};

/// What a deletion may take where nothing has to be waited for. The promise is a minute; machines of tests are busy.
const SOON: Duration = Duration::from_secs(25);
/// The promise.
const MINUTE: Duration = Duration::from_secs(60);

/// The lines of a spec by which nothing is imported, and the owner's token makes webhooks.
fn only_hooks() -> String {
    format!("{HOOKS}\n  import: {{schedule: \"\"}}")
}

async fn hooked(options: &[&str], more: &str) -> Scene {
    let scene = Scene::of(acme(), options).await;
    scene.apply(more).await;
    scene.until(("WebhooksReady", "True", "Succeeded")).await;
    assert!(!scene.hooks().is_empty());
    scene
}

impl Scene {
    /// Deletes the connection; how long it took until it was gone.
    async fn delete(&self) -> Duration {
        let began = Instant::now();
        let ended = self.namespace.kubectl(&["delete", "glconn/acme", "--wait", "--timeout=60s"]).await;
        ended.says(0, &["deleted"]);
        began.elapsed()
    }

    async fn begin_to_delete(&self) {
        self.namespace.kubectl(&["delete", "glconn/acme", "--wait=false"]).await.says(0, &["deleted"]);
    }

    async fn until_gone(&self, patience: Duration) {
        let connections = self.namespace.api::<GitLabConnection>();
        until("acme is gone", patience, async || match connections.get_opt("acme").await {
            Ok(None) => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
    }

    /// Waits until nothing of a kind is left that belonged to a connection.
    async fn until_collected<K>(&self)
    where
        K: Resource<Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
        K::DynamicType: Default,
    {
        let ours = ListParams::default().labels("gitlab-connector.dev/connection-uid");
        until("what the connection owned is collected", MINUTE, async || {
            let left = self.namespace.api::<K>().list(&ours).await.unwrap().items;
            if left.is_empty() { Ok(()) } else { Err(left.iter().map(ResourceExt::name_any).collect()) }
        })
        .await;
    }

    /// The note of the Event that tells of webhooks that were left.
    async fn orphaned(&self) -> Option<String> {
        let events = self.namespace.api::<Event>().list(&ListParams::default()).await.unwrap();
        let event = events.into_iter().find(|event| event.reason.as_deref() == Some("HooksOrphaned"))?;
        assert_eq!(event.type_.as_deref(), Some("Warning"));
        event.note
    }

    fn hook_ids(&self) -> Vec<i64> {
        self.hooks().iter().map(|hook| hook.id).collect()
    }
}

#[tokio::test]
async fn deleting_a_connection_removes_its_hooks_and_leaves_those_of_others() {
    let scene = hooked(&[], &format!("{HOOKS}\n  import: {{schedule: \"0 0 1 3 *\"}}")).await;
    scene.until(("Ready", "True", "Succeeded")).await;
    assert_eq!(scene.namespace.api::<Job>().list(&ListParams::default()).await.unwrap().items.len(), 1);
    let ours = scene.hooks().remove(0);
    let theirs = [
        // Somebody else's; one made by hand for our receiver; one of a connection in another cluster.
        Hook { id: 9001, url: "https://ci.example.com/hook".into(), name: None, ..ours.clone() },
        Hook {
            id: 9002,
            url: ours.url.rsplit_once('/').unwrap().0.into(),
            name: None,
            description: None,
            ..ours.clone()
        },
        Hook { id: 9003, url: format!("{}x", ours.url), name: ours.name.clone().map(|name| name + "x"), ..ours },
    ];
    let theirs = theirs.map(|hook| Hook { description: None, ..hook });
    scene.gitlab.world(|world| theirs.into_iter().for_each(|hook| world.insert_hook(hook)));

    let took = scene.delete().await;

    assert!(took < SOON, "{took:?}");
    assert_eq!(scene.hook_ids(), [9001, 9002, 9003]);
    assert_eq!(scene.orphaned().await, None);
    scene.until_collected::<Secret>().await;
    scene.until_collected::<Job>().await;
    scene.until_collected::<Pod>().await;
}

#[tokio::test]
async fn hooks_stay_where_the_spec_says_so() {
    let scene = hooked(&[], &only_hooks().replace("{mode", "{deletionPolicy: Orphan, mode")).await;
    scene.gitlab.forget_requests();

    scene.delete().await;

    assert_eq!(scene.hooks().len(), 1);
    assert_eq!(scene.orphaned().await, None, "it is as the person wants it");
    assert!(scene.gitlab.requests().is_empty(), "{:#?}", scene.gitlab.requests());
    scene.until_collected::<Secret>().await;
}

#[tokio::test]
async fn a_connection_that_never_had_hooks_goes_at_once_even_when_gitlab_is_away() {
    let scene = Scene::new().await;
    scene.apply(&format!("{NO_HOOKS}\n  import: {{schedule: \"\"}}")).await;
    scene.until(("Ready", "True", "Succeeded")).await;
    scene.gitlab.stop();

    let took = scene.delete().await;

    assert!(took < SOON, "{took:?}");
    assert_eq!(scene.orphaned().await, None);
}

#[tokio::test]
async fn a_connection_whose_secret_is_gone_goes_and_says_what_it_leaves() {
    let scene = hooked(&[], &only_hooks()).await;
    scene.namespace.kubectl(&["delete", "secret/tokens"]).await.says(0, &["deleted"]);

    let took = scene.delete().await;

    assert!(took < SOON, "{took:?}");
    assert_eq!(scene.hooks().len(), 1);
    assert!(scene.orphaned().await.unwrap().contains("Secret"));
}

#[tokio::test]
async fn a_connection_whose_token_is_revoked_goes_at_once_and_says_what_it_leaves() {
    let scene = hooked(&[], &only_hooks()).await;
    scene.gitlab.world(|world| {
        let owner = world.token_by_secret(OWNER).unwrap().id;
        world.token_mut(owner).unwrap().revoked = true;
    });

    let took = scene.delete().await;

    assert!(took < SOON, "{took:?}");
    assert_eq!(scene.hooks().len(), 1);
    assert!(scene.orphaned().await.unwrap().contains("acme"));
}

#[tokio::test]
async fn a_connection_whose_token_may_no_longer_see_hooks_goes_at_once_and_says_what_it_leaves() {
    let scene = hooked(&[], &only_hooks()).await;
    scene.gitlab.world(|world| {
        let (group, owner) = (world.group_by_path("acme").unwrap().id, world.token_by_secret(OWNER).unwrap().user);
        world.add_group_member(group, owner, Role::Developer);
    });

    let took = scene.delete().await;

    assert!(took < SOON, "{took:?}");
    assert_eq!(scene.hooks().len(), 1);
    assert!(scene.orphaned().await.unwrap().contains("acme"));
}

#[tokio::test]
async fn a_deletion_waits_for_a_gitlab_that_is_away_and_no_longer_than_its_deadline() {
    let scene = hooked(&["--deletion-deadline=4s"], &only_hooks()).await;
    scene.gitlab.stop();

    let took = scene.delete().await;

    assert!(took > Duration::from_secs(3), "{took:?}");
    assert!(scene.controller.log().contains("cannot be removed yet"), "it has tried again");
    assert!(scene.orphaned().await.unwrap().contains("acme"));
}

#[tokio::test]
async fn a_deletion_calls_off_a_look_that_hangs_and_removes_the_hooks() {
    let scene = hooked(&[], &only_hooks()).await;
    scene.gitlab.faults().add(Fault::at("GET /groups/:id/hooks", FaultKind::Hang).times(1));
    scene.annotate("gitlab-connector.dev/reconcile-requested-at=now").await;
    until("the look hangs, and what comes after it would not", MINUTE, async || {
        if scene.gitlab.faults().list().is_empty() { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;

    let took = scene.delete().await;

    assert!(took < SOON, "{took:?}");
    assert!(scene.hooks().is_empty());
    assert_eq!(scene.orphaned().await, None);
}

#[tokio::test]
async fn a_deletion_from_a_gitlab_that_accepts_and_says_nothing_ends_by_its_deadline() {
    let scene = hooked(&["--deletion-deadline=4s"], &only_hooks()).await;
    scene.gitlab.faults().add(Fault::at("*", FaultKind::Hang));
    scene.annotate("gitlab-connector.dev/reconcile-requested-at=now").await;
    until("the look hangs", MINUTE, async || {
        if scene.gitlab.faults().list()[0].struck > 0 { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;

    let took = scene.delete().await;

    assert!(took > Duration::from_secs(3) && took < SOON, "{took:?}");
    assert_eq!(scene.hooks().len(), 1);
    assert!(scene.orphaned().await.unwrap().contains("group acme"));
}

#[tokio::test]
async fn a_deletion_whose_time_went_by_without_a_controller_removes_the_hooks_all_the_same() {
    let mut scene = hooked(&["--deletion-deadline=1s", "--identity=controller"], &only_hooks()).await;
    scene.controller.kill().await;
    scene.begin_to_delete().await;
    let deleted = scene.connection().await.metadata.deletion_timestamp.unwrap().0;
    until("its time is over", MINUTE, async || {
        let over = jiff::Timestamp::now().duration_since(deleted) > jiff::SignedDuration::from_secs(2);
        if over { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;

    scene.controller = scene.another().await;

    scene.until_gone(MINUTE).await;
    assert!(scene.hooks().is_empty());
    assert_eq!(scene.orphaned().await, None);
}

#[tokio::test]
async fn a_deletion_during_an_outage_removes_the_hooks_once_gitlab_is_back() {
    let scene = hooked(&[], &only_hooks()).await;
    scene.gitlab.faults().add(Fault::at("*", FaultKind::Status { status: 503 }));
    scene.gitlab.forget_requests();
    scene.begin_to_delete().await;
    until("it has tried twice", MINUTE, async || {
        let log = scene.controller.log();
        if log.matches("cannot be removed yet").count() >= 2 { Ok(()) } else { Err(log) }
    })
    .await;
    assert!(scene.connection().await.metadata.deletion_timestamp.is_some(), "it waits");
    assert!(scene.gitlab.requests().iter().all(|request| request.status == 503));

    scene.gitlab.faults().clear();

    scene.until_gone(MINUTE).await;
    assert!(scene.hooks().is_empty());
    assert_eq!(scene.orphaned().await, None);
}

#[tokio::test]
async fn a_controller_that_dies_amid_a_deletion_ends_it_when_it_is_back() {
    // One identity: the next process takes the lease of the killed one at once, as a container that is restarted does.
    let projects = only_hooks().replace("mode: Group", "mode: Project");
    let mut scene = hooked(&["--identity=controller"], &projects).await;
    assert_eq!(scene.hooks().len(), 2);
    scene.gitlab.faults().add(Fault::at("DELETE /projects/:id/hooks/:hook_id", FaultKind::Hang).after(1));
    scene.begin_to_delete().await;
    until("one of two is gone", MINUTE, async || match scene.hooks().len() {
        1 => Ok(()),
        many => Err(many.to_string()),
    })
    .await;

    scene.controller.kill().await;
    scene.gitlab.faults().clear();
    scene.controller = scene.another().await;

    scene.until_gone(MINUTE).await;
    assert!(scene.hooks().is_empty());
    assert_eq!(scene.orphaned().await, None);
}

#[tokio::test]
async fn a_connection_that_is_deleted_while_its_import_runs_takes_the_pods_along() {
    let scene = Scene::new().await;
    scene.gitlab.faults().add(Fault::at("POST /graphql mergeRequests", FaultKind::Hang));
    scene.apply(NO_HOOKS).await;
    scene.until(("ImportSucceeded", "Unknown", "Running")).await;
    let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone()).unwrap_or_default();
    until("a worker runs", MINUTE, async || {
        let pods = scene.namespace.api::<Pod>().list(&ListParams::default()).await.unwrap().items;
        if pods.iter().any(|pod| phase(pod) == "Running") { Ok(()) } else { Err(format!("{pods:#?}")) }
    })
    .await;

    let took = scene.delete().await;

    assert!(took < SOON, "{took:?}");
    scene.until_collected::<Job>().await;
    scene.until_collected::<Pod>().await;
}

#[tokio::test]
async fn a_namespace_that_is_deleted_whole_is_gone_within_a_minute() {
    let mut scene = hooked(&[], &only_hooks()).await;
    // One that lives there may lose its own rights first, and could not let anything go.
    let home = Namespace::new().await;
    scene.controller.kill().await;
    scene.controller = Controller::elsewhere(&scene.namespace, &home).await;
    let began = Instant::now();

    let name = &scene.namespace.name;
    scene.namespace.kubectl(&["delete", "namespace", name, "--wait=false"]).await.says(0, &["deleted"]);

    let namespaces: Api<KubeNamespace> = Api::all(scene.namespace.client.clone());
    let gone = async || match namespaces.get_opt(name).await {
        Ok(None) => Ok(()),
        other => Err(format!("{other:?}")),
    };
    until("the namespace is gone", MINUTE.saturating_sub(began.elapsed()), gone).await;
    let roles = format!("{}:gitlab-connector-controller", home.name);
    home.kubectl(&["delete", "clusterrole,clusterrolebinding", &roles]).await.says(0, &["deleted"]);
}
