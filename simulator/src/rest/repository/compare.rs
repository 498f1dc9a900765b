//! Two ends of a history: what lies between them, and where they parted (`lib/api/repositories.rb`).

use std::collections::{BTreeMap, HashSet};

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::rest::params::{Param, text, texts, truth};
use crate::rest::route::Needs::Nothing;
use crate::rest::route::{Route, read};
use crate::rest::{Failure, Reply, Request, allow, show};
use crate::world::{Commit, FileStats, Sha, World};

static COMPARE: &[Param] = &[text("from").required(), text("to").required(), truth("straight").or("false")];
static MERGE_BASE: &[Param] = &[texts("refs").required()];

#[rustfmt::skip]
pub(in crate::rest) static ROUTES: &[Route] = &[
    read("/projects/:id/repository/compare", Nothing, compare).takes(&[COMPARE]),
    read("/projects/:id/repository/merge_base", Nothing, merge_base).takes(&[MERGE_BASE]),
];

/// Commits that one end has and the other has not, oldest first, and the names of the files that they changed.
fn compare(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::code(world, request)?;
    let text = |name: &str| request.args.text(name).unwrap_or_default();
    let (from, to) = (text("from"), text("to"));
    let end = |name: &str| world.resolve_ref(project, name).ok_or_else(|| Failure::not_found("Ref"));
    let (first, last) = (end(&from)?, end(&to)?);
    let known: HashSet<Sha> = world.history(project, first).map(|commit| commit.sha).collect();
    let mut commits: Vec<&Commit> =
        world.history(project, last).filter(|commit| !known.contains(&commit.sha)).collect();
    commits.reverse();
    let brought = commits.iter().flat_map(|commit| world.merge_requests_bringing(project, commit).into_iter().take(1));
    let files: BTreeMap<&str, &FileStats> =
        brought.flat_map(|found| &found.files).map(|file| (file.path.as_str(), file)).collect();
    let shown = |commit: &&Commit| show::commit(world, project, commit, true);
    Ok(Reply::ok(json!({
        "commit": commits.last().map(shown),
        "commits": commits.iter().map(shown).collect::<Value>(),
        "diffs": files.into_values().map(|file| show::file(&world.settings, file)).collect::<Value>(),
        "compare_timeout": false,
        "compare_same_ref": first == last,
        "web_url": world.web_url(&format!("{}/-/compare/{from}...{to}", project.full_path)),
    })))
}

fn merge_base(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::code(world, request)?;
    let refs = request.args.list("refs");
    let refused = |reason: &str| Failure::message(StatusCode::BAD_REQUEST, reason);
    if refs.len() < 2 {
        return Err(refused("Provide at least 2 refs"));
    }
    let heads: Vec<Option<Sha>> = refs.iter().map(|name| world.resolve_ref(project, name)).collect();
    let unknown: Vec<&str> =
        refs.iter().zip(&heads).filter(|(_, head)| head.is_none()).map(|(name, _)| name.as_str()).collect();
    if !unknown.is_empty() {
        let noun = if unknown.len() == 1 { "ref" } else { "refs" };
        return Err(refused(&format!("Could not find {noun}: {}", unknown.join(", "))));
    }
    let mut heads = heads.into_iter().flatten();
    let first = heads.next().ok_or_else(Failure::no_row)?;
    let others: Vec<HashSet<Sha>> =
        heads.map(|head| world.history(project, head).map(|commit| commit.sha).collect()).collect();
    let common = |commit: &&Commit| others.iter().all(|known| known.contains(&commit.sha));
    let base = world.history(project, first).find(common).ok_or_else(|| Failure::not_found("Merge Base"))?;
    Ok(Reply::ok(show::commit(world, project, base, true)))
}
