//! The status of a pod, composed from those of its containers as the kubelet does; pure.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ContainerStateTerminated, ContainerStateWaiting, ContainerStatus, HostIP, Pod, PodCondition, PodIP, PodStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::downward::ADDRESS;

/// How the containers of a pod are.
#[derive(Clone, Debug, Default)]
pub(super) struct Containers {
    pub(super) init: Vec<ContainerStatus>,
    pub(super) main: Vec<ContainerStatus>,
    /// Nothing will run any more: the pod was deleted, or its time is over.
    pub(super) finished: bool,
    /// Why the pod as a whole fails, whatever its containers do, once they have ended: reason and message.
    pub(super) failure: Option<(String, String)>,
}

/// The status of `pod`. `before` is the one last reported; its transition times stand where nothing changed.
pub(super) fn compose(pod: &Pod, containers: &Containers, before: &PodStatus, now: Timestamp) -> PodStatus {
    let phase = phase(pod, containers);
    let conditions = conditions(containers, phase)
        .into_iter()
        .map(|condition| dated(condition, before.conditions.as_deref().unwrap_or_default(), now))
        .collect();
    let (reason, message) = containers.failure.clone().filter(|_| containers.finished).unzip();
    PodStatus {
        phase: Some(phase.to_owned()),
        reason,
        message,
        conditions: Some(conditions),
        host_ip: Some(ADDRESS.to_owned()),
        host_ips: Some(vec![HostIP { ip: ADDRESS.to_owned() }]),
        pod_ip: Some(ADDRESS.to_owned()),
        pod_ips: Some(vec![PodIP { ip: ADDRESS.to_owned() }]),
        start_time: Some(before.start_time.clone().unwrap_or(Time(now))),
        init_container_statuses: Some(containers.init.clone()).filter(|all| !all.is_empty()),
        container_statuses: Some(containers.main.clone()),
        ..PodStatus::default()
    }
}

/// The status of a container that has not run yet.
pub(super) fn waiting(status: &mut ContainerStatus, reason: &str, message: Option<String>) {
    let waiting = ContainerStateWaiting { reason: Some(reason.to_owned()), message };
    status.state = Some(k8s_openapi::api::core::v1::ContainerState { waiting: Some(waiting), ..Default::default() });
    status.ready = false;
    status.started = Some(false);
}

/// Whether a pod of this phase never runs again.
pub(super) fn is_final(phase: Option<&str>) -> bool {
    matches!(phase, Some("Succeeded" | "Failed"))
}

pub(super) fn ended(status: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    status.state.as_ref()?.terminated.as_ref()
}

fn is_running(status: &ContainerStatus) -> bool {
    status.state.as_ref().is_some_and(|state| state.running.is_some())
}

fn ended_before(status: &ContainerStatus) -> bool {
    status.last_state.as_ref().is_some_and(|state| state.terminated.is_some())
}

fn succeeded(status: &ContainerStatus) -> bool {
    ended(status).is_some_and(|end| end.exit_code == 0)
}

fn phase(pod: &Pod, containers: &Containers) -> &'static str {
    let policy = pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref()).unwrap_or("Always");
    let main = &containers.main;
    let all_succeeded = main.iter().all(succeeded);
    if containers.finished {
        return if all_succeeded && containers.failure.is_none() { "Succeeded" } else { "Failed" };
    }
    if let Some(failed) = containers.init.iter().find(|status| !succeeded(status)) {
        return if ended(failed).is_some() && policy == "Never" { "Failed" } else { "Pending" };
    }

    let waits = |status: &ContainerStatus| !is_running(status) && ended(status).is_none() && !ended_before(status);
    if main.iter().any(waits) {
        return "Pending";
    }
    match policy {
        _ if main.iter().any(is_running) => "Running",
        "Always" => "Running",
        _ if all_succeeded => "Succeeded",
        "Never" => "Failed",
        _ => "Running",
    }
}

fn conditions(containers: &Containers, phase: &str) -> Vec<PodCondition> {
    let ready = match phase {
        "Succeeded" => Some(("PodCompleted", None)),
        "Failed" => Some(("PodFailed", None)),
        _ => names(&containers.main, |status| !status.ready)
            .map(|names| ("ContainersNotReady", Some(format!("containers with unready status: {names}")))),
    };
    let initialized = match phase {
        "Succeeded" => None,
        _ => names(&containers.init, |status| !succeeded(status))
            .map(|names| ("ContainersNotInitialized", Some(format!("containers with incomplete status: {names}")))),
    };
    vec![
        condition("Initialized", initialized),
        condition("Ready", ready.clone()),
        condition("ContainersReady", ready),
        condition("PodScheduled", None),
    ]
}

/// A condition that is true unless something is in the way.
fn condition(type_: &str, obstacle: Option<(&str, Option<String>)>) -> PodCondition {
    let status = if obstacle.is_none() { "True" } else { "False" };
    let (reason, message) = obstacle.unzip();
    PodCondition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.map(str::to_owned),
        message: message.flatten(),
        ..PodCondition::default()
    }
}

