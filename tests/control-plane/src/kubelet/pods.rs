//! The pods of the cluster: bound to this machine, and each given to a task of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use k8s_openapi::api::core::v1::{Binding, ObjectReference, Pod};
use kube::api::PostParams;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::downward::NODE;
use super::ledger::Ledger;
use super::node::Node;
use super::pod::{PodTask, RETRY, Seen};
use super::process;

/// Every pod that runs here, by uid.
#[derive(Default)]
pub(super) struct Pods(Mutex<BTreeMap<String, Entry>>);

struct Entry {
    namespace: String,
    name: String,
    seen: watch::Sender<Seen>,
    ledger: Arc<Ledger>,
    task: AbortHandle,
}

impl Pods {
    /// Follows the pods of the cluster. Never comes back.
    pub(super) async fn follow(self: Arc<Self>, node: Arc<Node>) {
        let api: Api<Pod> = Api::all(node.client.clone());
        let mut events = pin!(watcher(api, watcher::Config::default()).default_backoff());
        let mut listed = BTreeSet::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Apply(pod)) => self.seen(&node, pod),
                Ok(Event::Delete(pod)) => self.gone(&pod.uid().unwrap_or_default()),
                Ok(Event::Init) => listed.clear(),
                Ok(Event::InitApply(pod)) => {
                    listed.insert(pod.uid().unwrap_or_default());
                    self.seen(&node, pod);
                }
                // What went away while nobody watched.
                Ok(Event::InitDone) => {
                    let known: Vec<String> = self.entries().keys().cloned().collect();
                    known.iter().filter(|uid| !listed.contains(*uid)).for_each(|uid| self.gone(uid));
                }
                Err(error) => tracing::warn!(%error, "cannot watch the pods"),
            }
        }
    }

    /// Kills the processes of a pod, as the kernel does to one that is out of memory.
    pub(super) async fn kill(&self, namespace: &str, name: &str) {
        let running: Vec<u32> = self
            .entries()
            .values()
            .filter(|entry| entry.namespace == namespace && entry.name == name)
            .flat_map(|entry| entry.ledger.running())
            .collect();
        for pid in running {
            process::signal("KILL", pid).await;
        }
    }

    /// Lets go of every pod.
    pub(super) fn abort(&self) {
        for entry in self.entries().values() {
            entry.task.abort();
        }
        self.entries().clear();
    }

    fn seen(&self, node: &Arc<Node>, pod: Pod) {
        let spec = pod.spec.clone().unwrap_or_default();
        let gated = spec.scheduling_gates.is_some_and(|gates| !gates.is_empty());
        match spec.node_name.as_deref() {
            Some(NODE) => self.run(node, pod),
            None | Some("") if !gated && pod.metadata.deletion_timestamp.is_none() => {
                tokio::spawn(bind(node.client.clone(), pod));
            }
            _ => {}
        }
    }

    fn run(&self, node: &Arc<Node>, pod: Pod) {
        let (uid, namespace, name) =
            (pod.uid().unwrap_or_default(), pod.namespace().unwrap_or_default(), pod.name_any());
        let pod = Arc::new(pod);
        let mut entries = self.entries();
        if let Some(entry) = entries.get(&uid) {
            entry.seen.send_replace(Some(pod));
            return;
        }
        let ledger = Arc::new(Ledger::of(&pod));
        let (sender, receiver) = watch::channel(Some(Arc::clone(&pod)));
        let task = tokio::spawn(PodTask::new(Arc::clone(node), pod, receiver, Arc::clone(&ledger)).run());
        let entry = Entry { namespace, name: name.clone(), seen: sender, ledger, task: task.abort_handle() };
        entries.insert(uid, entry);
        drop(entries);
        tokio::spawn(async move {
            if let Err(error) = task.await
                && error.is_panic()
            {
                tracing::error!(%error, pod = name, "the pod's task broke; the others go on");
            }
        });
    }

    /// The task sees it, and ends by itself.
    fn gone(&self, uid: &str) {
        if let Some(entry) = self.entries().remove(uid) {
            entry.seen.send_replace(None);
        }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what a scheduler does on a cluster of one machine.
async fn bind(client: Client, pod: Pod) {
    let api: Api<Pod> = Api::namespaced(client, &pod.namespace().unwrap_or_default());
    let binding = Binding {
        metadata: kube::api::ObjectMeta {
            name: pod.metadata.name.clone(),
            namespace: pod.metadata.namespace.clone(),
            uid: pod.metadata.uid.clone(),
            ..Default::default()
        },
        target: ObjectReference {
            kind: Some("Node".to_owned()),
            name: Some(NODE.to_owned()),
            ..ObjectReference::default()
        },
    };
    loop {
        let name = pod.name_any();
        let bound: Result<serde_json::Value, _> =
            api.create_subresource("binding", &name, &PostParams::default(), &binding).await;
        match bound {
            // Bound or gone meanwhile, or refused for good.
            Err(kube::Error::Api(answer)) if (400..500).contains(&answer.code) && answer.code != 429 => {
                return tracing::debug!(pod = name, message = answer.message, "not bound");
            }
            Err(error) => tracing::debug!(%error, pod = name, "cannot bind the pod yet"),
            Ok(_) => return,
        }
        sleep(RETRY).await;
    }
}
