//! What is counted beside deliveries.

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// Counters of the watches and of what they brought. Clones share their numbers.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    /// Connections that are known.
    pub(super) connections: Gauge,
    events: Family<Kind, Gauge<f64, AtomicU64>>,
    restarts: Family<Kind, Counter>,
    writes: Family<Write, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Write {
    kind: &'static str,
    verb: &'static str,
}

impl Metrics {
    pub(super) fn register(registry: &mut Registry) -> Metrics {
        let metrics = Metrics {
            connections: Gauge::default(),
            events: Family::default(),
            restarts: Family::default(),
            writes: Family::default(),
        };
        registry.register(
            "connections_served",
            "Connections whose deliveries are received",
            metrics.connections.clone(),
        );
        registry.register(
            "watch_last_event_timestamp_seconds",
            "When a watch last brought something",
            metrics.events.clone(),
        );
        registry.register("watch_restarts", "Times that a watch broke and began again", metrics.restarts.clone());
        registry.register("kube_writes", "Writes to Kubernetes, by kind and verb", metrics.writes.clone());
        metrics
    }

    /// A watch brought something.
    pub(super) fn brought(&self, kind: &'static str) {
        self.events.get_or_create(&Kind { kind }).set(Timestamp::now().as_millisecond() as f64 / 1000.0);
    }

    /// A watch broke, and begins again.
    pub(super) fn broke(&self, kind: &'static str) {
        self.restarts.get_or_create(&Kind { kind }).inc();
    }

    /// A status was written.
    pub(super) fn wrote(&self) {
        self.writes.get_or_create(&Write { kind: "GitLabConnection", verb: "apply" }).inc();
    }
}
