//! A container's process: started in a root of its own, waited for, signalled, and joined by other commands.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use super::environment::Variables;
use super::machine::{Machine, TOOLS};
use super::security::User;

/// Makes the root; all that varies is in its arguments.
const SCRIPT: &str = include_str!("root.sh");

/// Leaves as its child does, which is the first process of the new namespace. (`unshare --fork` of util-linux 2.38 says 1
/// for a child that was killed.) What the shell itself has to say goes nowhere.
const WAIT: &str = "exec 3>&2 2> /dev/null; (exec \"$@\" 2>&3 3>&-); exit $?";

/// Becomes the command that it is told.
const TOLD: &str = "eval \"set -- $(cat)\"; exec \"$@\" < /dev/null";

/// A file or directory of the machine that a container sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) source: PathBuf,
    pub(super) target: String,
    pub(super) read_only: bool,
}

/// All that is needed to start a container.
#[derive(Debug)]
pub(super) struct Launch {
    /// An empty directory to mount the root on.
    pub(super) root: PathBuf,
    pub(super) host_name: String,
    pub(super) read_only_root: bool,
    pub(super) working_directory: String,
    pub(super) log: PathBuf,
    pub(super) mounts: Vec<Mount>,
    pub(super) user: User,
    pub(super) variables: Variables,
    pub(super) command: Vec<String>,
}

pub(super) struct Process {
    /// Tools that wait for the container and leave as it does.
    child: Child,
    inside: Inside,
}

/// A way into a container that runs, for probes and hooks.
#[derive(Clone)]
pub(super) struct Inside {
    pub(super) pid: u32,
    /// Becomes the container's user with the container's variables.
    prelude: Vec<String>,
}

impl Launch {
    /// Starts the container on `machine`; says why when its root cannot be made.
    pub(super) async fn start(&self, machine: &Machine) -> Result<Process, String> {
        let failed = |error: io::Error| format!("failed to create containerd task: {error}");
        let prelude = self.prelude();
        let mut command = tool("nsenter");
        command.arg(joined("--pid=", machine.namespace().as_os_str()));
        command.args(["--", "unshare", "--mount", "--uts", "--ipc", "--pid", "--propagation", "private"]);
        command.args(["--", "sh", "-c", WAIT, "wait.sh", "sh", "-c", SCRIPT, "root.sh"]);
        let mut child = command.spawn().map_err(failed)?;
        tell(&mut child, &self.words(&prelude)).await;

        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).await.map_err(failed)?;
        }
        let complaints = child.stderr.take();
        if let Ok(pid) = line.trim().parse() {
            executed(pid).await;
            return Ok(Process { child, inside: Inside { pid, prelude } });
        }
        let mut text = String::new();
        if let Some(mut complaints) = complaints {
            complaints.read_to_string(&mut text).await.map_err(failed)?;
        }
        child.wait().await.map_err(failed)?;
        Err(format!("failed to create containerd task: {}", text.trim()))
    }

    /// What the script is told.
    fn words(&self, prelude: &[String]) -> Vec<String> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let access = if self.read_only_root { "read-only" } else { "writable" };
        let mut words = vec![text(&self.root), self.host_name.clone(), access.to_owned(), text(&self.log)];
        words.push(self.working_directory.clone());
        for mount in &self.mounts {
            let access = if mount.read_only { "ro" } else { "rw" };
            words.extend([text(&mount.source), mount.target.clone(), access.to_owned()]);
        }
        words.push("--".to_owned());
        words.extend_from_slice(prelude);
        words.extend_from_slice(&self.command);
        words
    }

    fn prelude(&self) -> Vec<String> {
        let mut prelude = self.user.setpriv();
        prelude.extend(["env".to_owned(), "-i".to_owned(), format!("--chdir={}", self.working_directory)]);
        prelude.extend(self.variables.iter().map(|(name, value)| format!("{name}={value}")));
        prelude
    }
}

impl Process {
    pub(super) fn inside(&self) -> &Inside {
        &self.inside
    }

