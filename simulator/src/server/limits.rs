//! GitLab's limiters: Rack::Attack's per user or address, the application's per user and endpoint.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Whose requests are counted together: all tokens of a user, or all that is anonymous from an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// A user, by id.
    User(i64),
    /// An address.
    Address(IpAddr),
}

/// Whose requests to what: a throttle, or a route.
type Bucket = (Who, &'static str);

/// Requests counted per window.
#[derive(Debug, Default)]
pub(super) struct Limiter(Mutex<HashMap<Bucket, (i64, u32)>>);

/// Where a bucket stands after a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    name: &'static str,
    limit: u32,
    period: i64,
    used: u32,
    reset: i64,
    now: i64,
}

impl Limiter {
    /// Counts a request into a bucket.
    pub(super) fn count(&self, who: Who, name: &'static str, (limit, period): (u32, u32), now: Timestamp) -> Budget {
        let period = i64::from(period.max(1));
        let window = now.as_second() / period;
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = buckets.entry((who, name)).or_insert((window, 0));
        if entry.0 != window {
            *entry = (window, 0);
        }
        entry.1 = entry.1.saturating_add(1);
        Budget { name, limit, period, used: entry.1, reset: (window + 1) * period, now: now.as_second() }
    }
}

impl Budget {
    /// Whether the request was one too many.
    pub(super) fn exceeded(&self) -> bool {
        self.used > self.limit
    }

    /// Seconds until the bucket is empty again.
    fn retry_after(&self) -> i64 {
        (self.reset - self.now).max(1)
    }

    /// The headers that Rack::Attack puts on every answer, and more on a 429.
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("ratelimit-name", self.name.to_owned()),
            ("ratelimit-limit", (i64::from(self.limit) * 60 / self.period).to_string()),
            ("ratelimit-observed", self.used.to_string()),
            ("ratelimit-remaining", self.limit.saturating_sub(self.used).to_string()),
            ("ratelimit-reset", self.reset.to_string()),
        ];
        if self.exceeded() {
            headers.push(("ratelimit-resettime", http_date(self.reset)));
            headers.push(("retry-after", self.retry_after().to_string()));
        }
        headers
    }
}

/// A time as HTTP's headers write it.
pub(super) fn http_date(second: i64) -> String {
    let when = Timestamp::from_second(second).unwrap_or_default();
    when.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
