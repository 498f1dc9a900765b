//! A process of the receiver.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::harness::{Namespace, until};
use crate::support::binary::Directory;
use crate::support::ports::free_address;

/// A process of the receiver, with the rights that the chart gives it. It ends with this value.
pub(super) struct Receiver {
    /// Where GitLab reaches it.
    pub(super) url: String,
    directory: Directory,
    _child: Child,
}

impl Receiver {
    /// Starts it and waits until it is ready.
    pub(super) async fn start(namespace: &Namespace) -> Receiver {
        let directory = Directory::new();
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let [deliveries, health] = [free_address(), free_address()];
        let child = Command::new(env!("CARGO_BIN_EXE_gitlab-connector"))
            .args(["--log=info", "receiver", &format!("--watch-namespace={}", namespace.name)])
            .args([format!("--listen={deliveries}"), format!("--health-listen={health}")])
            .env("KUBECONFIG", namespace.rights_of("receiver").await)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let receiver = Receiver { url: format!("http://{deliveries}/webhooks/gitlab"), directory, _child: child };
        until("the receiver is ready", Duration::from_secs(30), async || {
            let answer = reqwest::get(format!("http://{health}/readyz")).await.map_err(|error| error.to_string())?;
            if answer.status().is_success() { Ok(()) } else { Err(answer.text().await.unwrap_or_default()) }
        })
        .await;
        receiver
    }

    /// All that it logged so far.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The test harness shows it with the test that failed.
            #[allow(clippy::print_stderr, reason = "for who reads why a test failed")]
            {
                eprintln!("log of the receiver:\n{}", self.log());
            }
        }
    }
}
