//! When a fault strikes.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// When a fault strikes; whatever is not said sets no bound. Times are those of the World's clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// For that many requests only.
    #[serde(default)]
    pub times: Option<usize>,
    /// After this many requests went well.
    #[serde(default)]
    pub after: usize,
    /// This share of the requests, from 0 to 1.
    #[serde(default)]
    pub probability: Option<f64>,
    /// Decides which of them: the same seed, the same ones.
    #[serde(default)]
    pub seed: u64,
    /// Not before this time.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// Not from this time on.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// For that many seconds from its first strike on.
    #[serde(default)]
    pub for_seconds: Option<u64>,
}

/// How far a schedule has come.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    random: fastrand::Rng,
    ends: Option<Timestamp>,
}

impl Schedule {
    /// The beginning of a schedule.
    pub(super) fn begin(&self) -> Progress {
        Progress { random: fastrand::Rng::with_seed(self.seed), ends: self.until }
    }

    /// Whether the fault strikes a request that comes now; what was counted is taken off.
    pub(super) fn strikes(&mut self, progress: &mut Progress, now: Timestamp) -> bool {
        if self.from.is_some_and(|from| now < from) || self.is_over(progress, now) {
            return false;
        }
        if self.after > 0 {
            self.after -= 1;
            return false;
        }
        if self.probability.is_some_and(|share| progress.random.f64() >= share) {
            return false;
        }
        if let Some(times) = &mut self.times {
            *times = times.saturating_sub(1);
        }
        if let Some(seconds) = self.for_seconds.take() {
            let length = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
            let end = now.checked_add(length).unwrap_or(Timestamp::MAX);
            progress.ends = Some(progress.ends.map_or(end, |known| known.min(end)));
        }
        true
    }

    /// Whether it will never strike again.
    pub(super) fn is_over(&self, progress: &Progress, now: Timestamp) -> bool {
        self.times == Some(0) || progress.ends.is_some_and(|end| now >= end)
    }
}

impl Progress {
    /// Seconds until the end, if there is one.
    pub(super) fn left(&self, now: Timestamp) -> Option<u64> {
        let left = self.ends?.duration_since(now).as_secs();
        Some(u64::try_from(left).unwrap_or_default().max(1))
    }
}
