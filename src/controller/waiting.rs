//! Why the pods of a Job do not start, as they tell it. Pure.
//!
//! What is said stays the same while the cause does: it becomes part of a status, and each change there is a write.

use k8s_openapi::api::core::v1::{ContainerStateWaiting, Pod};

/// Characters of what Kubernetes says that are passed on.
const LONGEST: usize = 300;

/// Why no pod of this Job has started; `None` where one has.
pub(super) fn why(job: &str, pods: &[Pod]) -> Option<String> {
    let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone());
    if pods.iter().any(|pod| phase(pod).is_some_and(|phase| phase != "Pending")) {
        return None;
    }
    Some(waits_for(job, pods))
}

fn waits_for(job: &str, pods: &[Pod]) -> String {
    let first =
        pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).min_by_key(|pod| &pod.metadata.name);
    let Some(pod) = first else {
        return format!("Kubernetes makes no pods for Job '{job}': see the Job's events");
    };
    let status = pod.status.as_ref();
    let unscheduled = status
        .and_then(|status| status.conditions.as_ref()?.iter().find(|condition| condition.type_ == "PodScheduled"))
        .filter(|condition| condition.status == "False");
    if let Some(condition) = unscheduled {
        let reason = condition.reason.as_deref().unwrap_or("Unschedulable");
        return said(reason, condition.message.as_deref());
    }
    let init = status.and_then(|status| status.init_container_statuses.as_ref()).into_iter().flatten();
    let main = status.and_then(|status| status.container_statuses.as_ref()).into_iter().flatten();
    let waiting = init.chain(main).find_map(|container| {
        let waiting = container.state.as_ref()?.waiting.as_ref()?;
        Some((waiting, container.image.as_str()))
    });
    match waiting {
        Some((waiting, image)) => of_container(job, waiting, image),
        None => format!("the pods of Job '{job}' do not become ready: see their events"),
    }
}

fn of_container(job: &str, waiting: &ContainerStateWaiting, image: &str) -> String {
    match waiting.reason.as_deref() {
        // They take turns.
        Some("ErrImagePull" | "ImagePullBackOff") => format!("image '{image}' cannot be pulled (ImagePullBackOff)"),
        // A volume that cannot be mounted is told of in events only.
        None | Some("ContainerCreating" | "PodInitializing") => {
            format!("the containers of Job '{job}' cannot be made yet: see the events of its pods")
        }
        Some(reason) => said(reason, waiting.message.as_deref()),
    }
}

fn said(reason: &str, message: Option<&str>) -> String {
    let message: String = message.unwrap_or_default().chars().take(LONGEST).collect();
    if message.is_empty() { reason.to_owned() } else { format!("{message} ({reason})") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(name: &str, status: &Value) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": name}, "status": status})).unwrap()
    }

    fn waits(waiting: &Value) -> Pod {
        let container = json!({"name": "import", "image": "registry.example/x:1", "imageID": "", "ready": false,
                               "restartCount": 0, "state": {"waiting": waiting}});
        pod("a", &json!({"containerStatuses": [container]}))
    }

    #[test]
    fn each_cause_is_told_and_stays_the_same_while_it_lasts() {
        let why = |pods: &[Pod]| why("job", pods).unwrap();
        let pull = |reason: &str, message: &str| why(&[waits(&json!({"reason": reason, "message": message}))]);
        let unschedulable = json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                                                   "message": "0/3 nodes are available"}]});

        assert_eq!(pull("ErrImagePull", "rpc error 1"), pull("ImagePullBackOff", "Back-off pulling image"));
        assert!(pull("ErrImagePull", "").contains("registry.example/x:1"));
        assert_eq!(pull("CreateContainerConfigError", "no such key"), "no such key (CreateContainerConfigError)");
        assert!(pull("ContainerCreating", "").contains("see the events"));
        assert_eq!(why(&[pod("a", &unschedulable)]), "0/3 nodes are available (Unschedulable)");
        assert!(why(&[]).contains("makes no pods for Job 'job'"));
    }

    #[test]
    fn a_pod_that_ran_is_tried_again_and_waits_for_nothing() {
        let ran = pod("a", &json!({"phase": "Failed"}));

        assert_eq!(why("job", &[ran, pod("b", &json!({"phase": "Pending"}))]), None);
    }

    #[test]
    fn it_does_not_depend_on_the_order_of_the_pods() {
        let (one, other) = (pod("a", &json!({})), waits(&json!({"reason": "InvalidImageName"})));
        let other = Pod { metadata: pod("b", &json!({})).metadata, ..other };

        assert_eq!(why("job", &[one.clone(), other.clone()]), why("job", &[other, one]));
    }
}
