//! In which projects pipelines moved, many projects with one request.

use serde::Deserialize;

use super::{Connection, gid};

/// Projects that one request asks about: as many as GitLab puts on a page.
pub const AT_ONCE: usize = 100;

/// Whether any pipeline of some projects changed since a time, and whether anything was ever deployed.
///
/// Variables: `ids` (global ids), `first` (as many), and `since`.
pub const MOVED: &str = "query moved($ids: [ID!], $first: Int!, $since: Time) { projects(ids: $ids, first: $first) { \
     nodes { id pipelines(first: 1, updatedAfter: $since) { nodes { id } } \
     children: pipelines(source: \"parent_pipeline\", first: 1, updatedAfter: $since) { nodes { id } } \
     deployment(iid: \"1\") { id } } } }";

/// The answer to [`MOVED`].
#[derive(Debug, Deserialize)]
pub struct MovedAnswer {
    /// Those of the projects that the token may see.
    pub projects: Option<Connection<Moved>>,
}

/// A project, and what moved in it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    /// Numeric id.
    #[serde(deserialize_with = "gid")]
    pub id: i64,
    /// The newest of the pipelines that changed; null where CI/CD is switched off or hidden.
    pub pipelines: Option<Connection<Known>>,
    /// The same of pipelines that others started, which the list leaves out.
    pub children: Option<Connection<Known>>,
    /// The first deployment.
    pub deployment: Option<Known>,
}

impl Moved {
    /// Whether a pipeline changed.
    #[must_use]
    pub fn pipelines_moved(&self) -> bool {
        [&self.pipelines, &self.children].into_iter().flatten().any(|list| list.iter().next().is_some())
    }
}

/// Something that is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Known {
    /// Numeric id.
    #[serde(deserialize_with = "gid")]
    pub id: i64,
}
