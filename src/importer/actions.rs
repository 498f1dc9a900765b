//! What a system note says has happened. No I/O here.
//!
//! The icon tells some of it in all languages; the rest is English prose, whose wording has
//! changed over the years. Bold and links are ignored, so is case.

/// What an icon alone tells. GitLab 16 drew a new one for approvals.
const ICONS: [(&str, &str); 4] =
    [("approval", "approved"), ("check", "approved"), ("unapproval", "unapproved"), ("error", "requested_changes")];

/// How the prose begins, the newest wording first. Since 13.x GitLab writes no note when it merges, closes or reopens and
/// when labels change: only merge requests that are older, or came from elsewhere, have such notes.
///
/// One note can tell two things, as "requested review from … and removed review request for …" does: the first counts.
const BEGINNINGS: [(&str, &str); 26] = [
    ("approved this merge request", "approved"),
    ("unapproved this merge request", "unapproved"),
    ("requested changes", "requested_changes"),
    ("reset approvals", "approvals_reset"),
    ("removed all approvals", "approvals_reset"),
    ("marked this merge request as ready", "ready"),
    ("marked this merge request as draft", "draft"),
    ("unmarked this merge request as draft", "ready"),
    ("unmarked as a work in progress", "ready"),
    ("unmarked this merge request as a work in progress", "ready"),
    ("marked as a work in progress", "draft"),
    ("marked this merge request as a work in progress", "draft"),
    ("requested review from", "review_requested"),
    ("removed review request", "review_request_removed"),
    ("left review comments", "reviewed"),
    ("reviewed", "reviewed"),
    ("assigned to", "assigned"),
    ("unassigned", "unassigned"),
    ("merged", "merged"),
    ("closed", "closed"),
    ("reopened", "reopened"),
    ("changed target branch", "target_branch_changed"),
    ("changed title", "title_changed"),
    ("changed the description", "description_changed"),
    ("resolved all threads", "threads_resolved"),
    ("enabled an automatic merge", "auto_merge_enabled"),
];

/// The action behind a note; `None` for comments, and for system notes that tell nothing we know.
pub(super) fn action(system: bool, icon: Option<&str>, body: &str) -> Option<&'static str> {
    if !system {
        return None;
    }
    if let Some((_, action)) = ICONS.iter().find(|(name, _)| icon == Some(name)) {
        return Some(action);
    }
    let start: String = body.chars().filter(|c| !matches!(c, '*' | '_' | '`')).take(64).collect();
    let start = start.trim_start().to_lowercase();
    if let Some((_, action)) = BEGINNINGS.iter().find(|(beginning, _)| start.starts_with(beginning)) {
        return Some(action);
    }
    added(&start)
}

/// The @-names of the people whom a note asks for a review, as "requested review from @ann, @bob, and @cem and removed review
/// request for @dan" does.
pub(super) fn requested_reviewers(body: &str) -> Vec<String> {
    let asked = body.split(" and removed ").next().unwrap_or_default();
    let name = |word: &str| {
        let name = word.strip_prefix('@')?.trim_end_matches([',', '.']);
        (!name.is_empty()).then(|| name.to_owned())
    };
    asked.split_whitespace().filter_map(name).collect()
}

/// "added 3 commits", "added ~1 label", "added bug label".
fn added(start: &str) -> Option<&'static str> {
    let what = start.strip_prefix("added ")?;
    let (count, rest) = what.split_once(' ')?;
    if count.parse::<u32>().is_ok() && rest.starts_with("commit") {
        return Some("commits_added");
    }
    what.contains(" label").then_some("labels_changed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_decides_where_there_is_one_for_it() {
        assert_eq!(action(true, Some("approval"), "hat diesen Merge Request genehmigt"), Some("approved"));
        assert_eq!(action(true, Some("unapproval"), "whatever"), Some("unapproved"));
        assert_eq!(action(true, Some("error"), "hat um Änderungen gebeten"), Some("requested_changes"));
    }

    #[test]
    fn wordings_of_all_years_mean_the_same() {
        let read = |body: &str| action(true, Some("pencil"), body);

        assert_eq!(read("marked this merge request as **ready**"), Some("ready"));
        assert_eq!(read("unmarked as a **Work In Progress**"), Some("ready"));
        assert_eq!(read("marked this merge request as **draft**"), Some("draft"));
        assert_eq!(read("requested review from @ann and @bob"), Some("review_requested"));
        assert_eq!(read("removed review request for @ann"), Some("review_request_removed"));
        assert_eq!(read("requested review from @ann and removed review request for @bob"), Some("review_requested"));
        assert_eq!(read("requested review from @ann and removed approval"), Some("review_requested"));
        assert_eq!(read("requested changes"), Some("requested_changes"));
        assert_eq!(read("reset approvals from @a, @b, and @c by pushing to the branch"), Some("approvals_reset"));
        assert_eq!(read("resolved all threads"), Some("threads_resolved"));
        assert_eq!(read("enabled an automatic merge when all merge checks for 3cd pass"), Some("auto_merge_enabled"));
        assert_eq!(read("added 3 commits\n\n<ul>…</ul>"), Some("commits_added"));
        assert_eq!(read("added ~12 label"), Some("labels_changed"));
        assert_eq!(read("merged"), Some("merged"));
        assert_eq!(read("did something new"), None);
    }

    #[test]
    fn those_who_are_asked_for_a_review_are_known_by_their_names() {
        assert_eq!(requested_reviewers("requested review from @ann"), ["ann"]);
        assert_eq!(requested_reviewers("requested review from @a.nn-1, @bob_, and @cem"), ["a.nn-1", "bob_", "cem"]);
        assert_eq!(requested_reviewers("requested review from @ann and @bob"), ["ann", "bob"]);
        assert_eq!(requested_reviewers("requested review from @ann and removed review request for @bob"), ["ann"]);
        assert_eq!(requested_reviewers("requested review from @ann and removed approval"), ["ann"]);
        assert_eq!(requested_reviewers("hat um ein Review gebeten"), [""; 0]);
    }

    #[test]
    fn a_comment_that_reads_like_a_system_note_is_a_comment() {
        assert_eq!(action(false, None, "approved this merge request"), None);
    }
}
