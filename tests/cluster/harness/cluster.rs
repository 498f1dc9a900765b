//! One control plane and kubelet a process, started by the test that needs it first.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use control_plane::kubelet::{self, Kubelet};
use control_plane::{ControlPlane, Options};
use gitlab_connector::api;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams};
use kube::runtime::{conditions, wait::await_condition};
use kube::{Api, ResourceExt};
use tokio::runtime::Builder;

/// The name of the image that is the product.
pub(crate) const IMAGE: &str = "gitlab-connector:test";

/// The control plane of all tests, with our CRD.
pub(crate) struct Cluster {
    pub(crate) plane: ControlPlane,
    /// None: an existing cluster has its own.
    pub(crate) kubelet: Option<Kubelet>,
    pub(crate) directory: PathBuf,
    /// Removes the directory when this process is gone; never waited for.
    _cleaner: Child,
}

static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();

/// The control plane of all tests.
pub(crate) async fn cluster() -> &'static Cluster {
    let cluster = tokio::task::spawn_blocking(|| CLUSTER.get_or_init(start)).await.unwrap();
    cluster.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

/// Starts it in a runtime that no test ends.
fn start() -> Result<Cluster, String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            send.send(up().await).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receive.recv().unwrap_or_else(|_| Err("the control plane did not start: see the panic above".to_owned()))
}

async fn up() -> Result<Cluster, String> {
    let directory = std::env::temp_dir().join(format!("gitlab-connector-cluster-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    let options = Options { directory: directory.clone(), audit: true };
    let plane = ControlPlane::start(options).await.map_err(|error| error.to_string())?;

    let client = plane.client().map_err(|error| error.to_string())?;
    let crd = api::crd();
    let name = crd.name_any();
    let crds: Api<CustomResourceDefinition> = Api::all(client);
    crds.patch(&name, &PatchParams::apply("tests").force(), &Patch::Apply(&crd)).await.unwrap();
    let established = await_condition(crds, &name, conditions::is_crd_established());
    tokio::time::timeout(Duration::from_secs(30), established).await.expect("the CRD is established").unwrap();
    let kubelet = match plane.address() {
        Err(_) => None,
        Ok(api_server) => {
            let images = [(IMAGE.to_owned(), PathBuf::from(env!("CARGO_BIN_EXE_gitlab-connector")))].into();
            let options = kubelet::Options { directory: directory.join("pods"), images, api_server };
            Some(kubelet::start(plane.client().unwrap(), options).expect("the kubelet starts"))
        }
    };
    // Not before: the error of one that did not start names logs in there.
    let cleaner = clean_up_after_us(&directory);
    Ok(Cluster { plane, kubelet, directory, _cleaner: cleaner })
}

/// A static value is never dropped, so that a shell takes the directory away once the pipe to us breaks. The servers are
/// killed at that moment too and may still write.
fn clean_up_after_us(directory: &std::path::Path) -> Child {
    let script = "trap '' INT TERM HUP; read -r _; for _ in 1 2 3 4 5; do rm -rf \"$0\" && exit; sleep 1; done";
    Command::new("sh")
        .args(["-c", script])
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
