//! A control plane comes up, can lose its API server, and leaves nothing behind.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise; clippy.toml covers only functions marked as tests"
)]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use control_plane::{ControlPlane, Options};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

struct Directory(PathBuf);

impl Directory {
    fn new() -> Directory {
        Directory(std::env::temp_dir().join(format!("control-plane-{:016x}", fastrand::u64(..))))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn what_was_stored_is_there_after_the_api_server_was_away() {
    let directory = Directory::new();
    let plane = ControlPlane::start(Options { directory: directory.0.clone(), audit: true }).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(plane.client().unwrap(), "default");
    let map = serde_json::from_value(serde_json::json!({"metadata": {"name": "kept"}, "data": {"a": "b"}})).unwrap();
    maps.create(&PostParams::default(), &map).await.unwrap();

    plane.stop_api_server().unwrap();
    assert!(maps.get("kept").await.is_err());
    plane.start_api_server().await.unwrap();

    assert_eq!(maps.get("kept").await.unwrap().data.unwrap()["a"], "b");
    let log = std::fs::read_to_string(plane.audit_log().unwrap()).unwrap();
    let events: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let created = |event: &&serde_json::Value| event["verb"] == "create" && event["objectRef"]["name"] == "kept";
    assert_eq!(events.iter().filter(created).count(), 1);
}

#[tokio::test]
async fn a_token_of_a_service_account_is_that_account_and_no_more() {
    let directory = Directory::new();
    let plane = ControlPlane::start(Options { directory: directory.0.clone(), audit: false }).await.unwrap();

    let kubeconfig = plane.kubeconfig_for("default", "default").await.unwrap();

    let config = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    let client = Client::try_from(config).unwrap();
    let reviews: Api<SelfSubjectReview> = Api::all(client.clone());
    let review = reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await.unwrap();
    let user = review.status.unwrap().user_info.unwrap().username.unwrap();
    assert_eq!(user, "system:serviceaccount:default:default");
    let refused = Api::<Namespace>::all(client).get("default").await.unwrap_err();
    assert!(refused.to_string().contains("forbidden"), "{refused}");
}

/// Starts the command and gives the URL that it prints.
fn up(directory: &Directory) -> (Child, BufReader<ChildStdout>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_control-plane"))
        .args(["up", "--directory"])
        .arg(&directory.0)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    let mut url = String::new();
    while !line.starts_with("ready") {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "it ended before it was ready");
        if let Some(found) = line.strip_prefix("control plane ready: https://") {
            found.trim().clone_into(&mut url);
        }
    }
    (child, output, url)
}

#[test]
fn nothing_outlives_the_process_that_started_it() {
    let directory = Directory::new();
    let (mut child, _output, url) = up(&directory);
    assert!(TcpStream::connect(&url).is_ok());

    child.kill().unwrap();
    child.wait().unwrap();

    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(&url).is_ok() {
        assert!(Instant::now() < deadline, "the API server is still there");
        std::thread::yield_now();
    }
}

#[test]
fn sigterm_ends_it_in_order() {
    let directory = Directory::new();
    let (mut child, _output, url) = up(&directory);

    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());

    assert!(child.wait().unwrap().success());
    assert!(TcpStream::connect(&url).is_err());
}