fn names(statuses: &[ContainerStatus], wanted: impl Fn(&ContainerStatus) -> bool) -> Option<String> {
    let names: Vec<&str> = statuses.iter().filter(|status| wanted(status)).map(|status| status.name.as_str()).collect();
    (!names.is_empty()).then(|| format!("[{}]", names.join(" ")))
}

fn dated(mut condition: PodCondition, before: &[PodCondition], now: Timestamp) -> PodCondition {
    let same = before.iter().find(|old| old.type_ == condition.type_ && old.status == condition.status);
    let since = same.and_then(|old| old.last_transition_time.clone());
    condition.last_transition_time = Some(since.unwrap_or(Time(now)));
    condition
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::{Value, json};

    use super::*;

    fn pod(policy: &str) -> Pod {
        serde_json::from_value(json!({"spec": {"restartPolicy": policy, "containers": []}})).unwrap()
    }

    fn container(name: &str, state: &Value) -> ContainerStatus {
        let ready = state.get("running").is_some();
        let status =
            json!({"name": name, "image": "", "imageID": "", "restartCount": 0, "ready": ready, "state": state});
        serde_json::from_value(status).unwrap()
    }

    fn exit(code: i32) -> Value {
        json!({"terminated": {"exitCode": code}})
    }

    fn phase_of(policy: &str, states: &[Value]) -> &'static str {
        let main = states.iter().map(|state| container("main", state)).collect();
        phase(&pod(policy), &Containers { main, ..Containers::default() })
    }

    #[test]
    fn the_phase_follows_the_containers_and_the_restart_policy() {
        let running = json!({"running": {}});
        let waiting = json!({"waiting": {"reason": "ContainerCreating"}});

        assert_eq!(phase_of("Always", &[waiting.clone(), running.clone()]), "Pending");
        assert_eq!(phase_of("Never", &[running.clone(), exit(1)]), "Running");
        assert_eq!(phase_of("Never", &[exit(0), exit(0)]), "Succeeded");
        assert_eq!(phase_of("Never", &[exit(0), exit(42)]), "Failed");
        assert_eq!(phase_of("OnFailure", &[exit(42)]), "Running");
        assert_eq!(phase_of("OnFailure", &[exit(0)]), "Succeeded");
        assert_eq!(phase_of("Always", &[exit(0)]), "Running");
    }

    #[test]
    fn a_container_that_waits_to_be_restarted_does_not_make_the_pod_pending() {
        let mut crashed = container("main", &json!({"waiting": {"reason": "CrashLoopBackOff"}}));
        crashed.last_state = serde_json::from_value(exit(1)).unwrap();

        let phase = phase(&pod("Always"), &Containers { main: vec![crashed], ..Containers::default() });

        assert_eq!(phase, "Running");
    }

    #[test]
    fn a_pod_that_was_deleted_ends_by_the_exit_codes_whatever_its_policy() {
        let finished =
            |code| Containers { main: vec![container("main", &exit(code))], finished: true, ..Containers::default() };

        assert_eq!(phase(&pod("Always"), &finished(0)), "Succeeded");
        assert_eq!(phase(&pod("Always"), &finished(143)), "Failed");
    }

    #[test]
    fn init_containers_hold_the_pod_back_and_may_fail_it() {
        let with_init = |state| Containers {
            init: vec![container("first", &state)],
            main: vec![container("main", &json!({"waiting": {}}))],
            ..Containers::default()
        };

        assert_eq!(phase(&pod("Never"), &with_init(json!({"running": {}}))), "Pending");
        assert_eq!(phase(&pod("Never"), &with_init(exit(1))), "Failed");
        assert_eq!(phase(&pod("Always"), &with_init(exit(1))), "Pending");
    }

    #[test]
    fn conditions_say_what_is_missing_and_keep_their_times() {
        let then = Timestamp::UNIX_EPOCH;
        let now = then + SignedDuration::from_secs(60);
        let mut main = container("main", &json!({"running": {}}));
        main.ready = false;
        let mut containers = Containers { main: vec![main], ..Containers::default() };

        let before = compose(&pod("Always"), &containers, &PodStatus::default(), then);
        containers.main[0].ready = true;
        let after = compose(&pod("Always"), &containers, &before, now);

        let shown = |status: &PodStatus| -> Vec<String> {
            let line = |condition: &PodCondition| {
                let since = condition.last_transition_time.as_ref().unwrap().0.as_second();
                let message = condition.message.as_deref().unwrap_or_default();
                format!("{} {} {since} {message}", condition.type_, condition.status)
            };
            status.conditions.iter().flatten().map(line).collect()
        };
        assert_eq!(
            shown(&before),
            [
                "Initialized True 0 ",
                "Ready False 0 containers with unready status: [main]",
                "ContainersReady False 0 containers with unready status: [main]",
                "PodScheduled True 0 ",
            ]
        );
        assert_eq!(
            shown(&after),
            ["Initialized True 0 ", "Ready True 60 ", "ContainersReady True 60 ", "PodScheduled True 0 "]
        );
        assert_eq!(after.start_time, Some(Time(then)));
    }
}
