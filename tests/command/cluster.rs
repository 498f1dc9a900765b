//! `status` before it has reached a cluster, and as a plugin of kubectl.

use tokio::process::Command;

use crate::support::binary::{self, Directory, Ended};

#[tokio::test]
async fn under_its_plugin_name_help_says_what_the_user_types() {
    let directory = Directory::new();
    let plugin = directory.path().join("kubectl-gitlab_connector");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_gitlab-connector"), &plugin).unwrap();

    let help: Ended = Command::new(&plugin).args(["status", "--help"]).output().await.unwrap().into();
    let error: Ended = Command::new(&plugin).args(["status", "-o", "xml"]).output().await.unwrap().into();

    help.says(0, &["Usage: kubectl gitlab-connector status"]);
    error.says(2, &["wide, json, yaml"]);
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_is_named_and_never_quoted() {
    let directory = Directory::new();
    let broken = directory.write("broken", "users: [{name: me, user: {token: s3cret-of-mine}}\n");
    let empty = directory.write("empty", "apiVersion: v1\nkind: Config\n");
    let status = async |kubeconfig: &str| binary::run(&directory, &["status", "--kubeconfig", kubeconfig]).await;

    let absent = status("nowhere").await;
    let broken = status(broken.to_str().unwrap()).await;

    absent.says(2, &["kubeconfig nowhere", "KUBECONFIG"]);
    broken.says(2, &["not valid YAML"]);
    assert!(!broken.text().contains("s3cret"), "{}", broken.text());
    status(empty.to_str().unwrap()).await.says(2, &["no current context", "--context"]);
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_is_named_without_what_the_url_hides() {
    let directory = Directory::new();
    let away = directory.write(
        "away",
        "apiVersion: v1
kind: Config
current-context: away
contexts: [{name: away, context: {cluster: away, user: me}}]
clusters: [{name: away, cluster: {server: 'https://me:s3cret@127.0.0.1:9'}}]
users: [{name: me, user: {token: t0ken}}]
",
    );

    let ended = binary::run(&directory, &["status", "--kubeconfig", away.to_str().unwrap()]).await;

    ended.says(1, &["cannot reach the cluster https://127.0.0.1:9", "refused"]);
    assert!(!ended.text().contains("s3cret") && !ended.text().contains("t0ken"), "{}", ended.text());
}

#[tokio::test]
async fn where_in_a_cluster_means_nothing_to_a_check_outside_of_it() {
    let directory = Directory::new();

    let url = ["check", "--url", "https://gitlab.example.com/", "--namespace", "metrics"];
    binary::run(&directory, &url).await.says(2, &["--namespace", "give its NAME"]);
    let both = ["check", "acme", "--url", "https://gitlab.example.com/"];
    binary::run(&directory, &both).await.says(2, &["cannot be used with"]);
}
