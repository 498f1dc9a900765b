//! GitLab's two limiters: Rack::Attack's per user, and the application's per user and endpoint.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Requests counted per window and bucket.
#[derive(Debug, Default)]
pub(crate) struct Limiter(Mutex<HashMap<String, (i64, u32)>>);

/// Where a bucket stands after a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    limit: u32,
    period: i64,
    used: u32,
    reset: i64,
    now: i64,
}

impl Limiter {
    /// Counts a request into a bucket.
    pub(crate) fn count(&self, bucket: &str, (limit, period): (u32, u32), now: Timestamp) -> Budget {
        let period = i64::from(period.max(1));
        let window = now.as_second() / period;
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = buckets.entry(bucket.to_owned()).or_insert((window, 0));
        if entry.0 != window {
            *entry = (window, 0);
        }
        entry.1 = entry.1.saturating_add(1);
        Budget { limit, period, used: entry.1, reset: (window + 1) * period, now: now.as_second() }
    }
}

impl Budget {
    /// Whether the request was one too many.
    pub(crate) fn exceeded(&self) -> bool {
        self.used > self.limit
    }

    /// Seconds until the bucket is empty again.
    pub(crate) fn retry_after(&self) -> i64 {
        (self.reset - self.now).max(1)
    }

    /// The headers that Rack::Attack puts on every answer, and more on a 429.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("ratelimit-name", "throttle_authenticated_api".to_owned()),
            ("ratelimit-limit", (i64::from(self.limit) * 60 / self.period).to_string()),
            ("ratelimit-observed", self.used.to_string()),
            ("ratelimit-remaining", self.limit.saturating_sub(self.used).to_string()),
            ("ratelimit-reset", self.reset.to_string()),
        ];
        if self.exceeded() {
            let when = Timestamp::from_second(self.reset).unwrap_or_default();
            headers.push(("ratelimit-resettime", when.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()));
            headers.push(("retry-after", self.retry_after().to_string()));
        }
        headers
    }
}
