//! The program, from the outside.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// A child that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn run(args: &[&str]) -> (Running, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gitlab-simulator"));
    let command = command.args(["--listen", "127.0.0.1:0"]).args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Running(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim().to_owned())
}

async fn json(url: &str, token: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(url).bearer_auth(token).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn it_serves_what_it_is_told_and_says_where() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let args =
        ["--root", "/gitlab", "--edition", "ce", "--version", "16.11.10", "--projects", "2", "--merge-requests", "3"];
    let (_child, said) = run(&[args.as_slice(), &["--reader-token", "glpat-r"]].concat());

    let url = said.strip_prefix("GitLab 16.11.10 at ").unwrap();
    assert!(url.ends_with("/gitlab"), "{said}");
    let metadata = json(&format!("{url}/api/v4/metadata"), "glpat-r").await;
    assert_eq!((&metadata["version"], &metadata["enterprise"]), (&json!("16.11.10"), &json!(false)));
    let found = json(&format!("{url}/api/v4/groups/acme/merge_requests?scope=all"), "glpat-r").await;
    assert_eq!(found.as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn a_living_one_changes_by_itself() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let (_child, said) = run(&["--live", "6000", "--projects", "1"]);
    let root = said.rsplit_once(' ').unwrap().1;

    let url = format!("{root}/api/v4/groups/acme/merge_requests?order_by=updated_at&per_page=1");
    let before = json(&url, "glpat-simulator-reader").await;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if json(&url, "glpat-simulator-reader").await[0]["updated_at"] != before[0]["updated_at"] {
            return;
        }
    }
    panic!("nothing happened in five seconds");
}

#[tokio::test]
async fn a_strict_one_tells_aloud_what_it_does_not_have_and_each_once() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let (mut child, said) = run(&["--strict", "--projects", "1", "--merge-requests", "1"]);
    let root = said.rsplit_once(' ').unwrap().1;
    for path in ["horoscopes", "horoscopes", "oracles"] {
        json(&format!("{root}/api/v4/{path}"), "glpat-simulator-reader").await;
    }
    child.0.kill().unwrap();

    let mut words = String::new();
    child.0.stderr.take().unwrap().read_to_string(&mut words).unwrap();
    let expected =
        "gitlab-simulator: there is no GET /api/v4/horoscopes\ngitlab-simulator: there is no GET /api/v4/oracles\n";
    assert_eq!(words, expected);
}

#[test]
fn options_come_from_the_environment_too_and_routes_can_be_listed() {
    let program = || Command::new(env!("CARGO_BIN_EXE_gitlab-simulator"));
    let routes = program().arg("--routes").output().unwrap();
    let routes = String::from_utf8(routes.stdout).unwrap();
    let hooks =
        routes.lines().find(|line| line.starts_with("POST   /groups/:id/hooks/:hook_id/test/:trigger")).unwrap();
    assert!(hooks.ends_with("17.1   Enterprise"), "{hooks}");

    let refused = program().env("GITLAB_SIMULATOR_EDITION", "gold").output().unwrap();
    assert!(String::from_utf8(refused.stderr).unwrap().contains("known editions: ce, ee, ee-unlicensed"));
    let help = String::from_utf8(program().arg("--help").output().unwrap().stdout).unwrap();
    assert!(help.contains("environment variable"), "{help}");
}
