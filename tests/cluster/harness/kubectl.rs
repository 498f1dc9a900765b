//! The command that our users type.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::Cluster;
use crate::support::binary::Ended;

impl Cluster {
    /// Runs kubectl as an administrator.
    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> Ended {
        self.kubectl_with("", arguments).await
    }

    /// Runs kubectl with something to read.
    pub(crate) async fn kubectl_with(&self, input: &str, arguments: &[&str]) -> Ended {
        let mut child = Command::new(self.plane.kubectl())
            .args(arguments)
            .env("KUBECONFIG", self.plane.kubeconfig())
            .env("KUBECACHEDIR", self.directory.join("kubectl-cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        // One that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
        child.wait_with_output().await.unwrap().into()
    }
}
