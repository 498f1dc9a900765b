//! How long the simulated GitLab takes for a page of 100 merge requests with notes, commits, people and labels.
//!
//! `cargo run --release -p gitlab-simulator --example graphql_page`

#![allow(clippy::print_stdout, reason = "a program that prints its figures")]

use std::time::{Duration, Instant};

use gitlab_simulator::World;
use gitlab_simulator::graphql;
use gitlab_simulator::world::{Caller, Scope, Size};
use serde_json::{Value, json};

const QUERY: &str = "query page($path: ID!, $first: Int!, $after: String, $since: Time) { project(fullPath: $path) { id \
    mergeRequests(first: $first, after: $after, updatedAfter: $since, sort: UPDATED_ASC) { nodes { \
    id iid title state draft createdAt updatedAt webUrl sourceBranch targetBranch sourceProjectId mergeCommitSha \
    userNotesCount commitCount preparedAt mergedAt diffHeadSha diffStatsSummary { additions deletions fileCount } \
    author { id username name bot state } mergeUser { id username name bot } closedAt \
    assignees { nodes { id username name bot } } reviewers { nodes { id username name bot } } labels { nodes { title } } \
    approvedBy { nodes { id username name bot } } \
    commits(first: 20) { nodes { sha title authoredDate authorName authorEmail committedDate author { id username } } \
    pageInfo { hasNextPage endCursor } } \
    notes(first: 20) { nodes { id body system internal createdAt updatedAt resolvable resolved systemNoteIconName \
    author { id username name bot } position { positionType } } pageInfo { hasNextPage endCursor } } \
    } pageInfo { hasNextPage endCursor } } } }";

fn main() {
    let size = Size { projects: 10, merge_requests: 500, ..Size::default() };
    let world = World::generate(1, size);
    let caller = Caller { user: Some(1), admin: true, token: None, scopes: vec![Scope::Api] };

    // The first query of a version makes its schema.
    let before = computed();
    ask(&world, &caller, "", &Value::Null);
    let first = before.and_then(|before| Some(computed()? - before));

    let rounds = 10;
    let (mut pages, mut bytes) = (0_u32, 0);
    let (begin, before) = (Instant::now(), computed());
    for _ in 0..rounds {
        for project in world.projects() {
            let mut after = Value::Null;
            loop {
                let answer = ask(&world, &caller, &project.full_path, &after);
                pages += 1;
                bytes += answer.len();
                let Some(cursor) = next(&answer) else {
                    break;
                };
                after = Value::from(cursor);
            }
        }
    }
    let took = begin.elapsed() / pages;

    let computed = before.and_then(|before| Some((computed()? - before) / pages));
    println!("{pages} pages: {took:?}, {computed:?} of CPU and {} KB each", bytes / pages as usize / 1024);
    println!("before them the schema: {first:?} of CPU");
}

/// A page of a project's merge requests.
fn ask(world: &World, caller: &Caller, path: &str, after: &Value) -> Vec<u8> {
    let variables = json!({"path": path, "first": 100, "after": after, "since": null});
    let request = json!({"query": QUERY, "variables": variables}).to_string();
    graphql::execute(world, caller, request.as_bytes(), &[]).body
}

/// How long this thread was on a processor, which does not depend on what else the machine does. Linux only.
fn computed() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// The cursor at the end of a page that is not the last, found without reading the whole answer.
fn next(body: &[u8]) -> Option<String> {
    let end = String::from_utf8_lossy(&body[body.len().saturating_sub(300)..]).into_owned();
    let (_, info) = end.rsplit_once("\"pageInfo\":")?;
    if !info.contains("\"hasNextPage\":true") {
        return None;
    }
    let (_, cursor) = info.split_once("\"endCursor\":\"")?;
    Some(cursor.split('"').next()?.to_owned())
}
