//! Merge requests with all that fits beside them: a page by time of change, some by their iids, the rest of long lists.

use std::fmt::Write as _;

use super::{Dialect, Fields, MAX_PAGE, fields::with_page};

/// How many notes and commits of each merge request ride along with a page of many. Longer lists are read again by iid.
const RIDE_ALONG: u32 = 20;

/// What to bring besides the merge requests themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Notes, reviewers' states and approvals.
    pub reviews: bool,
    /// The commits of each merge request.
    pub commits: bool,
    /// Descriptions. Bodies of notes always come, because what a system note means is in its words.
    pub text: bool,
}

/// A query text and what it costs.
#[derive(Debug, Clone)]
pub struct Document {
    /// What is sent.
    pub text: String,
    /// The part of its price that the page size multiplies.
    pub(super) listed: u32,
    /// How many lists there are at this price.
    pub(super) lists: u32,
    /// The part that it does not.
    pub(super) fixed: u32,
}

impl Document {
    /// What GitLab charges for a page of `first`.
    #[must_use]
    pub fn score(&self, first: u32) -> u32 {
        self.lists * with_page(self.listed, first) + self.fixed
    }

    /// The largest page that fits under a limit, at least 1.
    #[must_use]
    pub fn largest_page(&self, limit: u32) -> u32 {
        (1..=MAX_PAGE).rev().find(|first| self.score(*first) <= limit).unwrap_or(1)
    }
}

/// Whose merge requests are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// Those of a project.
    Project,
    /// Those of the projects of a group. Each tells its project.
    Group {
        /// The projects of its subgroups too.
        subgroups: bool,
        /// Archived projects too.
        archived: bool,
    },
}

impl Root {
    /// Name of the query, head of the selection, and arguments of the list.
    fn texts(self) -> (&'static str, &'static str, String) {
        match self {
            Root::Project => ("mergeRequests", "project", String::new()),
            Root::Group { subgroups, archived } => {
                let arguments = format!(", includeSubgroups: {subgroups}, includeArchived: {archived}");
                ("changes", "group", arguments)
            }
        }
    }
}

/// A page of merge requests, the longest unchanged first.
///
/// Variables: `path`, `first`, `after`, `since`, and `counted`, which asks how many there are in all. The cursor holds the
/// time of change and the id, so that merge requests that change during the scan move behind the cursor and none is skipped.
#[must_use]
pub fn page(dialect: Dialect, parts: Parts, root: Root) -> Document {
    let mut node = merge_request(dialect, parts, RIDE_ALONG);
    if root != Root::Project {
        node = node.object(1, "project", &in_project());
    }
    let list = Fields::default().field(1, "count @include(if: $counted)").object(1, "nodes", &node).page_info();
    let (name, place, arguments) = root.texts();
    Document {
        text: format!(
            "query {name}($path: ID!, $first: Int!, $after: String, $since: Time, $counted: Boolean!) {{ \
             place: {place}(fullPath: $path) {{ id \
             mergeRequests(first: $first, after: $after, updatedAfter: $since, sort: UPDATED_ASC{arguments}) {{ {} }} }} }}",
            list.text()
        ),
        listed: list.cost() + SORTED_RESOLVER,
        lists: 1,
        fixed: PLACE,
    }
}

/// Which merge request comes next in the order of [`page`], and nothing else of it: for one that cannot be delivered.
///
/// Variables: `path`, `after` and `since`.
#[must_use]
pub fn next_place(root: Root) -> String {
    let (_, place, arguments) = root.texts();
    let node = Fields::plain("iid").object(1, "project", &in_project());
    let list = Fields::default().object(1, "nodes", &node).page_info();
    format!(
        "query placeOfMergeRequest($path: ID!, $after: String, $since: Time) {{ place: {place}(fullPath: $path) {{ id \
         mergeRequests(first: 1, after: $after, updatedAfter: $since, sort: UPDATED_ASC{arguments}) {{ {} }} }} }}",
        list.text()
    )
}

fn in_project() -> Fields {
    Fields::plain("id fullPath")
}

/// Up to 100 merge requests of a project by their iids, with longer lists than [`page`] brings.
///
/// Variables: `path` and `iids`.
#[must_use]
pub fn by_iids(dialect: Dialect, parts: Parts) -> Document {
    let node = merge_request(dialect, parts, MAX_PAGE);
    let list = Fields::default().object(1, "nodes", &node);
    Document {
        text: format!(
            "query mergeRequestsByIid($path: ID!, $iids: [String!]) {{ place: project(fullPath: $path) {{ id \
             mergeRequests(iids: $iids, first: 100) {{ {} }} }} }}",
            list.text()
        ),
        listed: 0,
        lists: 0,
        fixed: list.cost() + SORTED_RESOLVER + PLACE,
    }
}

/// A project or group, and its `id`.
const PLACE: u32 = 2;

/// What a resolver with a `sort` adds.
const SORTED_RESOLVER: u32 = 2;

/// One merge request with `ride_along` entries of each long list.
fn merge_request(dialect: Dialect, parts: Parts, ride_along: u32) -> Fields {
    let cursors = ride_along == MAX_PAGE;
    let mut fields =
        Fields::plain("id iid title state draft createdAt updatedAt webUrl sourceBranch targetBranch sourceProjectId")
            .and("mergeCommitSha userNotesCount commitCount")
            .and_if(dialect.since(16, 3), "preparedAt")
            .and_if(parts.text, "description")
            .priced(5, "mergedAt")
            .priced(2, "diffHeadSha")
            .object(2, "diffStatsSummary", &Fields::plain("additions deletions fileCount"))
            .object(1, "author", &user().and("state publicEmail"))
            .object(1, "mergeUser", &named_elsewhere());
    if dialect.since(18, 0) {
        fields = fields.priced(5, "closedAt");
    }
    for list in List::ALL.into_iter().filter(|list| list.wanted(parts)) {
        fields = list.add_to(fields, dialect, "", ride_along, cursors);
    }
    fields
}

