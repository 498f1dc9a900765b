//! What a merge request changes: the versions of its diff, and the names and numbers of its files.
//!
//! `diff` is always empty: no client of this GitLab may depend on source code, and the log counts who asks for it.

use serde_json::json;

use super::page::{Paging, page};
use super::params::PAGED;
use super::route::Needs::{Nothing, User};
use super::route::{Route, read, since};
use super::{Failure, Reply, Request, find, show};
use crate::world::{DiffVersion, FileStats, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/merge_requests/:iid/versions", User, list).takes(&[PAGED]),
    read("/projects/:id/merge_requests/:iid/versions/:version_id", User, one),
    since(15, 7, read("/projects/:id/merge_requests/:iid/diffs", Nothing, diffs)).takes(&[PAGED]),
    read("/projects/:id/merge_requests/:iid/changes", Nothing, changes),
];

pub(crate) fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::merge_request(world, request)?;
    let newest_first: Vec<&DiffVersion> = found.versions.iter().rev().collect();
    page(world, request, Paging::Offset, &newest_first, |version| show::version(found, version))
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::merge_request(world, request)?;
    let id = find::number(request, 2, "version_id")?;
    let version = found.versions.iter().find(|version| version.id == id).ok_or_else(Failure::no_row)?;
    let mut body = show::version(found, version);
    // Commits are kept newest first, so what a version had then are the last ones.
    let later = found.commits.len().saturating_sub(version.commits);
    body["commits"] = found.commits[later..].iter().map(|commit| show::commit(world, project, commit, false)).collect();
    body["diffs"] = found.files.iter().take(version.files).map(|file| show::file(&world.settings, file)).collect();
    Ok(Reply::ok(body))
}

pub(crate) fn diffs(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::merge_request(world, request)?;
    let files: Vec<&FileStats> = found.files.iter().collect();
    page(world, request, Paging::Offset, &files, |file| show::file(&world.settings, file))
}

/// The merge request with its files, not paged.
pub(crate) fn changes(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::merge_request(world, request)?;
    let mut body = show::single(world, &request.caller, found);
    body["changes"] = found.files.iter().map(|file| show::file(&world.settings, file)).collect();
    body["overflow"] = json!(false);
    Ok(Reply::ok(body))
}
