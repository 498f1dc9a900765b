//! One worker as a Job's pod runs it: files in, an exit code and last words out.

use std::path::PathBuf;

use clap::Parser;
use gitlab_connector::importer::args::{self, Args};
use gitlab_connector::verdict::RunVerdict;
use gitlab_simulator::Simulator;
use gitlab_simulator::world::Size;
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

use super::{Place, TOKEN, company, serve, small};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

/// The files that a pod mounts. They go with it.
struct Pod(PathBuf);

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Pod {
    fn new(token: &str, database: &str) -> Pod {
        let directory = std::env::temp_dir().join(format!("gitlab-connector-{:016x}", fastrand::u64(..)));
        std::fs::create_dir_all(directory.join("tokens")).unwrap();
        std::fs::write(directory.join("tokens/primary"), format!("{token}\n")).unwrap();
        std::fs::write(directory.join("database"), database).unwrap();
        Pod(directory)
    }

    /// Runs the worker; its exit code and its last words.
    async fn run(&self, gitlab: &Simulator, more: &[&str]) -> (u8, String) {
        let path = |name: &str| self.0.join(name).display().to_string();
        let url = format!("{}/", gitlab.url());
        let (tokens, database, words) = (path("tokens"), path("database"), path("last-words"));
        let options = [
            "import",
            "--url",
            &url,
            "--tokens-dir",
            &tokens,
            "--database-url-file",
            &database,
            "--name",
            "acme",
            "--run",
            "tick",
            "--patience",
            "2s",
            "--termination-message-file",
            &words,
        ];
        let command = Command::try_parse_from(options.iter().chain(more)).unwrap();
        let code = args::execute(&command.args, CancellationToken::new()).await;
        (code, std::fs::read_to_string(words).unwrap())
    }
}

#[tokio::test]
async fn a_worker_that_is_done_says_what_it_did() {
    let gitlab = serve(company(1, Size { projects: 2, ..small() })).await;
    let place = Place::sqlite().await;
    let pod = Pod::new(TOKEN, place.url.expose_secret());

    let (code, words) = pod.run(&gitlab, &["--group", "acme"]).await;

    assert_eq!(code, 0, "{words}");
    let words = RunVerdict::from_message(&words).unwrap();
    assert_eq!((words.reason.as_str(), words.message.as_str()), ("Succeeded", "2 projects are imported"));
    assert_eq!((words.run_ended, words.projects.done, words.merge_requests), (true, 2, 24));
}

#[tokio::test]
async fn a_worker_whose_run_has_ended_repeats_nothing_and_says_the_same() {
    let gitlab = serve(company(1, Size { projects: 2, ..small() })).await;
    let place = Place::sqlite().await;
    let pod = Pod::new(TOKEN, place.url.expose_secret());
    let first = pod.run(&gitlab, &["--group", "acme"]).await;
    gitlab.forget_requests();

    // The Job was collected, and somebody made it again.
    let again = pod.run(&gitlab, &["--group", "acme", "--worker", "1"]).await;

    assert_eq!(again, first);
    assert_eq!(gitlab.requests().len(), 0);
}

#[tokio::test]
async fn exit_codes_tell_the_job_what_to_do() {
    let gitlab = serve(company(1, Size { projects: 2, ..small() })).await;
    let place = Place::sqlite().await;
    let database = place.url.expose_secret().to_owned();
    let nobody = "postgres://someone:hunter2@127.0.0.1:1/acme";
    let cases = [
        ("glpat-wrong", database.as_str(), "acme", 43, "invalid_credentials"),
        (TOKEN, database.as_str(), "nobody/home", 42, "ScopeNotFound"),
        (TOKEN, nobody, "acme", 1, "DatabaseUnreachable"),
    ];
    for (token, database, group, expected, reason) in cases {
        let (code, words) = Pod::new(token, database).run(&gitlab, &["--group", group]).await;

        assert_eq!(code, expected, "{words}");
        assert!(words.contains(reason), "{words}");
        assert!(!words.contains(token) && !words.contains("hunter2"), "{words}");
    }
}
