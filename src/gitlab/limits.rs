//! How fast a server lets us go: the budget of each user, and how many requests an instance bears at once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::answer::{Limited, RawAnswer};

/// How long one request may take to succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How often a read is sent when it fails by timeouts, 5xx or broken answers.
    pub attempts: u32,
    /// How long a request may wait for rate limits and between attempts, all together.
    pub waiting: Duration,
    /// The first pause between attempts; it doubles each time, with full jitter.
    pub backoff: Duration,
}

impl Default for Patience {
    /// For what nobody waits for, and what the next look does again.
    fn default() -> Patience {
        Patience { attempts: 5, waiting: Duration::from_secs(900), backoff: Duration::from_millis(500) }
    }
}

impl Patience {
    /// For imports: outlasts the longest window that GitLab documents, the hour of a self-managed instance's default.
    pub fn importing() -> Patience {
        // Two tries, because whoever imports knows more ways out of trouble than to ask for the same again.
        Patience { attempts: 2, waiting: 2 * LONGEST_PAUSE, ..Patience::default() }
    }

    /// For probes, where somebody waits for the answer.
    pub fn probing() -> Patience {
        Patience { attempts: 3, waiting: Duration::from_secs(30), backoff: Duration::from_millis(250) }
    }

    /// The pause before the given retry (1 is the first): exponential, capped, with full jitter.
    pub(super) fn pause(&self, retry: u32) -> Duration {
        jittered(exponential(self.backoff, retry, Duration::from_secs(30)))
    }
}

/// `base · 2^(n-1)`, at most `cap`.
fn exponential(base: Duration, n: u32, cap: Duration) -> Duration {
    base.saturating_mul(1_u32 << n.saturating_sub(1).min(16)).min(cap)
}

fn jittered(longest: Duration) -> Duration {
    longest.mul_f64(fastrand::f64())
}

/// What one user may still do. GitLab counts by user, so all tokens of a user share this.
#[derive(Debug, Default)]
pub(super) struct Budget {
    pub(super) limit: Option<u64>,
    remaining: Option<u64>,
    paused: Option<Instant>,
    refusals: u32,
    endpoints: HashMap<Cow<'static, str>, EndpointPause>,
    pub(super) in_flight: u64,
    pub(super) sent: u64,
}

#[derive(Debug)]
struct EndpointPause {
    until: Instant,
    refusals: u32,
}

impl Budget {
    /// When this user may ask this of GitLab; `None`: now.
    pub(super) fn free_at(&self, operation: &str, now: Instant) -> Option<Instant> {
        let endpoint = self.endpoints.get(operation).map(|pause| pause.until);
        self.paused.max(endpoint).filter(|until| *until > now)
    }

    /// Requests left in the window, as far as we know; unknown counts as plenty.
    fn left(&self) -> u64 {
        self.remaining.map_or(u64::MAX, |remaining| remaining.saturating_sub(self.in_flight))
    }

    /// Should rather be spent from than the other.
    pub(super) fn beats(&self, other: &Budget) -> bool {
        let rank = |budget: &Budget| (std::cmp::Reverse(budget.left()), budget.in_flight, budget.sent);
        rank(self) < rank(other)
    }

    /// Learns from the headers that every answer may carry.
    pub(super) fn observe(&mut self, answer: &RawAnswer, now: Instant) {
        self.limit = answer.number("ratelimit-limit").or(self.limit);
        let Some(remaining) = answer.number("ratelimit-remaining") else {
            return;
        };
        self.remaining = Some(remaining);
        if remaining == 0
            && let Some(delay) = answer.until_reset()
        {
            self.pause_until(now + delay.min(LONGEST_PAUSE));
        }
    }

    /// A good answer ends the growing of pauses.
    pub(super) fn succeed(&mut self, operation: &str) {
        self.refusals = 0;
        self.endpoints.remove(operation);
    }

    /// Stays away after a 429: as long as the answer says, else exponentially longer each time.
    pub(super) fn refuse(&mut self, operation: Cow<'static, str>, limited: Limited, now: Instant) {
        if limited.whole_user {
            self.refusals += 1;
            let delay = limited.delay.unwrap_or_else(|| unannounced(self.refusals));
            self.pause_until(now + delay.min(LONGEST_PAUSE));
            return;
        }
        let pause = self.endpoints.entry(operation).or_insert(EndpointPause { until: now, refusals: 0 });
        // Requests that were in flight together are refused together: they are one refusal, not many.
        if limited.delay.is_none() && pause.until > now {
            return;
        }
        pause.refusals += 1;
        let delay = limited.delay.unwrap_or_else(|| unannounced(pause.refusals));
        pause.until = pause.until.max(now + delay.min(LONGEST_PAUSE));
    }

    fn pause_until(&mut self, until: Instant) {
        self.paused = Some(self.paused.map_or(until, |paused| paused.max(until)));
    }
}

/// No window that GitLab documents is longer; a wild `Retry-After` must not stop us for days.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The application limiter counts per minute and tells nothing, so pauses double up to one minute.
fn unannounced(refusals: u32) -> Duration {
    let longest = exponential(Duration::from_secs(2), refusals, Duration::from_secs(60));
    longest / 2 + jittered(longest / 2)
}

