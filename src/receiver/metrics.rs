//! What the receiver counts.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

/// Counters of the receiver. Clones share their numbers.
#[derive(Clone, Debug)]
pub struct Metrics {
    deliveries: Family<Labels, Counter>,
    lag: Histogram,
    together: Histogram,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq, EncodeLabelSet)]
struct Labels {
    result: &'static str,
}

impl Metrics {
    /// Registers the receiver's metrics with the process's registry.
    pub fn register(registry: &mut Registry) -> Metrics {
        let metrics = Metrics {
            deliveries: Family::default(),
            // 50 ms to 55 min: a delivery that waited behind GitLab's own queue belongs in the picture.
            lag: Histogram::new(exponential_buckets(0.05, 4.0, 9)),
            together: Histogram::new(exponential_buckets(1.0, 2.0, 9)),
        };
        registry.register("deliveries", "Webhook deliveries by what became of them", metrics.deliveries.clone());
        registry.register(
            "delivery_lag_seconds",
            "Time from the event in GitLab, known to the second, until its delivery was durable",
            metrics.lag.clone(),
        );
        registry.register(
            "delivery_group_size",
            "Webhook deliveries that shared one transaction",
            metrics.together.clone(),
        );
        metrics
    }

    pub(super) fn count(&self, result: &'static str) {
        self.deliveries.get_or_create(&Labels { result }).inc();
    }

    pub(super) fn lagged(&self, seconds: f64) {
        // GitLab's clock may be ahead of ours.
        self.lag.observe(seconds.max(0.0));
    }

    pub(super) fn committed_together(&self, deliveries: usize) {
        self.together.observe(deliveries as f64);
    }
}
