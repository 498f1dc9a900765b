//! How many merge requests projects have, many projects with one request.

use serde::Deserialize;

use super::{Connection, gid, merge_request};

/// Projects that one request counts; together they stay under what GitLab lets a query cost.
pub const AT_ONCE: usize = 20;

/// The merge requests of some projects that were opened before a time.
///
/// Variables: `ids` (global ids), `first` (as many), `until`, and `since` for those that changed since. With `limited`, it
/// also counts those of them that did not change after `until`.
pub const COUNTS: &str = "query counts($ids: [ID!], $first: Int!, $since: Time, $until: Time, $limited: Boolean!) { \
     projects(ids: $ids, first: $first) { nodes { id mergeRequestsEnabled \
     most: mergeRequests(first: 1, updatedAfter: $since, createdBefore: $until) { count nodes { iid } } \
     least: mergeRequests(first: 1, updatedAfter: $since, updatedBefore: $until, createdBefore: $until) \
     @include(if: $limited) { count } } } }";

/// The global id of a project, as `COUNTS` takes it.
#[must_use]
pub fn global_id(project: i64) -> String {
    format!("gid://gitlab/Project/{project}")
}

/// The answer to [`COUNTS`].
#[derive(Debug, Deserialize)]
pub struct CountsAnswer {
    /// Those of the projects that the token may see.
    pub projects: Option<Connection<Counted>>,
}

/// A project with the numbers of its merge requests.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// Numeric id.
    #[serde(deserialize_with = "gid")]
    pub id: i64,
    /// Whether merge requests are switched on, as far as the token may see.
    pub merge_requests_enabled: Option<bool>,
    /// All that were opened before the time, and the newest of them. Empty too where they are hidden.
    pub most: Option<Connection<Newest>>,
    /// Those that did not change after it.
    pub least: Option<Total>,
}

/// The number of a merge request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Newest {
    /// Number within its project.
    #[serde(deserialize_with = "merge_request::number")]
    pub iid: i64,
}

/// How many there are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Total {
    /// How many there are.
    pub count: Option<i64>,
}
