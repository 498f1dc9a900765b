//! etcd, kube-apiserver and kube-controller-manager as processes.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kube::config::Kubeconfig;

use crate::authority::{Authority, Pair};
use crate::binaries::Binaries;
use crate::error::Error;
use crate::kubeconfig;
use crate::process::Process;

/// How long a component may take to come to work: a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(120);

/// Controllers that objects of ours depend on.
const CONTROLLERS: &str = "namespace-controller,garbage-collector-controller,serviceaccount-controller,\
                           root-ca-certificate-publisher-controller,job-controller,cronjob-controller,\
                           ttl-after-finished-controller,deployment-controller,replicaset-controller";

/// Every request once, when it is answered.
const AUDIT_POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
";

/// The servers, ended in the order of the fields: an API server whose etcd is gone would linger.
pub(crate) struct Servers {
    controllers: Mutex<Option<Process>>,
    api: Mutex<Option<Process>>,
    etcd: Mutex<Process>,
    pub(crate) address: SocketAddr,
    pub(crate) admin: Kubeconfig,
    pub(crate) audit_log: Option<PathBuf>,
    directory: PathBuf,
    pub(crate) etcd_url: String,
    programs: Binaries,
}

impl Servers {
    /// Makes certificates, starts etcd, and is ready for the API server.
    pub(crate) fn prepare(programs: Binaries, directory: &Path, audit: bool) -> Result<Servers, Error> {
        clear(directory)?;
        let address = free_address()?;
        let etcd_url = format!("http://{}", free_address()?);
        let url = format!("https://{address}");

        let authority = Authority::new()?;
        let ca = authority.certificate();
        let account = rcgen::KeyPair::generate()?;
        let Pair { certificate, key } = authority.server()?;
        for (name, text) in [
            ("ca.crt", ca.as_str()),
            ("apiserver.crt", &certificate),
            ("apiserver.key", &key),
            ("sa.key", &account.serialize_pem()),
            ("sa.pub", &account.public_key_pem()),
            ("audit-policy.yaml", AUDIT_POLICY),
        ] {
            write_private(&directory.join(name), text)?;
        }
        let admin = authority.client("admin", Some("system:masters"))?;
        let admin = kubeconfig::with_certificate(&url, &ca, &admin);
        let manager = authority.client("system:kube-controller-manager", None)?;
        let manager = kubeconfig::with_certificate(&url, &ca, &manager);
        kubeconfig::write(&manager, &directory.join("kube-controller-manager.kubeconfig"))?;

        let mut etcd = Command::new(programs.get("etcd")?);
        etcd.arg(format!("--data-dir={}", directory.join("etcd").display())).args([
            &format!("--listen-client-urls={etcd_url}"),
            &format!("--advertise-client-urls={etcd_url}"),
            "--listen-peer-urls=http://127.0.0.1:0",
            "--unsafe-no-fsync=true",
            "--log-level=warn",
        ]);
        let etcd = start(&mut etcd, "etcd", directory)?;
        Ok(Servers {
            controllers: Mutex::new(None),
            api: Mutex::new(None),
            etcd: Mutex::new(etcd),
            address,
            admin,
            audit_log: audit.then(|| directory.join("audit.log")),
            directory: directory.to_owned(),
            etcd_url,
            programs,
        })
    }

    /// Starts the API server, on the same port and with the same certificates each time.
    pub(crate) fn start_api(&self) -> Result<(), Error> {
        let file = |name: &str| self.directory.join(name).display().to_string();
        let mut command = Command::new(self.programs.get("kube-apiserver")?);
        command.args([
            format!("--etcd-servers={}", self.etcd_url),
            format!("--bind-address={}", self.address.ip()),
            format!("--advertise-address={}", self.address.ip()),
            format!("--secure-port={}", self.address.port()),
            format!("--tls-cert-file={}", file("apiserver.crt")),
            format!("--tls-private-key-file={}", file("apiserver.key")),
            format!("--client-ca-file={}", file("ca.crt")),
            format!("--service-account-key-file={}", file("sa.pub")),
            format!("--service-account-signing-key-file={}", file("sa.key")),
        ]);
        command.args([
            "--service-account-issuer=https://kubernetes.default.svc",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--allow-privileged=true",
            "--profiling=false",
            "--endpoint-reconciler-type=none",
        ]);
        if let Some(log) = &self.audit_log {
            command.args([
                format!("--audit-policy-file={}", file("audit-policy.yaml")),
                format!("--audit-log-path={}", log.display()),
                "--audit-log-format=json".to_owned(),
                // One file, whatever comes: the tests read it from a position on.
                "--audit-log-maxsize=100000".to_owned(),
            ]);
        }
        *lock(&self.api) = Some(start(&mut command, "kube-apiserver", &self.directory)?);
        Ok(())
    }

