//! Changing what a merge request says of itself: a verb an attribute, and all of them at once with one hook.

use serde_json::json;

use crate::world::{MergeRequest, Sha, SystemAction, World};

use super::merge_requests::{change, split_draft};

/// What is to change. What is not named stays.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// With `Draft: ` for a draft.
    pub title: Option<String>,
    /// The text.
    pub description: Option<String>,
    /// Where it is to be merged.
    pub target_branch: Option<String>,
    /// The titles of all its labels.
    pub labels: Option<Vec<String>>,
    /// The names of all who work on it.
    pub assignees: Option<Vec<String>>,
    /// The names of all who are to review it.
    pub reviewers: Option<Vec<String>>,
    /// The milestone; 0 is none.
    pub milestone: Option<i64>,
    /// Whether commits are squashed.
    pub squash: Option<bool>,
    /// Whether only members may comment.
    pub discussion_locked: Option<bool>,
}

/// A merge request to be opened.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// Where it is to be merged.
    pub project: i64,
    /// Where it comes from.
    pub source_project: i64,
    /// From.
    pub source_branch: String,
    /// To.
    pub target_branch: String,
    /// The head of the source branch; none where there is no such branch.
    pub head: Option<Sha>,
    /// With `Draft: ` for a draft.
    pub title: String,
    /// May be null.
    pub description: Option<String>,
    /// Labels, people, milestone.
    pub rest: Edit,
}

impl World {
    /// Opens a merge request as `POST` does. Labels, people and the milestone leave their notes and events, and one hook
    /// tells of everything (`IssuableBaseService#create`).
    pub fn open_from_branch(&mut self, author: &str, opening: &Opening) -> Option<i64> {
        self.project(opening.project)?;
        let user = self.user_named(author);
        let now = self.now();
        let id = self.next_id("merge_request");
        let iid = self.next_iid(opening.project);
        let (draft, title) = split_draft(&opening.title);
        let base = self.commits_of(self.project(opening.project)?).next().map(|commit| commit.sha).unwrap_or_default();
        self.insert_merge_request(MergeRequest {
            id,
            iid,
            base,
            project: opening.project,
            source_project: Some(opening.source_project),
            source_branch: opening.source_branch.clone(),
            target_branch: opening.target_branch.clone(),
            title,
            draft,
            description: opening.description.clone(),
            created_at: now,
            updated_at: now,
            prepared_at: Some(now),
            author: Some(user),
            ..MergeRequest::default()
        });
        self.begin_with_rules(id)?;
        if let Some(head) = opening.head {
            self.add_commits(id, user, 1)?;
            self.edit_merge_request(id, |found| {
                found.sha = Some(head);
                found.commits.iter_mut().for_each(|commit| commit.sha = head);
                found.versions.iter_mut().for_each(|version| version.head = head);
            })?;
        }
        self.touch_project(opening.project);
        let begin = self.outbox.len();
        self.apply(id, author, &opening.rest)?;
        self.outbox.truncate(begin);
        self.emit_merge_request(id, user, "open", &json!({}));
        Some(id)
    }

    /// Changes several things at once, as `PUT` does: a note or an event each, and one hook for all.
    pub fn change_merge_request(&mut self, merge_request: i64, user: &str, edit: &Edit) -> Option<()> {
        let begin = self.outbox.len();
        self.apply(merge_request, user, edit)?;
        self.fold_updates(begin);
        Some(())
    }

    fn apply(&mut self, id: i64, user: &str, edit: &Edit) -> Option<()> {
        if let Some(title) = &edit.title {
            self.retitle(id, user, title)?;
        }
        if let Some(text) = &edit.description {
            self.describe(id, user, text)?;
        }
        if let Some(locked) = edit.discussion_locked {
            self.lock_discussion(id, user, locked)?;
        }
        if let Some(milestone) = edit.milestone {
            self.set_milestone(id, user, Some(milestone).filter(|milestone| *milestone != 0))?;
        }
        if let Some(labels) = &edit.labels {
            self.set_labels(id, user, labels)?;
        }
        if let Some(branch) = &edit.target_branch {
            self.retarget(id, user, branch)?;
        }
        if let Some(people) = &edit.assignees {
            self.set_assignees(id, user, people)?;
        }
        if let Some(people) = &edit.reviewers {
            self.set_reviewers(id, user, &people.iter().map(String::as_str).collect::<Vec<_>>())?;
        }
        if let Some(squash) = edit.squash {
            self.set_squash(id, user, squash)?;
        }
        Some(())
    }