/// Bounds the requests in flight to one instance, and moves the bound by how the server bears it: one more after a round
/// of good answers, half after a sign of overload.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<GateState>,
    freed: Notify,
}

#[derive(Debug)]
struct GateState {
    bound: usize,
    highest: usize,
    in_flight: usize,
    good: usize,
    halved: Option<Instant>,
}

/// The right to have one request in flight; given back when dropped.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    gate: &'a Gate,
}

impl Gate {
    pub(super) fn new(highest: usize) -> Gate {
        let state = GateState { bound: highest, highest, in_flight: 0, good: 0, halved: None };
        Gate { state: Mutex::new(state), freed: Notify::new() }
    }

    pub(super) async fn enter(&self) -> Pass<'_> {
        loop {
            let freed = self.freed.notified();
            {
                let mut state = self.lock();
                if state.in_flight < state.bound {
                    state.in_flight += 1;
                    return Pass { gate: self };
                }
            }
            freed.await;
        }
    }

    pub(super) fn bears_it(&self) {
        let mut state = self.lock();
        state.good += 1;
        if state.good < state.bound || state.bound == state.highest {
            return;
        }
        state.good = 0;
        state.bound += 1;
        drop(state);
        self.freed.notify_one();
    }

    /// Halves the bound, at most once a second: what failed together is one sign.
    pub(super) fn overloaded(&self, now: Instant) {
        let mut state = self.lock();
        if state.halved.is_some_and(|halved| now < halved + Duration::from_secs(1)) {
            return;
        }
        state.halved = Some(now);
        state.good = 0;
        state.bound = (state.bound / 2).max(1);
    }

    fn lock(&self) -> MutexGuard<'_, GateState> {
        // A panic elsewhere cannot leave these numbers half-written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        state.in_flight -= 1;
        if state.in_flight < state.bound {
            drop(state);
            self.gate.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: Cow<'static, str> = Cow::Borrowed("users");

    #[tokio::test(start_paused = true)]
    async fn the_json_kind_of_429_pauses_one_endpoint_and_doubles() {
        let mut budget = Budget::default();
        let limited = Limited { delay: None, whole_user: false };
        let start = Instant::now();

        budget.refuse(USERS, limited, start);
        let first = budget.free_at("users", start).unwrap() - start;
        let later = start + first;
        budget.refuse(USERS, limited, later);
        let second = budget.free_at("users", later).unwrap() - later;

        assert_eq!(budget.free_at("groups", start), None);
        assert!(first >= Duration::from_secs(1) && first <= Duration::from_secs(2), "{first:?}");
        assert!(second >= Duration::from_secs(2) && second <= Duration::from_secs(4), "{second:?}");
    }

    #[test]
    fn an_import_outlasts_the_window_of_an_hour_that_self_managed_gitlab_has_by_default() {
        assert!(Patience::importing().waiting > Duration::from_secs(3600));
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_that_arrive_together_count_once() {
        let mut budget = Budget::default();
        let start = Instant::now();

        for _ in 0..16 {
            budget.refuse(USERS, Limited { delay: None, whole_user: false }, start);
        }

        assert!(budget.free_at("users", start).unwrap() - start <= Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn an_announced_delay_pauses_the_whole_user_and_is_bounded() {
        let mut budget = Budget::default();
        let start = Instant::now();

        budget.refuse(USERS, Limited { delay: Some(Duration::from_secs(17)), whole_user: true }, start);
        assert_eq!(budget.free_at("groups", start), Some(start + Duration::from_secs(17)));

        budget.refuse(USERS, Limited { delay: Some(Duration::from_secs(1 << 40)), whole_user: true }, start);
        assert_eq!(budget.free_at("groups", start), Some(start + LONGEST_PAUSE));
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_budget_waits_for_its_reset_before_it_is_refused() {
        let mut answer = RawAnswer::recorded(200, "application/json", "{}");
        for (name, value) in
            [("date", "Wed, 25 Nov 2026 21:00:00 GMT"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "1795640430")]
        {
            answer.headers.insert(name, value.parse().unwrap());
        }
        let mut budget = Budget::default();
        let start = Instant::now();

        budget.observe(&answer, start);

        assert_eq!(budget.free_at("users", start), Some(start + Duration::from_secs(31)));
        assert_eq!(budget.left(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_gate_halves_under_load_and_recovers_one_by_one() {
        let gate = Gate::new(8);
        gate.overloaded(Instant::now());
        gate.overloaded(Instant::now());
        assert_eq!(gate.lock().bound, 4);

        for _ in 0..4 {
            gate.bears_it();
        }

        assert_eq!(gate.lock().bound, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn the_gate_lets_a_waiter_in_when_a_pass_is_given_back() {
        let gate = Gate::new(1);
        let pass = gate.enter().await;
        assert!(tokio::time::timeout(Duration::from_secs(1), gate.enter()).await.is_err());

        drop(pass);

        assert!(tokio::time::timeout(Duration::from_secs(1), gate.enter()).await.is_ok());
    }
}
