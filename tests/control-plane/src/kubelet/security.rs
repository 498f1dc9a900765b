//! Who a container's process is, and what it may do.

use k8s_openapi::api::core::v1::{Capabilities, Container, PodSecurityContext, PodSpec, SecurityContext};

/// The user that our image names, for a pod that only says it is not root.
const NON_ROOT: i64 = 65532;

/// What a container runtime grants root unless told otherwise.
const DEFAULT_CAPABILITIES: [&str; 14] = [
    "audit_write",
    "chown",
    "dac_override",
    "fowner",
    "fsetid",
    "kill",
    "mknod",
    "net_bind_service",
    "net_raw",
    "setfcap",
    "setgid",
    "setpcap",
    "setuid",
    "sys_chroot",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: i64,
    gid: i64,
    groups: Vec<i64>,
    /// The capabilities that may be had at all; nothing for a privileged container, which may have each.
    capabilities: Option<Vec<String>>,
    no_new_privileges: bool,
}

impl User {
    /// The user that `container` asks for, or why the kubelet refuses it.
    pub(super) fn of(pod: &PodSpec, container: &Container) -> Result<Self, String> {
        let for_pod = pod.security_context.clone().unwrap_or_default();
        let own = container.security_context.clone().unwrap_or_default();
        let non_root = own.run_as_non_root.or(for_pod.run_as_non_root).unwrap_or(false);
        let uid = own.run_as_user.or(for_pod.run_as_user).unwrap_or(if non_root { NON_ROOT } else { 0 });
        if non_root && uid == 0 {
            return Err(format!("container's runAsUser breaks non-root policy (container: {})", container.name));
        }
        let gid = own.run_as_group.or(for_pod.run_as_group).unwrap_or(if uid == NON_ROOT { NON_ROOT } else { 0 });
        Ok(Self {
            uid,
            gid,
            groups: groups(&for_pod),
            capabilities: (own.privileged != Some(true)).then(|| capabilities(own.capabilities.as_ref())),
            no_new_privileges: own.allow_privilege_escalation == Some(false),
        })
    }

    /// The command that becomes this user and then runs what follows.
    pub(super) fn setpriv(&self) -> Vec<String> {
        let mut command = vec!["setpriv".to_owned(), format!("--reuid={}", self.uid), format!("--regid={}", self.gid)];
        if self.groups.is_empty() {
            command.push("--clear-groups".to_owned());
        } else {
            let groups: Vec<String> = self.groups.iter().map(i64::to_string).collect();
            command.push(format!("--groups={}", groups.join(",")));
        }
        if let Some(capabilities) = &self.capabilities {
            let granted: String = capabilities.iter().map(|name| format!(",+{name}")).collect();
            command.push(format!("--bounding-set=-all{granted}"));
            command.push("--inh-caps=-all".to_owned());
        }
        if self.no_new_privileges {
            command.push("--no-new-privs".to_owned());
        }
        command.push("--".to_owned());
        command
    }
}

/// The user that all containers of the pod share by their specs; the kubelet gives that one the token files.
pub(super) fn shared_user(pod: &PodSpec) -> Option<i64> {
    let for_pod = pod.security_context.as_ref().and_then(|context| context.run_as_user);
    let mut users = pod.containers.iter().chain(pod.init_containers.iter().flatten()).map(|container| {
        container.security_context.as_ref().and_then(|context: &SecurityContext| context.run_as_user).or(for_pod)
    });
    let first = users.next()??;
    users.all(|user| user == Some(first)).then_some(first)
}

/// The group that owns the volumes of the pod.
pub(super) fn fs_group(pod: &PodSpec) -> Option<i64> {
    pod.security_context.as_ref()?.fs_group
}

fn groups(context: &PodSecurityContext) -> Vec<i64> {
    let mut groups = context.supplemental_groups.clone().unwrap_or_default();
    groups.extend(context.fs_group);
    groups
}

fn capabilities(asked: Option<&Capabilities>) -> Vec<String> {
    let plain = |name: &String| name.to_lowercase().trim_start_matches("cap_").to_owned();
    let asked = asked.cloned().unwrap_or_default();
    let dropped: Vec<String> = asked.drop.iter().flatten().map(plain).collect();
    let added: Vec<String> = asked.add.iter().flatten().map(plain).collect();
    if added.iter().any(|name| name == "all") {
        return vec!["all".to_owned()];
    }

    let all_dropped = dropped.iter().any(|name| name == "all");
    let mut granted: Vec<String> = DEFAULT_CAPABILITIES
        .iter()
        .map(|name| (*name).to_owned())
        .filter(|name| !all_dropped && !dropped.contains(name))
        .collect();
    granted.extend(added);
    granted.dedup();
    granted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user(pod: serde_json::Value, container: serde_json::Value) -> Result<User, String> {
        let pod = PodSpec { security_context: serde_json::from_value(pod).unwrap(), ..PodSpec::default() };
        let container = Container {
            name: "main".to_owned(),
            security_context: serde_json::from_value(container).unwrap(),
            ..Container::default()
        };
        User::of(&pod, &container)
    }

    #[test]
    fn a_restricted_container_becomes_a_user_without_any_capability() {
        let pod = json!({"runAsNonRoot": true, "fsGroup": 2000});
        let container = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});

        let command = user(pod, container).unwrap().setpriv().join(" ");

        let expected = "setpriv --reuid=65532 --regid=65532 --groups=2000 --bounding-set=-all --inh-caps=-all \
                        --no-new-privs --";
        assert_eq!(command, expected);
    }

    #[test]
    fn root_is_refused_where_the_pod_says_it_is_not_root() {
        let refused = user(json!({"runAsNonRoot": true}), json!({"runAsUser": 0}));

        assert_eq!(refused, Err("container's runAsUser breaks non-root policy (container: main)".to_owned()));
    }

    #[test]
    fn the_container_has_the_last_word_and_capabilities_are_granted_by_name() {
        let pod = json!({"runAsUser": 1000, "runAsGroup": 1000});
        let container = json!({"runAsUser": 1001, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}});

        let command = user(pod, container).unwrap().setpriv().join(" ");

        let expected = "setpriv --reuid=1001 --regid=1000 --clear-groups --bounding-set=-all,+net_bind_service \
                        --inh-caps=-all --";
        assert_eq!(command, expected);
    }
}
