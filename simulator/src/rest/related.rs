//! What belongs to a merge request elsewhere: pipelines and the time that was spent.

use serde_json::json;

use super::page::{Paging, page};
use super::params::PAGED;
use super::route::Needs::{Nothing, User};
use super::route::{Route, read};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Commit, MergeRequest, Pipeline, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/merge_requests/:iid/pipelines", Nothing, pipelines).takes(&[PAGED]),
    read("/projects/:id/merge_requests/:iid/context_commits", Nothing, context_commits).takes(&[PAGED]),
    read("/projects/:id/merge_requests/:iid/time_stats", User, time_stats),
];

/// Pipelines of its commits, newest first; none for those who do not read pipelines
/// (`Ci::PipelinesForMergeRequestFinder`).
pub(crate) fn pipelines(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::merge_request(world, request)?;
    let readable = world.reads_builds(&request.caller, project);
    let mine = |pipeline: &&Pipeline| readable && belongs(found, pipeline);
    let pipelines: Vec<&Pipeline> = world.pipelines_of(project.id).rev().filter(mine).collect();
    page(world, request, Paging::Offset, &pipelines, |pipeline| show::pipeline(world, project, pipeline))
}

fn belongs(found: &MergeRequest, pipeline: &Pipeline) -> bool {
    let by_commit =
        || pipeline.ref_name == found.source_branch && found.commits.iter().any(|commit| commit.sha == pipeline.sha);
    found.head_pipeline == Some(pipeline.id) || by_commit()
}

/// Nobody adds context in this World.
pub(crate) fn context_commits(world: &World, request: &Request) -> Result<Reply, Failure> {
    find::merge_request(world, request)?;
    page(world, request, Paging::Offset, &[], |_: &Commit| json!(null))
}

pub(crate) fn time_stats(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::merge_request(world, request)?;
    Ok(Reply::ok(show::single(world, found)["time_stats"].take()))
}
