//! Starts what the controller consists of, and ends it.

use std::{collections::HashSet, net::SocketAddr, sync::Arc, time::Duration};

use futures::{StreamExt as _, stream};
use k8s_openapi::api::batch::v1::Job;
use kube::{
    Resource as _,
    runtime::{
        Controller,
        controller::{Config, Error as ControllerError},
        reflector::{self, ObjectRef, Store, store::Writer},
    },
};
use tokio::{net::TcpListener, sync::mpsc::UnboundedReceiver, time::interval};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    Args, Context,
    answers::Memory,
    events::Kube,
    lease,
    metrics::{Leadership, Metrics},
    queue::Queue,
    reconcile::{Guarded, error_policy, reconcile},
    series, watches,
};
use crate::{
    cluster::{self, ConnectionRef},
    gitlab, telemetry,
};

/// How long the watches may go without a beat before the process is restarted.
const WATCHES_BEAT: Duration = Duration::from_secs(60);

/// Why the controller ends.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no way to a cluster.
    #[error("no cluster: {0}")]
    Client(kube::Error),
    /// Nobody can look at metrics and health.
    #[error("--listen {address}: {error}")]
    Listen {
        /// Where to listen.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
    /// This process leads no more.
    #[error(transparent)]
    Lease(#[from] lease::Error),
    /// The watches came to an end by themselves.
    #[error("the watches ended")]
    Ended,
}

/// Runs the controller until `stop`.
///
/// # Errors
/// When it cannot begin, or must not go on: another process leads.
pub async fn run(args: Args, stop: CancellationToken) -> Result<(), Error> {
    let client = cluster::client(args.context.as_deref(), args.namespace()).await.map_err(Error::Client)?;
    let mut registry = telemetry::registry();
    let health = telemetry::Health::default();
    let leadership = Leadership::register(&mut registry, &health);
    let metrics = Metrics::register(&mut registry);
    let gitlab = gitlab::Metrics::register(&mut registry);
    let (connections, writer) = reflector::store();
    registry.register_collector(Box::new(series::Connections::new(connections.clone())));

    let address = args.listen;
    let listener = TcpListener::bind(address).await.map_err(|error| Error::Listen { address, error })?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "metrics and health are shown");
    }
    let served = telemetry::serve(listener, registry, health.clone(), std::future::pending());
    let _served = AbortOnDropHandle::new(tokio::spawn(served));

    let namespace = args.lease_namespace.as_deref().unwrap_or(client.default_namespace());
    let identity = args.identity();
    let candidate = lease::Candidate::new(client.clone(), namespace, &args.lease_name, identity.clone(), leadership);
    let (jobs, changed_jobs) = watches::jobs(&client, args.namespace(), metrics.clone());
    let (queue, answered) = Queue::new(metrics.waiting_for_gitlab.clone());
    let context = Arc::new(Context {
        memory: Memory::new(metrics.in_backoff.clone()),
        queue,
        kube: Kube::new(client, metrics, identity),
        jobs,
        gitlab,
        settings: args.settings(),
    });
    let work = async {
        let beat = health.heartbeat("the watches", WATCHES_BEAT);
        let mut ticks = interval(WATCHES_BEAT / 6);
        let (known, remembering) = (connections.clone(), Arc::clone(&context));
        let beating = async {
            loop {
                ticks.tick().await;
                beat.beat();
                let known = known.state();
                let uids: HashSet<_> = known.iter().filter_map(|connection| connection.meta().uid.as_deref()).collect();
                remembering.memory.keep(|uid| uids.contains(uid));
                remembering.queue.keep(|uid| uids.contains(uid));
            }
        };
        // In one task: who cannot poll the watches cannot beat either.
        tokio::select! {
            () = control(&args, context, (connections, writer), (changed_jobs, answered), stop.clone()) => {}
            () = beating => {}
        }
    };
    match candidate.lead(stop.clone(), work).await? {
        Some(()) if !stop.is_cancelled() => Err(Error::Ended),
        _ => Ok(()),
    }
}

/// Looks at each connection that something concerns, until `stop`, and ends when the looks under way have ended.
async fn control(
    args: &Args,
    context: Arc<Context>,
    (connections, writer): (Store<Guarded>, Writer<Guarded>),
    (changed_jobs, answered): (
        impl futures::Stream<Item = watches::Watched<Job>> + Send + 'static,
        UnboundedReceiver<ConnectionRef>,
    ),
    stop: CancellationToken,
) {
    let (client, metrics) = (context.kube.client.clone(), context.kube.metrics.clone());
    let queue = context.queue.clone();
    let answered = stream::unfold(answered, async |mut answered| {
        let at = answered.recv().await?;
        Some((ObjectRef::new(&at.name).within(&at.namespace), answered))
    });
    let namespace = args.namespace();
    let concerned = Arc::new(watches::Concerned::new(connections.clone()));
    let by_config_map = Arc::clone(&concerned);
    let changed = watches::connections(&client, namespace, metrics.clone(), writer);
    Controller::for_stream(changed, connections)
        .with_config(Config::default().concurrency(args.concurrency))
        .owns_stream(changed_jobs)
        .watches_stream(watches::secrets(&client, namespace, metrics.clone()), move |secret| {
            concerned.by_secret(&secret)
        })
        .watches_stream(watches::config_maps(&client, namespace, metrics), move |config_map| {
            by_config_map.by_config_map(&config_map)
        })
        .reconcile_on(answered)
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(reconcile, |object, error, context| error_policy(&object, error, &context), context)
        .for_each(async |looked| match looked {
            // Each look tells of itself; one that an event came too late for is no trouble.
            Ok(_) | Err(ControllerError::ReconcilerFailed(..) | ControllerError::ObjectNotFound(_)) => {}
            Err(error) => tracing::warn!(%error, "the controller stumbled"),
        })
        .await;
    queue.close().await;
}
