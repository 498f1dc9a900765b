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
use tokio::time::Instant;

use super::hooks::Kept;
use crate::{access::Access, api::GitLabConnectionSpec, status::Standing, webhooks::Progress};

/// How soon transient trouble is looked at again; twice as late each time.
const RETRY: SignedDuration = SignedDuration::from_secs(5);
/// The latest that it is looked at again.
const LATEST_RETRY: SignedDuration = SignedDuration::from_mins(5);
/// How soon a Kubernetes error is followed by another try; twice as late each time.
const KUBERNETES_RETRY: SignedDuration = SignedDuration::from_secs(1);
/// The latest that it is.
const LATEST_KUBERNETES_RETRY: SignedDuration = SignedDuration::from_secs(60);

/// How long what GitLab refused is not asked for again.
const REFUSED: SignedDuration = SignedDuration::from_hours(1);

/// What is asked of GitLab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// Generation and everything else of the connection that it depends on.
    pub(super) asks_for: String,
    /// The request of a person that it answers.
    pub(super) request: Option<String>,
}

/// A question that is being asked.
#[derive(Debug, Clone)]
pub(super) struct Round {
    pub(super) question: Question,
    /// What the tokens can do, once that is known.
    pub(super) access: Option<Access>,
    /// What of the webhooks is done.
    pub(super) progress: Progress,
    /// When what `progress` holds began.
    pub(super) began: Timestamp,
}

/// What GitLab said, and when.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    pub(super) question: Question,
    /// All that the question came to depend on; `None` while a part of it is still being asked.
    pub(super) asked_with: Option<String>,
    /// When the pass over the webhooks began.
    pub(super) began: Timestamp,
    /// When GitLab answered.
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
    /// What is being asked.
    pub(super) round: Option<Round>,
    /// The last certain verdicts, on the spec of this generation.
    pub(super) standing: Option<(Option<i64>, Standing)>,
    /// Kubernetes errors in a row.
    pub(super) errors: u32,
    /// The generation that was held to the rules and keeps them.
    pub(super) valid: Option<i64>,
    /// What was last logged of an import that does not start.
    pub(super) stuck: Option<String>,
    /// Until when webhooks are being removed, and why that failed last.
    pub(super) removing_until: Option<Instant>,
    pub(super) away: Option<String>,
    /// Nothing has to be remembered any more.
    pub(super) gone: bool,
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

    /// Forgets whom nobody knows any more: an error after the end of a connection is remembered like any other.
    pub(super) fn keep(&self, is_known: impl Fn(&str) -> bool) {
        self.with(|known| known.retain(|uid, _| is_known(uid)));
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

impl Round {
    pub(super) fn new(question: Question, now: Timestamp) -> Self {
        Self { question, access: None, progress: Progress::default(), began: now }
    }
}

impl Answers {
    /// Whether they still hold: nothing that they depended on has changed, nobody wants new ones, and their time is not up.
    pub(super) fn hold(&self, asks_with: &str, request: Option<&String>, until: Timestamp, now: Timestamp) -> bool {
        let answered = request.is_none() || request == self.question.request.as_ref();
        answered && self.asked_with.as_deref() == Some(asks_with) && now < until
    }

    /// Whether they speak of what is asked for now, whenever they were given.
    pub(super) fn are_about(&self, question: &Question) -> bool {
        self.question.asks_for == question.asks_for
    }

    /// The round that comes after these answers to the same question. What they left undone goes on, unless somebody wants
    /// to have everything looked at; `interval` is how often everything is.
    pub(super) fn followed_by(&self, question: Question, interval: SignedDuration, now: Timestamp) -> Round {
        let wanted = question.request.is_some() && question.request != self.question.request;
        if wanted {
            return Round::new(question, now);
        }
        let age = now.duration_since(self.began);
        // A pass that has not come to its end goes on, however long it takes; one that met trouble tries again what it met.
        let goes_on = self.hooks.goes_on() || age < interval;
        let progress = self.hooks.progress().filter(|_| goes_on).cloned();
        // What GitLab refused is not asked for again at once either.
        let progress = progress.or_else(|| self.hooks.refusals().filter(|_| age < REFUSED));
        // A moment ago it said what the tokens can do.
        let access = if self.hooks.goes_on() { self.access.clone() } else { None };
        let began = if progress.is_some() { self.began } else { now };
        Round { question, access, progress: progress.unwrap_or_default(), began }
    }

    /// Until when they hold.
    pub(super) fn until(&self, spec: &GitLabConnectionSpec, uid: &str) -> Timestamp {
        match self.hooks {
            Kept::Learning { until, .. } => until,
            _ if self.hooks.goes_on() => self.at,
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
            question: Question { asks_for: "1".to_owned(), request: None },
            asked_with: Some("1".to_owned()),
            began: at(0),
            at: at(0),
            in_vain,
            access: None,
            hooks: Kept::Said(Hooks::switched_off()),
        }
    }

    #[test]
    fn answers_hold_until_something_changes_or_their_time_is_up() {
        let until = at(10);
        let wish = Some("now".to_owned());
        let table =
            [("1", None, 9, true), ("1", None, 10, false), ("1", wish.as_ref(), 1, false), ("2", None, 1, false)];
        for (asks_with, request, minutes, holds) in table {
            let held = answers(0).hold(asks_with, request, until, at(minutes));
            assert_eq!(held, holds, "{asks_with} {request:?} {minutes}");
        }
        let mut answered = answers(0);
        answered.question.request = wish.clone();
        assert!(answered.hold("1", wish.as_ref(), until, at(1)) && answered.hold("1", None, until, at(1)));
        assert!(!Answers { asked_with: None, ..answers(0) }.hold("1", None, until, at(1)), "a part is missing");
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
        memory.take("a");
        memory.put("b", Known::default());
        assert_eq!(memory.in_backoff.get(), 0);
        memory.failed("gone");
        memory.keep(|uid| uid == "b");
        assert_eq!(memory.in_backoff.get(), 0);
    }
}
