//! From a container's spec to what is started.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, VolumeMount};
use kube::ResourceExt;

use super::environment::{self, Variables};
use super::machine::TOOLS;
use super::process::{Launch, Mount};
use super::references::References;
use super::security::User;

/// Where the machine keeps what a container is made of.
pub(super) struct Places {
    pub(super) root: PathBuf,
    pub(super) log: PathBuf,
    pub(super) volumes: PathBuf,
    pub(super) termination_log: PathBuf,
    /// The image's entry point.
    pub(super) binary: PathBuf,
    /// Files that every container has, by their paths in it.
    pub(super) base: BTreeMap<&'static str, PathBuf>,
}

/// What to start, or why the kubelet refuses the container.
pub(super) fn launch(
    pod: &Pod,
    container: &Container,
    references: &References,
    links: &Variables,
    places: Places,
) -> Result<Launch, String> {
    let spec = pod.spec.as_ref().ok_or("the pod has no spec")?;
    let user = User::of(spec, container)?;
    let mut inherited = links.clone();
    inherited.insert("HOSTNAME".to_owned(), host_name(pod, spec));
    inherited.insert("HOME".to_owned(), home(user.uid).to_owned());
    inherited.insert("PATH".to_owned(), TOOLS.to_owned());
    let variables = environment::variables(pod, container, references, &inherited)?;

    let own = container.security_context.clone().unwrap_or_default();
    let command = environment::command_line(container, &entry_point(&places.binary), &variables);
    Ok(Launch {
        mounts: mounts(container, &variables, &places)?,
        root: places.root,
        log: places.log,
        host_name: host_name(pod, spec),
        read_only_root: own.read_only_root_filesystem == Some(true),
        working_directory: container.working_dir.clone().unwrap_or_else(|| "/".to_owned()),
        user,
        variables,
        command,
    })
}

/// What this kubelet cannot do. Better refused than done by half.
pub(super) fn unsupported(container: &Container) -> Option<&'static str> {
    let lifecycle = container.lifecycle.clone().unwrap_or_default();
    let probes = [&container.startup_probe, &container.liveness_probe, &container.readiness_probe];
    let mut probes = probes.into_iter().flatten();
    if lifecycle.post_start.is_some() {
        return Some("this kubelet knows no postStart hooks");
    }
    if container.volume_devices.is_some() {
        return Some("this kubelet knows no block devices");
    }
    if container.restart_policy.is_some() {
        return Some("this kubelet knows no sidecar containers");
    }
    if probes.any(|probe| probe.grpc.is_some()) {
        return Some("this kubelet knows no gRPC probes");
    }
    None
}

fn host_name(pod: &Pod, spec: &PodSpec) -> String {
    let name = spec.hostname.clone().unwrap_or_else(|| pod.name_any());
    name.chars().take(63).collect::<String>().trim_end_matches(['-', '.']).to_owned()
}

/// Where an image of one binary has it.
fn entry_point(binary: &Path) -> String {
    format!("/{}", binary.file_name().unwrap_or_default().to_string_lossy())
}

fn home(uid: i64) -> &'static str {
    if uid == 0 { "/root" } else { "/" }
}

/// Every mount of a container, those that others lie in first.
fn mounts(container: &Container, variables: &Variables, places: &Places) -> Result<Vec<Mount>, String> {
    let read_only = |(target, source): (&&str, &PathBuf)| Mount {
        source: source.clone(),
        target: (*target).to_owned(),
        read_only: true,
    };
    let mut mounts: Vec<Mount> = places.base.iter().map(read_only).collect();
    mounts.push(Mount { source: places.binary.clone(), target: entry_point(&places.binary), read_only: true });
    let target = container.termination_message_path.clone().unwrap_or_else(|| "/dev/termination-log".to_owned());
    mounts.push(Mount { source: places.termination_log.clone(), target, read_only: false });
    for mount in container.volume_mounts.iter().flatten() {
        mounts.push(Mount {
            source: source(mount, variables, &places.volumes)?,
            target: mount.mount_path.clone(),
            read_only: mount.read_only == Some(true) || places.volumes.join(&mount.name).join("..data").exists(),
        });
    }
    mounts.sort_by_key(|mount| Path::new(&mount.target).components().count());
    Ok(mounts)
}

fn source(mount: &VolumeMount, variables: &Variables, volumes: &Path) -> Result<PathBuf, String> {
    let volume = volumes.join(&mount.name);
    let below = match (&mount.sub_path, &mount.sub_path_expr) {
        (Some(path), _) => path.clone(),
        (None, Some(template)) => environment::expand(template, variables),
        (None, None) => return Ok(volume),
    };
    let failed =
        |error: &dyn std::fmt::Display| format!("failed to prepare subPath for volumeMount {below:?}: {error}");
    let path = volume.join(&below);
    if below.split('/').any(|part| part == "..") {
        return Err(failed(&"it leaves the volume"));
    }
    if !path.exists() && !volume.join("..data").exists() {
        fs::create_dir_all(&path).map_err(|error| failed(&error))?;
    }
    fs::canonicalize(&path).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn launched(pod: serde_json::Value) -> Result<Launch, String> {
        let pod: Pod = serde_json::from_value(pod).unwrap();
        let container = pod.spec.as_ref().unwrap().containers[0].clone();
        let places = Places {
            root: "/k/root".into(),
            log: "/k/log".into(),
            volumes: "/k/volumes".into(),
            termination_log: "/k/message".into(),
            binary: "/build/product".into(),
            base: BTreeMap::from([("/etc/hosts", "/k/hosts".into())]),
        };
        launch(&pod, &container, &References::default(), &Variables::new(), places)
    }

    #[test]
    fn a_container_sees_its_binary_its_message_file_and_its_volumes_the_outer_first() {
        let launch = launched(json!({"metadata": {"name": "one"}, "spec": {"containers": [{
        "name": "main", "args": ["run"], "volumeMounts": [
            {"name": "inner", "mountPath": "/data/inner/deep", "readOnly": true},
            {"name": "outer", "mountPath": "/data"},
        ]}]}}))
        .unwrap();

        let mounts: Vec<String> = launch
            .mounts
            .iter()
            .map(|mount| format!("{} {} {}", mount.source.display(), mount.target, mount.read_only))
            .collect();
        let expected = [
            "/build/product /product true",
            "/k/volumes/outer /data false",
            "/k/hosts /etc/hosts true",
            "/k/message /dev/termination-log false",
            "/k/volumes/inner /data/inner/deep true",
        ];
        assert_eq!(mounts, expected);
        assert_eq!(launch.command, ["/product", "run"]);
        assert_eq!(launch.variables.keys().collect::<Vec<_>>(), ["HOME", "HOSTNAME", "PATH"]);
    }

    #[test]
    fn a_path_out_of_the_volume_is_refused() {
        let refused = launched(json!({"metadata": {"name": "one"}, "spec": {"containers": [{"name": "main",
            "volumeMounts": [{"name": "data", "mountPath": "/data", "subPath": "../etc"}]}]}}));

        let expected = "failed to prepare subPath for volumeMount \"../etc\": it leaves the volume";
        assert_eq!(refused.map(|launch| launch.command), Err(expected.to_owned()));
    }

    #[test]
    fn a_host_name_is_cut_to_what_dns_allows() {
        let name = format!("{}-x", "a".repeat(62));
        let launch = launched(json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "main"}]}})).unwrap();

        assert_eq!(launch.host_name, "a".repeat(62));
    }
}
