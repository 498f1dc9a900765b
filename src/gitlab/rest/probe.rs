//! The requests by which access is verified, as data: so that they can be sent, and shown as the same `curl` command.

use serde::de::DeserializeOwned;
use serde_json::json;

use super::hooks::Target;
use crate::gitlab::pages::PER_PAGE;
use crate::gitlab::queries::access::ACCESS;
use crate::gitlab::request::Request;
use crate::gitlab::{Client, Error};

/// One question about what a token can see. References are numeric ids or full paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// What the token says about itself.
    TokenSelf,
    /// The user behind the token.
    CurrentUser,
    /// Version and edition.
    Metadata,
    /// Any groups.
    Groups,
    /// One group.
    Group(String),
    /// The first projects of a group.
    GroupProjects {
        /// The group.
        group: String,
        /// Those of its subgroups too.
        include_subgroups: bool,
    },
    /// Any projects.
    Projects,
    /// One project.
    Project(String),
    /// The newest merge requests of a project.
    MergeRequests(i64),
    /// The hooks of a target.
    Hooks(Target),
    /// Whether GraphQL answers, by [`ACCESS`]. Its answer is read by [`Client::graphql`].
    Graphql,
}

impl Probe {
    pub(super) fn request(&self) -> Request {
        match self {
            Probe::TokenSelf => Request::get("token_self", ["personal_access_tokens", "self"]),
            Probe::CurrentUser => Request::get("current_user", ["user"]),
            Probe::Metadata => Request::get("metadata", ["metadata"]),
            Probe::Groups => Request::get("groups", ["groups"]).with("all_available", false),
            // Without this GitLab inlines up to a hundred projects.
            Probe::Group(reference) => Request::get("group", ["groups", reference]).with("with_projects", false),
            Probe::GroupProjects { group, include_subgroups } => {
                Request::get("group_projects", ["groups", group, "projects"])
                    .with("include_subgroups", include_subgroups)
                    // Shared projects belong to another group.
                    .with("with_shared", false)
            }
            Probe::Projects => Request::get("projects", ["projects"]).with("membership", true),
            Probe::Project(reference) => Request::get("project", ["projects", reference]),
            Probe::MergeRequests(project) => {
                Request::get("merge_requests", ["projects", &project.to_string(), "merge_requests"])
                    .with("order_by", "created_at")
                    .with("sort", "desc")
                    .with("per_page", 1)
            }
            Probe::Graphql => Request::graphql("access".into(), json!({ "query": ACCESS }).to_string().into_bytes()),
            Probe::Hooks(target) => target.list().with("per_page", PER_PAGE),
        }
    }
}

impl Client {
    /// Asks; a list answers with its first page.
    ///
    /// # Errors
    /// Those of the request.
    pub async fn probe<T: DeserializeOwned>(&self, probe: &Probe) -> Result<T, Error> {
        self.fetch(&probe.request()).await
    }

    /// The same question for a shell, with the token as `$GITLAB_TOKEN`.
    pub fn curl(&self, probe: &Probe) -> String {
        let request = probe.request();
        // A quote would end the text that the shell is to leave alone.
        let url = request.url(self.root()).as_str().replace('\'', "%27");
        let data = request.body.as_deref().map(String::from_utf8_lossy);
        let data =
            data.map_or_else(String::new, |data| format!(" --header 'Content-Type: application/json' --data '{data}'"));
        format!(r#"curl --include --header "Authorization: Bearer $GITLAB_TOKEN" '{url}'{data}"#)
    }
}
