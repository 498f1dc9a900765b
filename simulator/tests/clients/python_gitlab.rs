//! python-gitlab, the client of most Python tools.

use std::process::Command;

use crate::install::{from_pypi, sources};
use crate::support::{company, run_script, serve};

/// Lets one of its scripts run against a company of its own.
async fn python(script: &str) {
    let simulator = serve(company()).await;
    let programs = tokio::task::spawn_blocking(|| from_pypi("python_gitlab")).await.unwrap();
    let mut program = Command::new(programs.join("python"));
    program.arg(sources("python_gitlab").join(script)).env("PYTHONDONTWRITEBYTECODE", "1");
    assert_eq!(run_script(program, &simulator).await, format!("{script} is done"));
}

#[tokio::test]
async fn it_lists_everything_page_by_page() {
    python("lists.py").await;
}

#[tokio::test]
async fn it_reads_all_that_hangs_on_a_merge_request() {
    python("reads.py").await;
}

#[tokio::test]
async fn it_makes_tests_and_resends_webhooks() {
    python("hooks.py").await;
}

#[tokio::test]
async fn it_finds_users_and_changes_members() {
    python("people.py").await;
}

#[tokio::test]
async fn it_makes_rotates_and_revokes_tokens() {
    python("tokens.py").await;
}

#[tokio::test]
async fn it_follows_pipelines_to_their_deployments() {
    python("delivery.py").await;
}

#[tokio::test]
async fn it_hears_refusals_and_waits_where_it_is_told_to() {
    python("refusals.py").await;
}

#[tokio::test]
async fn it_holds_queries_against_the_schema_and_walks_their_pages() {
    python("graphql_client.py").await;
}

#[tokio::test]
async fn it_saves_labels_by_the_name_in_the_body() {
    python("labels.py").await;
}

#[tokio::test]
async fn it_opens_discusses_approves_and_merges() {
    python("reviews.py").await;
}

#[tokio::test]
async fn it_makes_branches_tags_and_releases() {
    python("code.py").await;
}

#[tokio::test]
async fn it_plans_by_milestones_and_issues() {
    python("planning.py").await;
}
