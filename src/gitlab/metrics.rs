//! What an operator of this product sees of its talk with GitLab. No label holds a URL, a path, a message or a token.

use std::borrow::Cow;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The families that every [`super::Client`] counts into.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    requests: Family<RequestLabels, Counter>,
    waits: Family<WaitLabels, Counter<f64, AtomicU64>>,
    remaining: Family<InstanceLabels, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: Cow<'static, str>,
    status_class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WaitLabels {
    cause: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InstanceLabels {
    instance: String,
}

impl Metrics {
    /// Registers `gitlab_connector_api_requests_total`, `…_api_wait_seconds_total` and `…_api_rate_limit_remaining`.
    pub fn register(registry: &mut Registry) -> Metrics {
        let metrics = Metrics::default();
        registry.register(
            "api_requests",
            "Requests sent to GitLab, by operation and class of status",
            metrics.requests.clone(),
        );
        registry.register(
            "api_wait_seconds",
            "Seconds that requests to GitLab waited, by cause: rate_limit or retry",
            metrics.waits.clone(),
        );
        registry.register(
            "api_rate_limit_remaining",
            "Requests that a GitLab said it would still take from the user who asked last, by host",
            metrics.remaining.clone(),
        );
        metrics
    }

    pub(super) fn remains(&self, instance: &str, requests: u64) {
        let labels = InstanceLabels { instance: instance.to_owned() };
        self.remaining.get_or_create(&labels).set(i64::try_from(requests).unwrap_or(i64::MAX));
    }

    pub(super) fn count(&self, operation: Cow<'static, str>, status_class: &'static str) {
        let labels = RequestLabels { operation, status_class };
        self.requests.get_or_create(&labels).inc();
    }

    pub(super) fn waited(&self, cause: &'static str, time: Duration) {
        self.waits.get_or_create(&WaitLabels { cause }).inc_by(time.as_secs_f64());
    }
}
