//! What is planned and what comes out of it: issues, incidents, milestones, branches, tags, releases.

use serde_json::json;

use super::sent::{Sent, nothing};
use super::verb::{Done, Verb, verb};
use crate::world::{Release, Sha, Tag, World};

pub(super) static VERBS: &[Verb] = &[
    verb("open-issue", "project, user, title", "opens an issue", |world, sent| {
        let project = sent.project(world)?;
        let id = world.open_issue(project, sent.actor(), sent.text("title")?).ok_or_else(nothing)?;
        Ok(json!({ "issue": id, "iid": world.issue(id).map(|issue| issue.iid) }))
    }),
    verb("open-incident", "project, user, title, severity", "opens an incident", |world, sent| {
        let project = sent.project(world)?;
        let known = ["UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL"].map(|severity| (severity, severity));
        let severity = if sent.has("severity") { sent.one_of("severity", &known)? } else { "UNKNOWN" };
        let id = world.open_incident(project, sent.actor(), sent.text("title")?, severity).ok_or_else(nothing)?;
        Ok(json!({ "issue": id, "iid": world.issue(id).map(|issue| issue.iid) }))
    }),
    verb("comment-issue", "project, iid, user, body", "comments on an issue or incident", |world, sent| {
        let body = sent.text("body")?;
        on_issue(sent, world, |world, issue, _| world.comment_issue(issue, sent.actor(), body, false).map(drop))
    }),
    verb("close-issue", "project, iid, user", "closes an issue or incident", |world, sent| {
        on_issue(sent, world, World::close_issue)
    }),
    verb("reopen-issue", "project, iid, user", "opens an issue or incident again", |world, sent| {
        on_issue(sent, world, World::reopen_issue)
    }),
    verb("add-milestone", "project or group, title", "makes a milestone", |world, sent| {
        let owner = sent.owner(world)?;
        Ok(json!({ "milestone": world.create_milestone(owner, sent.text("title")?) }))
    }),
    verb("add-branch", "project, branch, ref, user", "makes a branch of another one, a tag or a commit", add_branch),
    verb("add-tag", "project, tag, ref, user", "tags a branch or a commit", add_tag),
    verb("add-release", "project, tag, user, title", "makes a release of a tag", add_release),
];

fn on_issue(sent: &Sent<'_>, world: &mut World, act: impl FnOnce(&mut World, i64, i64) -> Option<()>) -> Done {
    let (project, iid) = (sent.project(world)?, sent.number("iid")?);
    let found = world.issue_by_iid(project, iid).map(|issue| issue.id);
    let id = found.ok_or_else(|| format!("there is no issue {iid}"))?;
    let user = world.user_named(sent.actor());
    act(world, id, user).ok_or_else(nothing)?;
    Ok(json!({ "issue": id }))
}

/// What `ref` stands for; the default branch where it is missing.
fn target(sent: &Sent<'_>, world: &World, project: i64) -> Result<Sha, String> {
    let project = world.project(project).ok_or_else(nothing)?;
    let name = sent.optional("ref").or(project.default_branch.as_deref()).unwrap_or_default();
    world.resolve_ref(project, name).ok_or_else(|| format!("there is no {name:?} in the project"))
}

fn add_branch(world: &mut World, sent: &Sent<'_>) -> Done {
    let (project, name) = (sent.project(world)?, sent.text("branch")?);
    let sha = target(sent, world, project)?;
    let known = world.project(project).map(|project| world.branches_of(project)).unwrap_or_default();
    if known.iter().any(|branch| branch.name == name) {
        return Err(format!("the branch {name:?} is there already"));
    }
    let user = world.user_named(sent.actor());
    world.create_branch(project, name, sha, user).ok_or_else(nothing)?;
    Ok(json!({ "branch": name, "sha": sha.to_string() }))
}

fn has_tag(world: &World, project: i64, name: &str) -> bool {
    world.project(project).is_some_and(|project| project.tags.iter().any(|tag| tag.name == name))
}

fn add_tag(world: &mut World, sent: &Sent<'_>) -> Done {
    let (project, name) = (sent.project(world)?, sent.text("tag")?);
    let sha = target(sent, world, project)?;
    if has_tag(world, project, name) {
        return Err(format!("the tag {name:?} is there already"));
    }
    let (user, created_at) = (world.user_named(sent.actor()), world.now());
    let tag = Tag { name: name.to_owned(), sha, message: String::new(), created_at };
    world.create_tag(project, user, tag).ok_or_else(nothing)?;
    Ok(json!({ "tag": name, "sha": sha.to_string() }))
}

fn add_release(world: &mut World, sent: &Sent<'_>) -> Done {
    let (project, tag) = (sent.project(world)?, sent.text("tag")?);
    if !has_tag(world, project, tag) {
        return Err(format!("there is no tag {tag:?}"));
    }
    if world.project(project).is_some_and(|project| project.releases.iter().any(|release| release.tag == tag)) {
        return Err(format!("the release {tag:?} is there already"));
    }
    let (user, now) = (world.user_named(sent.actor()), world.now());
    let release = Release {
        tag: tag.to_owned(),
        name: sent.optional("title").unwrap_or(tag).to_owned(),
        author: Some(user),
        created_at: now,
        released_at: now,
        ..Release::default()
    };
    world.create_release(project, release).ok_or_else(nothing)?;
    Ok(json!({ "release": tag }))
}
