//! Groups and what is in them. A reference is a numeric id or a full path.

use crate::gitlab::model::{Group, Member, Project};
use crate::gitlab::pages::PER_PAGE;
use crate::gitlab::request::Request;
use crate::gitlab::{Client, Error, Pages, Probe};

impl Client {
    /// The groups that the token's user is a member of, or for tokens without membership may see.
    pub fn groups(&self) -> Pages<Group> {
        Pages::new(self, Request::get("groups", ["groups"]).with("per_page", PER_PAGE).with("all_available", false))
    }

    /// One group.
    ///
    /// # Errors
    /// `NotFound` if it is absent or hidden.
    pub async fn group(&self, reference: &str) -> Result<Group, Error> {
        self.probe(&Probe::Group(reference.to_owned())).await
    }

    /// All groups below, at any depth.
    pub fn descendant_groups(&self, group: i64) -> Pages<Group> {
        let request = Request::get("descendant_groups", ["groups", &group.to_string(), "descendant_groups"]);
        Pages::new(self, request.with("per_page", PER_PAGE))
    }

    /// The projects of a group, the newest first, archived ones included; shared ones belong to another group and are left out.
    pub fn group_projects(&self, reference: &str, include_subgroups: bool) -> Pages<Project> {
        let request = Request::get("group_projects", ["groups", reference, "projects"])
            .with("per_page", PER_PAGE)
            .with("include_subgroups", include_subgroups)
            .with("with_shared", false)
            .with("order_by", "id")
            .with("sort", "desc");
        Pages::new(self, request)
    }

    /// Members of a group: direct, inherited and invited.
    pub fn group_members_all(&self, group: i64) -> Pages<Member> {
        let request = Request::get("group_members_all", ["groups", &group.to_string(), "members", "all"]);
        Pages::new(self, request.with("per_page", PER_PAGE))
    }
}
