//! The machine that the containers run on: a process-id namespace that ends with this process, however that ends.
//!
//! Its first process reads a pipe of ours. When the pipe breaks it leaves, and the kernel kills everything that was
//! started in the namespace, the namespaces of the containers below it included.

use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Where the host's tools are found, whatever the environment of the caller.
pub(super) const TOOLS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) struct Machine {
    child: Mutex<Child>,
    namespace: PathBuf,
}

impl Machine {
    pub(super) fn start() -> io::Result<Self> {
        let mut child = Command::new("unshare")
            .args(["--pid", "--fork", "--", "sh", "-c", "echo ready; read -r _"])
            .env_clear()
            .env("PATH", TOOLS)
            // Interrupting the tests from a terminal must not take the machine along before they are done.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;

        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        if line != "ready\n" {
            child.wait()?;
            return Err(io::Error::other("cannot make a process-id namespace: the kubelet has to run as root"));
        }
        let namespace = format!("/proc/{}/ns/pid_for_children", child.id()).into();
        Ok(Self { child: Mutex::new(child), namespace })
    }

    /// The file of the namespace that containers are started in.
    pub(super) fn namespace(&self) -> &Path {
        &self.namespace
    }

    /// Kills everything at once, as pulling the plug does.
    pub(super) fn stop(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        drop(child.stdin.take());
        if let Err(error) = child.wait() {
            tracing::warn!(%error, "cannot wait for the machine");
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn what_runs_on_the_machine_ends_with_it() {
        let machine = Machine::start().unwrap();
        let mut inside = Command::new("nsenter")
            .arg(format!("--pid={}", machine.namespace().display()))
            .args(["--", "sh", "-c", "trap '' TERM HUP; echo up; sleep 1000"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(inside.stdout.take().unwrap()).read_line(&mut line).unwrap();

        machine.stop();

        assert_eq!(inside.wait().unwrap().signal(), Some(9));
    }
}