    /// Kills the API server.
    pub(crate) fn stop_api(&self) {
        lock(&self.api).take();
    }

    /// Starts the controllers, which give up soon when there is no API server.
    pub(crate) fn start_controllers(&self) -> Result<(), Error> {
        let file = |name: &str| self.directory.join(name).display().to_string();
        let mut command = Command::new(self.programs.get("kube-controller-manager")?);
        command.args([
            format!("--kubeconfig={}", file("kube-controller-manager.kubeconfig")),
            format!("--service-account-private-key-file={}", file("sa.key")),
            format!("--root-ca-file={}", file("ca.crt")),
            format!("--controllers={CONTROLLERS}"),
        ]);
        command.args([
            "--leader-elect=false",
            "--secure-port=0",
            "--use-service-account-credentials=true",
            "--concurrent-gc-syncs=5",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
        ]);
        *lock(&self.controllers) = Some(start(&mut command, "kube-controller-manager", &self.directory)?);
        Ok(())
    }

    /// Waits until something is so, and gives up when a component ends.
    pub(crate) async fn until(&self, what: &'static str, so: impl AsyncFn() -> bool) -> Result<(), Error> {
        let start = Instant::now();
        while !so().await {
            if !lock(&self.etcd).is_running() {
                return Err(ended("etcd", &lock(&self.etcd)));
            }
            for (name, process) in [("kube-apiserver", &self.api), ("kube-controller-manager", &self.controllers)] {
                if let Some(process) = lock(process).as_mut()
                    && !process.is_running()
                {
                    return Err(ended(name, process));
                }
            }
            if start.elapsed() > PATIENCE {
                let log = self.directory.join("kube-apiserver.log");
                let tail = lock(&self.api).as_ref().map(Process::log_tail).unwrap_or_default();
                return Err(Error::NotReady { what, seconds: PATIENCE.as_secs(), log, tail });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

/// Removes what an earlier control plane left: its data would not fit the new certificates.
fn clear(directory: &Path) -> Result<(), Error> {
    let data = directory.join("etcd");
    let logs = ["etcd.log", "kube-apiserver.log", "kube-controller-manager.log", "audit.log"];
    let removed = logs.iter().map(|log| fs::remove_file(directory.join(log))).chain([fs::remove_dir_all(&data)]);
    for removed in removed {
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::machine(format!("cannot clear {}", directory.display()))(error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn start(command: &mut Command, name: &str, directory: &Path) -> Result<Process, Error> {
    Process::start(command, &directory.join(format!("{name}.log")))
        .map_err(Error::machine(format!("cannot start {}", command.get_program().display())))
}

fn ended(name: &str, process: &Process) -> Error {
    Error::Ended { name: name.to_owned(), log: process.log().to_owned(), tail: process.log_tail() }
}

/// A panic elsewhere leaves these values whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A port that nobody listens on, below those that the kernel hands out: an API server that restarts finds it free again.
fn free_address() -> Result<SocketAddr, Error> {
    let mut last = None;
    for _ in 0..100 {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(20_000..32_000)));
        match TcpListener::bind(address) {
            Ok(_) => return Ok(address),
            Err(error) => last = Some(error),
        }
    }
    let error = last.unwrap_or_else(|| ErrorKind::AddrInUse.into());
    Err(Error::machine("no port between 20000 and 32000 is free")(error))
}

/// Writes a file that only its owner may read.
pub(crate) fn write_private(file: &Path, text: &str) -> Result<(), Error> {
    let open = fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(file);
    open.and_then(|mut open| std::io::Write::write_all(&mut open, text.as_bytes()))
        .map_err(Error::machine(format!("cannot write {}", file.display())))
}
