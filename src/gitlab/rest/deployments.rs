//! Environments and deployments of a project.

use jiff::Timestamp;

use crate::gitlab::model::{Brought, Deployment, Environment};
use crate::gitlab::pages::PER_PAGE;
use crate::gitlab::request::Request;
use crate::gitlab::{Client, Error, Pages};

impl Client {
    /// Environments of a project.
    pub fn environments(&self, project: i64) -> Pages<Environment> {
        let request = Request::get("environments", ["projects", &project.to_string(), "environments"]);
        Pages::new(self, request.with("per_page", PER_PAGE))
    }

    /// One environment of a project.
    ///
    /// # Errors
    /// `NotFound` if it is gone, `Forbidden` where the role is too small or the feature is off.
    pub async fn environment(&self, project: i64, id: i64) -> Result<Environment, Error> {
        let segments = ["projects", &project.to_string(), "environments", &id.to_string()];
        self.fetch(&Request::get("environment", segments)).await
    }

    /// Deployments of a project, the newest first; or those that changed since a time, the latest change first.
    ///
    /// The filter and the order come as a pair: GitLab refuses one without the other.
    pub fn deployments(&self, project: i64, changed_since: Option<Timestamp>) -> Pages<Deployment> {
        let request = Request::get("deployments", ["projects", &project.to_string(), "deployments"]);
        let request = match changed_since {
            None => request.with("order_by", "id"),
            Some(since) => request.with("order_by", "updated_at").with("updated_after", since),
        };
        Pages::new(self, request.with("sort", "desc").with("per_page", PER_PAGE))
    }

    /// One deployment of a project.
    ///
    /// # Errors
    /// As [`Client::environment`].
    pub async fn deployment(&self, project: i64, id: i64) -> Result<Deployment, Error> {
        let segments = ["projects", &project.to_string(), "deployments", &id.to_string()];
        self.fetch(&Request::get("deployment", segments)).await
    }

    /// The merge requests that a deployment brought. Empty also where the token may not see merge requests.
    pub fn brought(&self, project: i64, deployment: i64) -> Pages<Brought> {
        let segments = ["projects", &project.to_string(), "deployments", &deployment.to_string(), "merge_requests"];
        Pages::new(self, Request::get("deployment_merge_requests", segments).with("per_page", PER_PAGE))
    }
}
