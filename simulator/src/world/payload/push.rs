//! Bodies of push, tag push and release events (`lib/gitlab/data_builder/push.rb`, `lib/gitlab/hook_data/release_builder.rb`).

use serde_json::{Value, json};

use super::hook_time;
use crate::world::{Push, Release, Sha, World};

const NOTHING: Sha = Sha([0; 20]);

impl World {
    /// The body of a push to a branch or a tag.
    pub(in crate::world) fn push_payload(&self, push: &Push) -> Option<Value> {
        let project = self.project(push.project)?;
        let user = self.user(push.user)?;
        let kind = if push.tag { "tag_push" } else { "push" };
        let place = if push.tag { "tags" } else { "heads" };
        let known = self.history(project, push.after).take_while(|commit| commit.sha != push.before);
        // A branch or tag that was made brings nothing new.
        let fresh = if push.before == NOTHING || push.tag { 0 } else { 20 };
        let mut commits: Vec<Value> = known
            .take(fresh)
            .map(|commit| {
                let mut shown = self.hook_commit(commit, project);
                super::extend(&mut shown, json!({ "added": [], "modified": [], "removed": [] }));
                shown
            })
            .collect();
        commits.reverse();
        let mut repository = self.hook_repository(project);
        let web = self.web_url(&project.full_path);
        let more = json!({
            "git_http_url": format!("{web}.git"),
            "git_ssh_url": format!("ssh://git@gitlab.example.com/{}.git", project.full_path),
            "visibility_level": project.visibility.level(),
        });
        super::extend(&mut repository, more);
        Some(json!({
            "object_kind": kind,
            "event_name": kind,
            "before": push.before.to_string(),
            "after": push.after.to_string(),
            "ref": format!("refs/{place}/{}", push.name),
            "ref_protected": project.default_branch.as_ref() == Some(&push.name),
            "checkout_sha": (push.after != NOTHING).then(|| push.after.to_string()),
            "message": null,
            "user_id": user.id,
            "user_name": user.name,
            "user_username": user.username,
            "user_email": user.public_email.clone().unwrap_or_default(),
            "user_avatar": null,
            "project_id": project.id,
            "project": self.hook_project(project),
            "total_commits_count": commits.len(),
            "commits": commits,
            "push_options": {},
            "repository": repository,
        }))
    }

    /// The body of a release event.
    pub(in crate::world) fn release_payload(&self, project: i64, release: &Release, action: &str) -> Option<Value> {
        let project = self.project(project)?;
        let tag = project.tags.iter().find(|tag| tag.name == release.tag);
        let commit = tag.and_then(|tag| self.commit_of(project, tag.sha));
        let web = self.web_url(&project.full_path);
        let archive = format!("{web}/-/archive/{}/{}-{}", release.tag, project.path, release.tag);
        let sources = ["zip", "tar.gz", "tar.bz2", "tar"];
        let sources = sources.map(|format| json!({ "format": format, "url": format!("{archive}.{format}") }));
        Some(json!({
            "id": release.id,
            "created_at": hook_time(release.created_at),
            "description": release.description,
            "name": release.name,
            "released_at": hook_time(release.released_at),
            "tag": release.tag,
            "object_kind": "release",
            "project": self.hook_project(project),
            "url": format!("{web}/-/releases/{}", release.tag),
            "action": action,
            "assets": { "count": sources.len(), "links": [], "sources": sources },
            "commit": commit.map(|commit| self.hook_commit(commit, project)),
        }))
    }
}
