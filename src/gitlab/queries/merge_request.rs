//! Merge requests as GitLab tells them.

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};

use super::merge_requests::{List, Parts};
use super::{Connection, User, gid};

/// The answer to [`page`](super::merge_requests::page) and [`by_iids`](super::merge_requests::by_iids), with merge requests
/// as they are or as [`Placed`].
#[derive(Debug, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub struct PageAnswer<T> {
    /// Null where the project or group does not exist or is hidden.
    pub place: Option<Place<T>>,
}

/// A project or group with a page of merge requests.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: DeserializeOwned")]
pub struct Place<T> {
    /// Numeric id: a path can come to name another project.
    #[serde(deserialize_with = "gid")]
    pub id: i64,
    /// Null where merge requests are switched off or hidden.
    pub merge_requests: Option<Connection<T>>,
}

/// A merge request of which only the place is asked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Placed {
    /// Number within its project.
    #[serde(deserialize_with = "number")]
    pub iid: i64,
    /// Its project.
    pub project: Option<InProject>,
}

/// The project of a merge request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InProject {
    /// Numeric id.
    #[serde(deserialize_with = "gid")]
    pub id: i64,
    /// Path from the root.
    pub full_path: String,
}

/// The answer to [`rest_of`](super::merge_requests::rest_of).
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
    /// Its project; only where merge requests of many are asked for.
    pub project: Option<InProject>,
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
        List::ALL.into_iter().any(|list| self.of(list).is_some_and(|page| page.cut))
    }

    /// The lists that are wanted and not all here, each with the cursor to go on from; none for its beginning.
    #[must_use]
    pub fn open_ends(&self, parts: Parts) -> Vec<(List, Option<String>)> {
        let open = |list: List| match self.of(list) {
            None => Some((list, None)),
            Some(End { next: Some(cursor), .. }) => Some((list, Some(cursor.to_owned()))),
            Some(_) => None,
        };
        List::ALL.into_iter().filter(|list| list.wanted(parts)).filter_map(open).collect()
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
        let Lists { assignees, reviewers, labels, approved_by, commits, notes } = more;
        append(&mut self.assignees, assignees);
        append(&mut self.reviewers, reviewers);
        append(&mut self.labels, labels);
        append(&mut self.approved_by, approved_by);
        append(&mut self.commits, commits);
        append(&mut self.notes, notes);
    }

    fn of(&self, list: List) -> Option<End<'_>> {
        fn end<T>(list: Option<&Connection<T>>) -> Option<End<'_>> {
            list.map(|list| End { cut: list.is_cut(), next: list.next() })
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
    /// The thread that it belongs to.
    pub discussion: Option<Discussion>,
    /// Where in the diff.
    pub position: Option<Position>,
}

/// A thread of notes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Discussion {
    /// Its name, as REST and webhooks spell it: the end of a global id.
    #[serde(deserialize_with = "last_part")]
    pub id: String,
}

/// Where in a diff: its presence makes a note one on the diff.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// `text` or `image`.
    pub position_type: Option<String>,
}

/// Reads the text at the end of a global id.
fn last_part<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    Ok(text.rsplit('/').next().unwrap_or_default().to_owned())
}

/// Reads a number that GitLab writes as text.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom(format_args!("not a number: {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitlab::queries::PageInfo;

    const ALL: Parts = Parts { reviews: true, commits: true, text: false };

    #[test]
    fn a_list_that_goes_on_is_named_with_its_cursor_until_its_end_was_read() {
        let open = |cursor: &str| Some(PageInfo { has_next_page: true, end_cursor: Some(cursor.to_owned()) });
        let mut merge_request: MergeRequest = serde_json::from_value(serde_json::json!({
            "id": "gid://gitlab/MergeRequest/7", "iid": "1", "state": "opened",
            "createdAt": "2025-01-01T00:00:00Z", "updatedAt": "2025-01-02T00:00:00Z",
            "commits": {"nodes": [], "pageInfo": {"hasNextPage": false, "endCursor": null}},
        }))
        .unwrap();
        merge_request.notes = Some(Connection { page_info: open("n"), ..Connection::default() });

        for list in [&mut merge_request.assignees, &mut merge_request.reviewers, &mut merge_request.approved_by] {
            *list = Some(Connection::default());
        }

        assert!(merge_request.is_cut());
        let open = [(List::Labels, None), (List::Notes, Some("n".to_owned()))];
        assert_eq!(merge_request.open_ends(ALL), open, "labels were not read at all");

        let end = Connection { page_info: Some(PageInfo::default()), ..Connection::default() };
        merge_request.extend(Lists { notes: Some(end), labels: Some(Connection::default()), ..Lists::default() });
        assert!(!merge_request.is_cut() && merge_request.open_ends(ALL).is_empty());
    }
}
