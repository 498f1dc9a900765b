//! Branches, tags, releases, and commits alone (`lib/api/entities/{branch,tag,release,commit_detail,commit_status}.rb`).

use serde_json::{Value, json};

use super::{commit, extend, pipeline, time, user_basic};
use crate::world::{Branch, Caller, Commit, Job, Pipeline, Project, Release, Role, Sha, Tag, World};

/// A branch.
pub(crate) fn branch(world: &World, caller: &Caller, project: &Project, found: &Branch) -> Value {
    let role = world.caller_role(caller, project);
    let default = project.default_branch.as_ref() == Some(&found.name);
    let least = if found.protected { Role::Maintainer } else { Role::Developer };
    json!({
        "name": found.name,
        "commit": commit_or_null(world, project, found.sha),
        "merged": !default && world.commits_of(project).any(|commit| commit.sha == found.sha),
        "protected": found.protected,
        "developers_can_push": false,
        "developers_can_merge": false,
        "can_push": role >= least,
        "default": default,
        "web_url": world.web_url(&format!("{}/-/tree/{}", project.full_path, found.name)),
    })
}

/// A branch as the list of protected ones shows it, in whose place its id is.
pub(crate) fn protected_branch(world: &World, place: usize, found: &Branch) -> Value {
    let mut level = json!({ "id": place + 1, "access_level": 40, "access_level_description": "Maintainers" });
    let mut shown = json!({ "id": place + 1, "name": found.name, "allow_force_push": false });
    if world.settings.edition.enterprise() {
        extend(&mut level, json!({ "user_id": null, "group_id": null, "deploy_key_id": null }));
        extend(&mut shown, json!({ "unprotect_access_levels": [], "code_owner_approval_required": false }));
    }
    extend(&mut shown, json!({ "push_access_levels": [level], "merge_access_levels": [level] }));
    shown
}

/// A tag with its release, if it has one.
pub(crate) fn tag(world: &World, project: &Project, found: &Tag) -> Value {
    let release = project.releases.iter().find(|release| release.tag == found.name);
    let mut shown = json!({
        "name": found.name,
        "message": found.message,
        "target": found.sha.to_string(),
        "commit": commit_or_null(world, project, found.sha),
        "release": release.map(|release| json!({ "tag_name": release.tag, "description": release.description })),
        "protected": false,
    });
    if world.settings.at_least(16, 11) {
        // Of annotated tags alone.
        shown["created_at"] = json!((!found.message.is_empty()).then(|| time(found.created_at)));
    }
    shown
}

/// A release. Who does not read code is told neither its tag nor its commit.
pub(crate) fn release(world: &World, caller: &Caller, project: &Project, found: &Release) -> Value {
    let reads = world.reads_code(caller, project);
    let web = world.web_url(&project.full_path);
    let mut shown = json!({
        "name": found.name,
        "description": found.description,
        "created_at": time(found.created_at),
        "released_at": time(found.released_at),
        "upcoming_release": found.released_at > world.now(),
        "assets": { "count": if reads { 4 } else { 0 }, "links": [] },
        "_links": { "self": format!("{web}/-/releases/{}", found.tag) },
    });
    let author = user_basic(world, found.author);
    if !author.is_null() {
        shown["author"] = author;
    }
    if reads {
        let tag = project.tags.iter().find(|tag| tag.name == found.tag);
        let commit = tag.and_then(|tag| world.commit_of(project, tag.sha));
        let archive = format!("{web}/-/archive/{}/{}-{}", found.tag, project.path, found.tag);
        let sources = ["zip", "tar.gz", "tar.bz2", "tar"];
        let sources = sources.map(|format| json!({ "format": format, "url": format!("{archive}.{format}") }));
        shown["assets"]["sources"] = json!(sources);
        let more = json!({
            "tag_name": found.tag,
            "commit": commit.map(|commit| super::commit(world, project, commit, true)),
            "commit_path": commit.map(|commit| format!("/{}/-/commit/{}", project.full_path, commit.sha)),
            "tag_path": format!("/{}/-/tags/{}", project.full_path, found.tag),
            "evidences": [],
        });
        extend(&mut shown, more);
    }
    if world.caller_role(caller, project) >= Role::Developer {
        shown["_links"]["edit_url"] = json!(format!("{web}/-/releases/{}/edit", found.tag));
    }
    shown
}

/// A commit alone.
pub(crate) fn commit_single(world: &World, project: &Project, found: &Commit) -> Value {
    let mut shown = commit(world, project, found, true);
    let last = world.pipelines_of(project.id).rev().find(|pipeline| pipeline.sha == found.sha);
    let more = json!({
        "stats": {
            "additions": found.additions,
            "deletions": found.deletions,
            "total": found.additions + found.deletions,
        },
        "status": last.map(|last| last.status),
        "project_id": project.id,
        "last_pipeline": last.map(|last| pipeline(world, project, last)),
    });
    extend(&mut shown, more);
    shown
}

/// A job as a status of its commit.
pub(crate) fn status(world: &World, pipeline: &Pipeline, job: &Job) -> Value {
    let project = world.project(pipeline.project);
    let url = project.map(|project| world.web_url(&format!("{}/-/jobs/{}", project.full_path, job.id)));
    json!({
        "id": job.id,
        "sha": pipeline.sha.to_string(),
        "ref": pipeline.ref_name,
        "status": job.status,
        "name": job.name,
        "target_url": url,
        "description": null,
        "created_at": time(job.created_at),
        "started_at": job.started_at.map(time),
        "finished_at": job.finished_at.map(time),
        "allow_failure": job.allow_failure,
        "coverage": job.coverage,
        "pipeline_id": pipeline.id,
        "author": user_basic(world, pipeline.user),
    })
}

fn commit_or_null(world: &World, project: &Project, sha: Sha) -> Value {
    world.commit_of(project, sha).map_or(Value::Null, |found| commit(world, project, found, true))
}
