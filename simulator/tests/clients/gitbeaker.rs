//! Gitbeaker, the client of most JavaScript tools.

use std::fs;
use std::process::Command;

use crate::install::{from_npm, sources};
use crate::support::{company, run_script, serve};

/// Lets one of its scripts run against a company of its own. It runs beside the modules that were installed: there it finds them.
async fn node(script: &str) {
    let simulator = serve(company()).await;
    let home = tokio::task::spawn_blocking(|| from_npm("gitbeaker")).await.unwrap();
    for file in ["given.mjs", script] {
        fs::copy(sources("gitbeaker").join(file), home.join(file)).unwrap();
    }
    let mut program = Command::new("node");
    program.arg(home.join(script));
    assert_eq!(run_script(program, &simulator).await, format!("{script} is done"));
}

#[tokio::test]
async fn it_lists_everything_page_by_page() {
    node("lists.mjs").await;
}

#[tokio::test]
async fn it_reads_merge_requests_people_and_pipelines() {
    node("reads.mjs").await;
}

#[tokio::test]
async fn it_makes_hooks_tokens_and_members() {
    node("hooks.mjs").await;
}

#[tokio::test]
async fn it_opens_discusses_approves_and_merges() {
    node("writes.mjs").await;
}
