//! Merge requests with all that fits beside them: a page by time of change, some by their iids, the rest of long lists.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{Connection, Dialect, Fields, MAX_PAGE, User, fields::with_page, gid};

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
    listed: u32,
    /// The part that it does not.
    fixed: u32,
}

impl Document {
    /// What GitLab charges for a page of `first`.
    #[must_use]
    pub fn score(&self, first: u32) -> u32 {
        with_page(self.listed, first) + self.fixed
    }

    /// The largest page that fits under a limit, at least 1.
    #[must_use]
    pub fn largest_page(&self, limit: u32) -> u32 {
        (1..=MAX_PAGE)
            .rev()
            .find(|first| self.score(*first) <= limit)
            .unwrap_or(1)
    }
}

/// A page of a project's merge requests, the longest unchanged first.
///
/// Variables: `path`, `first`, `after`, `since`, and `counted`, which asks how many there are in all. The cursor holds the time of change and the id, so that merge requests
/// that change during the scan move behind the cursor and none is skipped.
#[must_use]
pub fn page(dialect: Dialect, parts: Parts) -> Document {
    let node = merge_request(dialect, parts, RIDE_ALONG);
    let list = Fields::default()
        .field(1, "count @include(if: $counted)")
        .object(1, "nodes", &node)
        .page_info();
    Document {
        text: format!(
            "query mergeRequests($path: ID!, $first: Int!, $after: String, $since: Time, $counted: Boolean!) {{ \
             project(fullPath: $path) {{ id \
             mergeRequests(first: $first, after: $after, updatedAfter: $since, sort: UPDATED_ASC) {{ {} }} }} }}",
            list.text()
        ),
        listed: list.cost() + SORTED_RESOLVER,
        fixed: PROJECT,
    }
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
            "query mergeRequestsByIid($path: ID!, $iids: [String!]) {{ project(fullPath: $path) {{ id \
             mergeRequests(iids: $iids, first: 100) {{ {} }} }} }}",
            list.text()
        ),
        listed: 0,
        fixed: list.cost() + SORTED_RESOLVER + PROJECT,
    }
}

/// `project` and its `id`.
const PROJECT: u32 = 2;

/// What a resolver with a `sort` adds.
const SORTED_RESOLVER: u32 = 2;

/// One merge request with `ride_along` entries of each long list.
fn merge_request(dialect: Dialect, parts: Parts, ride_along: u32) -> Fields {
    let cursors = ride_along == MAX_PAGE;
    let mut fields = Fields::plain("id iid title state draft createdAt updatedAt webUrl sourceBranch targetBranch sourceProjectId")
        .and("mergeCommitSha userNotesCount commitCount")
        .and_if(dialect.since(16, 3), "preparedAt")
        .and_if(parts.text, "description")
        .priced(5, "mergedAt")
        .priced(2, "diffHeadSha")
        .object(2, "diffStatsSummary", &Fields::plain("additions deletions fileCount"))
        .object(1, "author", &user().and("state"))
        .object(1, "mergeUser", &user());
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
    pub const ALL: [List; 6] = [
        List::Assignees,
        List::Reviewers,
        List::Labels,
        List::ApprovedBy,
        List::Commits,
        List::Notes,
    ];

    fn wanted(self, parts: Parts) -> bool {
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
    fn add_to(
        self,
        fields: Fields,
        dialect: Dialect,
        after: &str,
        ride_along: u32,
        cursors: bool,
    ) -> Fields {
        let name = self.name();
        let (price, node) = match self {
            List::Assignees => (5, user()),
            List::Reviewers => (5, user()),
            List::Labels => (5, Fields::plain("title")),
            List::ApprovedBy => (1, user()),
            List::Commits => {
                let node = Fields::plain("sha title authoredDate authorName authorEmail")
                    .and_if(dialect.since(17, 2), "committedDate")
                    .object(1, "author", &Fields::plain("id username"));
                let list = Fields::default().object(1, "nodes", &node).page_info();
                return fields.object(2, &format!("{name}(first: {ride_along}{after})"), &list);
            }
            List::Notes => {
                let node = Fields::plain("id body system internal createdAt updatedAt resolvable resolved systemNoteIconName")
                    .object(1, "author", &user())
                    .object(1, "position", &Fields::plain("positionType"));
                return fields.resolved(
                    &format!("{name}(first: {ride_along}{after})"),
                    ride_along,
                    &node,
                );
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
        fields = list.add_to(
            fields,
            dialect,
            &format!(", after: ${}", list.name()),
            MAX_PAGE,
            true,
        );
    }
    format!(
        "query restOfMergeRequest($path: ID!, $iid: String!{arguments}) {{ project(fullPath: $path) {{ id \
         mergeRequest(iid: $iid) {{ {} }} }} }}",
        fields.text()
    )
}

/// The answer to [`page`] and [`by_iids`].
#[derive(Debug, Deserialize)]
pub struct PageAnswer {
    /// Null where the project does not exist or is hidden.
    pub project: Option<PageProject>,
}

/// See [`PageAnswer`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageProject {
    /// Numeric id: a path can come to name another project.
    #[serde(deserialize_with = "gid")]
    pub id: i64,
    /// Null where merge requests are switched off or hidden.
    pub merge_requests: Option<Connection<MergeRequest>>,
}

/// The answer to [`rest_of`].
#[derive(Debug, Deserialize)]
pub struct RestAnswer {
    /// Null where the project does not exist or is hidden.
    pub project: Option<RestProject>,
}

/// See [`RestAnswer`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestProject {
    /// Null where it was deleted meanwhile.
    pub merge_request: Option<Lists>,
}

/// A merge request as GitLab tells it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MergeRequest {
    /// Numeric id, unique on the instance.
    #[serde(deserialize_with = "gid")]
    pub id: i64,
    /// Number within its project.
    #[serde(deserialize_with = "number")]
    pub iid: i64,
    /// Title.
    pub title: Option<String>,
    /// Only where text is wanted.
    pub description: Option<String>,
    /// `opened`, `closed`, `merged` or `locked`.
    pub state: String,
    /// Marked as not ready for review.
    pub draft: Option<bool>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When GitLab had finished preparing it; unknown before 16.3.
    pub prepared_at: Option<Timestamp>,
    /// When it was merged.
    pub merged_at: Option<Timestamp>,
    /// When it was closed without merging; not in the answer before 18.0.
    pub closed_at: Option<Timestamp>,
    /// Page in the browser.
    pub web_url: Option<String>,
    /// Branch it comes from.
    pub source_branch: Option<String>,
    /// Branch it goes to.
    pub target_branch: Option<String>,
    /// Project it comes from; unknown where a fork was deleted.
    pub source_project_id: Option<i64>,
    /// Commit that merged it.
    pub merge_commit_sha: Option<String>,
    /// Head of its diff.
    pub diff_head_sha: Option<String>,
    /// Comments by people.
    pub user_notes_count: Option<i64>,
    /// Commits in all.
    pub commit_count: Option<i64>,
    /// Size; unknown where the diff is gone.
    pub diff_stats_summary: Option<DiffStats>,
    /// Who opened it; unknown where GitLab lost the author.
    pub author: Option<User>,
    /// Who merged it or set it to merge.
    pub merge_user: Option<User>,
    /// People it is assigned to. This list and the next are absent where not asked for, or not readable.
    pub assignees: Option<Connection<User>>,
    /// People asked for a review.
    pub reviewers: Option<Connection<User>>,
    /// Its labels.
    pub labels: Option<Connection<LabelTitle>>,
    /// Who approves of it now.
    pub approved_by: Option<Connection<User>>,
    /// Its commits.
    pub commits: Option<Connection<Commit>>,
    /// Comments and system notes.
    pub notes: Option<Connection<Note>>,
}

