//! What the controller counts. No label holds a URL, a path, a message or a token; `namespace` and `name` are there only
//! where a series belongs to one connection and dies with it.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use crate::{
    cluster,
    telemetry::{Health, Heartbeat, Readiness},
};

/// How long the lease may go without a beat before the process is restarted.
const LEASE_BEAT: Duration = Duration::from_secs(30);

/// Counters of the controller. Clones share their numbers.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    durations: Family<Outcome, Histogram>,
    /// Connections that wait longer and longer because of transient trouble.
    pub(super) in_backoff: Gauge,
    /// Connections whose GitLab is to be asked, and whose turn has not come.
    pub(super) waiting_for_gitlab: Gauge,
    panics: Counter,
    orphaned: Counter,
    imported: Family<Kind, Counter>,
    /// Of the talk with Kubernetes.
    pub(super) kube: cluster::Metrics,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

impl Metrics {
    /// Registers the controller's metrics with the process's registry.
    pub(super) fn register(registry: &mut Registry) -> Metrics {
        // 5 ms to 80 s: an API server that is at ease, and one that is not. GitLab is not waited for.
        let histogram = || Histogram::new(exponential_buckets(0.005, 4.0, 8));
        let metrics = Metrics {
            durations: Family::new_with_constructor(histogram),
            in_backoff: Gauge::default(),
            waiting_for_gitlab: Gauge::default(),
            panics: Counter::default(),
            orphaned: Counter::default(),
            imported: Family::default(),
            kube: cluster::Metrics::register(registry),
        };
        registry.register(
            "reconcile_duration_seconds",
            "How long it took to look at a connection, by whether its status changed",
            metrics.durations.clone(),
        );
        registry.register(
            "objects_in_backoff",
            "Connections that are tried again later and later because of trouble that may pass",
            metrics.in_backoff.clone(),
        );
        registry.register(
            "gitlab_queue_depth",
            "Connections whose GitLab is to be asked, and whose turn has not come",
            metrics.waiting_for_gitlab.clone(),
        );
        registry.register(
            "reconcile_panics",
            "Looks at a connection that ended abnormally: each is a bug",
            metrics.panics.clone(),
        );
        registry.register(
            "hook_orphaned",
            "Connections that were deleted while webhooks of theirs may have stayed in GitLab",
            metrics.orphaned.clone(),
        );
        registry.register("import_items", "What ended imports read, by kind", metrics.imported.clone());
        metrics
    }

    /// A connection was looked at.
    pub(super) fn reconciled(&self, outcome: &'static str, took: Duration) {
        self.durations.get_or_create(&Outcome { outcome }).observe(took.as_secs_f64());
    }

    pub(super) fn panicked(&self) {
        self.panics.inc();
    }

    pub(super) fn orphaned(&self) {
        self.orphaned.inc();
    }

    /// An import ended.
    pub(super) fn imported(&self, projects: i64, merge_requests: i64) {
        for (kind, number) in [("project", projects), ("merge_request", merge_requests)] {
            self.imported.get_or_create(&Kind { kind }).inc_by(u64::try_from(number).unwrap_or(0));
        }
    }
}

/// Whether this process leads, for metrics and probes.
#[derive(Debug, Clone)]
pub(super) struct Leadership {
    leader: Gauge,
    beat: Heartbeat,
    ready: Readiness,
}

impl Leadership {
    pub(super) fn register(registry: &mut Registry, health: &Health) -> Leadership {
        let leadership = Leadership {
            leader: Gauge::default(),
            beat: health.heartbeat("the lease", LEASE_BEAT),
            ready: health.readiness("the lease"),
        };
        registry.register("leader", "1 where this process leads", leadership.leader.clone());
        leadership
    }

    pub(super) fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// The task goes on, whether or not the API server answers.
    pub(super) fn beats(&self) {
        self.beat.beat();
    }

    /// The lease could be read or renewed. A process that waits for its turn is ready too.
    pub(super) fn answered(&self, answered: bool) {
        self.ready.set(answered);
    }
}
