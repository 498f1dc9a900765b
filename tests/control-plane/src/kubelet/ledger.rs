//! What a pod's task knows of its containers, and the bell that rings when it changes.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::core::v1::{Container, ContainerState, ContainerStateTerminated, ContainerStatus, Pod, PodSpec};
use tokio::sync::Notify;

use super::status::{self, Containers};

pub(super) struct Ledger {
    containers: Mutex<Containers>,
    /// The process of each container that runs.
    processes: Mutex<BTreeMap<String, u32>>,
    changed: Notify,
}

impl Ledger {
    /// Begins with what was reported of the pod before: after a restart of the kubelet, running containers are lost.
    pub(super) fn of(pod: &Pod) -> Self {
        let spec = pod.spec.clone().unwrap_or_default();
        let before = pod.status.clone().unwrap_or_default();
        let first = if spec.init_containers.iter().flatten().next().is_some() {
            "PodInitializing"
        } else {
            "ContainerCreating"
        };
        let statuses = |containers: &[Container], before: Option<Vec<ContainerStatus>>| -> Vec<ContainerStatus> {
            let before = before.unwrap_or_default();
            let of = |container: &Container| {
                let old = before.iter().find(|status| status.name == container.name);
                old.filter(|old| began(old)).map_or_else(|| fresh(container, first), lost)
            };
            containers.iter().map(of).collect()
        };
        let containers = Containers {
            init: statuses(spec.init_containers.as_deref().unwrap_or_default(), before.init_container_statuses),
            main: statuses(&spec.containers, before.container_statuses),
            ..Containers::default()
        };
        Self { containers: Mutex::new(containers), processes: Mutex::default(), changed: Notify::new() }
    }

    pub(super) fn read(&self) -> Containers {
        self.lock().clone()
    }

    pub(super) fn status(&self, name: &str) -> Option<ContainerStatus> {
        let containers = self.lock();
        containers.init.iter().chain(&containers.main).find(|status| status.name == name).cloned()
    }

    /// Changes what is known of one container.
    pub(super) fn update(&self, name: &str, change: impl FnOnce(&mut ContainerStatus)) {
        let mut containers = self.lock();
        let Containers { init, main, .. } = &mut *containers;
        if let Some(status) = init.iter_mut().chain(main).find(|status| status.name == name) {
            change(status);
        }
        drop(containers);
        self.changed.notify_one();
    }

    /// Says of every container that has not begun what it waits for.
    pub(super) fn hold(&self, message: &str) {
        let mut containers = self.lock();
        let Containers { init, main, .. } = &mut *containers;
        for status in init.iter_mut().chain(main) {
            let reason = status.state.as_ref().and_then(|state| state.waiting.as_ref()?.reason.clone());
            if let Some(reason) = reason {
                status::waiting(status, &reason, Some(message.to_owned()));
            }
        }
        drop(containers);
        self.changed.notify_one();
    }

    /// The pod fails as a whole.
    pub(super) fn fail(&self, reason: &str, message: &str) {
        self.lock().failure = Some((reason.to_owned(), message.to_owned()));
        self.changed.notify_one();
    }

    /// Nothing runs any more: a container that has no end by now never began, and the kubelet calls its end unknown.
    pub(super) fn finish(&self) {
        let mut containers = self.lock();
        containers.finished = true;
        let Containers { init, main, .. } = &mut *containers;
        for status in init.iter_mut().chain(main).filter(|status| status::ended(status).is_none()) {
            status.state = Some(unknown());
            status.ready = false;
            status.started = Some(false);
        }
    }

    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn runs(&self, name: &str, process: u32) {
        self.processes().insert(name.to_owned(), process);
    }

    pub(super) fn ended(&self, name: &str) {
        self.processes().remove(name);
    }

    pub(super) fn running(&self) -> Vec<u32> {
        self.processes().values().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Containers> {
        self.containers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn processes(&self) -> MutexGuard<'_, BTreeMap<String, u32>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a container that ended with `code` is started again.
pub(super) fn restarts(pod: &PodSpec, init: bool, code: i32) -> bool {
    match pod.restart_policy.as_deref() {
        Some("Never") => false,
        Some("OnFailure") => code != 0,
        _ if init => code != 0,
        _ => true,
    }
}

fn began(status: &ContainerStatus) -> bool {
    status.state.as_ref().is_some_and(|state| state.running.is_some() || state.terminated.is_some())
        || status.last_state.as_ref().is_some_and(|state| state.terminated.is_some())
}

fn fresh(container: &Container, reason: &str) -> ContainerStatus {
    let mut status = ContainerStatus {
        name: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        ..ContainerStatus::default()
    };
    status::waiting(&mut status, reason, None);
    status
}

fn lost(before: &ContainerStatus) -> ContainerStatus {
    let mut status = before.clone();
    if status::ended(&status).is_none() {
        status.state = Some(unknown());
    }
    status.ready = false;
    status.started = Some(false);
    status
}

fn unknown() -> ContainerState {
    let end = ContainerStateTerminated {
        exit_code: 137,
        reason: Some("ContainerStatusUnknown".to_owned()),
        message: Some("The container could not be located when the pod was terminated".to_owned()),
        ..ContainerStateTerminated::default()
    };
    ContainerState { terminated: Some(end), ..ContainerState::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_container_is_started_again_as_the_policy_says() {
        let policy = |policy: &str| -> PodSpec {
            serde_json::from_value(json!({"restartPolicy": policy, "containers": []})).unwrap()
        };
        let table =
            |init| ["Always", "OnFailure", "Never"].map(|name| [0, 1].map(|code| restarts(&policy(name), init, code)));

        assert_eq!(table(false), [[true, true], [false, true], [false, false]]);
        assert_eq!(table(true), [[false, true], [false, true], [false, false]]);
    }

    #[test]
    fn a_new_kubelet_knows_that_what_ran_before_it_is_lost() {
        let pod: Pod = serde_json::from_value(json!({
            "spec": {"containers": [{"name": "ran"}, {"name": "waited"}]},
            "status": {"containerStatuses": [
                {"name": "ran", "image": "", "imageID": "", "ready": true, "restartCount": 3, "state": {"running": {}}},
                {"name": "waited", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": {"waiting": {}}},
            ]},
        }))
        .unwrap();

        let known = Ledger::of(&pod).read().main;

        assert_eq!(status::ended(&known[0]).map(|end| end.exit_code), Some(137));
        assert_eq!((known[0].ready, known[0].restart_count), (false, 3));
        let waiting = known[1].state.as_ref().unwrap().waiting.as_ref().unwrap();
        assert_eq!(waiting.reason.as_deref(), Some("ContainerCreating"));
    }
}
