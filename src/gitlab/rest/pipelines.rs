//! What REST alone tells of pipelines and jobs. Imports take them by GraphQL.

use jiff::Timestamp;

use crate::gitlab::model::{FailedJob, Sourced};
use crate::gitlab::pages::PER_PAGE;
use crate::gitlab::request::Request;
use crate::gitlab::{Client, Error, Pages};

impl Client {
    /// Pipelines of a project that no other started, the newest first; with a time, those that changed since.
    pub fn pipelines(&self, project: i64, changed_since: Option<Timestamp>) -> Pages<Sourced> {
        let request = Request::get("pipelines", ["projects", &project.to_string(), "pipelines"]);
        let request = request.with("order_by", "id").with("sort", "desc").with("per_page", PER_PAGE);
        Pages::new(self, request.with_some("updated_after", changed_since))
    }

    /// One pipeline of a project.
    ///
    /// # Errors
    /// `NotFound` if it is gone, `Forbidden` where the role is too small or the feature is off.
    pub async fn pipeline(&self, project: i64, id: i64) -> Result<Sourced, Error> {
        self.fetch(&Request::get("pipeline", ["projects", &project.to_string(), "pipelines", &id.to_string()])).await
    }

    /// Jobs of a project that failed, also those that were tried again, the newest first (keyset: no end to how many).
    pub fn failed_jobs(&self, project: i64) -> Pages<FailedJob> {
        let request = Request::get("failed_jobs", ["projects", &project.to_string(), "jobs"]);
        let request = request.with("scope[]", "failed").with("pagination", "keyset").with("per_page", PER_PAGE);
        Pages::new(self, request.with("order_by", "id").with("sort", "desc"))
    }
}
