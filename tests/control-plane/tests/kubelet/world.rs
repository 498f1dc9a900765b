//! A control plane with a kubelet for all tests of this file, and a namespace for each.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use control_plane::kubelet::{self, Kubelet};
use control_plane::{ControlPlane, Options};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ContainerStatus, Namespace, Pod, ServiceAccount};
use kube::api::PostParams;
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::sync::RwLock;

/// Long enough for a busy machine, short enough for somebody who waits.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) plane: ControlPlane,
    kubelet: RwLock<Option<Kubelet>>,
    directory: PathBuf,
    _cleaner: Child,
}

/// A namespace with a client of an administrator.
pub(crate) struct Home {
    pub(crate) world: &'static World,
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

static WORLD: OnceLock<World> = OnceLock::new();

/// Started in a runtime that no test ends.
fn world() -> World {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            send.send(World::start("shared").await).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receive.recv().unwrap()
}

impl World {
    pub(crate) async fn start(name: &str) -> World {
        let directory = std::env::temp_dir().join(format!("kubelet-{}-{name}", std::process::id()));
        let plane = ControlPlane::start(Options { directory: directory.clone(), audit: false }).await.unwrap();
        let kubelet = RwLock::new(Some(kubelet(&plane, &directory)));
        // A static value is never dropped: a shell takes the directory away once the pipe to us breaks.
        let cleaner = Command::new("sh")
            .args([
                "-c",
                "trap '' INT TERM HUP; read -r _; for _ in 1 2 3 4 5; do rm -rf \"$0\" && exit; sleep 1; done",
            ])
            .arg(&directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        World { plane, kubelet, directory, _cleaner: cleaner }
    }

    /// The machine goes off and on again.
    pub(crate) async fn lose_power(&self) {
        let mut kubelet = self.kubelet.write().await;
        if let Some(kubelet) = kubelet.take() {
            kubelet.stop().await;
        }
        *kubelet = Some(self::kubelet(&self.plane, &self.directory));
    }
}

fn kubelet(plane: &ControlPlane, directory: &Path) -> Kubelet {
    let options = kubelet::Options {
        directory: directory.join("kubelet"),
        images: BTreeMap::from([("busybox".to_owned(), PathBuf::from("/bin/sh"))]),
        api_server: plane.address().unwrap(),
    };
    kubelet::start(plane.client().unwrap(), options).unwrap()
}

impl Home {
    pub(crate) async fn new() -> Home {
        let world = tokio::task::spawn_blocking(|| WORLD.get_or_init(world)).await.unwrap();
        Home::on(world).await
    }

    pub(crate) async fn on(world: &'static World) -> Home {
        let client = world.plane.client().unwrap();
        let namespace = format!("test-{:08x}", fastrand::u32(..));
        let object = serde_json::from_value(json!({"metadata": {"name": namespace}})).unwrap();
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &object).await.unwrap();
        let home = Home { world, client, namespace };
        // A pod is refused before its ServiceAccount is there.
        home.until::<ServiceAccount>("default", |_| true).await;
        home
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) async fn create<K>(&self, object: Value) -> K
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Serialize,
    {
        let object: K = serde_json::from_value(object).unwrap();
        self.api().create(&PostParams::default(), &object).await.unwrap()
    }

    /// Makes a pod of one container that runs a script, and whatever else is given.
    pub(crate) async fn pod(&self, name: &str, script: &str, container: Value, mut spec: Value) -> Pod {
        let mut main = json!({"name": "main", "image": "busybox", "args": ["-c", script]});
        merge(&mut main, container);
        merge(&mut spec, json!({"containers": [main]}));
        self.create(json!({"metadata": {"name": name}, "spec": spec})).await
    }

    /// Waits until an object is as it should be.
    pub(crate) async fn until<K>(&self, name: &str, so: impl Fn(&K) -> bool) -> K
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Serialize,
    {
        let start = Instant::now();
        loop {
            let found = self.api::<K>().get_opt(name).await.unwrap();
            if let Some(object) = &found
                && so(object)
            {
                return object.clone();
            }
            assert!(start.elapsed() < PATIENCE, "{name} is not so:\n{}", serde_json::to_string_pretty(&found).unwrap());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn until_phase(&self, name: &str, phase: &str) -> Pod {
        self.until(name, |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some(phase))
            .await
    }

    /// Waits until the container waits for this reason, and gives the message.
    pub(crate) async fn until_waiting(&self, name: &str, reason: &str) -> String {
        let waits = |pod: &Pod| waiting(pod).is_some_and(|(found, message)| found == reason && !message.is_empty());
        waiting(&self.until(name, waits).await).unwrap().1
    }

    pub(crate) async fn until_gone(&self, name: &str) {
        let start = Instant::now();
        while self.api::<Pod>().get_opt(name).await.unwrap().is_some() {
            assert!(start.elapsed() < PATIENCE, "{name} is still there");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the pods wrote whose names begin so.
    pub(crate) async fn logs(&self, pod: &str) -> String {
        let kubelet = self.world.kubelet.read().await;
        kubelet.as_ref().map(|kubelet| kubelet.logs(&self.namespace, pod)).unwrap_or_default()
    }

    pub(crate) async fn kill(&self, pod: &str) {
        if let Some(kubelet) = &*self.world.kubelet.read().await {
            kubelet.kill(&self.namespace, pod).await;
        }
    }

    /// Waits until a pod has written this.
    pub(crate) async fn until_logged(&self, pod: &str, text: &str) -> String {
        let start = Instant::now();
        loop {
            let log = self.logs(pod).await;
            if log.contains(text) {
                return log;
            }
            assert!(start.elapsed() < PATIENCE, "{pod} did not write {text:?}:\n{log}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = Command::new(self.world.plane.kubectl())
            .args(["delete", "namespace", &self.namespace, "--wait=false"])
            .env("KUBECONFIG", self.world.plane.kubeconfig())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// The first container of a pod.
pub(crate) fn container(pod: &Pod) -> ContainerStatus {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.clone()).unwrap_or_default();
    statuses.into_iter().next().unwrap_or_default()
}

/// How the first container ended: exit code, reason and message.
pub(crate) fn end(pod: &Pod) -> (i32, String, String) {
    let end = container(pod).state.and_then(|state| state.terminated);
    let end = end.unwrap_or_else(|| panic!("{} has not ended", pod.name_any()));
    (end.exit_code, end.reason.unwrap_or_default(), end.message.unwrap_or_default())
}

/// The status of a condition.
pub(crate) fn condition(pod: &Pod, type_: &str) -> Option<String> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    Some(conditions.iter().find(|condition| condition.type_ == type_)?.status.clone())
}

fn waiting(pod: &Pod) -> Option<(String, String)> {
    let waiting = container(pod).state?.waiting?;
    Some((waiting.reason.unwrap_or_default(), waiting.message.unwrap_or_default()))
}

fn merge(into: &mut Value, from: Value) {
    let (Value::Object(into), Value::Object(from)) = (into, from) else { panic!("only objects are merged") };
    into.extend(from);
}
