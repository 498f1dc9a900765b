//! How long a container that ended waits before it is started again.

use std::time::Duration;

/// The first restart comes at once, as the kubelet's does; the second after this long, then doubling.
const FIRST: Duration = Duration::from_millis(500);
/// The real kubelet goes from 10 s to 5 min; tests have no time for that.
const LONGEST: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    /// The pause before the next start of a container that ran for `ran`. One that ran long has earned a fresh start.
    pub(super) fn after(&mut self, ran: Duration) -> Duration {
        if ran > LONGEST * 2 {
            self.next = Duration::ZERO;
        }
        let pause = self.next;
        self.next = (pause * 2).clamp(FIRST, LONGEST);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_come_at_once_then_ever_later_until_one_ran_long() {
        let mut backoff = Backoff::default();
        let short = Duration::from_secs(1);

        let pauses: Vec<u128> = (0..7).map(|_| backoff.after(short).as_millis()).collect();
        let fresh = backoff.after(Duration::from_secs(21));

        assert_eq!(pauses, [0, 500, 1_000, 2_000, 4_000, 8_000, 10_000]);
        assert_eq!(fresh, Duration::ZERO);
    }
}
