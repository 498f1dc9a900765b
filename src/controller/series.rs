//! Series that belong to connections: read from what the watch knows, so that they die with their connection.

use std::{collections::BTreeMap, fmt};

use kube::{ResourceExt as _, runtime::reflector::Store};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder},
    metrics::{MetricType, gauge::ConstGauge},
};

use super::reconcile::Guarded;
use crate::api::{AuditStatus, GitLabConnectionStatus, RunOutcome};

/// The series of all connections.
pub(super) struct Connections(Store<Guarded>);

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connections")
    }
}

impl Connections {
    pub(super) fn new(connections: Store<Guarded>) -> Self {
        Self(connections)
    }
}

impl Collector for Connections {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let connections = self.0.state();
        let all: Vec<_> = connections
            .iter()
            .filter_map(|connection| {
                let status = connection.0.as_ref().ok()?.status.as_ref()?;
                Some((connection.namespace().unwrap_or_default(), connection.name_any(), status))
            })
            .collect();
        let mut metric =
            gauge(&mut encoder, "status_condition", "1 for each condition of each connection as it is now")?;
        for (namespace, name, status) in &all {
            for condition in &status.conditions {
                let labels = [
                    ("namespace", namespace.as_str()),
                    ("name", name.as_str()),
                    ("type", condition.type_.as_str()),
                    ("status", condition.status.as_str()),
                    ("reason", condition.reason.as_str()),
                ];
                set(&mut metric, &labels, 1)?;
            }
        }
        let mut metric = gauge(&mut encoder, "credential_expiry_timestamp_seconds", "When a token expires")?;
        for (namespace, name, status) in &all {
            for credential in &status.credentials {
                let Some(expires_at) = &credential.expires_at else { continue };
                let labels = [
                    ("namespace", namespace.as_str()),
                    ("name", name.as_str()),
                    ("credential", credential.name.as_str()),
                ];
                set(&mut metric, &labels, expires_at.0.as_second())?;
            }
        }
        for (name, help, value) in [
            ("audit_differences", "What the last audit found to differ from GitLab", AUDIT_DIFFERENCES),
            ("audit_timestamp_seconds", "When the last audit ended", AUDITED_AT),
        ] {
            let mut metric = gauge(&mut encoder, name, help)?;
            for (namespace, name, status) in &all {
                let Some(audit) = status.import.as_ref().and_then(|import| import.audit.as_ref()) else { continue };
                set(&mut metric, &[("namespace", namespace.as_str()), ("name", name.as_str())], value(audit))?;
            }
        }
        for (name, help, value) in SERIES {
            let mut metric = gauge(&mut encoder, name, help)?;
            for (namespace, name, status) in &all {
                let Some(value) = value(status) else { continue };
                set(&mut metric, &[("namespace", namespace.as_str()), ("name", name.as_str())], value)?;
            }
        }
        let sums: [(&str, &str, BTreeMap<&str, i64>); 2] = [
            ("hooks", "Webhooks in GitLab, by state", hooks(all.iter().map(|(.., status)| *status))),
            (
                "imports",
                "Connections by how their last import ended, and those that import now",
                imports(all.iter().map(|(.., status)| *status)),
            ),
        ];
        for (name, help, states) in sums {
            let mut metric = gauge(&mut encoder, name, help)?;
            for (state, number) in states {
                set(&mut metric, &[("state", state)], number)?;
            }
        }
        Ok(())
    }
}

type Series = (&'static str, &'static str, fn(&GitLabConnectionStatus) -> Option<i64>);

/// What a connection's own status tells of its freshness; a series is there once there is something to tell.
const SERIES: [Series; 4] = [
    ("import_last_success_timestamp_seconds", "When the last import that succeeded ended", |status| {
        let run = status.import.as_ref()?.last_success.as_ref()?;
        Some(run.finished_at.as_ref()?.0.as_second())
    }),
    ("import_running_since_timestamp_seconds", "When the import that runs started", |status| {
        let run = status.import.as_ref()?.running.as_ref()?;
        Some(run.started_at.as_ref()?.0.as_second())
    }),
    ("import_consecutive_failures", "Imports that failed since the last one that did not", |status| {
        Some(status.import.as_ref()?.failed_runs.into())
    }),
    ("last_delivery_timestamp_seconds", "When the last authentic delivery arrived, to within ten minutes", |status| {
        Some(status.webhooks.as_ref()?.last_delivery.as_ref()?.0.as_second())
    }),
];

const AUDIT_DIFFERENCES: fn(&AuditStatus) -> i64 = |audit| audit.differences;
const AUDITED_AT: fn(&AuditStatus) -> i64 = |audit| audit.finished_at.as_ref().map_or(0, |at| at.0.as_second());

