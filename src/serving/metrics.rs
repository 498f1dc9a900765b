//! What is counted beside deliveries.

use prometheus_client::{metrics::gauge::Gauge, registry::Registry};

use crate::cluster;

/// Counters of the watches and of what they brought. Clones share their numbers.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    /// Connections that are known.
    pub(super) connections: Gauge,
    /// Of the talk with Kubernetes.
    pub(super) kube: cluster::Metrics,
}

impl Metrics {
    pub(super) fn register(registry: &mut Registry) -> Metrics {
        let metrics = Metrics { connections: Gauge::default(), kube: cluster::Metrics::register(registry) };
        registry.register(
            "connections_served",
            "Connections whose deliveries are received",
            metrics.connections.clone(),
        );
        metrics
    }
}