fn user() -> Fields {
    Fields::plain("id username name bot")
}

/// Who is assigned, approves or merges nearly always is a member, an author or a commenter: full names come with these.
fn named_elsewhere() -> Fields {
    Fields::plain("id username bot")
}

/// A list inside a merge request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// People it is assigned to.
    Assignees,
    /// People asked for a review.
    Reviewers,
    /// Its labels.
    Labels,
    /// Who approves of it now.
    ApprovedBy,
    /// Its commits.
    Commits,
    /// Comments and system notes.
    Notes,
}

impl List {
    /// All of them.
    pub const ALL: [List; 6] =
        [List::Assignees, List::Reviewers, List::Labels, List::ApprovedBy, List::Commits, List::Notes];

    pub(super) fn wanted(self, parts: Parts) -> bool {
        match self {
            List::Notes | List::ApprovedBy => parts.reviews,
            List::Commits => parts.commits,
            List::Assignees | List::Reviewers | List::Labels => true,
        }
    }

    /// GitLab's name of it, which is also the name of its cursor's variable.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            List::Assignees => "assignees",
            List::Reviewers => "reviewers",
            List::Labels => "labels",
            List::ApprovedBy => "approvedBy",
            List::Commits => "commits",
            List::Notes => "notes",
        }
    }

    /// Adds this list to a selection. `after` is empty or an argument; short lists tell where they end only if asked.
    fn add_to(self, fields: Fields, dialect: Dialect, after: &str, ride_along: u32, cursors: bool) -> Fields {
        let name = self.name();
        let (price, node) = match self {
            List::Assignees => (5, named_elsewhere()),
            List::Reviewers => (5, user()),
            List::Labels => (5, Fields::plain("title")),
            List::ApprovedBy => (1, named_elsewhere()),
            List::Commits => {
                let node = Fields::plain("sha title authoredDate authorName authorEmail")
                    .and_if(dialect.since(17, 2), "committedDate")
                    .object(1, "author", &Fields::plain("id username"));
                let list = Fields::default().object(1, "nodes", &node).page_info();
                return fields.object(2, &format!("{name}(first: {ride_along}{after})"), &list);
            }
            List::Notes => {
                let node =
                    Fields::plain("id body system internal createdAt updatedAt resolvable resolved systemNoteIconName")
                        .object(1, "author", &user())
                        .object(1, "discussion", &Fields::plain("id"))
                        .object(1, "position", &Fields::plain("positionType"));
                return fields.resolved(&format!("{name}(first: {ride_along}{after})"), ride_along, &node);
            }
        };
        let mut list = Fields::default().object(1, "nodes", &node);
        if cursors {
            list = list.page_info();
        }
        fields.object(price, &format!("{name}(first: 100{after})"), &list)
    }
}

/// The pages that follow of some lists of one merge request.
///
/// Variables: `path`, `iid`, and one cursor for each list, named as the list is.
#[must_use]
pub fn rest_of(dialect: Dialect, lists: &[List]) -> String {
    let mut arguments = String::new();
    let mut fields = Fields::default();
    for list in lists {
        // Writing to a string cannot fail.
        let _ = write!(arguments, ", ${}: String", list.name());
        fields = list.add_to(fields, dialect, &format!(", after: ${}", list.name()), MAX_PAGE, true);
    }
    format!(
        "query restOfMergeRequest($path: ID!, $iid: String!{arguments}) {{ project(fullPath: $path) {{ id \
         mergeRequest(iid: $iid) {{ {} }} }} }}",
        fields.text()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitlab::queries::DEFAULT_COMPLEXITY_LIMIT;

    const ALL: Parts = Parts { reviews: true, commits: true, text: false };

    #[test]
    fn a_page_of_a_hundred_with_notes_and_commits_fits_under_the_usual_limit() {
        let newest = page(Dialect::new("19.1.0", true), ALL, Root::Project);
        let score = newest.score(MAX_PAGE);

        assert!(score <= DEFAULT_COMPLEXITY_LIMIT, "{score}");
        assert_eq!(newest.largest_page(DEFAULT_COMPLEXITY_LIMIT), MAX_PAGE);
    }

    #[test]
    fn a_large_page_of_changes_of_a_group_fits_under_the_usual_limit() {
        let changes = page(Dialect::new("19.1.0", true), ALL, Root::Group { subgroups: true, archived: true });

        assert!(changes.largest_page(DEFAULT_COMPLEXITY_LIMIT) >= 90, "{}", changes.score(MAX_PAGE));
    }

    #[test]
    fn what_does_not_fit_gets_a_smaller_page_from_the_start() {
        let with_text = page(Dialect::new("19.1.0", true), Parts { text: true, ..ALL }, Root::Project);

        let first = with_text.largest_page(200);
        assert!(with_text.score(first) <= 200 && with_text.score(first + 1) > 200, "{first}");
        assert_eq!(with_text.largest_page(10), 1);
    }

    #[test]
    fn iids_with_the_longest_lists_fit_under_the_limit_of_strangers() {
        let document = by_iids(Dialect::new("19.1.0", true), Parts { text: true, ..ALL });

        assert!(document.score(MAX_PAGE) <= 200, "{}", document.score(MAX_PAGE));
        assert!(document.text.len() < 10_000);
    }
}
