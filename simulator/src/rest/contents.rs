//! What holds source code or its traces: files, blobs, archives, diffs, logs and artifacts of jobs.
//!
//! The World keeps none of it, so all are absent. They have routes so that the log tells who asked for them.

use super::route::Needs::{Nothing, User};
use super::route::{Route, read};
use super::{Failure, Reply, Request, allow};
use crate::world::World;

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/repository/files/:file_path", Nothing, file),
    read("/projects/:id/repository/files/:file_path/raw", Nothing, file),
    read("/projects/:id/repository/files/:file_path/blame", Nothing, file),
    read("/projects/:id/repository/blobs/:sha", Nothing, blob),
    read("/projects/:id/repository/blobs/:sha/raw", Nothing, blob),
    read("/projects/:id/repository/archive", Nothing, file),
    read("/projects/:id/repository/archive.zip", Nothing, file),
    read("/projects/:id/repository/archive.tar.gz", Nothing, file),
    read("/projects/:id/merge_requests/:merge_request_iid/raw_diffs", Nothing, file),
    read("/projects/:id/jobs/:job_id/trace", User, of_job),
    read("/projects/:id/jobs/:job_id/artifacts", User, of_job),
    read("/projects/:id/jobs/artifacts/:ref_name/download", User, of_job),
];

fn file(world: &World, request: &Request) -> Result<Reply, Failure> {
    allow::code(world, request)?;
    Err(Failure::not_found("File"))
}

fn blob(world: &World, request: &Request) -> Result<Reply, Failure> {
    allow::code(world, request)?;
    Err(Failure::not_found("Blob"))
}

fn of_job(world: &World, request: &Request) -> Result<Reply, Failure> {
    allow::builds(world, request)?;
    Err(Failure::not_found(""))
}
