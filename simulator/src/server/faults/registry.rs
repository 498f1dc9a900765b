//! The faults that are switched on.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::fault::Fault;
use super::kind::FaultKind;
use super::place::Subject;
use super::schedule::Progress;

/// The faults that are switched on.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    armed: Vec<Armed>,
    last_id: u64,
}

/// A fault that is switched on.
#[derive(Clone, Debug, Serialize)]
pub struct Armed {
    /// Names it, to switch it off alone.
    pub id: u64,
    /// How often it struck.
    pub struck: usize,
    /// The fault, with what is left of its schedule.
    #[serde(flatten)]
    pub fault: Fault,
    #[serde(skip)]
    progress: Progress,
}

impl Faults {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Switches a fault on, and tells its id.
    pub fn add(&self, fault: Fault) -> u64 {
        let mut inner = self.inner();
        inner.last_id += 1;
        let armed = Armed { id: inner.last_id, struck: 0, progress: fault.schedule.begin(), fault };
        inner.armed.push(armed);
        inner.last_id
    }

    /// Every request takes this long.
    pub fn latency(&self, latency: Duration) {
        let millis = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.add(Fault::at("*", FaultKind::Latency { millis }));
    }

    /// Switches all faults off.
    pub fn clear(&self) {
        self.inner().armed.clear();
    }

    /// Switches one fault off, if it is there.
    pub fn remove(&self, id: u64) -> bool {
        let mut inner = self.inner();
        let before = inner.armed.len();
        inner.armed.retain(|armed| armed.id != id);
        inner.armed.len() < before
    }

    /// The faults that are switched on.
    #[must_use]
    pub fn list(&self) -> Vec<Armed> {
        self.inner().armed.clone()
    }

    /// Whether nothing goes wrong.
    pub(in crate::server) fn is_empty(&self) -> bool {
        self.inner().armed.is_empty()
    }

    /// What goes wrong with a request; the schedules go on.
    pub(in crate::server) fn strike(&self, subject: &Subject<'_>, now: Timestamp) -> Vec<FaultKind> {
        let mut inner = self.inner();
        let mut struck = Vec::new();
        for armed in &mut inner.armed {
            if !armed.fault.place.holds(subject) || !armed.fault.schedule.strikes(&mut armed.progress, now) {
                continue;
            }
            armed.struck += 1;
            let kind = armed.fault.kind.clone();
            struck.push(match armed.progress.left(now) {
                Some(left) => kind.for_a_window(left),
                None => kind,
            });
        }
        inner.armed.retain(|armed| !armed.fault.schedule.is_over(&armed.progress, now));
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(fault: Fault, seconds: &[i64]) -> Vec<bool> {
        let faults = Faults::default();
        faults.add(fault);
        let subject = Subject { method: "GET", route: "/projects/:id", path: "/projects/1", ..Subject::default() };
        let at = |second: &i64| Timestamp::from_second(*second).unwrap();
        seconds.iter().map(|second| !faults.strike(&subject, at(second)).is_empty()).collect()
    }

    fn fault() -> Fault {
        Fault::at("GET /projects/:id", FaultKind::TooManyRequests)
    }

    #[test]
    fn a_fault_strikes_the_next_requests_only() {
        assert_eq!(strikes(fault().after(1).times(1), &[0, 0, 0]), [false, true, false]);
    }

    #[test]
    fn a_fault_strikes_in_its_time_only() {
        let between = fault().between(Timestamp::from_second(5).unwrap(), Timestamp::from_second(7).unwrap());
        assert_eq!(strikes(between, &[4, 5, 6, 7, 8]), [false, true, true, false, false]);
        assert_eq!(strikes(fault().for_seconds(2), &[4, 5, 6, 7]), [true, true, false, false]);
    }

    #[test]
    fn the_same_seed_strikes_the_same_requests() {
        let half = || strikes(fault().with_probability(0.5, 7), &[0; 40]);

        assert_eq!(half(), half());
        assert!(half().contains(&true) && half().contains(&false));
    }
}
