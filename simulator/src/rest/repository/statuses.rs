//! The statuses of a commit: its jobs, and what other systems report (`lib/api/commit_statuses.rb`).

use serde_json::{Value, json};

use super::commits::named;
use crate::rest::page::{Paging, page};
use crate::rest::params::{PAGED, Param, one_of, text, truth};
use crate::rest::route::Needs::{Nothing, User};
use crate::rest::route::{Route, read, write};
use crate::rest::{Failure, Reply, Request, allow, find, show};
use crate::world::{Job, Pipeline, Role, World};

static STATES: &[&str] = &["pending", "running", "success", "failed", "canceled"];
static LIST: &[Param] = &[text("ref"), text("stage"), text("name"), truth("all").or("false")];
static CREATE: &[Param] = &[
    one_of("state", STATES).required(),
    text("ref"),
    text("target_url"),
    text("description"),
    text("name"),
    text("context"),
];

#[rustfmt::skip]
pub(in crate::rest) static ROUTES: &[Route] = &[
    read("/projects/:id/repository/commits/:sha/statuses", Nothing, list).takes(&[LIST, PAGED]),
    write("POST", "/projects/:id/statuses/:sha", User, create).takes(&[CREATE]),
];

fn list(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, commit) = named(world, request)?;
    allow::builds(world, request)?;
    let args = &request.args;
    let same = |wish: Option<String>, own: &str| wish.is_none_or(|wish| wish == own);
    let all = args.truth("all") == Some(true);
    let of_commit = world.pipelines_of(project.id).filter(|pipeline| pipeline.sha == commit.sha);
    let jobs = of_commit.flat_map(|pipeline| pipeline.jobs.iter().map(move |job| (pipeline, job)));
    let wanted = jobs.filter(|(pipeline, job)| {
        (all || !job.retried)
            && same(args.filled("ref"), &pipeline.ref_name)
            && same(args.filled("stage"), &job.stage)
            && same(args.filled("name"), &job.name)
    });
    let found: Vec<(&Pipeline, &Job)> = wanted.collect();
    page(world, request, Paging::Offset, &found, |(pipeline, job)| show::status(world, pipeline, job))
}

/// Another system tells how far it is with a commit.
fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (project, commit) = named(world, request)?;
    allow::change_builds(world, request, Role::Developer)?;
    let args = &request.args;
    let text = |name: &str| args.filled(name);
    let name = text("ref").or_else(|| project.default_branch.clone()).unwrap_or_default();
    let state = text("state").unwrap_or_default();
    let state = STATES.iter().find(|known| **known == state).copied().unwrap_or("pending");
    let job = text("name").or_else(|| text("context")).unwrap_or_else(|| "default".to_owned());
    let (id, sha, user) = (project.id, commit.sha, find::caller(world, request)?.id);
    let (pipeline, job) = world.report_status(id, (&name, sha), user, (&job, state)).ok_or_else(Failure::no_row)?;
    let found = world.pipeline(pipeline).ok_or_else(Failure::no_row)?;
    let reported = found.jobs.iter().find(|known| known.id == job).ok_or_else(Failure::no_row)?;
    let mut body = show::status(world, found, reported);
    body["target_url"] = text("target_url").map_or(Value::Null, |url| json!(url));
    body["description"] = text("description").map_or(Value::Null, |text| json!(text));
    Ok(Reply::created(body))
}
