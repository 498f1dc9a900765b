//! One pod, from its arrival on the machine until it is gone from the API server.

use std::fs;
use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use kube::api::{DeleteParams, Preconditions};
use kube::{Api, ResourceExt};
use tokio::sync::watch;
use tokio::time::sleep;

use super::container::{Supervisor, grace};
use super::ledger::Ledger;
use super::node::Node;
use super::references;
use super::reporter::Reporter;
use super::status;
use super::stop::{self, Stop, Stopper};
use super::volumes::Volumes;
use super::wait;

/// How long a pod that was deleted by force may take.
const FORCED: Duration = Duration::from_secs(1);
/// A pause before a call to the API server is tried again.
pub(super) const RETRY: Duration = Duration::from_millis(500);

/// A pod as the API server shows it; nothing when it has gone there.
pub(super) type Seen = Option<Arc<Pod>>;

pub(super) struct PodTask {
    node: Arc<Node>,
    /// As it arrived; what runs is as it was asked for then.
    pod: Arc<Pod>,
    spec: PodSpec,
    seen: watch::Receiver<Seen>,
    ledger: Arc<Ledger>,
}

impl PodTask {
    pub(super) fn new(node: Arc<Node>, pod: Arc<Pod>, seen: watch::Receiver<Seen>, ledger: Arc<Ledger>) -> Self {
        let spec = pod.spec.clone().unwrap_or_default();
        Self { node, pod, spec, seen, ledger }
    }

    pub(super) async fn run(self) {
        let mut reporter = Reporter::new(&self.node, &self.pod, &self.ledger);
        if !status::is_final(self.pod.status.as_ref().and_then(|status| status.phase.as_deref())) {
            let (stopper, stop) = stop::pair();
            tokio::select! {
                () = self.live(stop.clone()) => {}
                () = reporter.run() => {}
                () = self.watch_deletion(&stopper) => {}
                () = self.watch_deadline(&stopper) => {}
            }
            if stop.is_asked() {
                self.ledger.finish();
            }
            reporter.last().await;
        }
        let directory = self.directory();
        if directory.exists()
            && let Err(error) = fs::remove_dir_all(&directory)
        {
            tracing::warn!(%error, pod = self.pod.name_any(), "cannot remove the pod's files");
        }
        self.leave().await;
    }

    fn directory(&self) -> PathBuf {
        self.node.directory.join("pods").join(self.pod.uid().unwrap_or_default())
    }

    /// Runs the containers, the initial ones first, until none has to run any more.
    async fn live(&self, mut stop: Stop) {
        let mut volumes = Volumes::new(self.directory().join("volumes"));
        tokio::select! {
            () = self.mount(&mut volumes) => {}
            () = stop.asked() => return,
        }
        let containers = async {
            for container in self.spec.init_containers.iter().flatten() {
                self.supervise(container, true, &stop).run().await;
                let status = self.ledger.status(&container.name);
                let succeeded = status.as_ref().and_then(status::ended).is_some_and(|end| end.exit_code == 0);
                if !succeeded {
                    return;
                }
            }
            join_all(self.spec.containers.iter().map(|container| self.supervise(container, false, &stop).run())).await;
        };
        tokio::select! {
            () = containers => {}
            () = self.keep_fresh(&mut volumes) => {}
        }
    }

    fn supervise<'a>(&'a self, container: &'a Container, init: bool, stop: &Stop) -> Supervisor<'a> {
        Supervisor {
            node: &self.node,
            pod: &self.pod,
            spec: &self.spec,
            container,
            init,
            ledger: &self.ledger,
            stop: stop.clone(),
        }
    }

    /// Fills the volumes for the first time: what they name may have to be waited for.
    async fn mount(&self, volumes: &mut Volumes) {
        let names = references::in_volumes(&self.spec);
        let namespace = self.pod.namespace().unwrap_or_default();
        let mut changes = self.node.changes.subscribe();
        while let Err(why) = volumes.refresh(&self.node.client, &self.pod).await {
            self.ledger.hold(&why);
            wait::changed(&mut changes, &namespace, &names).await;
        }
    }

