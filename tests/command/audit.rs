//! `audit`: what somebody reads who wants to know whether the figures can be trusted.

use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};

use super::{QUIET, READER, acme, manifest, serve, sync};
use crate::support::binary::{self, Directory, Ended};

async fn audit(directory: &Directory, more: &[&str]) -> Ended {
    let ended = binary::run(directory, &[&["audit", "-f", "connection.yaml"], more].concat()).await;
    assert!(!ended.text().contains(READER), "{}", ended.text());
    ended
}

#[tokio::test]
async fn after_a_sync_an_audit_finds_no_difference() {
    let gitlab = serve(acme()).await;
    let directory = Directory::new();
    sync(&directory, &manifest(gitlab.url(), READER, QUIET), &[]).await.says(0, &[]);

    let ended = audit(&directory, &[]).await;

    ended.says(0, &["metrics/acme: no difference in 2 projects counted and 3 merge requests read anew"]);
}

#[tokio::test]
async fn a_difference_is_named_with_both_values_and_what_mends_it() {
    let gitlab = serve(acme()).await;
    let directory = Directory::new();
    let given = manifest(gitlab.url(), READER, QUIET);
    sync(&directory, &given, &[]).await.says(0, &[]);
    let file = format!("sqlite:{}", directory.path().join("gitlab-connector.db").display());
    let mut database = SqliteConnection::connect(&file).await.unwrap();
    let by_hand = "update gitlab_merge_requests set title = 'Written by hand' where id = 1";
    sqlx::query(by_hand).execute(&mut database).await.unwrap();
    database.close().await.unwrap();

    let text = audit(&directory, &["--all"]).await;
    let json = audit(&directory, &["--all", "-o", "json"]).await;

    text.says(4, &["metrics/acme: 1 difference in 2 projects", "title", "Written by hand", "sync --full"]);
    json.says(4, &[]);
    let answer: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&answer[0]["differences"], &answer[0]["findings"][0]["column"]), (&1.into(), &"title".into()));
    assert_eq!(answer[0]["findings"][0]["stored"], "Written by hand");

    sync(&directory, &given, &["--full"]).await.says(0, &[]);
    audit(&directory, &["--all"]).await.says(0, &["no difference"]);
}

#[tokio::test]
async fn a_connection_that_cannot_be_audited_keeps_none_from_it() {
    let gitlab = serve(acme()).await;
    let directory = Directory::new();
    let given = manifest(gitlab.url(), READER, QUIET);
    sync(&directory, &given, &[]).await.says(0, &[]);
    let other =
        given.replace("name: acme", "name: broken").replace("name: tokens, key: reader", "name: tokens, key: none");
    directory.write("other.yaml", other.split("---").find(|part| part.contains("GitLabConnection")).unwrap());

    let ended = audit(&directory, &["-f", "other.yaml"]).await;

    ended.says(3, &["metrics/broken: ", "'none'", "metrics/acme: no difference"]);
}

#[tokio::test]
async fn an_audit_before_the_first_import_says_what_to_do_first() {
    let gitlab = serve(acme()).await;
    let directory = Directory::new();
    directory.write("connection.yaml", &manifest(gitlab.url(), READER, QUIET));

    audit(&directory, &[]).await.says(1, &["metrics/acme", "nothing was imported yet: import first"]);
}
