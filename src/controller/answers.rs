//! What is remembered of a connection between two looks at it: what GitLab answered, and for how long that holds.
//!
//! A look for any other cause than a new spec, a new Secret, a request or the interval asks GitLab nothing. Losing the
//! memory costs one question.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use prometheus_client::metrics::gauge::Gauge;

use super::hooks::Kept;
use crate::{access::Access, api::GitLabConnectionSpec, status::Standing};

/// How soon transient trouble is looked at again; twice as late each time.
const RETRY: SignedDuration = SignedDuration::from_secs(5);
/// The latest that it is looked at again.
const LATEST_RETRY: SignedDuration = SignedDuration::from_mins(5);
/// How soon a Kubernetes error is followed by another try; twice as late each time.
const KUBERNETES_RETRY: SignedDuration = SignedDuration::from_secs(1);
/// The latest that it is.
const LATEST_KUBERNETES_RETRY: SignedDuration = SignedDuration::from_secs(60);

/// What GitLab said, and when.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    /// Generation and everything else that the questions depended on.
    pub(super) asked_with: String,
    pub(super) at: Timestamp,
    /// How often in a row nobody could tell.
    pub(super) in_vain: u32,
    /// `None` where nobody could be asked.
    pub(super) access: Option<Access>,
    pub(super) hooks: Kept,
}

/// What is remembered of one connection.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) answers: Option<Answers>,
    /// The last certain verdicts, on the spec of this generation.
    pub(super) standing: Option<(Option<i64>, Standing)>,
    /// Kubernetes errors in a row.
    pub(super) errors: u32,
    /// The generation that was held to the rules and keeps them.
    pub(super) valid: Option<i64>,
    /// What was last logged of an import that does not start.
    pub(super) stuck: Option<String>,
}

/// What is remembered of all connections, by UID. No connection is looked at twice at once, so an entry has one user.
#[derive(Debug, Default)]
pub(super) struct Memory {
    known: Mutex<HashMap<String, Known>>,
    in_backoff: Gauge,
}

impl Memory {
    pub(super) fn new(in_backoff: Gauge) -> Self {
        Self { known: Mutex::default(), in_backoff }
    }

    /// Takes what is known of a connection. Whoever is interrupted before it is put back forgets it.
    pub(super) fn take(&self, uid: &str) -> Known {
        self.with(|known| known.remove(uid)).unwrap_or_default()
    }

    pub(super) fn put(&self, uid: &str, entry: Known) {
        self.with(|known| known.insert(uid.to_owned(), entry));
    }

    pub(super) fn forget(&self, uid: &str) {
        self.with(|known| known.remove(uid));
    }

    /// Forgets whom nobody knows any more: an error after the end of a connection is remembered like any other.
    pub(super) fn keep(&self, is_known: impl Fn(&str) -> bool) {
        self.with(|known| known.retain(|uid, _| is_known(uid)));
    }

    /// What the tokens of a connection could do when somebody last asked.
    pub(super) fn access(&self, uid: &str) -> Option<Access> {
        self.with(|known| known.get(uid)?.answers.as_ref()?.access.clone())
    }

    /// Counts a Kubernetes error, and says after which pause to try again.
    pub(super) fn failed(&self, uid: &str) -> SignedDuration {
        self.with(|known| {
            let entry = known.entry(uid.to_owned()).or_default();
            entry.errors = entry.errors.saturating_add(1);
            doubled(KUBERNETES_RETRY, entry.errors, LATEST_KUBERNETES_RETRY)
        })
    }

    fn with<T>(&self, change: impl FnOnce(&mut HashMap<String, Known>) -> T) -> T {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let done = change(&mut known);
        let waits =
            |known: &&Known| known.errors > 0 || known.answers.as_ref().is_some_and(|answers| answers.in_vain > 0);
        self.in_backoff.set(i64::try_from(known.values().filter(waits).count()).unwrap_or(i64::MAX));
        done
    }
}

