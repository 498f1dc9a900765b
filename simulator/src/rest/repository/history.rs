//! What can be said of a repository as a whole: who wrote it, in which languages, and its tree (`lib/api/repositories.rb`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::rest::page::{Paging, page};
use crate::rest::params::{PAGED, Param, SORTS, one_of, text, truth};
use crate::rest::route::Needs::Nothing;
use crate::rest::route::{Route, read};
use crate::rest::{Failure, Reply, Request, allow, find};
use crate::world::{Project, Sha, World};

static CONTRIBUTORS: &[Param] =
    &[text("ref"), one_of("order_by", &["email", "name", "commits"]).or("commits"), one_of("sort", SORTS).or("asc")];
static TREE: &[Param] = &[text("ref"), text("path"), truth("recursive").or("false")];

#[rustfmt::skip]
pub(in crate::rest) static ROUTES: &[Route] = &[
    read("/projects/:id/repository/contributors", Nothing, contributors).takes(&[CONTRIBUTORS, PAGED]),
    read("/projects/:id/languages", Nothing, languages),
    read("/projects/:id/repository/tree", Nothing, tree).takes(&[TREE, PAGED]),
];

/// Authors by e-mail. Their lines are 0 since GitLab 13.4.
fn contributors(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::code(world, request)?;
    let mut authors: BTreeMap<&str, (&str, i64)> = BTreeMap::new();
    let head = request.args.filled("ref").or_else(|| project.default_branch.clone()).unwrap_or_default();
    let head = world.resolve_ref(project, &head).ok_or_else(|| Failure::not_found(""))?;
    for commit in world.history(project, head) {
        authors.entry(&commit.author_email).or_insert((&commit.author_name, 0)).1 += 1;
    }
    let mut found: Vec<(&str, &str, i64)> =
        authors.into_iter().map(|(email, (name, commits))| (email, name, commits)).collect();
    match request.args.text("order_by").as_deref() {
        Some("email") => {}
        Some("name") => found.sort_by_key(|(_, name, _)| *name),
        _ => found.sort_by_key(|(_, _, commits)| *commits),
    }
    if request.args.text("sort").as_deref() == Some("desc") {
        found.reverse();
    }
    page(
        world,
        request,
        Paging::Offset,
        &found,
        |(email, name, commits)| json!({ "name": name, "email": email, "commits": commits, "additions": 0, "deletions": 0 }),
    )
}

/// In percent of the lines that merge requests added, by the endings of the files.
fn languages(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    if !world.reads_code(&request.caller, project) {
        return Err(Failure::forbidden(""));
    }
    let mut lines: BTreeMap<&str, f64> = BTreeMap::new();
    for file in world.merge_requests_of(project.id).flat_map(|found| &found.files) {
        if let Some(language) = language(&file.path) {
            *lines.entry(language).or_default() += f64::from(i32::try_from(file.additions).unwrap_or(i32::MAX).max(1));
        }
    }
    let total: f64 = lines.values().sum();
    let percent = |lines: f64| (lines / total * 10_000.0).round() / 100.0;
    let shown = lines.into_iter().map(|(language, lines)| (language.to_owned(), json!(percent(lines))));
    Ok(Reply::ok(Value::Object(shown.collect())))
}

fn language(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    let language = match ending {
        "rs" => "Rust",
        "go" => "Go",
        "rb" => "Ruby",
        "py" => "Python",
        "java" => "Java",
        "kt" => "Kotlin",
        "js" => "JavaScript",
        "ts" | "tsx" => "TypeScript",
        "sql" => "SQL",
        "sh" => "Shell",
        "tf" => "HCL",
        "css" => "CSS",
        "html" => "HTML",
        _ => return None,
    };
    Some(language)
}

/// The files that merged merge requests touched, and the directories that hold them.
fn tree(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = allow::code(world, request)?;
    let head = request.args.filled("ref").or_else(|| project.default_branch.clone()).unwrap_or_default();
    if world.resolve_ref(project, &head).is_none() {
        return Err(Failure::not_found("Tree"));
    }
    let recursive = request.args.truth("recursive") == Some(true);
    let base = request.args.filled("path").map_or_else(String::new, |path| format!("{}/", path.trim_matches('/')));
    let entries = entries(world, project, &base, recursive);
    if entries.is_empty() && !base.is_empty() {
        return Err(Failure::not_found("invalid revision or path"));
    }
    let found: Vec<(String, bool)> = entries.into_iter().collect();
    page(world, request, Paging::Offset, &found, |(path, directory)| {
        let (kind, mode) = if *directory { ("tree", "040000") } else { ("blob", "100644") };
        let seed = path.bytes().fold(u64::from(*directory), |seed, byte| seed.wrapping_mul(31) + u64::from(byte));
        let name = path.rsplit('/').next();
        json!({ "id": Sha::from_seed(seed).to_string(), "name": name, "type": kind, "path": path, "mode": mode })
    })
}

/// Paths below a directory; true for directories.
fn entries(world: &World, project: &Project, base: &str, recursive: bool) -> BTreeMap<String, bool> {
    let merged = world.merge_requests_of(project.id).filter(|found| found.merged_at.is_some());
    let below = merged.flat_map(|found| &found.files).filter_map(|file| file.path.strip_prefix(base));
    let mut entries = BTreeMap::new();
    for path in below {
        let mut end = base.to_owned();
        let parts: Vec<&str> = path.split('/').collect();
        for (place, part) in parts.iter().enumerate() {
            end.push_str(part);
            let directory = place + 1 < parts.len();
            entries.insert(end.clone(), directory);
            if directory && !recursive {
                break;
            }
            end.push('/');
        }
    }
    entries
}
