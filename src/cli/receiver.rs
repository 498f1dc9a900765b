//! `gitlab-connector receiver`.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::{DONE, Failure, stop_signal};
use crate::{
    cluster, gitlab,
    guard::Guard,
    serving::Serving,
    telemetry::{self, Health},
};

/// Where deliveries are received, and for whom.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The namespace whose connections are served. Default: all namespaces.
    #[arg(long, value_name = "NAMESPACE", env = "WATCH_NAMESPACE")]
    watch_namespace: Option<String>,

    /// Where GitLab's deliveries arrive.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8930")]
    listen: SocketAddr,

    /// Where /healthz, /readyz and /metrics are.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8081")]
    health_listen: SocketAddr,

    #[command(flatten)]
    guard: Guard,
}

pub(super) async fn run(args: Args) -> Result<u8, Failure> {
    // Kubernetes, GitLab and databases are spoken to with the same TLS.
    gitlab::install_tls();
    let namespace = args.watch_namespace.as_deref().filter(|namespace| !namespace.is_empty());
    let client = cluster::client(None, namespace).await;
    let client = client.map_err(|error| Failure::bad_input(format!("no cluster can be asked: {error}")))?;
    let (deliveries, health_listener) =
        (bind(args.listen, "--listen").await?, bind(args.health_listen, "--health-listen").await?);
    let stop = stop_signal();
    let (mut registry, health) = (telemetry::registry(), Health::default());
    let serving = Serving::new(client, args.guard, &mut registry, &health);
    // Health is told until the very end: a process that leaves is alive.
    let told = tokio::spawn(telemetry::serve(health_listener, registry, health, std::future::pending()));
    serving.run(namespace, deliveries, stop).await;
    told.abort();
    Ok(DONE)
}

async fn bind(address: SocketAddr, option: &str) -> Result<TcpListener, Failure> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| Failure::failed(format!("{option} {address}: {error}; choose another address")))
}