    /// Brings the volumes up to date whenever what they show changes. Never comes back.
    async fn keep_fresh(&self, volumes: &mut Volumes) {
        let names = references::in_volumes(&self.spec);
        let namespace = self.pod.namespace().unwrap_or_default();
        let mut changes = self.node.changes.subscribe();
        let mut seen = self.seen.clone();
        loop {
            let pod = seen.borrow_and_update().clone().unwrap_or_else(|| Arc::clone(&self.pod));
            // Labels and annotations may be shown in a file.
            let told = (pod.metadata.labels.clone(), pod.metadata.annotations.clone());
            let other = |seen: &Seen| {
                seen.as_ref().is_some_and(|pod| (&pod.metadata.labels, &pod.metadata.annotations) != (&told.0, &told.1))
            };
            let failed = volumes.refresh(&self.node.client, &pod).await.is_err_and(|why| {
                tracing::warn!(pod = pod.name_any(), why, "volumes stay as they are");
                true
            });
            let renewal = async {
                match volumes.next() {
                    _ if failed => sleep(RETRY * 4).await,
                    Some(pause) => sleep(pause).await,
                    None => pending().await,
                }
            };
            let relabelled = async {
                let gone = seen.wait_for(other).await.is_err();
                if gone {
                    pending::<()>().await;
                }
            };
            tokio::select! {
                () = wait::said(&mut changes, &namespace, &names) => {}
                () = relabelled => {}
                () = renewal => {}
            }
        }
    }

    /// Asks the containers to end once the pod is deleted. Never comes back.
    async fn watch_deletion(&self, stopper: &Stopper) {
        let mut seen = self.seen.clone();
        loop {
            let grace = match &*seen.borrow_and_update() {
                None => Some(FORCED),
                Some(pod) if pod.metadata.deletion_timestamp.is_some() => {
                    let seconds = pod.metadata.deletion_grace_period_seconds.unwrap_or_default();
                    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()).max(FORCED))
                }
                Some(_) => None,
            };
            if let Some(grace) = grace {
                stopper.ask(grace);
            }
            if seen.changed().await.is_err() {
                pending::<()>().await;
            }
        }
    }

    /// Fails the pod when it has been active for too long. Never comes back.
    async fn watch_deadline(&self, stopper: &Stopper) {
        let Some(seconds) = self.spec.active_deadline_seconds else { return pending().await };
        let started = self.pod.status.as_ref().and_then(|status| status.start_time.as_ref());
        let started = started.map_or_else(Timestamp::now, |time| time.0);
        let left = SignedDuration::from_secs(seconds) - Timestamp::now().duration_since(started);
        sleep(Duration::try_from(left).unwrap_or_default()).await;
        self.ledger.fail("DeadlineExceeded", "Pod was active on the node longer than the specified deadline");
        stopper.ask(grace(&self.spec, None));
        pending::<()>().await;
    }

    /// Stays until the pod is deleted, and tells the API server that nothing is left of it here.
    async fn leave(mut self) {
        let api: Api<Pod> = Api::namespaced(self.node.client.clone(), &self.pod.namespace().unwrap_or_default());
        let now = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions { uid: self.pod.uid(), resource_version: None }),
            ..DeleteParams::default()
        };
        let deleted = |seen: &Seen| seen.as_ref().is_none_or(|pod| pod.metadata.deletion_timestamp.is_some());
        while let Ok(seen) = self.seen.wait_for(deleted).await.map(|seen| seen.clone()) {
            if seen.is_none() {
                return;
            }
            match api.delete(&self.pod.name_any(), &now).await {
                Err(kube::Error::Api(answer)) if answer.code == 404 || answer.code == 409 => return,
                Err(error) => {
                    tracing::warn!(%error, pod = self.pod.name_any(), "cannot take the pod off the API server");
                    sleep(RETRY).await;
                }
                // A finalizer may keep it there; that is not for a kubelet to wait for.
                Ok(_) => return,
            }
        }
    }
}
