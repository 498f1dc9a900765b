//! Projects and what is in them. A reference is a numeric id or a full path.

use crate::gitlab::model::{Label, Member, Project};
use crate::gitlab::pages::PER_PAGE;
use crate::gitlab::request::Request;
use crate::gitlab::{Client, Error, Pages, Probe};

impl Client {
    /// One project. By its old path a moved project is found too.
    ///
    /// # Errors
    /// `NotFound` if it is absent or hidden.
    pub async fn project(&self, reference: &str) -> Result<Project, Error> {
        self.probe(&Probe::Project(reference.to_owned())).await
    }

    /// The projects that the token's user is a member of, by id (keyset).
    pub fn projects(&self) -> Pages<Project> {
        let request = Request::get("projects", ["projects"]).with("per_page", PER_PAGE).with("membership", true);
        Pages::new(self, request.with("pagination", "keyset").with("order_by", "id").with("sort", "asc"))
    }

    /// Labels of a project, those of the groups above included.
    pub fn labels(&self, project: i64) -> Pages<Label> {
        let request = Request::get("labels", ["projects", &project.to_string(), "labels"]);
        Pages::new(self, request.with("per_page", PER_PAGE))
    }

    /// Members of a project: direct, inherited and invited.
    pub fn members_all(&self, project: i64) -> Pages<Member> {
        let request = Request::get("members_all", ["projects", &project.to_string(), "members", "all"]);
        Pages::new(self, request.with("per_page", PER_PAGE))
    }

    /// One member of a project, however the membership came about.
    ///
    /// # Errors
    /// `NotFound` if the user is none.
    pub async fn member(&self, project: i64, user: i64) -> Result<Member, Error> {
        let segments = ["projects", &project.to_string(), "members", "all", &user.to_string()];
        self.fetch(&Request::get("member", segments)).await
    }
}
