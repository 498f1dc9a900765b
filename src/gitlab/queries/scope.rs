//! What a connection follows: groups with their subgroups and projects, and single projects.
//!
//! One request brings a group with its labels and members, and a page each of its subgroups and of all projects below it,
//! again with labels and members. A hundred projects cost a handful of requests.

use jiff::Timestamp;
use serde::Deserialize;

use super::{Connection, Dialect, Fields, PageInfo, User, gid, optional_gid};

/// Labels and members of a project or subgroup that ride along; longer lists are followed.
const RIDE_ALONG: u32 = 40;

/// What to bring besides groups and projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Labels of groups and projects.
    pub labels: bool,
    /// Direct members of groups and projects.
    pub members: bool,
}

/// Adds what both groups and projects have: labels and direct members, the first `first` of each.
fn belongings(mut fields: Fields, owner: Owner, dialect: Dialect, parts: Parts, first: u32) -> Fields {
    if parts.labels {
        fields = fields.resolved(&format!("labels(first: {first}{})", owner.labels()), first, &label());
    }
    if parts.members {
        let list = format!("{}(first: {first}, relations: [DIRECT])", owner.members());
        fields = fields.resolved(&list, first, &member(dialect));
    }
    fields
}

fn label() -> Fields {
    Fields::plain("id title color description")
}

fn member(dialect: Dialect) -> Fields {
    let user = Fields::plain("id username name state bot webUrl publicEmail").and_if(dialect.since(16, 3), "createdAt");
    Fields::plain("createdAt expiresAt")
        .object(1, "accessLevel", &Fields::plain("integerValue"))
        .object(1, "user", &user)
}

fn group(dialect: Dialect) -> Fields {
    Fields::plain("id name path fullPath visibility webUrl")
        .and_if(dialect.since(17, 2), "createdAt")
        .and_if(dialect.since(19, 1), "archived")
        .object(1, "parent", &Fields::plain("id"))
}

fn project(dialect: Dialect, owner: Owner, parts: Parts, first: u32) -> Fields {
    let fields = Fields::plain("id name path fullPath visibility archived createdAt lastActivityAt webUrl")
        .and("mergeRequestsEnabled")
        .and_if(dialect.enterprise && dialect.since(17, 2), "markedForDeletionOn")
        .object(1, "namespace", &Fields::plain("id"))
        .object(2, "repository", &Fields::default().priced(2, "rootRef"))
        .object(3, "mergeRequests(first: 1)", &Fields::plain("count"));
    belongings(fields, owner, dialect, parts, first)
}

/// A group with a page of its subgroups at all depths and a page of all projects below it.
///
/// Variables: `path`, `groups` and `projects` (page sizes), `afterGroup` and `afterProject` (cursors), and `withGroups` and
/// `withProjects`, which leave out a list that is at its end.
#[must_use]
pub fn tree(dialect: Dialect, parts: Parts, include_subgroups: bool) -> String {
    let group = |owner| belongings(group(dialect), owner, dialect, parts, RIDE_ALONG);
    let (own, below) = (group(Owner::Top), Fields::default().object(1, "nodes", &group(Owner::Group)).page_info());
    let project = project(dialect, Owner::Project, parts, RIDE_ALONG);
    let projects = Fields::default().object(1, "nodes", &project).page_info();
    format!(
        "query scope($path: ID!, $groups: Int!, $projects: Int!, $afterGroup: String, $afterProject: String, \
         $withGroups: Boolean!, $withProjects: Boolean!) {{ group(fullPath: $path) {{ {} \
         descendantGroups(first: $groups, after: $afterGroup) @include(if: $withGroups) {{ {} }} \
         projects(includeSubgroups: {include_subgroups}, first: $projects, after: $afterProject) \
         @include(if: $withProjects) {{ {} }} }} queryComplexity {{ score limit }} }}",
        own.text(),
        below.text(),
        projects.text(),
    )
}

