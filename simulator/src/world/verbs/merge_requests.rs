//! Opening merge requests, and changing what they say of themselves.

use serde_json::{Value, json};

use crate::world::{MergeRequest, Note, NoteKind, Sha, SystemAction, World};

impl World {
    /// Opens a merge request with one commit.
    pub fn open_merge_request(&mut self, project: i64, author: &str, title: &str) -> Option<i64> {
        self.project(project)?;
        let author = self.user_named(author);
        let now = self.now();
        let id = self.next_id("merge_request");
        let iid = self.next_iid(project);
        let (draft, title) = split_draft(title);
        let base = self.commits_of(self.project(project)?).next().map(|commit| commit.sha).unwrap_or_default();
        self.insert_merge_request(MergeRequest {
            id,
            iid,
            base,
            project,
            source_project: Some(project),
            source_branch: branch_name(iid, &title),
            target_branch: "main".to_owned(),
            title,
            draft,
            created_at: now,
            updated_at: now,
            prepared_at: Some(now),
            author: Some(author),
            ..MergeRequest::default()
        });
        self.begin_with_rules(id)?;
        self.add_commits(id, author, 1)?;
        self.touch_project(project);
        self.emit_merge_request(id, author, "open", &json!({}));
        Some(id)
    }

    /// Renames a merge request. A `Draft: ` prefix counts as GitLab counts it.
    pub fn retitle(&mut self, merge_request: i64, user: &str, title: &str) -> Option<()> {
        let user = self.user_named(user);
        let (draft, title) = split_draft(title);
        let before = self.merge_request(merge_request)?.full_title();
        let was_draft = self.merge_request(merge_request)?.draft;
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.title = title;
            merge_request.draft = draft;
        });
        let after = self.merge_request(merge_request)?.full_title();
        if before == after {
            return Some(());
        }
        if was_draft != draft {
            let state = if draft { "draft" } else { "ready" };
            self.system_note(
                merge_request,
                user,
                SystemAction::Title,
                format!("marked this merge request as **{state}**"),
            )?;
        }
        // Another title is another note (`CommonSystemNotesService`).
        if before.trim_start_matches("Draft: ") != after.trim_start_matches("Draft: ") {
            let body = format!("changed title from **{before}** to **{after}**");
            self.system_note(merge_request, user, SystemAction::Title, body)?;
        }
        let mut changes = json!({ "title": change(&before, &after) });
        if was_draft != draft {
            changes["draft"] = change(&was_draft, &draft);
        }
        self.emit_merge_request(merge_request, user, "update", &json!({ "changes": changes }));
        self.check_passed(merge_request);
        Some(())
    }

    /// Makes a draft ready for review.
    pub fn mark_ready(&mut self, merge_request: i64, user: &str) -> Option<()> {
        let title = self.merge_request(merge_request)?.title.clone();
        self.retitle(merge_request, user, &title)
    }

    /// Takes a merge request back into drafting.
    pub fn mark_draft(&mut self, merge_request: i64, user: &str) -> Option<()> {
        let title = format!("Draft: {}", self.merge_request(merge_request)?.title);
        self.retitle(merge_request, user, &title)
    }

    /// Assigns someone.
    pub fn assign(&mut self, merge_request: i64, user: &str, assignee: &str) -> Option<()> {
        let user = self.user_named(user);
        let id = self.user_named(assignee);
        let before = self.merge_request(merge_request)?.assignees.clone();
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.assignees.retain(|known| *known != id);
            merge_request.assignees.push(id);
        })?;
        self.system_note(merge_request, user, SystemAction::Assignee, format!("assigned to @{assignee}"))?;
        let after = &self.merge_request(merge_request)?.assignees;
        let changes =
            json!({ "assignees": { "previous": self.hook_users(&before), "current": self.hook_users(after) } });
        self.emit_merge_request(merge_request, user, "update", &json!({ "changes": changes }));
        Some(())
    }

    /// Something happened to a merge request: its `updated_at` is now.
    pub fn touch(&mut self, merge_request: i64) {
        let now = self.now();
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.updated_at = now;
        });
    }

    /// GitLab writes about an action, which touches the merge request.
    pub(super) fn system_note(
        &mut self,
        merge_request: i64,
        author: i64,
        action: SystemAction,
        body: String,
    ) -> Option<i64> {
        let id = self.next_id("note");
        let now = self.now();
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.updated_at = now;
            merge_request.notes.push(Note {
                id,
                kind: NoteKind::System(action),
                body,
                author: Some(author),
                created_at: now,
                updated_at: now,
                internal: false,
                resolvable: false,
                resolved: None,
                discussion: Sha::from_seed(id.unsigned_abs()),
            });
        })?;
        Some(id)
    }
}

/// `{"previous": …, "current": …}`.
pub(super) fn change<T: serde::Serialize>(previous: &T, current: &T) -> Value {
    json!({ "previous": previous, "current": current })
}

pub(super) fn split_draft(title: &str) -> (bool, String) {
    match title.strip_prefix("Draft: ") {
        Some(rest) => (true, rest.to_owned()),
        None => (false, title.to_owned()),
    }
}

fn branch_name(iid: i64, title: &str) -> String {
    let letters =
        title.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' });
    format!("{iid}-{}", letters.take(40).collect::<String>().trim_matches('-'))
}
