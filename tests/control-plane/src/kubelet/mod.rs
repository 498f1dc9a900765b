//! Runs the pods of a control plane as processes of this machine, and reports as the kubelet does.
//!
//! Every pod that is bound to no node is bound to the node `local`, of which no object needs to exist, and run here: its
//! containers are processes of root's making in mount, process-id, host-name and IPC namespaces of their own, with a root
//! that shows the machine's programs read-only, the pod's volumes, and the binary that stands for the image. They get the
//! variables, the user, the capabilities, the files and the signals that their spec asks for, and nothing else of this
//! process. Everything ends with this process, however that ends.
//!
//! # Differences from a cluster
//!
//! * **The network is the machine's.** Every pod's address is 127.0.0.1 and every Service is reached there by its names,
//!   on its *target* port. Two pods that listen on the same port disturb each other; a rolling update of such a
//!   Deployment has to be of the kind `Recreate`, or surge by none.
//! * **An image is one binary**, whose entry point is that file at the root: `/NAME`. It has no default arguments, and
//!   its user is 65532 where a pod says `runAsNonRoot` without a user, else root. The machine's programs are there too.
//! * **Times are short.** A crashed container is restarted at once, then after 0.5 s, doubling up to 10 s; one that
//!   ran for 20 s begins anew. A missing Secret is looked for when Secrets change, and every 5 s.
//! * **A message stands in the status** where a kubelet writes an Event: a volume that cannot be mounted says why in the
//!   `waiting` state of the containers. No Events are written.
//! * **No logs by kubectl**, and no `exec`, `attach` or `port-forward`: the API server asks a node for these, and there is
//!   none. Read [`Kubelet::logs`] or the files in `logs/`.
//! * **Not done, and refused** with `CreateContainerConfigError`: sidecar containers, `postStart`, gRPC probes, block
//!   devices; volumes other than `secret`, `configMap`, `emptyDir`, `downwardAPI`, `projected` leave the pod in
//!   `ContainerCreating`; probes by HTTPS fail. **Not done, and ignored**: resource limits, seccomp, SELinux and
//!   AppArmor, `dnsConfig`, `hostAliases`, affinity and taints, ephemeral containers, resizing.

mod backoff;
mod changes;
mod container;
mod downward;
mod environment;
mod files;
mod ledger;
mod machine;
mod message;
mod node;
mod payload;
mod pod;
mod pods;
mod probes;
mod process;
mod recipe;
mod references;
mod reporter;
mod security;
mod services;
mod status;
mod stop;
mod token;
mod volumes;
mod wait;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Client;
use kube::runtime::reflector;
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use machine::Machine;
use node::Node;
use pods::Pods;
use references::Name;

/// So many changes may wait for a pod that is busy; after more it looks at everything.
const CHANGES: usize = 1024;

/// What a kubelet needs to know.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where everything of its pods is kept.
    pub directory: PathBuf,
    /// The images that this machine has: the binary that is their entry point.
    pub images: BTreeMap<String, PathBuf>,
    /// Where pods find the API server.
    pub api_server: SocketAddr,
}

/// A kubelet that runs. Its pods are killed when it is dropped.
pub struct Kubelet {
    node: Arc<Node>,
    pods: Arc<Pods>,
    tasks: JoinSet<()>,
}

/// Starts a kubelet that takes every pod of the cluster. `client` has to be an administrator's.
///
/// # Errors
///
/// When this process is not root's, or `directory` cannot be written.
pub fn start(client: Client, options: Options) -> io::Result<Kubelet> {
    let Options { directory, images, api_server } = options;
    fs::create_dir_all(&directory)?;
    let directory = fs::canonicalize(directory)?;
    node::lay_out(&directory)?;
    let (services, writer) = reflector::store();
    let node = Arc::new(Node {
        client,
        directory,
        images,
        api_server,
        machine: Machine::start()?,
        services,
        changes: broadcast::channel(CHANGES).0,
        hosts: Mutex::default(),
    });
    let pods = Arc::new(Pods::default());

    let mut tasks = JoinSet::new();
    tasks.spawn(changes::follow::<Secret>(Arc::clone(&node), Name::Secret));
    tasks.spawn(changes::follow::<ConfigMap>(Arc::clone(&node), Name::ConfigMap));
    tasks.spawn(changes::follow_services(Arc::clone(&node), writer));
    tasks.spawn(Arc::clone(&pods).follow(Arc::clone(&node)));
    Ok(Kubelet { node, pods, tasks })
}

impl Kubelet {
    /// Kills every pod at once and says nothing to the API server, as a machine does that loses its power.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        self.power_off();
    }

    /// What the containers of the pods of `namespace` wrote whose names begin with `pod`, one pod after the other.
    #[must_use]
    pub fn logs(&self, namespace: &str, pod: &str) -> String {
        let prefix = format!("{namespace}_{pod}");
        let entries = fs::read_dir(self.node.directory.join("logs")).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = entries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
            .map(|entry| entry.path())
            .collect();
        files.sort();
        files.iter().map(|path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()).collect()
    }

    /// Kills the processes of a pod with SIGKILL; what follows is up to its restart policy.
    pub async fn kill(&self, namespace: &str, pod: &str) {
        self.pods.kill(namespace, pod).await;
    }

    fn power_off(&self) {
        self.pods.abort();
        self.node.machine.stop();
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.power_off();
    }
}