impl MergeRequest {
    /// Whether any list goes on beyond what is here.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        List::ALL
            .into_iter()
            .any(|list| self.of(list).is_some_and(|page| page.cut))
    }

    /// The lists that are wanted and not all here, each with the cursor to go on from; none for its beginning.
    #[must_use]
    pub fn open_ends(&self, parts: Parts) -> Vec<(List, Option<String>)> {
        let open = |list: List| match self.of(list) {
            None => Some((list, None)),
            Some(End {
                next: Some(cursor), ..
            }) => Some((list, Some(cursor.to_owned()))),
            Some(_) => None,
        };
        List::ALL
            .into_iter()
            .filter(|list| list.wanted(parts))
            .filter_map(open)
            .collect()
    }

    /// Appends the pages that follow.
    pub fn extend(&mut self, more: Lists) {
        fn append<T>(list: &mut Option<Connection<T>>, more: Option<Connection<T>>) {
            match (list, more) {
                (Some(list), Some(more)) => list.extend(more),
                (list @ None, more) => *list = more,
                (Some(_), None) => {}
            }
        }
        let Lists {
            assignees,
            reviewers,
            labels,
            approved_by,
            commits,
            notes,
        } = more;
        append(&mut self.assignees, assignees);
        append(&mut self.reviewers, reviewers);
        append(&mut self.labels, labels);
        append(&mut self.approved_by, approved_by);
        append(&mut self.commits, commits);
        append(&mut self.notes, notes);
    }

    fn of(&self, list: List) -> Option<End<'_>> {
        fn end<T>(list: Option<&Connection<T>>) -> Option<End<'_>> {
            list.map(|list| End {
                cut: list.is_cut(),
                next: list.next(),
            })
        }
        match list {
            List::Assignees => end(self.assignees.as_ref()),
            List::Reviewers => end(self.reviewers.as_ref()),
            List::Labels => end(self.labels.as_ref()),
            List::ApprovedBy => end(self.approved_by.as_ref()),
            List::Commits => end(self.commits.as_ref()),
            List::Notes => end(self.notes.as_ref()),
        }
    }
}

/// How large a diff is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiffStats {
    /// Lines added.
    pub additions: i64,
    /// Lines deleted.
    pub deletions: i64,
    /// Files touched.
    pub file_count: i64,
}

