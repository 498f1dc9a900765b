//! One who sees every version of the connections of a namespace and understands them as any tool does that knows kstatus.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use gitlab_connector::api::GitLabConnection;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kube::runtime::{WatchStreamExt, watcher};
use tokio_util::task::AbortOnDropHandle;

use crate::harness::Namespace;

/// What kstatus takes an object for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    InProgress,
    Failed,
    Current,
    Terminating,
}

#[derive(Debug, Default)]
struct Seen {
    last: BTreeMap<String, GitLabConnection>,
    healths: BTreeMap<String, Vec<Health>>,
    wrong: Vec<String>,
}

/// Looks on until it is asked what it saw.
pub(super) struct Onlooker {
    seen: Arc<Mutex<Seen>>,
    _watch: AbortOnDropHandle<()>,
}

impl Onlooker {
    pub(super) fn of(namespace: &Namespace) -> Onlooker {
        let seen = Arc::<Mutex<Seen>>::default();
        let mut versions = Box::pin(watcher(namespace.api(), watcher::Config::default()).touched_objects());
        let told = Arc::clone(&seen);
        let watch = tokio::spawn(async move {
            while let Some(version) = versions.next().await {
                match version {
                    Ok(version) => told.lock().unwrap().look(version),
                    Err(error) => told.lock().unwrap().wrong.push(error.to_string()),
                }
            }
        });
        Onlooker { seen, _watch: AbortOnDropHandle::new(watch) }
    }

    /// Every version so far was as versions must be. What a connection was taken for, without repetitions.
    #[track_caller]
    pub(super) fn healths(&self, name: &str) -> Vec<Health> {
        let seen = self.seen.lock().unwrap();
        assert!(seen.wrong.is_empty(), "{:#?}", seen.wrong);
        seen.healths.get(name).cloned().unwrap_or_default()
    }
}

impl Seen {
    fn look(&mut self, version: GitLabConnection) {
        let name = version.name_any();
        let healths = self.healths.entry(name.clone()).or_default();
        match health(&version) {
            Ok(health) if healths.last() != Some(&health) => healths.push(health),
            Ok(_) => {}
            Err(why) => self.wrong.push(format!("{name}: {why}: {:#?}", version.status)),
        }
        for (old, new) in self.last.get(&name).iter().flat_map(|before| common(before, &version)) {
            if old.status == new.status && old.last_transition_time != new.last_transition_time {
                self.wrong.push(format!("{} went nowhere, and its transition time moved: {old:?} {new:?}", new.type_));
            }
        }
        self.last.insert(name, version);
    }
}

/// The conditions that two versions of one object both have.
fn common<'a>(
    before: &'a GitLabConnection,
    after: &'a GitLabConnection,
) -> impl Iterator<Item = (&'a Condition, &'a Condition)> {
    let same = before.uid() == after.uid();
    let old = move |kind: &str| conditions(before).iter().find(|old| same && old.type_ == kind);
    conditions(after).iter().filter_map(move |new| Some((old(&new.type_)?, new)))
}

fn conditions(connection: &GitLabConnection) -> &[Condition] {
    connection.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default()
}

/// As kstatus judges an object that it knows nothing of: by generation, `Reconciling`, `Stalled` and `Ready`, in this order.
fn health(connection: &GitLabConnection) -> Result<Health, String> {
    let conditions = conditions(connection);
    let is = |kind: &str| conditions.iter().find(|one| one.type_ == kind).map(|one| one.status.as_str());
    let observed = connection.status.as_ref().and_then(|status| status.observed_generation);
    let (reconciling, stalled, ready) = (is("Reconciling"), is("Stalled"), is("Ready"));

    let Some(observed) = observed else {
        return Err("who has not looked at it yet must say so, or it counts as done".into());
    };
    if let Some(other) = conditions.iter().find(|one| one.observed_generation != Some(observed)) {
        return Err(format!("{} speaks of another generation than the status", other.type_));
    }
    if ready.is_some() && Some(observed) > connection.metadata.generation {
        return Err("a generation was observed that is not there yet".into());
    }
    if reconciling.or(stalled).is_some_and(|status| status != "True") {
        return Err("Reconciling and Stalled are there only while they are true".into());
    }
    if reconciling.is_some() && stalled.is_some() {
        return Err("either work goes on, or a person has to act".into());
    }
    if ready == Some("True") && (reconciling.is_some() || stalled.is_some()) {
        return Err("what is ready neither needs work nor a person".into());
    }
    let suspended = conditions.iter().any(|one| one.type_ == "Ready" && one.reason == "Suspended");
    if ready.is_some_and(|ready| ready != "True") && reconciling.or(stalled).is_none() && !suspended {
        return Err("what is not ready needs work or a person".into());
    }

    if connection.metadata.deletion_timestamp.is_some() {
        return Ok(Health::Terminating);
    }
    if connection.metadata.generation != Some(observed) || reconciling.is_some() {
        return Ok(Health::InProgress);
    }
    Ok(match (stalled, ready) {
        (Some(_), _) => Health::Failed,
        (None, Some("True")) => Health::Current,
        (None, _) => Health::InProgress,
    })
}
