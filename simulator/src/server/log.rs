//! The log of requests: who asked what, and how often.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::Serialize;

/// Entries beyond this are counted but not kept.
const KEPT: usize = 200_000;

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct Logged {
    /// The method.
    pub method: String,
    /// The path as it was sent, without the query.
    pub path: String,
    /// The query as it was sent.
    pub query: String,
    /// The route, such as `/projects/:id/merge_requests`; `/graphql`; or empty where there is none.
    pub route: String,
    /// Who asked, if the token was accepted.
    pub user: Option<String>,
    /// The answer's status; 0 where none was given.
    pub status: u16,
    /// The GraphQL operation's name.
    pub operation: Option<String>,
    /// The size of the answer.
    pub bytes: usize,
}

impl Logged {
    /// `GET /projects/:id`, or `POST /graphql MergeRequests`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        match &self.operation {
            Some(operation) => format!("{} {} {operation}", self.method, self.route),
            None if self.route.is_empty() => format!("{} {}", self.method, self.path),
            None => format!("{} {}", self.method, self.route),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    entries: Vec<Logged>,
    counts: BTreeMap<String, usize>,
    absent: BTreeMap<String, usize>,
}

impl Log {
    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn push(&self, entry: Logged) {
        let mut inner = self.inner();
        *inner.counts.entry(entry.endpoint()).or_default() += 1;
        if inner.entries.len() < KEPT {
            inner.entries.push(entry);
        }
    }

    /// Counts a request for which there is no route, and tells whether it is the first of its kind.
    pub(crate) fn push_absent(&self, entry: &Logged) -> bool {
        let mut inner = self.inner();
        let count = inner.absent.entry(entry.endpoint()).or_default();
        *count += 1;
        *count == 1
    }

    /// What was asked for and is not there, and how often.
    pub(crate) fn absent(&self) -> BTreeMap<String, usize> {
        self.inner().absent.clone()
    }

    pub(crate) fn entries(&self) -> Vec<Logged> {
        self.inner().entries.clone()
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        self.inner().counts.clone()
    }

    pub(crate) fn clear(&self) {
        *self.inner() = Inner::default();
    }
}