/// One project, of a group or alone. Variable: `path`.
#[must_use]
pub fn one_project(dialect: Dialect, owner: Owner, parts: Parts) -> String {
    format!(
        "query project($path: ID!) {{ project(fullPath: $path) {{ {} }} queryComplexity {{ score limit }} }}",
        project(dialect, owner, parts, super::MAX_PAGE).text()
    )
}

/// Whose labels and members are read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A group that a scope names: what groups above it have is told of it.
    Top,
    /// A group below one of those.
    Group,
    /// A project of a group that is in the scope.
    Project,
    /// A project that a scope names: what groups above it have is told of it.
    Alone,
}

impl Owner {
    fn field(self) -> &'static str {
        match self {
            Owner::Top | Owner::Group => "group",
            Owner::Project | Owner::Alone => "project",
        }
    }

    fn members(self) -> &'static str {
        match self {
            Owner::Top | Owner::Group => "groupMembers",
            Owner::Project | Owner::Alone => "projectMembers",
        }
    }

    /// Whose labels: without arguments, those of a group's projects come as well.
    fn labels(self) -> &'static str {
        match self {
            Owner::Top => ", onlyGroupLabels: true, includeAncestorGroups: true",
            Owner::Group => ", onlyGroupLabels: true",
            Owner::Project => "",
            Owner::Alone => ", includeAncestorGroups: true",
        }
    }
}

/// More labels of a group or project. Variables: `path` and `after`.
#[must_use]
pub fn more_labels(owner: Owner) -> String {
    let list = Fields::default().object(1, "nodes", &label()).page_info();
    format!(
        "query labels($path: ID!, $after: String) {{ owner: {}(fullPath: $path) {{ \
         labels(first: 100, after: $after{}) {{ {} }} }} }}",
        owner.field(),
        owner.labels(),
        list.text()
    )
}

/// More direct members of a group or project. Variables: `path` and `after`.
#[must_use]
pub fn more_members(owner: Owner, dialect: Dialect) -> String {
    let list = Fields::default().object(1, "nodes", &member(dialect)).page_info();
    format!(
        "query members($path: ID!, $after: String) {{ owner: {}(fullPath: $path) {{ \
         members: {}(first: 100, after: $after, relations: [DIRECT]) {{ {} }} }} }}",
        owner.field(),
        owner.members(),
        list.text()
    )
}

/// The answer to [`tree`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TreeAnswer {
    /// Null where the group does not exist or is hidden.
    pub group: Option<GroupTree>,
    /// What the query cost and could have.
    pub query_complexity: Option<QueryComplexity>,
}

/// A group with what is below it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupTree {
    /// The group itself.
    #[serde(flatten)]
    pub group: Group,
    /// Subgroups at all depths.
    pub descendant_groups: Option<Connection<Group>>,
    /// Projects at all depths.
    pub projects: Option<Connection<Project>>,
}

/// The answer to [`one_project`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectAnswer {
    /// Null where the project does not exist or is hidden.
    pub project: Option<Project>,
    /// What the query cost and could have.
    pub query_complexity: Option<QueryComplexity>,
}

/// The answer to [`more_labels`] and [`more_members`].
#[derive(Debug, Deserialize)]
pub struct BelongingsAnswer {
    /// Null where it does not exist or is hidden.
    pub owner: Option<Belongings>,
}

/// See [`BelongingsAnswer`].
#[derive(Debug, Deserialize)]
pub struct Belongings {
    /// A page of labels.
    pub labels: Option<Connection<Label>>,
    /// A page of members.
    pub members: Option<Connection<Member>>,
}

/// The price of a query, and the most that it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct QueryComplexity {
    /// Price of this query.
    pub score: Option<u32>,
    /// Most that a query of this user may cost.
    pub limit: Option<u32>,
}

