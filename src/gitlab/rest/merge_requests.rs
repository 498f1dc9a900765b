//! Merge requests by REST. Imports take them by GraphQL; this serves probes and what GraphQL lacks.

use jiff::Timestamp;

use crate::gitlab::model::{Approvals, MergeRequest};
use crate::gitlab::pages::PER_PAGE;
use crate::gitlab::request::Request;
use crate::gitlab::{Client, Error, Pages};

/// Which merge requests of a project, and in which order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MergeRequestFilter {
    /// Only those changed at or after.
    pub updated_after: Option<Timestamp>,
    /// Only those made at or after.
    pub created_after: Option<Timestamp>,
    /// Only those of this author.
    pub author_id: Option<i64>,
    /// `created_at` (GitLab's default), `updated_at`, …
    pub order_by: Option<&'static str>,
    /// `desc` (GitLab's default) or `asc`.
    pub sort: Option<&'static str>,
    /// Up to 100.
    pub per_page: Option<u32>,
}

impl Client {
    /// Merge requests of a project.
    pub fn merge_requests(&self, project: i64, filter: &MergeRequestFilter) -> Pages<MergeRequest> {
        Pages::new(self, list(project, filter))
    }

    /// Merge requests of a group and its subgroups.
    pub fn group_merge_requests(&self, group: i64, filter: &MergeRequestFilter) -> Pages<MergeRequest> {
        let request = Request::get("group_merge_requests", ["groups", &group.to_string(), "merge_requests"]);
        Pages::new(self, filtered(request, filter))
    }

    /// The merge requests of a project with these numbers, at most 100; those that are gone or hidden are missing.
    ///
    /// # Errors
    /// `Forbidden` where the role is too small or merge requests are switched off.
    pub async fn merge_requests_by_iid(&self, project: i64, iids: &[i64]) -> Result<Vec<MergeRequest>, Error> {
        let request = list(project, &MergeRequestFilter::default());
        self.fetch(&iids.iter().fold(request, |request, iid| request.with("iids[]", iid))).await
    }

    /// Who approved a merge request, and when if the server tells.
    ///
    /// # Errors
    /// `NotFound` if the merge request is gone or hidden.
    pub async fn approvals(&self, project: i64, iid: i64) -> Result<Approvals, Error> {
        let segments = ["projects", &project.to_string(), "merge_requests", &iid.to_string(), "approvals"];
        self.fetch(&Request::get("approvals", segments)).await
    }
}

fn list(project: i64, filter: &MergeRequestFilter) -> Request {
    filtered(Request::get("merge_requests", ["projects", &project.to_string(), "merge_requests"]), filter)
}

fn filtered(request: Request, filter: &MergeRequestFilter) -> Request {
    request
        .with("per_page", filter.per_page.unwrap_or(PER_PAGE))
        .with_some("updated_after", filter.updated_after)
        .with_some("created_after", filter.created_after)
        .with_some("author_id", filter.author_id)
        .with_some("order_by", filter.order_by)
        .with_some("sort", filter.sort)
}
