//! What was asked and what was seen: the two sides of the table in [`super::reason()`].

use std::fmt;

/// What a probe tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// The token is accepted.
    Token,
    /// The server tells its version.
    Instance,
    /// GraphQL answers, by which imports read.
    Graphql,
    /// Some groups are visible. Asked where the scope names none.
    Groups,
    /// A group can be read.
    Group,
    /// A group's projects can be listed.
    GroupProjects,
    /// Some projects are visible. Asked where the scope names none.
    Projects,
    /// A project can be read.
    Project,
    /// A project's merge requests can be read.
    MergeRequests,
    /// A group's webhooks can be managed.
    GroupHooks,
    /// A project's webhooks can be managed.
    ProjectHooks,
}

/// Which condition a probe belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The token itself.
    Credentials,
    /// Reading what is in scope.
    Read,
    /// Managing webhooks.
    Hooks,
    /// Good to know.
    Nothing,
}

impl What {
    /// The condition it belongs to.
    pub fn need(self) -> Need {
        match self {
            What::Token => Need::Credentials,
            What::Instance => Need::Nothing,
            What::Graphql
            | What::Groups
            | What::Group
            | What::GroupProjects
            | What::Projects
            | What::Project
            | What::MergeRequests => Need::Read,
            What::GroupHooks | What::ProjectHooks => Need::Hooks,
        }
    }

    /// As the matrix says it.
    pub fn as_str(self) -> &'static str {
        match self {
            What::Token => "use the token",
            What::Instance => "read the version",
            What::Graphql => "ask GraphQL",
            What::Groups => "list groups",
            What::Group => "read the group",
            What::GroupProjects => "list the group's projects",
            What::Projects => "list projects",
            What::Project => "read the project",
            What::MergeRequests => "read merge requests",
            What::GroupHooks => "manage group webhooks",
            What::ProjectHooks => "manage project webhooks",
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One question, and what is known beside its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// What is tried.
    pub what: What,
    /// Who tries.
    pub token: &'a str,
    /// On what, such as `group acme`.
    pub subject: &'a str,
    /// What earlier answers said.
    pub facts: Facts,
}

/// What earlier answers said about the subject and the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// The token's role in the project, where GitLab says so: 10 Guest, 20 Reporter, …
    pub role: Option<i64>,
    /// The project is private, so a Guest sees neither its code nor its merge requests.
    pub private: bool,
    /// Merge requests are switched off for everybody.
    pub merge_requests_off: bool,
    /// The token is known to lack the scope `api`, without which nothing can be changed.
    pub without_api_scope: bool,
}

/// A good answer, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The thing, or a list with something in it.
    Something,
    /// An empty list.
    Nothing,
}