    /// Writes another description.
    pub fn describe(&mut self, merge_request: i64, user: &str, text: &str) -> Option<()> {
        let user = self.user_named(user);
        let before = self.merge_request(merge_request)?.description.clone();
        if before.as_deref().unwrap_or_default() == text {
            return Some(());
        }
        self.edit_merge_request(merge_request, |found| found.description = Some(text.to_owned()))?;
        self.system_note(merge_request, user, SystemAction::Description, "changed the description".to_owned())?;
        let changes = json!({ "description": change(&before.as_deref(), &Some(text)) });
        self.emit_merge_request(merge_request, user, "update", &json!({ "changes": changes }));
        Some(())
    }

    /// Merges into another branch.
    pub fn retarget(&mut self, merge_request: i64, user: &str, branch: &str) -> Option<()> {
        let user = self.user_named(user);
        let before = self.merge_request(merge_request)?.target_branch.clone();
        if before == branch {
            return Some(());
        }
        self.edit_merge_request(merge_request, |found| branch.clone_into(&mut found.target_branch))?;
        let body = format!("changed target branch from `{before}` to `{branch}`");
        self.system_note(merge_request, user, SystemAction::Branch, body)?;
        let changes = json!({ "target_branch": change(&before.as_str(), &branch) });
        self.emit_merge_request(merge_request, user, "update", &json!({ "changes": changes }));
        Some(())
    }

    /// Lets only members comment, or everybody again.
    pub fn lock_discussion(&mut self, merge_request: i64, user: &str, locked: bool) -> Option<()> {
        let user = self.user_named(user);
        let before = self.merge_request(merge_request)?.discussion_locked;
        if before == Some(locked) {
            return Some(());
        }
        self.edit_merge_request(merge_request, |found| found.discussion_locked = Some(locked))?;
        let (action, done) =
            if locked { (SystemAction::Locked, "locked") } else { (SystemAction::Unlocked, "unlocked") };
        self.system_note(merge_request, user, action, format!("{done} the discussion in this merge request"))?;
        let changes = json!({ "discussion_locked": change(&before, &Some(locked)) });
        self.emit_merge_request(merge_request, user, "update", &json!({ "changes": changes }));
        Some(())
    }

    /// Sets these labels and no others.
    pub fn set_labels(&mut self, merge_request: i64, user: &str, titles: &[String]) -> Option<()> {
        let known = self.merge_request(merge_request)?.labels.clone();
        let known: Vec<String> = known.iter().filter_map(|id| Some(self.label(*id)?.title.clone())).collect();
        for title in titles.iter().filter(|title| !known.contains(title)) {
            self.add_label(merge_request, user, title)?;
        }
        for title in known.iter().filter(|title| !titles.contains(title)) {
            self.remove_label(merge_request, user, title)?;
        }
        Some(())
    }

    /// Assigns these people and nobody else. Who is new and who is no more stands in one note.
    pub fn set_assignees(&mut self, merge_request: i64, user: &str, people: &[String]) -> Option<()> {
        let user = self.user_named(user);
        let after: Vec<i64> = people.iter().map(|name| self.user_named(name)).collect();
        let before = self.merge_request(merge_request)?.assignees.clone();
        let Some(body) = self.assignment(&before, &after) else {
            return Some(());
        };
        self.edit_merge_request(merge_request, |found| found.assignees.clone_from(&after))?;
        self.system_note(merge_request, user, SystemAction::Assignee, body)?;
        let changes = json!({ "assignees": change(&self.hook_users(&before), &self.hook_users(&after)) });
        self.emit_merge_request(merge_request, user, "update", &json!({ "changes": changes }));
        Some(())
    }

    /// What GitLab writes when people are assigned, or no more; nothing where they are the same.
    pub(super) fn assignment(&self, before: &[i64], after: &[i64]) -> Option<String> {
        let new: Vec<i64> = after.iter().copied().filter(|id| !before.contains(id)).collect();
        let gone: Vec<i64> = before.iter().copied().filter(|id| !after.contains(id)).collect();
        let said = [("assigned to", new), ("unassigned", gone)].into_iter().filter(|(_, people)| !people.is_empty());
        let said: Vec<String> = said.map(|(what, people)| format!("{what} {}", self.mentions(&people))).collect();
        (!said.is_empty()).then(|| said.join(" and "))
    }

    fn set_squash(&mut self, merge_request: i64, user: &str, squash: bool) -> Option<()> {
        let user = self.user_named(user);
        if self.merge_request(merge_request)?.squash == squash {
            return Some(());
        }
        self.edit_merge_request(merge_request, |found| found.squash = squash)?;
        self.touch(merge_request);
        self.emit_merge_request(merge_request, user, "update", &json!({}));
        Some(())
    }
}
