//! The commits of a repository.

use std::collections::HashSet;

use serde_json::json;

use super::page::{Paging, page};
use super::params::{PAGED, Param, one_of, text, time, truth};
use super::route::Needs::Nothing;
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Commit, Feature, MergeRequest, Project, Sha, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/repository/commits", Nothing, list).takes(&[LIST, PAGED]),
];

/// lib/api/commits.rb.
static LIST: &[Param] = &[
    text("ref_name"),
    time("since"),
    time("until"),
    text("path"),
    text("author"),
    truth("all"),
    truth("with_stats"),
    truth("first_parent"),
    one_of("order", &["default", "topo"]).or("default"),
    truth("trailers").or("false"),
];

/// A branch, newest first. A repository that is off does not exist; an empty one has no commits.
pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    if project.repository_access == Feature::Disabled {
        return Err(Failure::not_found("Repository"));
    }
    if !world.reads_code(&request.caller, project) {
        return Err(Failure::forbidden(""));
    }
    let args = &request.args;
    let mut found =
        if args.is("all") { everything(world, project) } else { of_ref(world, project, args.filled("ref_name")) };
    // Git knows whole seconds, and both ends count.
    let (since, until) = (args.time("since")?, args.time("until")?);
    found.retain(|commit| {
        let at = commit.committed_at.as_second();
        since.is_none_or(|since| at >= since.as_second()) && until.is_none_or(|until| at <= until.as_second())
    });
    if let Some(author) = args.filled("author") {
        found.retain(|commit| format!("{} <{}>", commit.author_name, commit.author_email).contains(&author));
    }
    if let Some(path) = args.filled("path") {
        let touching = touching(world, project, &path);
        found.retain(|commit| touching.contains(&commit.sha));
    }
    if args.is("first_parent") {
        found = first_parents(&found);
    }
    page(world, request, Paging::Uncounted, &found, |commit| {
        let mut shown = show::commit(world, project, commit, true);
        if args.is("with_stats") {
            let total = commit.additions + commit.deletions;
            shown["stats"] = json!({ "additions": commit.additions, "deletions": commit.deletions, "total": total });
        }
        if args.is("trailers") {
            show::add_trailers(&mut shown, commit);
        }
        shown
    })
}

/// The default branch, newest first.
fn default_branch<'w>(world: &'w World, project: &'w Project) -> impl Iterator<Item = &'w Commit> {
    world.commits_of(project)
}

/// What can be reached from a branch, a tag or a commit: along the branch of a merge request, and on from where it left.
fn of_ref<'w>(world: &'w World, project: &'w Project, name: Option<String>) -> Vec<&'w Commit> {
    let from = |sha: Sha| default_branch(world, project).skip_while(move |commit| commit.sha != sha);
    let Some(name) = name else {
        return default_branch(world, project).collect();
    };
    let Some(head) = world.resolve_ref(project, &name) else {
        return Vec::new();
    };
    let along: Vec<&Commit> = from(head).collect();
    if !along.is_empty() {
        return along;
    }
    let leading = |found: &&MergeRequest| found.commits.iter().any(|commit| commit.sha == head);
    let Some(found) = world.merge_requests_of(project.id).find(leading) else {
        return Vec::new();
    };
    let own = found.commits.iter().skip_while(|commit| commit.sha != head);
    let base = found.versions.last().map(|version| version.base);
    let mut below: Vec<&Commit> = base.map(|base| from(base).collect()).unwrap_or_default();
    if below.is_empty() {
        let older = |commit: &&Commit| commit.committed_at > found.created_at;
        below = default_branch(world, project).skip_while(older).collect();
    }
    own.chain(below).collect()
}

/// The commits of every branch.
fn everything<'w>(world: &'w World, project: &'w Project) -> Vec<&'w Commit> {
    let heads: HashSet<Sha> = world.branches_of(project).iter().map(|branch| branch.sha).collect();
    let open = world.merge_requests_of(project.id).filter(|found| found.sha.is_some_and(|sha| heads.contains(&sha)));
    let theirs = open.flat_map(|found| found.commits.iter());
    let mut found: Vec<&Commit> = default_branch(world, project).chain(theirs).collect();
    let mut seen = HashSet::new();
    found.retain(|commit| seen.insert(commit.sha));
    found.sort_by_key(|commit| std::cmp::Reverse(commit.committed_at));
    found
}

/// The commits of merge requests that changed a file, or something in a directory.
fn touching(world: &World, project: &Project, path: &str) -> HashSet<Sha> {
    let path = path.trim_end_matches('/');
    let below = |file: &str| file.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let changing = world.merge_requests_of(project.id).filter(|found| found.files.iter().any(|file| below(&file.path)));
    let shas = changing.flat_map(|found| {
        let merged = [found.merge_commit_sha, found.squash_commit_sha].into_iter().flatten();
        found.commits.iter().map(|commit| commit.sha).chain(merged)
    });
    shas.collect()
}

/// The commits along the first parents; where none is recorded, history is a line.
fn first_parents<'w>(found: &[&'w Commit]) -> Vec<&'w Commit> {
    let mut next: Option<Sha> = None;
    let mut kept = Vec::new();
    for commit in found {
        if next.is_none_or(|next| next == commit.sha) {
            next = commit.parents.first().copied();
            kept.push(*commit);
        }
    }
    kept
}
