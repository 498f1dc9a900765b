//! Opening, changing, merging and closing merge requests.

use serde_json::{Value, json};

use crate::world::{Commit, FileStats, MergeRequest, MergeRequestState, Note, NoteKind, Sha, SystemAction, World};

impl World {
    /// Opens a merge request with one commit.
    pub fn open_merge_request(&mut self, project: i64, author: &str, title: &str) -> Option<i64> {
        self.project(project)?;
        let author = self.user_named(author);
        let now = self.now();
        let id = self.next_id("merge_request");
        let iid = self.index(project)?.by_iid.keys().next_back().map_or(1, |last| last + 1);
        let (draft, title) = split_draft(title);
        self.insert_merge_request(MergeRequest {
            id,
            iid,
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
        self.add_commits(id, author, 1)?;
        self.touch_project(project);
        self.emit_merge_request(id, author, "open", &json!({}));
        Some(id)
    }

    /// Pushes commits to the source branch.
    pub fn push_commits(&mut self, merge_request: i64, user: &str, count: usize) -> Option<()> {
        let user = self.user_named(user);
        let before = self.merge_request(merge_request)?.sha;
        let commits = self.add_commits(merge_request, user, count)?;
        let plural = if count == 1 { "" } else { "s" };
        let items = commits.iter().map(|commit| format!("<li>{} - {}</li>", commit.sha.short(), commit.title));
        let list = items.collect::<String>();
        let body = format!("added {count} commit{plural}\n\n<ul>{list}</ul>\n\n[Compare with previous version](diffs)");
        self.system_note(merge_request, user, SystemAction::Commit, body)?;
        let oldrev = before.map(|sha| sha.to_string());
        self.emit_merge_request(merge_request, user, "update", &json!({ "oldrev": oldrev }));
        Some(())
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
        let body = match (was_draft, draft) {
            (true, false) => "marked this merge request as **ready**".to_owned(),
            (false, true) => "marked this merge request as **draft**".to_owned(),
            _ => format!("changed title from **{before}** to **{after}**"),
        };
        self.system_note(merge_request, user, SystemAction::Title, body)?;
        let mut changes = json!({ "title": change(&before, &after) });
        if was_draft != draft {
            changes["draft"] = change(&was_draft, &draft);
        }
        self.emit_merge_request(merge_request, user, "update", &json!({ "changes": changes }));
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

    /// Sets a label.
    pub fn add_label(&mut self, merge_request: i64, user: &str, label: &str) -> Option<()> {
        let user = self.user_named(user);
        let project = self.merge_request(merge_request)?.project;
        let label = self.label_named(project, label);
        let before = self.merge_request(merge_request)?.labels.clone();
        if before.contains(&label) {
            return Some(());
        }
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.labels.push(label);
        });
        self.system_note(merge_request, user, SystemAction::Label, format!("added ~{label} label"))?;
        let after = &self.merge_request(merge_request)?.labels;
        let changes =
            json!({ "labels": { "previous": self.hook_labels(&before), "current": self.hook_labels(after) } });
        self.emit_merge_request(merge_request, user, "update", &json!({ "changes": changes }));
        Some(())
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

    /// Merges. `merged_at` comes from another record and a little later than `updated_at`.
    pub fn merge(&mut self, merge_request: i64, user: &str) -> Option<()> {
        let user = self.user_named(user);
        self.system_note(merge_request, user, SystemAction::Merge, "merged".to_owned())?;
        let commit = Sha::from_seed(merge_request.unsigned_abs() ^ 0x4d45_5247);
        let now = self.now();
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.state = MergeRequestState::Merged;
            merge_request.merge_user = Some(user);
            merge_request.merge_commit_sha = Some(commit);
            merge_request.merged_at = now.checked_add(jiff::SignedDuration::from_millis(320)).ok();
        });
        self.push_merge_commit(merge_request, user, commit)?;
        self.emit_merge_request(merge_request, user, "merge", &state_change("opened", "merged"));
        Some(())
    }

    /// Closes without merging.
    pub fn close(&mut self, merge_request: i64, user: &str) -> Option<()> {
        let user = self.user_named(user);
        self.system_note(merge_request, user, SystemAction::Closed, "closed".to_owned())?;
        let now = self.now();
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.state = MergeRequestState::Closed;
            merge_request.closed_by = Some(user);
            merge_request.closed_at = Some(now);
        });
        self.emit_merge_request(merge_request, user, "close", &state_change("opened", "closed"));
        Some(())
    }

    /// Opens a closed one again.
    pub fn reopen(&mut self, merge_request: i64, user: &str) -> Option<()> {
        let user = self.user_named(user);
        self.system_note(merge_request, user, SystemAction::Opened, "reopened".to_owned())?;
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.state = MergeRequestState::Opened;
            merge_request.closed_by = None;
            merge_request.closed_at = None;
        });
        self.emit_merge_request(merge_request, user, "reopen", &state_change("closed", "opened"));
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

    fn add_commits(&mut self, merge_request: i64, author: i64, count: usize) -> Option<Vec<Commit>> {
        let now = self.now();
        let author = self.user(author)?.clone();
        let first = self.merge_request(merge_request)?.commits.len();
        let mut made = Vec::with_capacity(count);
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.updated_at = now;
            for number in first..first + count {
                let seed = merge_request.id.unsigned_abs() << 16 | number as u64;
                let commit = Commit {
                    sha: Sha::from_seed(seed),
                    parents: merge_request.sha.into_iter().collect(),
                    title: format!("{}, step {}", merge_request.title, number + 1),
                    message: format!("{}, step {}\n", merge_request.title, number + 1),
                    author_name: author.name.clone(),
                    author_email: author.email.clone(),
                    authored_at: now,
                    committed_at: now,
                    additions: 12,
                    deletions: 3,
                };
                merge_request.sha = Some(commit.sha);
                merge_request.files.push(FileStats {
                    path: format!("src/file_{number}.rs"),
                    additions: commit.additions,
                    deletions: commit.deletions,
                });
                merge_request.commits.insert(0, commit.clone());
                made.push(commit);
            }
        })?;
        Some(made)
    }

    fn push_merge_commit(&mut self, merge_request: i64, user: i64, sha: Sha) -> Option<()> {
        let now = self.now();
        let user = self.user(user)?.clone();
        let merged = self.merge_request(merge_request)?;
        let title = format!("Merge branch '{}' into '{}'", merged.source_branch, merged.target_branch);
        let (project, head) = (merged.project, merged.sha);
        let (additions, deletions) = (merged.additions(), merged.deletions());
        let project = self.project_mut(project)?;
        let tip = project.commits.first().map(|commit| commit.sha);
        let commit = Commit {
            sha,
            parents: tip.into_iter().chain(head).collect(),
            message: format!("{title}\n"),
            title,
            author_name: user.name,
            author_email: user.email,
            authored_at: now,
            committed_at: now,
            additions,
            deletions,
        };
        project.commits.insert(0, commit);
        Some(())
    }
}

/// `{"previous": …, "current": …}`.
pub(super) fn change<T: serde::Serialize>(previous: &T, current: &T) -> Value {
    json!({ "previous": previous, "current": current })
}

fn state_change(previous: &str, current: &str) -> Value {
    let id = |state: &str| match state {
        "opened" => 1,
        "closed" => 2,
        _ => 3,
    };
    json!({ "changes": { "state_id": { "previous": id(previous), "current": id(current) } } })
}

fn split_draft(title: &str) -> (bool, String) {
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
