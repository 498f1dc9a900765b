//! `check`: the matrix, the commands, and the exit code that says it all.

use serde_json::Value;

use super::{OWNER, READER, acme, manifest, serve};
use crate::support::binary::{self, Directory};

#[tokio::test]
async fn check_prints_the_matrix_and_the_same_questions_for_curl() {
    let gitlab = serve(acme()).await;
    let directory = Directory::new();
    let file = directory.write("token", READER);

    let arguments = ["check", "--url", gitlab.url(), "--group", "acme", "--token-file", file.to_str().unwrap()];
    let ended = binary::run(&directory, &arguments).await;

    ended.says(0, &["read merge requests", "read_api", "curl", "$GITLAB_TOKEN", "/api/v4/groups/acme"]);
    assert!(!ended.text().contains(READER), "{}", ended.text());
}

#[tokio::test]
async fn check_takes_the_token_from_the_environment_and_answers_in_json() {
    let gitlab = serve(acme()).await;
    let directory = Directory::new();

    let arguments = ["check", "--url", gitlab.url(), "--group", "acme", "--webhooks", "-o", "json"];
    let reader = binary::run_with(&directory, ("GITLAB_TOKEN", READER), &arguments).await;
    let owner = binary::run_with(&directory, ("GITLAB_TOKEN", OWNER), &arguments).await;

    let answer: Value = serde_json::from_str(&reader.stdout).unwrap();
    let hooks =
        answer["access"].as_array().unwrap().iter().find(|line| line["what"] == "manage group webhooks").unwrap();
    assert_eq!((hooks["outcome"].as_str(), answer["ok"].as_bool()), (Some("denied"), Some(false)));
    assert_eq!(reader.code, Some(3));
    assert_eq!(owner.code, Some(0), "{}", owner.text());
}

#[tokio::test]
async fn check_reads_manifests_too() {
    let gitlab = serve(acme()).await;
    let directory = Directory::new();
    let spec = "  scope: {groups: [acme, nowhere]}\n";
    directory.write("connection.yaml", &manifest(gitlab.url(), READER, spec));

    let ended = binary::run(&directory, &["check", "-f", "connection.yaml"]).await;

    ended.says(3, &["metrics/acme", "ScopeNotFound", "nowhere"]);
}

#[tokio::test]
async fn check_without_a_token_says_where_one_can_come_from() {
    let directory = Directory::new();

    let ended = binary::run(&directory, &["check", "--url", "https://gitlab.example.com/"]).await;

    ended.says(2, &["GITLAB_TOKEN", "--token-file"]);
}