    /// The exit code, for a signal 128 and its number as container runtimes have it.
    pub(super) async fn wait(&mut self) -> i32 {
        match self.child.wait().await {
            Ok(status) => code(status),
            Err(error) => {
                tracing::warn!(%error, "cannot wait for a container");
                255
            }
        }
    }

    /// Asks the container to end.
    pub(super) async fn terminate(&self) {
        signal("TERM", self.inside.pid).await;
    }

    /// Ends the container and everything in it.
    pub(super) async fn kill(&self) {
        signal("KILL", self.inside.pid).await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Nobody is left to wait for the answer.
            let _ = std::process::Command::new("sh").args(kill_arguments("KILL", self.inside.pid)).status();
        }
    }
}

impl Inside {
    /// Runs a command in the container; it has to end well, and in time.
    pub(super) async fn run(&self, command: &[String], limit: Duration) -> Result<(), String> {
        let failed = |error: io::Error| format!("cannot run a command in the container: {error}");
        let mut tool = tool("nsenter");
        tool.arg(format!("--target={}", self.pid)).args(["--mount", "--uts", "--ipc", "--pid", "--root", "--"]);
        let mut child = tool.args(["sh", "-c", TOLD]).spawn().map_err(failed)?;
        let timeout = ["timeout".to_owned(), "--signal=KILL".to_owned(), limit.as_secs_f64().to_string()];
        tell(&mut child, &[&self.prelude, &timeout[..], command].concat()).await;
        let output = child.wait_with_output().await.map_err(failed)?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        Err(format!("command exited with {}: {}", code(output.status), String::from_utf8_lossy(&said).trim()))
    }
}

/// Writes words to the stdin of a shell that evaluates them. Why one does not listen is what it says itself.
async fn tell(child: &mut Child, words: &[String]) {
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(quoted(words).as_bytes()).await;
    }
}

/// Words as a shell reads them back, whatever is in them.
fn quoted(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
    words.join(" ")
}

/// Waits until the tools of the machine have made way for the container's own program: the first process of a namespace
/// loses a signal that nobody has asked for, and a SIGTERM is not for the tools.
async fn executed(pid: u32) {
    let environment = format!("/proc/{pid}/environ");
    let given = |environment: &[u8]| environment.split(|byte| *byte == 0).any(|line| line.starts_with(b"HOSTNAME="));
    // Each tool takes about a millisecond; no more than a second is spent on it.
    for _ in 0..500 {
        match tokio::fs::read(&environment).await {
            Ok(environment) if !given(&environment) => sleep(Duration::from_millis(2)).await,
            _ => return,
        }
    }
}

/// Sends a signal to a process of this machine.
pub(super) async fn signal(name: &str, pid: u32) {
    let mut shell = tool("sh");
    if let Err(error) = shell.args(kill_arguments(name, pid)).output().await {
        tracing::warn!(%error, pid, "cannot send SIG{name}");
    }
}

fn kill_arguments(signal: &str, pid: u32) -> [String; 5] {
    // Of a process that has gone meanwhile nothing is said.
    let script = "kill -s \"$1\" \"$2\" 2> /dev/null || true";
    ["-c".to_owned(), script.to_owned(), "sh".to_owned(), signal.to_owned(), pid.to_string()]
}

/// A tool of the machine that inherits nothing of the test's environment.
fn tool(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env_clear().env("PATH", TOOLS).env("LC_ALL", "C").kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A Ctrl-C in the terminal is for the tests, who then end their containers.
    command.process_group(0);
    command
}

fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(255)
}

fn joined(option: &str, value: &OsStr) -> std::ffi::OsString {
    let mut joined = std::ffi::OsString::from(option);
    joined.push(value);
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_each_word_as_it_was() {
        let words = ["it's", "", "$(id) `id` \"$HOME\" \\", "two\nlines\n", "ä"].map(str::to_owned);
        let script = format!("set -- {}; printf '<%s>' \"$@\"", quoted(&words));

        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();

        let expected: String = words.iter().map(|word| format!("<{word}>")).collect();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}