impl Answers {
    /// Whether they still hold: nothing that they depended on has changed, nobody wants new ones, and their time is not up.
    pub(super) fn hold(&self, asked_with: &str, requested: bool, until: Timestamp, now: Timestamp) -> bool {
        !requested && self.asked_with == asked_with && now < until
    }

    /// Until when they hold.
    pub(super) fn until(&self, spec: &GitLabConnectionSpec, uid: &str) -> Timestamp {
        match self.hooks {
            Kept::Learning { until, .. } => until,
            _ => self.after(spec.interval.get(), uid),
        }
    }

    fn after(&self, interval: SignedDuration, uid: &str) -> Timestamp {
        let pause = match self.in_vain {
            0 => spread(interval, uid),
            // Not later than the interval would have it.
            times => doubled(RETRY, times, LATEST_RETRY).min(interval),
        };
        self.at.checked_add(pause).unwrap_or(Timestamp::MAX)
    }
}

/// A duration, a tenth longer or shorter, always the same for one connection.
fn spread(duration: SignedDuration, uid: &str) -> SignedDuration {
    let share = super::digest::share(uid);
    let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    SignedDuration::from_millis(millis - millis / 10 + (millis / 5) / 1000 * share + (millis / 5) % 1000 * share / 1000)
}

/// `first`, doubled with each time after the first, and never more than `most`.
fn doubled(first: SignedDuration, times: u32, most: SignedDuration) -> SignedDuration {
    let factor = 2_i32.saturating_pow(times.saturating_sub(1).min(20));
    first.checked_mul(factor).unwrap_or(most).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Hooks;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    fn answers(in_vain: u32) -> Answers {
        Answers {
            asked_with: "1".to_owned(),
            at: at(0),
            in_vain,
            access: None,
            hooks: Kept::Said(Hooks::switched_off()),
        }
    }

    #[test]
    fn answers_hold_until_something_changes_or_their_time_is_up() {
        let until = at(10);
        let table = [("1", false, 9, true), ("1", false, 10, false), ("1", true, 1, false), ("2", false, 1, false)];
        for (asked_with, requested, minutes, holds) in table {
            let held = answers(0).hold(asked_with, requested, until, at(minutes));
            assert_eq!(held, holds, "{asked_with} {requested} {minutes}");
        }
    }

    #[test]
    fn trouble_is_looked_at_again_later_and_later_within_bounds() {
        let pause = |in_vain| answers(in_vain).after(SignedDuration::from_mins(60), "uid").duration_since(at(0));

        let pauses = [1, 2, 3, 6, 7, 1000].map(|in_vain| pause(in_vain).as_secs());

        assert_eq!(pauses, [5, 10, 20, 160, 300, 300]);
    }

    #[test]
    fn intervals_are_spread_and_each_connection_keeps_its_own() {
        let interval = SignedDuration::from_mins(10);
        let seconds = |uid: &str| answers(0).after(interval, uid).duration_since(at(0)).as_secs();

        let all: Vec<_> = (0..100).map(|n| seconds(&n.to_string())).collect();

        assert!(all.iter().all(|seconds| (540..=660).contains(seconds)), "{all:?}");
        assert!(all.iter().any(|seconds| *seconds < 570) && all.iter().any(|seconds| *seconds > 630), "{all:?}");
        assert_eq!(seconds("7"), seconds("7"));
    }

    #[test]
    fn kubernetes_errors_are_counted_for_each_connection_and_shown() {
        let memory = Memory::default();

        let pauses = [memory.failed("a"), memory.failed("a"), memory.failed("b")].map(|pause| pause.as_secs());

        assert_eq!(pauses, [1, 2, 1]);
        assert_eq!(memory.in_backoff.get(), 2);
        memory.forget("a");
        memory.put("b", Known::default());
        assert_eq!(memory.in_backoff.get(), 0);
        memory.failed("gone");
        memory.keep(|uid| uid == "b");
        assert_eq!(memory.in_backoff.get(), 0);
    }
}
