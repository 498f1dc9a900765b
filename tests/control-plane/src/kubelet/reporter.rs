//! Tells the API server how a pod is.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::ledger::Ledger;
use super::node::Node;
use super::pod::RETRY;
use super::status;

pub(super) struct Reporter<'a> {
    api: Api<Pod>,
    pod: &'a Pod,
    ledger: &'a Ledger,
    /// As composed last: transition times stand on it.
    before: PodStatus,
    /// What the API server has.
    told: Option<PodStatus>,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(node: &Node, pod: &'a Pod, ledger: &'a Ledger) -> Self {
        let api = Api::namespaced(node.client.clone(), &pod.namespace().unwrap_or_default());
        Self { api, pod, ledger, before: pod.status.clone().unwrap_or_default(), told: None }
    }

    /// Reports each change. Never comes back.
    pub(super) async fn run(&mut self) {
        loop {
            self.last().await;
            self.ledger.changed().await;
        }
    }

    /// Reports until it is heard, or there is nobody to hear it.
    pub(super) async fn last(&mut self) {
        while let Err(error) = self.report().await {
            tracing::debug!(%error, pod = self.pod.name_any(), "cannot report the status yet");
            sleep(RETRY).await;
        }
    }

    async fn report(&mut self) -> Result<(), kube::Error> {
        let status = status::compose(self.pod, &self.ledger.read(), &self.before, Timestamp::now());
        self.before = status.clone();
        if self.told.as_ref() == Some(&status) {
            return Ok(());
        }
        let patch = Patch::Strategic(patch(self.pod, &status));
        let patched = self.api.patch_status(&self.pod.name_any(), &PatchParams::default(), &patch).await;
        match patched {
            Err(kube::Error::Api(answer)) if answer.code == 404 || answer.code == 409 => {}
            // The next one may be better; this one never will be.
            Err(kube::Error::Api(answer)) if answer.code == 400 || answer.code == 422 => {
                tracing::error!(pod = self.pod.name_any(), message = answer.message, "the status is refused");
            }
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        self.told = Some(status);
        Ok(())
    }
}

/// Conditions of others stay, because the list is merged by type; what a condition of ours no longer says has to be named
/// for that. Another pod of the same name is left alone.
fn patch(pod: &Pod, status: &PodStatus) -> Value {
    let mut status = json!(status);
    for condition in status["conditions"].as_array_mut().into_iter().flatten() {
        for key in ["reason", "message"] {
            if condition.get(key).is_none() {
                condition[key] = Value::Null;
            }
        }
    }
    json!({"metadata": {"uid": pod.uid()}, "status": status})
}
