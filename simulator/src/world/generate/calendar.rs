//! When people work: on weekdays between eight and six, in UTC, which is where this company lives.

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

const DAY: i64 = 86_400;
const MORNING: i64 = 8 * 3600;
const EVENING: i64 = 18 * 3600;

/// The given time, or the next working morning (give or take a coffee).
pub(super) fn working(at: Timestamp, random: &mut Rng) -> Timestamp {
    let mut day = at.as_second().div_euclid(DAY);
    let second = at.as_second().rem_euclid(DAY);
    if (MORNING..EVENING).contains(&second) && !weekend(day) {
        return at;
    }
    if second >= EVENING {
        day += 1;
    }
    while weekend(day) {
        day += 1;
    }
    let coffee = random.i64(0..5_400_000);
    Timestamp::from_millisecond((day * DAY + MORNING) * 1000 + coffee).unwrap_or(at)
}

/// Some time later, within working hours. Most waits are short, some are long.
pub(super) fn later(at: Timestamp, typical: SignedDuration, random: &mut Rng) -> Timestamp {
    let luck = random.f64();
    let factor = 0.15 + 3.0 * luck * luck * luck;
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a wait of days in milliseconds")]
    let wait = (typical.as_millis() as f64 * factor) as i64;
    let next = at.checked_add(SignedDuration::from_millis(wait.max(1))).unwrap_or(at);
    working(next, random)
}

/// 1 January 1970 was a Thursday.
fn weekend(day: i64) -> bool {
    matches!((day + 3).rem_euclid(7), 5 | 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_works_on_saturday() {
        let saturday: Timestamp = "2026-01-10T12:00:00Z".parse().unwrap();
        let next = working(saturday, &mut Rng::with_seed(1));

        assert!(next.to_string().starts_with("2026-01-12T0"), "{next}");
    }
}
