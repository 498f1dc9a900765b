//! Which merge requests deployments brought, many deployments with one request.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fields::with_page;
use super::moved::Known;
use super::{Connection, Dialect, Fields, gid};

/// Merge requests of each deployment that ride along. Where there are more, REST tells them page by page.
const RIDE_ALONG: u32 = 50;

/// Whether a server can be asked by GraphQL.
#[must_use]
pub fn is_known(dialect: Dialect) -> bool {
    dialect.since(17, 2)
}

/// How many deployments fit into one request under a limit, at least 1.
#[must_use]
pub fn at_once(limit: u32) -> u32 {
    // The list of merge requests costs one more than other lists, and that of projects a hundredth for its only entry.
    let each = with_page(list().cost() + 2, RIDE_ALONG);
    let fits = |count: &u32| with_page(count * each + PROJECT, 1) <= limit;
    (1..=limit).take_while(fits).last().unwrap_or(1)
}

/// What the project itself costs.
const PROJECT: u32 = 4;

/// The question. Variables: `ids`, the project's global id.
#[must_use]
pub fn document(deployments: &[i64]) -> String {
    let lists = deployments.iter().map(|id| {
        let list = list();
        format!(" d{id}: mergeRequests(deploymentId: \"{id}\", first: {RIDE_ALONG}) {{ {} }}", list.text())
    });
    let lists: String = lists.collect();
    format!(
        "query carried($ids: [ID!]) {{ projects(ids: $ids, first: 1) {{ nodes {{ id mergeRequestsEnabled{lists} }} }} }}"
    )
}

fn list() -> Fields {
    Fields::default().object(1, "nodes", &Fields::plain("id")).page_info()
}

/// The answer to [`document`].
#[derive(Debug, Deserialize)]
pub struct CarriedAnswer {
    /// The project, where the token may see it.
    pub projects: Option<Connection<Carrying>>,
}

/// A project, and what its deployments brought.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Carrying {
    /// Numeric id.
    #[serde(deserialize_with = "gid")]
    pub id: i64,
    /// Whether merge requests are switched on, as far as the token may see. Where they are not, the lists are empty.
    pub merge_requests_enabled: Option<bool>,
    #[serde(flatten)]
    lists: BTreeMap<String, Option<Connection<Known>>>,
}

impl Carrying {
    /// The merge requests that a deployment brought, or as many as ride along.
    pub fn brought_by(&mut self, deployment: i64) -> Option<Connection<Known>> {
        self.lists.remove(&format!("d{deployment}")).flatten()
    }
}