/// A group or subgroup.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Numeric id.
    #[serde(deserialize_with = "gid")]
    pub id: i64,
    /// Display name.
    pub name: Option<String>,
    /// Last segment of its path.
    pub path: String,
    /// Path from the root.
    pub full_path: String,
    /// `private`, `internal` or `public`.
    pub visibility: Option<String>,
    /// Page in the browser.
    pub web_url: Option<String>,
    /// When it was created; unknown before 17.2.
    pub created_at: Option<Timestamp>,
    /// Read-only; unknown before 19.1.
    pub archived: Option<bool>,
    /// The group it is in.
    pub parent: Option<Reference>,
    /// Labels of its own.
    pub labels: Option<Connection<Label>>,
    /// Direct members.
    #[serde(rename = "groupMembers")]
    pub members: Option<Connection<Member>>,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Numeric id.
    #[serde(deserialize_with = "gid")]
    pub id: i64,
    /// Display name.
    pub name: Option<String>,
    /// Last segment of its path.
    pub path: String,
    /// Path from the root.
    pub full_path: String,
    /// `private`, `internal` or `public`.
    pub visibility: Option<String>,
    /// Read-only.
    pub archived: Option<bool>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// When anything happened in it; GitLab updates it about hourly.
    pub last_activity_at: Option<Timestamp>,
    /// Set where it is scheduled for deletion.
    pub marked_for_deletion_on: Option<Moment>,
    /// Page in the browser.
    pub web_url: Option<String>,
    /// False where merge requests are switched off, or hidden from whoever asks.
    pub merge_requests_enabled: Option<bool>,
    /// The group or person it belongs to.
    pub namespace: Option<Reference>,
    /// Where Git lives; null where it is hidden or switched off.
    pub repository: Option<Repository>,
    /// How many merge requests there are; 0 where they are hidden or switched off.
    pub merge_requests: Option<Counted>,
    /// Labels of its own.
    pub labels: Option<Connection<Label>>,
    /// Direct members.
    #[serde(rename = "projectMembers")]
    pub members: Option<Connection<Member>>,
}

/// Names another object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    /// Numeric id, of whatever kind it is.
    #[serde(default, deserialize_with = "optional_gid")]
    pub id: Option<i64>,
}

/// The part of a repository that we read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repository {
    /// Default branch; null where the repository is empty.
    pub root_ref: Option<String>,
}

/// A list of which only the length was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Counted {
    /// Its length.
    pub count: Option<i64>,
}

/// A label.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// Numeric id.
    #[serde(deserialize_with = "gid")]
    pub id: i64,
    /// Its name.
    pub title: String,
    /// Colour, such as `#d9534f`.
    pub color: Option<String>,
    /// What it is for.
    pub description: Option<String>,
}

/// A membership of a group or project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Since when.
    pub created_at: Option<Timestamp>,
    /// Until when.
    pub expires_at: Option<Moment>,
    /// The role.
    pub access_level: Option<AccessLevel>,
    /// Who; null for an invitation that nobody has taken up.
    pub user: Option<User>,
}

/// A role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessLevel {
    /// 10 guest, 20 reporter, 30 developer, 40 maintainer, 50 owner, and what newer versions add.
    pub integer_value: Option<i64>,
}

/// A moment that some versions write as a date.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Moment(String);

impl Moment {
    /// Its day, `YYYY-MM-DD`.
    #[must_use]
    pub fn day(&self) -> Option<&str> {
        self.0.get(..10).filter(|day| day.parse::<jiff::civil::Date>().is_ok())
    }
}

/// Whether a page says that another follows, and from where.
#[must_use]
pub fn next_of<T>(list: Option<&Connection<T>>) -> Option<String> {
    list.and_then(|list| list.page_info.as_ref()).and_then(PageInfo::next).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_stay_far_below_the_longest_query_text() {
        let parts = Parts { labels: true, members: true };
        let dialect = Dialect::new("19.1.0", true);

        assert!(tree(dialect, parts, true).len() < 5_000);
        assert!(one_project(dialect, Owner::Alone, parts).len() < 5_000);
    }

    #[test]
    fn a_moment_has_its_day_whether_it_comes_as_a_time_or_as_a_date() {
        let moment = |text: &str| Moment(text.to_owned());

        assert_eq!(moment("2026-01-31T00:00:00Z").day(), moment("2026-01-31").day());
        assert_eq!(moment("soon").day(), None);
    }
}
