//! Merging, closing and opening again. Each leaves a state event, and no note.

use serde_json::{Value, json};

use crate::world::{Commit, MergeRequest, MergeRequestState, Push, Sha, StateEvent, World};

impl World {
    /// Merges, and closes the issues that merging closes. `merged_at` comes from another record and a little later
    /// than `updated_at`.
    pub fn merge(&mut self, merge_request: i64, user: &str) -> Option<()> {
        let user = self.user_named(user);
        let now = self.now();
        let commit = Sha::from_seed(merge_request.unsigned_abs() ^ 0x4d45_5247);
        self.change_state(merge_request, user, "merged", |merge_request| {
            merge_request.state = MergeRequestState::Merged;
            merge_request.merge_user = Some(user);
            merge_request.merge_commit_sha = Some(commit);
            merge_request.merged_at = now.checked_add(jiff::SignedDuration::from_millis(320)).ok();
        })?;
        self.push_merge_commit(merge_request, user, commit)?;
        self.stop_review_app(merge_request);
        for issue in self.merge_request(merge_request)?.closes.clone() {
            self.close_issue_by_merge(issue, user, merge_request);
        }
        self.emit_merge_request(merge_request, user, "merge", &state_change("opened", "merged"));
        Some(())
    }

    /// Closes without merging.
    pub fn close(&mut self, merge_request: i64, user: &str) -> Option<()> {
        let user = self.user_named(user);
        let now = self.now();
        self.change_state(merge_request, user, "closed", |merge_request| {
            merge_request.state = MergeRequestState::Closed;
            merge_request.closed_by = Some(user);
            merge_request.closed_at = Some(now);
        })?;
        self.abort_auto_merge(merge_request, user, "merge request was closed");
        self.stop_review_app(merge_request);
        self.emit_merge_request(merge_request, user, "close", &state_change("opened", "closed"));
        Some(())
    }

    /// Opens a closed one again.
    pub fn reopen(&mut self, merge_request: i64, user: &str) -> Option<()> {
        let user = self.user_named(user);
        self.change_state(merge_request, user, "reopened", |merge_request| {
            merge_request.state = MergeRequestState::Opened;
            merge_request.closed_by = None;
            merge_request.closed_at = None;
        })?;
        self.emit_merge_request(merge_request, user, "reopen", &state_change("closed", "opened"));
        Some(())
    }

    /// The record changes, so its `updated_at` does, and the event is written.
    fn change_state(
        &mut self,
        merge_request: i64,
        user: i64,
        state: &'static str,
        change: impl FnOnce(&mut MergeRequest),
    ) -> Option<()> {
        let id = self.next_id("state_event");
        let at = self.now();
        self.edit_merge_request(merge_request, |merge_request| {
            change(merge_request);
            merge_request.updated_at = at;
            merge_request.state_events.push(StateEvent { id, user: Some(user), state, at, by_merge_of: None });
        })
    }

    /// The review app of a branch stops when its merge request ends (`cleanup_environments`).
    fn stop_review_app(&mut self, merge_request: i64) -> Option<()> {
        let found = self.merge_request(merge_request)?;
        let name = format!("review/{}", found.source_branch);
        let mut running = self.environments_of(found.source_project?).filter(|known| !known.stopped);
        let id = running.find(|known| known.name == name).map(|known| known.id);
        drop(running);
        let now = self.now();
        self.edit_environment(id?, |environment| {
            environment.stopped = true;
            environment.updated_at = now;
        })
    }

    fn push_merge_commit(&mut self, merge_request: i64, user: i64, sha: Sha) -> Option<()> {
        let now = self.now();
        let user = self.user(user)?.clone();
        let merged = self.merge_request(merge_request)?;
        let title = format!("Merge branch '{}' into '{}'", merged.source_branch, merged.target_branch);
        let (project, head) = (merged.project, merged.sha);
        let (into, pusher) = (merged.target_branch.clone(), user.id);
        let (additions, deletions) = (merged.additions(), merged.deletions());
        let tip = self.commits_of(self.project(project)?).next().map(|commit| commit.sha);
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
        self.project_mut(project)?.commits.insert(0, commit);
        let before = tip.unwrap_or_default();
        self.pushed(&Push { project, user: pusher, name: into, tag: false, before, after: sha });
        Some(())
    }
}

fn state_change(previous: &str, current: &str) -> Value {
    let id = |state: &str| match state {
        "opened" => 1,
        "closed" => 2,
        _ => 3,
    };
    json!({ "changes": { "state_id": { "previous": id(previous), "current": id(current) } } })
}
