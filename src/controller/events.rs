//! What people are told of in Events: transitions, and nothing else. Pure, but for the telling.

use k8s_openapi::{api::core::v1::ObjectReference, apimachinery::pkg::apis::meta::v1::Condition};
use kube::{
    Client, Resource as _,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

use super::{metrics::Metrics, said};
use crate::{
    api::{GitLabConnection, conditions as condition},
    cluster::{ConnectionRef, MANAGER, timely},
};

/// The conditions whose transitions people are told of.
const TOLD: [&str; 2] = [condition::READY, condition::IMPORT_SUCCEEDED];
/// The longest note that an Event may carry, in bytes.
const LONGEST: usize = 1000;

/// Our side of Kubernetes.
#[derive(Clone)]
pub(super) struct Kube {
    pub(super) client: Client,
    pub(super) metrics: Metrics,
    recorder: Recorder,
}

impl Kube {
    pub(super) fn new(client: Client, metrics: Metrics, identity: String) -> Self {
        let reporter = Reporter { controller: MANAGER.to_owned(), instance: Some(identity) };
        Self { recorder: Recorder::new(client.clone(), reporter), client, metrics }
    }

    /// Tells of an Event. One that cannot be told is no error: the status says the same.
    pub(super) async fn tell(&self, at: &ConnectionRef, event: &Event) {
        let regarding = ObjectReference {
            api_version: Some(GitLabConnection::api_version(&()).into_owned()),
            kind: Some(GitLabConnection::kind(&()).into_owned()),
            namespace: Some(at.namespace.clone()),
            name: Some(at.name.clone()),
            uid: Some(at.uid.clone()),
            ..ObjectReference::default()
        };
        match timely(self.recorder.publish(event, &regarding)).await {
            Ok(()) => self.metrics.kube.wrote("Event", "create"),
            Err(error) => tracing::warn!(error = said(&error), reason = event.reason, "could not tell of an Event"),
        }
    }
}

/// The Events of a change of conditions.
pub(super) fn transitions(before: &[Condition], after: &[Condition]) -> Vec<Event> {
    let status = |kind: &str| before.iter().find(|old| old.type_ == kind).map(|old| old.status.as_str());
    let moved = |now: &&Condition| {
        // That nobody can tell is no news; what is found out after that is.
        TOLD.contains(&now.type_.as_str()) && now.status != "Unknown" && status(&now.type_) != Some(now.status.as_str())
    };
    let event = |now: &Condition| {
        let type_ = if now.status == "True" { EventType::Normal } else { EventType::Warning };
        warn_or_tell(type_, &now.type_, &now.reason, &now.message)
    };
    after.iter().filter(moved).map(event).collect()
}

/// An Event on what was done or found out.
pub(super) fn warn_or_tell(type_: EventType, action: &str, reason: &str, note: &str) -> Event {
    let mut end = note.len().min(LONGEST);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    Event {
        type_,
        reason: reason.to_owned(),
        note: Some(note[..end].to_owned()),
        action: action.to_owned(),
        secondary: None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    fn condition(kind: &str, status: &str) -> Condition {
        Condition {
            type_: kind.to_owned(),
            status: status.to_owned(),
            reason: "Because".to_owned(),
            message: "why".to_owned(),
            observed_generation: None,
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        }
    }

    #[test]
    fn people_are_told_of_transitions_of_ready_and_of_imports_and_of_nothing_else() {
        let told = |before: &[(&str, &str)], after: &[(&str, &str)]| {
            let all =
                |list: &[(&str, &str)]| list.iter().map(|(kind, status)| condition(kind, status)).collect::<Vec<_>>();
            let events = transitions(&all(before), &all(after));
            events.into_iter().map(|event| (event.action, event.type_ == EventType::Normal)).collect::<Vec<_>>()
        };
        let ready = |normal| vec![("Ready".to_owned(), normal)];

        assert_eq!(told(&[], &[("Ready", "Unknown")]), []);
        assert_eq!(told(&[], &[("Ready", "False")]), ready(false));
        assert_eq!(told(&[("Ready", "False")], &[("Ready", "True")]), ready(true));
        assert_eq!(told(&[("Ready", "True")], &[("Ready", "True"), ("WebhooksReady", "False")]), []);
        assert_eq!(told(&[("Ready", "True")], &[("Ready", "Unknown")]), []);
    }
}