/// More of the lists inside a merge request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lists {
    /// People it is assigned to.
    pub assignees: Option<Connection<User>>,
    /// People asked for a review.
    pub reviewers: Option<Connection<User>>,
    /// Its labels.
    pub labels: Option<Connection<LabelTitle>>,
    /// Who approves of it now.
    pub approved_by: Option<Connection<User>>,
    /// Its commits.
    pub commits: Option<Connection<Commit>>,
    /// Comments and system notes.
    pub notes: Option<Connection<Note>>,
}

/// How a page of a list ends.
struct End<'a> {
    cut: bool,
    next: Option<&'a str>,
}

/// A label's name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LabelTitle {
    /// Its name.
    pub title: String,
}

/// A commit of a merge request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Commit {
    /// Full hash.
    pub sha: String,
    /// First line of the message.
    pub title: Option<String>,
    /// When it was written.
    pub authored_date: Option<Timestamp>,
    /// When it was applied; unknown before 17.2.
    pub committed_date: Option<Timestamp>,
    /// Name of the author.
    pub author_name: Option<String>,
    /// E-mail address of the author.
    pub author_email: Option<String>,
    /// The account that GitLab found for the address.
    pub author: Option<User>,
}

/// A comment, or something GitLab noted itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// Numeric id; beyond 2³¹ on GitLab.com.
    #[serde(deserialize_with = "gid")]
    pub id: i64,
    /// Text.
    pub body: Option<String>,
    /// Noted by GitLab itself.
    #[serde(default)]
    pub system: bool,
    /// Visible to members only.
    pub internal: Option<bool>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Opens or belongs to a thread that can be resolved.
    pub resolvable: Option<bool>,
    /// The thread is resolved.
    pub resolved: Option<bool>,
    /// What a system note is about.
    pub system_note_icon_name: Option<String>,
    /// Who; unknown where GitLab lost the author.
    pub author: Option<User>,
    /// Where in the diff.
    pub position: Option<Position>,
}

/// Where in a diff: its presence makes a note one on the diff.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// `text` or `image`.
    pub position_type: Option<String>,
}

/// Reads a number that GitLab writes as text.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    text.parse()
        .map_err(|_| D::Error::custom(format_args!("not a number: {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitlab::queries::{DEFAULT_COMPLEXITY_LIMIT, PageInfo};

    const ALL: Parts = Parts {
        reviews: true,
        commits: true,
        text: false,
    };

    #[test]
    fn a_page_of_a_hundred_with_notes_and_commits_fits_under_the_usual_limit() {
        let newest = page(Dialect::new("19.1.0", true), ALL);
        let score = newest.score(MAX_PAGE);

        assert!(score <= DEFAULT_COMPLEXITY_LIMIT, "{score}");
        assert_eq!(newest.largest_page(DEFAULT_COMPLEXITY_LIMIT), MAX_PAGE);
    }

    #[test]
    fn what_does_not_fit_gets_a_smaller_page_from_the_start() {
        let with_text = page(Dialect::new("19.1.0", true), Parts { text: true, ..ALL });

        let first = with_text.largest_page(200);
        assert!(
            with_text.score(first) <= 200 && with_text.score(first + 1) > 200,
            "{first}"
        );
        assert_eq!(with_text.largest_page(10), 1);
    }

    #[test]
    fn iids_with_the_longest_lists_fit_under_the_limit_of_strangers() {
        let document = by_iids(Dialect::new("19.1.0", true), Parts { text: true, ..ALL });

        assert!(
            document.score(MAX_PAGE) <= 200,
            "{}",
            document.score(MAX_PAGE)
        );
        assert!(document.text.len() < 10_000);
    }

    #[test]
    fn a_list_that_goes_on_is_named_with_its_cursor_until_its_end_was_read() {
        let open = |cursor: &str| {
            Some(PageInfo {
                has_next_page: true,
                end_cursor: Some(cursor.to_owned()),
            })
        };
        let mut merge_request: MergeRequest = serde_json::from_value(serde_json::json!({
            "id": "gid://gitlab/MergeRequest/7", "iid": "1", "state": "opened",
            "createdAt": "2025-01-01T00:00:00Z", "updatedAt": "2025-01-02T00:00:00Z",
            "commits": {"nodes": [], "pageInfo": {"hasNextPage": false, "endCursor": null}},
        }))
        .unwrap();
        merge_request.notes = Some(Connection {
            page_info: open("n"),
            ..Connection::default()
        });

        for list in [
            &mut merge_request.assignees,
            &mut merge_request.reviewers,
            &mut merge_request.approved_by,
        ] {
            *list = Some(Connection::default());
        }

        assert!(merge_request.is_cut());
        let open = [(List::Labels, None), (List::Notes, Some("n".to_owned()))];
        assert_eq!(
            merge_request.open_ends(ALL),
            open,
            "labels were not read at all"
        );

        let end = Connection {
            page_info: Some(PageInfo::default()),
            ..Connection::default()
        };
        merge_request.extend(Lists {
            notes: Some(end),
            labels: Some(Connection::default()),
            ..Lists::default()
        });
        assert!(!merge_request.is_cut() && merge_request.open_ends(ALL).is_empty());
    }
}
