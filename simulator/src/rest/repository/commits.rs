//! One commit, and what hangs on it (`lib/api/commits.rb`).

use serde_json::{Value, json};

use crate::rest::page::{Paging, page};
use crate::rest::params::{PAGED, Param, one_of, truth};
use crate::rest::route::Needs::Nothing;
use crate::rest::route::{Route, read};
use crate::rest::show::LabelStyle;
use crate::rest::{Failure, Reply, Request, allow, show};
use crate::world::{Commit, FileStats, Project, World};

static ONE: &[Param] = &[truth("stats").or("true")];
static REFS: &[Param] = &[one_of("type", &["branch", "tag", "all"]).or("all")];

#[rustfmt::skip]
pub(in crate::rest) static ROUTES: &[Route] = &[
    read("/projects/:id/repository/commits/:sha", Nothing, one).takes(&[ONE]),
    read("/projects/:id/repository/commits/:sha/merge_requests", Nothing, merge_requests).takes(&[PAGED]),
    read("/projects/:id/repository/commits/:sha/refs", Nothing, refs).takes(&[REFS, PAGED]),
    read("/projects/:id/repository/commits/:sha/diff", Nothing, diff).takes(&[PAGED]),
    read("/projects/:id/repository/commits/:sha/comments", Nothing, comments).takes(&[PAGED]),
];

/// The commit of the first two placeholders, by its name or that of a branch or tag.
pub(super) fn named<'w>(world: &'w World, request: &Request) -> Result<(&'w Project, &'w Commit), Failure> {
    let project = allow::repository(world, request)?;
    let sha = world.resolve_ref(project, request.param(1));
    let found = sha.and_then(|sha| world.commit_of(project, sha));
    Ok((project, found.ok_or_else(|| Failure::not_found("Commit"))?))
}

fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = named(world, request)?;
    let mut body = show::commit_single(world, project, found);
    if request.args.truth("stats") == Some(false)
        && let Some(fields) = body.as_object_mut()
    {
        fields.remove("stats");
    }
    Ok(Reply::ok(body))
}

fn merge_requests(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, commit) = named(world, request)?;
    if !world.reads_merge_requests(&request.caller, project) {
        return Err(Failure::forbidden(""));
    }
    let found = world.merge_requests_bringing(project, commit);
    page(world, request, Paging::Offset, &found, |found| show::merge_request(world, found, LabelStyle::Titles, None))
}

/// Branches and tags from which the commit can be reached.
fn refs(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, commit) = named(world, request)?;
    let reaches = |head| world.history(project, head).any(|found| found.sha == commit.sha);
    let wanted = request.args.text("type");
    let wants = |kind: &str| wanted.as_deref().is_none_or(|wanted| wanted == "all" || wanted == kind);
    let branches = world.branches_of(project).into_iter().filter(|branch| wants("branch") && reaches(branch.sha));
    let tags = project.tags.iter().filter(|tag| wants("tag") && reaches(tag.sha));
    let branches = branches.map(|branch| json!({ "type": "branch", "name": branch.name }));
    let found: Vec<Value> = branches.chain(tags.map(|tag| json!({ "type": "tag", "name": tag.name }))).collect();
    page(world, request, Paging::Offset, &found, Value::clone)
}

/// The names of the files that its merge request changed; the World keeps no text.
fn diff(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, commit) = named(world, request)?;
    let brought = world.merge_requests_bringing(project, commit).into_iter().take(1);
    let files: Vec<&FileStats> = brought.flat_map(|found| &found.files).collect();
    page(world, request, Paging::Offset, &files, |file| show::file(&world.settings, file))
}

fn comments(world: &World, request: &Request) -> Result<Reply, Failure> {
    named(world, request)?;
    page(world, request, Paging::Offset, &[], Value::clone)
}
