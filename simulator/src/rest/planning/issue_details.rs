//! What hangs on an issue: merge requests, people, events.

use serde_json::json;

use super::issues::named;
use crate::rest::page::{Paging, page};
use crate::rest::params::PAGED;
use crate::rest::route::Needs::Nothing;
use crate::rest::route::{Route, read};
use crate::rest::show::LabelStyle;
use crate::rest::{Failure, Reply, Request, show};
use crate::world::{MergeRequest, World};

#[rustfmt::skip]
pub(in crate::rest) static ROUTES: &[Route] = &[
    read("/projects/:id/issues/:issue_iid/related_merge_requests", Nothing, merge_requests).takes(&[PAGED]),
    read("/projects/:id/issues/:issue_iid/closed_by", Nothing, merge_requests).takes(&[PAGED]),
    read("/projects/:id/issues/:issue_iid/participants", Nothing, participants).takes(&[PAGED]),
    read("/projects/:id/issues/:issue_iid/links", Nothing, links),
];

/// Those that close it when they are merged. The World knows of no other relation.
fn merge_requests(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, issue) = named(world, request)?;
    let readable = world.reads_merge_requests(&request.caller, project);
    let found: Vec<&MergeRequest> = world.merge_requests_closing(issue).filter(|_| readable).collect();
    page(world, request, Paging::Offset, &found, |found| show::merge_request(world, found, LabelStyle::Titles, None))
}

fn participants(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, issue) = named(world, request)?;
    let role = world.caller_role(&request.caller, project);
    let notes = issue.notes.iter().filter(|note| !note.system() && World::sees_note(role, note));
    let writers = notes.filter_map(|note| note.author);
    let mut people: Vec<i64> = issue.author.into_iter().chain(issue.assignees.iter().copied()).chain(writers).collect();
    people.sort_unstable();
    people.dedup();
    page(world, request, Paging::Offset, &people, |user| show::user_basic(world, Some(*user)))
}

/// The World links no issues.
fn links(world: &World, request: &Request) -> Result<Reply, Failure> {
    named(world, request)?;
    Ok(Reply::ok(json!([])))
}
