//! A container's process: started in a root of its own, waited for, signalled, and joined by other commands.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use super::environment::Variables;
use super::machine::{Machine, TOOLS};
use super::security::User;

/// Makes the root; all that varies is in its arguments.
const SCRIPT: &str = include_str!("root.sh");

/// Leaves as its child does, which is the first process of the new namespace. (`unshare --fork` of util-linux 2.38 says 1
/// for a child that was killed.) What the shell itself has to say goes nowhere.
const WAIT: &str = "exec 3>&2 2> /dev/null; (exec \"$@\" 2>&3 3>&-); exit $?";

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
        command.arg(&self.root).arg(&self.host_name);
        command.arg(if self.read_only_root { "read-only" } else { "writable" });
        command.arg(&self.log).arg(&self.working_directory);
        for mount in &self.mounts {
            command.arg(&mount.source).arg(&mount.target).arg(if mount.read_only { "ro" } else { "rw" });
        }
        command.arg("--").args(&prelude).args(&self.command);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;

        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).await.map_err(failed)?;
        }
        let complaints = child.stderr.take();
        if let Ok(pid) = line.trim().parse() {
            return Ok(Process { child, inside: Inside { pid, prelude } });
        }
        let mut text = String::new();
        if let Some(mut complaints) = complaints {
            complaints.read_to_string(&mut text).await.map_err(failed)?;
        }
        child.wait().await.map_err(failed)?;
        Err(format!("failed to create containerd task: {}", text.trim()))
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
        let mut tool = tool("nsenter");
        tool.arg(format!("--target={}", self.pid)).args(["--mount", "--uts", "--ipc", "--pid", "--root", "--"]);
        tool.args(&self.prelude);
        tool.args(["timeout", "--signal=KILL", &limit.as_secs_f64().to_string()]).args(command);
        let output = tool.stdout(Stdio::piped()).stderr(Stdio::piped()).output().await.map_err(|e| e.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        Err(format!("command exited with {}: {}", code(output.status), String::from_utf8_lossy(&said).trim()))
    }
}

/// Sends a signal to a process of this machine.
pub(super) async fn signal(name: &str, pid: u32) {
    let mut shell = tool("sh");
    shell.args(kill_arguments(name, pid)).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = shell.status().await {
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
    command.env_clear().env("PATH", TOOLS).env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true);
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
