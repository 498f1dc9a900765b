//! The receiver of a cluster: learns connections and their secrets by watch, and serves all of them.
//!
//! ```text
//!   API server ──watch──▶ world ─▶ roster ─▶ one task a connection ─┬─ learn      Secrets by name, when one changed
//!   (connections, and                          │                    ├─ route      what the receiver accepts, and where it goes
//!    Secrets as metadata)                      │                    ├─ refresher  reads again what deliveries named
//!                                              │                    └─ facts      last delivery and progress, into the status
//!                                              └── databases: each is opened once, however many connections share it
//! ```
//!
//! While the API server is away, what is known goes on being served. A database that is away, or a connection that cannot be
//! understood, holds up nobody else.

mod connection;
mod databases;
mod facts;
mod metrics;
mod roster;
mod routes;
mod watch;
mod world;

use std::time::Duration;

use kube::Client;
use prometheus_client::registry::Registry;
use tokio::{net::TcpListener, sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    gitlab,
    guard::Guard,
    receiver,
    telemetry::{Health, Heartbeat, Readiness},
};

use connection::Context;
use databases::Databases;
use metrics::Metrics;
use roster::Roster;
use routes::Table;

/// How long deliveries go on being accepted after we said that we are not ready any more: that news has to travel.
const DRAIN: Duration = Duration::from_secs(2);

/// Changes that wait to be looked at. A watch that brings more waits itself.
const CHANGES: usize = 256;

/// How long the roster may go without a sign of life before the process is restarted.
const BEAT: Duration = Duration::from_secs(60);

/// The receiver of a cluster, ready to be run.
pub struct Serving {
    client: Client,
    metrics: Metrics,
    deliveries: receiver::Metrics,
    routes: receiver::Routes,
    context: Context,
    ready: Readiness,
    beat: Heartbeat,
}

impl Serving {
    /// Joins the registry and the health of the process; asks nobody for anything yet.
    #[must_use]
    pub fn new(client: Client, guard: Guard, registry: &mut Registry, health: &Health) -> Serving {
        let (deliveries, metrics) = (receiver::Metrics::register(registry), Metrics::register(registry));
        let (table, routes) = Table::new();
        let context = Context {
            client: client.clone(),
            databases: Databases::register(registry, deliveries.clone()),
            table,
            guard,
            gitlab: gitlab::Metrics::register(registry),
            metrics: metrics.clone(),
        };
        let ready = health.readiness("the list of connections");
        let beat = health.heartbeat("the roster of connections", BEAT);
        Serving { client, metrics, deliveries, routes, context, ready, beat }
    }

    /// Serves the connections of `namespace`, or of all namespaces, until `stop`; then ends what is in flight.
    pub async fn run(self, namespace: Option<&str>, listener: TcpListener, stop: CancellationToken) {
        let Serving { client, metrics, deliveries, routes, context, ready, beat } = self;
        let (changes, changed) = mpsc::channel(CHANGES);
        let watches = watch::all(&client, namespace, &metrics, &changes);
        drop(changes);
        let first = Announcement { ready: ready.clone(), draining: stop.clone() };
        // Connections are served until the last delivery is answered.
        let end = CancellationToken::new();
        let roster = Roster::new(context, first).run(changed, beat, end.clone());
        let receive = async {
            let drained = async {
                stop.cancelled().await;
                ready.set(false);
                sleep(DRAIN).await;
            };
            receiver::run(listener, routes, deliveries, drained).await;
            end.cancel();
        };
        tokio::join!(receive, roster, end.run_until_cancelled(watches));
    }
}

/// Says that we are ready once it is dropped for the last time: when every connection of the first list has had its turn.
#[derive(Debug)]
struct Announcement {
    ready: Readiness,
    draining: CancellationToken,
}

impl Drop for Announcement {
    fn drop(&mut self) {
        self.ready.set(!self.draining.is_cancelled());
    }
}
