//! Pushing commits to the source branch: each push is a version of the diff.

use serde_json::json;

use crate::world::{Commit, DiffVersion, FileStats, Push, Sha, SystemAction, World};

impl World {
    /// Pushes commits to the source branch, which takes approvals back where the project wants it.
    pub fn push_commits(&mut self, merge_request: i64, user: &str, count: usize) -> Option<()> {
        let user = self.user_named(user);
        self.push(merge_request, user, count, None)
    }

    /// Pushes a commit that changes the lines which the thread of a note stands on.
    pub fn push_under(&mut self, note: i64, user: &str) -> Option<()> {
        let user = self.user_named(user);
        let merge_request = self.merge_request_of_note(note)?.id;
        self.push(merge_request, user, 1, Some(note))
    }

    fn push(&mut self, merge_request: i64, user: i64, count: usize, under: Option<i64>) -> Option<()> {
        let before = self.merge_request(merge_request)?.sha;
        let commits = self.add_commits(merge_request, user, count)?;
        if let Some(note) = under {
            self.outdate(note, user)?;
        }
        let plural = if count == 1 { "" } else { "s" };
        let items = commits.iter().map(|commit| format!("<li>{} - {}</li>", commit.sha.short(), commit.title));
        let list = items.collect::<String>();
        let body = format!("added {count} commit{plural}\n\n<ul>{list}</ul>\n\n[Compare with previous version](diffs)");
        self.system_note(merge_request, user, SystemAction::Commit, body)?;
        self.abort_auto_merge(merge_request, user, "source branch was updated");
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.conflicts = false;
            merge_request.merge_error = None;
        })?;
        if let Some(pushed) = self.merge_request(merge_request)
            && let (Some(project), Some(after)) = (pushed.source_project, pushed.sha)
        {
            let (name, before) = (pushed.source_branch.clone(), before.unwrap_or_default());
            self.pushed(&Push { project, user, name, tag: false, before, after });
        }
        let oldrev = before.map(|sha| sha.to_string());
        self.emit_merge_request(merge_request, user, "update", &json!({ "oldrev": oldrev }));
        let project = self.project(self.merge_request(merge_request)?.project)?;
        if project.reset_approvals_on_push && self.settings.edition.licensed() {
            self.reset_approvals_by_push(merge_request, user)?;
        }
        Some(())
    }

    /// New commits on the source branch, with the version of the diff that they make.
    pub(super) fn add_commits(&mut self, merge_request: i64, author: i64, count: usize) -> Option<Vec<Commit>> {
        let now = self.now();
        let author = self.user(author)?.clone();
        let first = self.merge_request(merge_request)?.commits.len();
        let id = self.next_id("diff_version");
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
                    ..FileStats::default()
                });
                merge_request.commits.insert(0, commit.clone());
                made.push(commit);
            }
            let base = merge_request.merge_base();
            merge_request.versions.push(DiffVersion {
                id,
                head: merge_request.sha.unwrap_or(base),
                base,
                start: base,
                commits: merge_request.commits.len(),
                files: merge_request.files.len(),
                at: now,
            });
        })?;
        Some(made)
    }
}
