//! Bad days, switched on per endpoint.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// The answer takes this much longer.
    Latency {
        /// Milliseconds.
        millis: u64,
    },
    /// Rack::Attack's 429: plain text, with `Retry-After` and `RateLimit-*`.
    RetryLater {
        /// `Retry-After`, in seconds.
        seconds: u64,
    },
    /// The application limiter's 429: JSON, and no header that says how long.
    TooManyRequests,
    /// A status with GitLab's JSON body, 500 or 503 for instance.
    Status {
        /// The status.
        status: u16,
    },
    /// A page of HTML from a proxy.
    Html {
        /// Its status.
        status: u16,
    },
    /// The request is never answered.
    Hang,
    /// The body drips: a few bytes each time.
    SlowBody {
        /// Milliseconds between the pieces.
        millis: u64,
    },
    /// The body ends in the middle, and the connection with it.
    CutBody,
    /// GraphQL fields that time out (`MergeRequest.diffStatsSummary`): null, an error, and HTTP 200.
    FieldTimeout {
        /// The fields.
        fields: Vec<String>,
    },
}

/// A fault at the endpoints that its pattern names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// `GET /projects/:id/merge_requests`, `* /groups*`, `POST /graphql`, `POST /graphql MergeRequests`; `*` stands
    /// for anything. It is held against the route and against the path.
    pub pattern: String,
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// For that many requests only.
    #[serde(default)]
    pub times: Option<usize>,
    /// After this many requests went well.
    #[serde(default)]
    pub after: usize,
    /// For this user's requests only.
    #[serde(default)]
    pub user: Option<String>,
}

impl Fault {
    /// A fault at the endpoints of a pattern, until it is cleared.
    #[must_use]
    pub fn at(pattern: &str, kind: FaultKind) -> Fault {
        Fault { pattern: pattern.to_owned(), kind, times: None, after: 0, user: None }
    }

    /// The same, for the next requests only.
    #[must_use]
    pub fn times(self, times: usize) -> Fault {
        Fault { times: Some(times), ..self }
    }

    /// The same, after some requests went well.
    #[must_use]
    pub fn after(self, after: usize) -> Fault {
        Fault { after, ..self }
    }

    /// The same, for one user's requests only.
    #[must_use]
    pub fn for_user(self, user: &str) -> Fault {
        Fault { user: Some(user.to_owned()), ..self }
    }
}

/// The faults that are switched on.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Fault>>);

/// What a request is known by.
pub(crate) struct Subject<'a> {
    pub(crate) method: &'a str,
    pub(crate) route: &'a str,
    pub(crate) path: &'a str,
    pub(crate) operation: Option<&'a str>,
    pub(crate) user: Option<&'a str>,
}

impl Faults {
    fn inner(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Switches a fault on.
    pub fn add(&self, fault: Fault) {
        self.inner().push(fault);
    }

    /// Every request takes this long.
    pub fn latency(&self, latency: Duration) {
        let millis = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.add(Fault::at("*", FaultKind::Latency { millis }));
    }

    /// Switches all faults off.
    pub fn clear(&self) {
        self.inner().clear();
    }

    /// The faults that are switched on.
    #[must_use]
    pub fn list(&self) -> Vec<Fault> {
        self.inner().clone()
    }

    /// What goes wrong with a request; its counters go on.
    pub(crate) fn strike(&self, subject: &Subject<'_>) -> Vec<FaultKind> {
        let mut faults = self.inner();
        let mut struck = Vec::new();
        for fault in faults.iter_mut().filter(|fault| hits(fault, subject)) {
            if fault.after > 0 {
                fault.after -= 1;
                continue;
            }
            if let Some(times) = &mut fault.times {
                *times -= 1;
            }
            struck.push(fault.kind.clone());
        }
        faults.retain(|fault| fault.times != Some(0));
        struck
    }
}

fn hits(fault: &Fault, subject: &Subject<'_>) -> bool {
    if fault.user.is_some() && fault.user.as_deref() != subject.user {
        return false;
    }
    let operation = subject.operation.unwrap_or_default();
    let named = format!("{} {} {operation}", subject.method, subject.route);
    let by_route = format!("{} {}", subject.method, subject.route);
    let by_path = format!("{} {}", subject.method, subject.path);
    [named, by_route, by_path].iter().any(|text| glob(&fault.pattern, text))
}

/// Whether a text matches a pattern in which `*` stands for anything.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(tail) = text.strip_prefix(head) else {
        return false;
    };
    let places = tail.char_indices().map(|(place, _)| place).chain([tail.len()]);
    places.into_iter().any(|place| glob(rest, &tail[place..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(route: &'static str) -> Subject<'static> {
        Subject { method: "GET", route, path: "/projects/1", operation: None, user: None }
    }

    #[test]
    fn a_star_stands_for_anything() {
        assert!(glob("*", "GET /x"));
        assert!(glob("* /projects*", "GET /projects/:id"));
        assert!(glob("POST /graphql *", "POST /graphql MergeRequests"));
        assert!(!glob("GET /groups*", "GET /projects"));
    }

    #[test]
    fn a_fault_strikes_the_next_requests_only() {
        let faults = Faults::default();
        faults.add(Fault::at("GET /projects/:id", FaultKind::TooManyRequests).after(1).times(1));

        let strikes: Vec<bool> = (0..3).map(|_| !faults.strike(&subject("/projects/:id")).is_empty()).collect();
        assert_eq!(strikes, [false, true, false]);
    }
}
