//! What belongs to a merge request elsewhere: pipelines, issues and the time that was spent.

use serde_json::json;

use super::merge_requests::role;
use super::page::{Paging, page};
use super::params::PAGED;
use super::route::Needs::{Nothing, User};
use super::route::{Route, read, since};
use super::show::LabelStyle;
use super::{Failure, Reply, Request, find, show};
use crate::world::{Commit, Issue, MergeRequest, Pipeline, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/merge_requests/:iid/pipelines", Nothing, pipelines).takes(&[PAGED]),
    read("/projects/:id/merge_requests/:iid/context_commits", Nothing, context_commits).takes(&[PAGED]),
    read("/projects/:id/merge_requests/:iid/closes_issues", Nothing, closes_issues).takes(&[PAGED]),
    since(17, 2, read("/projects/:id/merge_requests/:iid/related_issues", Nothing, related_issues).takes(&[PAGED])),
    read("/projects/:id/merge_requests/:iid/time_stats", User, time_stats),
];

/// Pipelines of its commits, newest first; none for those who do not read pipelines
/// (`Ci::PipelinesForMergeRequestFinder`).
pub(crate) fn pipelines(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::merge_request(world, request)?;
    let readable = world.reads_builds(&request.caller, project);
    let head = world.head_pipeline(found);
    let mine = |pipeline: &&Pipeline| readable && (head == Some(pipeline.id) || runs_on(found, pipeline));
    let pipelines: Vec<&Pipeline> = world.pipelines_of(project.id).rev().filter(mine).collect();
    page(world, request, Paging::Offset, &pipelines, |pipeline| show::pipeline(world, project, pipeline))
}

fn runs_on(found: &MergeRequest, pipeline: &Pipeline) -> bool {
    pipeline.ref_name == found.source_branch && found.commits.iter().any(|commit| commit.sha == pipeline.sha)
}

/// Nobody adds context in this World.
pub(crate) fn context_commits(world: &World, request: &Request) -> Result<Reply, Failure> {
    find::merge_request(world, request)?;
    page(world, request, Paging::Offset, &[], |_: &Commit| json!(null))
}

pub(crate) fn time_stats(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::merge_request(world, request)?;
    Ok(Reply::ok(show::single(world, &request.caller, found)["time_stats"].take()))
}

/// Those that merging closes, as far as the caller sees them (`visible_closing_issues_for`).
fn closes_issues(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::merge_request(world, request)?;
    issues(world, request, &found.closes)
}

/// The same, and those of the project that title, description, commits or notes mention
/// (`MergeRequest#related_issues`).
fn related_issues(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::merge_request(world, request)?;
    let role = role(world, request, project);
    let notes = found.notes.iter().filter(|note| World::sees_note(role, note)).map(|note| note.body.as_str());
    let commits = found.commits.iter().map(|commit| commit.message.as_str());
    let own = std::iter::once(found.title.as_str()).chain(found.description.as_deref());
    let mentioned = own.chain(commits).chain(notes).flat_map(mentions);
    let mentioned = mentioned.filter_map(|iid| world.issue_by_iid(project.id, iid)).map(|issue| issue.id);
    let related: Vec<i64> = found.closes.iter().copied().chain(mentioned).collect();
    issues(world, request, &related)
}

/// The numbers after a `#`.
fn mentions(text: &str) -> impl Iterator<Item = i64> {
    text.split('#').skip(1).filter_map(|rest| {
        let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    })
}

fn issues(world: &World, request: &Request, ids: &[i64]) -> Result<Reply, Failure> {
    let mut seen: Vec<&Issue> = Vec::new();
    for issue in ids.iter().filter_map(|id| world.issue(*id)) {
        let project = world.project(issue.project);
        let visible = project.is_some_and(|project| world.sees_issue(&request.caller, project, issue));
        if visible && !seen.iter().any(|known| known.id == issue.id) {
            seen.push(issue);
        }
    }
    page(world, request, Paging::Offset, &seen, |issue| show::issue_basic(world, issue, LabelStyle::Titles))
}
