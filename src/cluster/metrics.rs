//! What is counted of the talk with Kubernetes.

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// Writes and watches. Clones share their numbers.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    writes: Family<Write, Counter>,
    events: Family<Kind, Gauge<f64, AtomicU64>>,
    restarts: Family<Kind, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Write {
    kind: &'static str,
    verb: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

impl Metrics {
    /// Registers `kube_writes`, `watch_last_event_timestamp_seconds` and `watch_restarts`.
    pub fn register(registry: &mut Registry) -> Metrics {
        let metrics = Metrics::default();
        registry.register("kube_writes", "Writes to Kubernetes, by kind and verb", metrics.writes.clone());
        registry.register(
            "watch_last_event_timestamp_seconds",
            "When a watch last brought something",
            metrics.events.clone(),
        );
        registry.register("watch_restarts", "Times that a watch broke and began again", metrics.restarts.clone());
        metrics
    }

    /// Something was written.
    pub fn wrote(&self, kind: &'static str, verb: &'static str) {
        self.writes.get_or_create(&Write { kind, verb }).inc();
    }

    /// A watch brought something, or broke and begins again.
    pub fn watched(&self, kind: &'static str, well: bool) {
        if well {
            let now = Timestamp::now().as_millisecond() as f64 / 1000.0;
            self.events.get_or_create(&Kind { kind }).set(now);
        } else {
            self.restarts.get_or_create(&Kind { kind }).inc();
        }
    }
}
