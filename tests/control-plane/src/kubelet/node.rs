//! What all pods of the machine share.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::core::v1::Service;
use kube::Client;
use kube::runtime::reflector::Store;
use tokio::sync::broadcast;

use super::environment::Variables;
use super::machine::Machine;
use super::references::Name;
use super::services;

/// A Secret or ConfigMap that may have changed; nothing when it may have been any.
#[derive(Clone, Debug)]
pub(super) struct Change(pub(super) Option<(String, Name)>);

pub(super) struct Node {
    pub(super) client: Client,
    pub(super) directory: PathBuf,
    pub(super) images: BTreeMap<String, PathBuf>,
    pub(super) api_server: SocketAddr,
    pub(super) machine: Machine,
    pub(super) services: Store<Service>,
    pub(super) changes: broadcast::Sender<Change>,
    /// The namespaces that have a hosts file.
    pub(super) hosts: Mutex<BTreeSet<String>>,
}

/// Lays out the directory: `etc` for what every container has, `root` to mount on, `logs`, `pods`.
pub(super) fn lay_out(directory: &Path) -> io::Result<()> {
    for name in ["etc", "hosts", "logs", "pods", "root"] {
        fs::create_dir_all(directory.join(name))?;
    }
    let users = "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n\
                 nonroot:x:65532:65532:nonroot:/:/sbin/nologin\n";
    let groups = "root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n";
    // Names outside of the cluster go where the machine's go, but nothing waits long for an answer.
    let servers = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers: String =
        servers.lines().filter(|line| line.starts_with("nameserver")).map(|line| format!("{line}\n")).collect();
    let etc = directory.join("etc");
    fs::write(etc.join("passwd"), users)?;
    fs::write(etc.join("group"), groups)?;
    fs::write(etc.join("nsswitch.conf"), "hosts: files dns\n")?;
    fs::write(etc.join("resolv.conf"), format!("{servers}options timeout:1 attempts:1\n"))
}

impl Node {
    /// Files of the machine that every container of `namespace` has.
    pub(super) fn base(&self, namespace: &str) -> io::Result<BTreeMap<&'static str, PathBuf>> {
        let etc = self.directory.join("etc");
        let mut base = BTreeMap::from([
            ("/etc/passwd", etc.join("passwd")),
            ("/etc/group", etc.join("group")),
            ("/etc/nsswitch.conf", etc.join("nsswitch.conf")),
            ("/etc/resolv.conf", etc.join("resolv.conf")),
            ("/etc/hosts", self.hosts_of(namespace)?),
        ]);
        for path in ["/etc/ssl", "/etc/ld.so.cache"] {
            if Path::new(path).exists() {
                base.insert(path, path.into());
            }
        }
        Ok(base)
    }

    /// The variables that a container of `namespace` gets for the API server and, with `links`, for each Service.
    pub(super) fn links(&self, namespace: &str, links: bool) -> Variables {
        let state = self.services.state();
        let mut variables = Variables::new();
        if links {
            variables = services::links(namespace, state.iter().map(AsRef::as_ref));
        }
        let (host, port) = (self.api_server.ip().to_string(), self.api_server.port().to_string());
        variables.insert("KUBERNETES_SERVICE_HOST".to_owned(), host);
        variables.insert("KUBERNETES_SERVICE_PORT".to_owned(), port.clone());
        variables.insert("KUBERNETES_SERVICE_PORT_HTTPS".to_owned(), port);
        variables
    }

    /// Brings the hosts files to what the Services are now.
    pub(super) fn refresh_hosts(&self) {
        let namespaces = self.hosts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for namespace in namespaces {
            if let Err(error) = self.write_hosts(&namespace) {
                tracing::warn!(%error, namespace, "cannot write the hosts file");
            }
        }
    }

    fn hosts_of(&self, namespace: &str) -> io::Result<PathBuf> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner).insert(namespace.to_owned());
        self.write_hosts(namespace)
    }

    /// Writes in place: containers hold the file itself, and must never see it empty.
    fn write_hosts(&self, namespace: &str) -> io::Result<PathBuf> {
        let path = self.directory.join("hosts").join(namespace);
        let state = self.services.state();
        let text = services::hosts(namespace, state.iter().map(AsRef::as_ref));
        let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(&path)?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)?;
        Ok(path)
    }
}
