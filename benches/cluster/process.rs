//! A process of the product, and what it uses as `/proc` tells.

use std::{fs, process::Stdio, time::Duration};

use tokio::process::{Child, Command};

use crate::place::{IMAGE, NAMESPACE, Place, free_address};

/// What a process has used so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// User and system time.
    pub(crate) cpu: Duration,
    rss_kib: u32,
    peak_kib: u32,
}

impl Usage {
    /// The resident set, in MiB.
    pub(crate) fn mib(&self) -> f64 {
        f64::from(self.rss_kib) / 1024.0
    }

    /// The largest that it was.
    pub(crate) fn peak_mib(&self) -> f64 {
        f64::from(self.peak_kib) / 1024.0
    }
}

/// A controller or a receiver.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts one with the rights that the chart gives it, and waits until it is ready.
    pub(crate) async fn start(place: &Place, component: &str) -> Process {
        let health = free_address();
        let mut command = Command::new(env!("CARGO_BIN_EXE_gitlab-connector"));
        command
            .args(["--log=info", "--log-format=json", component, &format!("--watch-namespace={NAMESPACE}")])
            .env("KUBECONFIG", place.rights_of(component).await)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(place.directory.join(format!("{component}.log"))).expect("a log"))
            .kill_on_drop(true);
        if component == "controller" {
            command
                .args([format!("--listen={health}"), format!("--import-image={IMAGE}")])
                .args([format!("--lease-namespace={NAMESPACE}"), format!("--receiver-url={}", place.receiver_url())]);
        } else {
            command.args([format!("--listen={}", place.receiver), format!("--health-listen={health}")]);
        }
        let process = Process { child: command.spawn().expect("it starts") };
        let ready =
            async || reqwest::get(format!("http://{health}/readyz")).await.is_ok_and(|answer| answer.status() == 200);
        while !ready().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        process
    }

    pub(crate) fn usage(&self) -> Usage {
        let process = format!("/proc/{}", self.child.id().expect("it runs"));
        let status = fs::read_to_string(format!("{process}/status")).expect("its status");
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of its status");
            line.split_whitespace().next().and_then(|kib| kib.parse().ok()).expect("a number")
        };
        let stat = fs::read_to_string(format!("{process}/stat")).expect("its figures");
        // Fields 14 and 15, counted behind the command's closing bracket, which is field 2. The kernel's ticks are 10 ms.
        let after = stat.rsplit(')').next().unwrap_or_default();
        let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Usage { cpu: Duration::from_millis(ticks * 10), rss_kib: kib("VmRSS:"), peak_kib: kib("VmHWM:") }
    }

    /// Asks it to end, and waits for that.
    pub(crate) async fn end(mut self) {
        let id = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.expect("kill runs").success());
        self.child.wait().await.expect("it is ours");
    }
}