fn gauge<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    name: &'a str,
    help: &str,
) -> Result<MetricEncoder<'a>, fmt::Error> {
    encoder.encode_descriptor(name, help, None, MetricType::Gauge)
}

fn set<const N: usize>(metric: &mut MetricEncoder<'_>, labels: &[(&str, &str); N], value: i64) -> fmt::Result {
    ConstGauge::new(value).encode(metric.encode_family(labels)?)
}

fn hooks<'a>(statuses: impl Iterator<Item = &'a GitLabConnectionStatus>) -> BTreeMap<&'static str, i64> {
    let mut states = BTreeMap::from([("ready", 0), ("missing", 0)]);
    for webhooks in statuses.filter_map(|status| status.webhooks.as_ref()) {
        *states.entry("ready").or_default() += i64::from(webhooks.ready);
        *states.entry("missing").or_default() += i64::from(webhooks.desired.saturating_sub(webhooks.ready).max(0));
    }
    states
}

fn imports<'a>(statuses: impl Iterator<Item = &'a GitLabConnectionStatus>) -> BTreeMap<&'static str, i64> {
    let states = ["running", "never_run", "succeeded", "partially_failed", "failed"];
    let mut states: BTreeMap<_, _> = states.map(|state| (state, 0)).into();
    for status in statuses {
        let import = status.import.as_ref();
        if import.is_some_and(|import| import.running.is_some()) {
            *states.entry("running").or_default() += 1;
        }
        let last = import.and_then(|import| import.last_run.as_ref()).map(|run| run.outcome);
        let state = match last {
            None => "never_run",
            Some(RunOutcome::Succeeded) => "succeeded",
            Some(RunOutcome::PartiallyFailed) => "partially_failed",
            Some(RunOutcome::Failed) => "failed",
        };
        *states.entry(state).or_default() += 1;
    }
    states
}

#[cfg(test)]
mod tests {
    use kube::runtime::{reflector, watcher::Event};
    use prometheus_client::{encoding::text::encode, registry::Registry};
    use serde_json::json;

    use super::*;

    #[test]
    fn series_live_as_long_as_their_connection_and_name_no_secret() {
        let connection: Guarded = serde_json::from_value(json!({
            "apiVersion": "gitlab-connector.dev/v1alpha1", "kind": "GitLabConnection",
            "metadata": {"name": "acme", "namespace": "metrics"},
            "spec": {"url": "https://gitlab.example/", "scope": {"groups": ["acme"]}},
            "status": {
                "conditions": [{"type": "Ready", "status": "False", "reason": "TokenExpired", "message": "m",
                                "lastTransitionTime": "2026-01-01T00:00:00Z"}],
                "credentials": [{"name": "primary", "expiresAt": "2026-02-01T00:00:00Z"}],
                "webhooks": {"desired": 3, "ready": 1, "lastDelivery": "2026-02-01T00:00:00Z"},
                "import": {"running": {"key": "third", "startedAt": "2026-02-01T00:00:01Z"}, "failedRuns": 2,
                           "lastSuccess": {"key": "first", "outcome": "Succeeded", "finishedAt": "2026-02-01T00:00:02Z"}, "audit": {"differences": 7, "finishedAt": "2026-02-01T00:00:00Z"}},
            },
        }))
        .unwrap();
        let (store, mut writer) = reflector::store();
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Connections::new(store)));
        let shown = |registry: &Registry| {
            let mut text = String::new();
            encode(&mut text, registry).unwrap();
            text
        };

        writer.apply_watcher_event(&Event::Apply(connection.clone()));
        let there = shown(&registry);
        writer.apply_watcher_event(&Event::Delete(connection));
        let gone = shown(&registry);

        for line in [
            r#"status_condition{namespace="metrics",name="acme",type="Ready",status="False",reason="TokenExpired"} 1"#,
            r#"credential_expiry_timestamp_seconds{namespace="metrics",name="acme",credential="primary"} 1769904000"#,
            r#"audit_differences{namespace="metrics",name="acme"} 7"#,
            r#"audit_timestamp_seconds{namespace="metrics",name="acme"} 1769904000"#,
            r#"import_last_success_timestamp_seconds{namespace="metrics",name="acme"} 1769904002"#,
            r#"import_running_since_timestamp_seconds{namespace="metrics",name="acme"} 1769904001"#,
            r#"import_consecutive_failures{namespace="metrics",name="acme"} 2"#,
            r#"last_delivery_timestamp_seconds{namespace="metrics",name="acme"} 1769904000"#,
            r#"hooks{state="missing"} 2"#,
            r#"imports{state="running"} 1"#,
        ] {
            assert!(there.contains(line), "{line} in {there}");
        }
        assert!(!gone.contains("acme") && gone.contains(r#"hooks{state="missing"} 0"#), "{gone}");
    }
}
