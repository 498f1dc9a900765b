//! The product as its users start it: the binary, in a directory of its own.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::process::{Child, Command};

/// A directory that goes with the test.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Directory {
        let path = std::env::temp_dir().join(format!("gitlab-connector-{:016x}", fastrand::u64(..)));
        std::fs::create_dir(&path).unwrap();
        Directory(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.0.join(name);
        std::fs::write(&file, text).unwrap();
        file
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// All that was printed.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The text is there, and the code is this.
    #[track_caller]
    pub(crate) fn says(&self, code: i32, words: &[&str]) {
        let text = self.text();
        for word in words {
            assert!(text.contains(word), "not said: {word}\n{text}");
        }
        assert_eq!(self.code, Some(code), "{text}");
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn command(directory: &Directory, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gitlab-connector"));
    command
        .args(arguments)
        .current_dir(directory.path())
        // The machine's own settings are not the test's.
        .env_remove("DATABASE_URL")
        .env_remove("GITLAB_TOKEN")
        .env_remove("GITLAB_CONNECTOR_LOG")
        .env("XDG_STATE_HOME", directory.path().join("state"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Starts a command and lets it run.
pub(crate) fn start(directory: &Directory, arguments: &[&str]) -> Child {
    command(directory, arguments).spawn().unwrap()
}

/// Runs a command to its end.
pub(crate) async fn run(directory: &Directory, arguments: &[&str]) -> Ended {
    start(directory, arguments).wait_with_output().await.unwrap().into()
}

/// Runs a command with one more environment variable.
pub(crate) async fn run_with(directory: &Directory, (name, value): (&str, &str), arguments: &[&str]) -> Ended {
    command(directory, arguments).env(name, value).output().await.unwrap().into()
}
