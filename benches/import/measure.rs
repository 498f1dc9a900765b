//! Runs a command as a whole process and reads what it used from `/proc`.

use std::{
    fs,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

/// What one process used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// From start to exit.
    pub(crate) wall: Duration,
    /// User and system time, in the kernel's ticks of 10 ms.
    pub(crate) cpu: Duration,
    /// The largest resident set, in KiB.
    pub(crate) peak_kib: u64,
}

impl Usage {
    /// The largest resident set, in MiB.
    #[allow(clippy::cast_precision_loss, reason = "a figure to print")]
    pub(crate) fn peak_mib(&self) -> f64 {
        self.peak_kib as f64 / 1024.0
    }
}

/// Runs the command to its end.
///
/// The child is looked at every few milliseconds, and once more after it has ended and before it is reaped: only then are its times final.
pub(crate) fn run(command: &mut Command) -> Usage {
    let started = Instant::now();
    let mut child = command.spawn().expect("the command starts");
    let mut peak_kib = 0;
    loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        peak_kib = field(&status, "VmHWM:").map_or(peak_kib, |kib| peak_kib.max(kib));
        if status.contains("State:\tZ") {
            break;
        }
        thread::sleep(Duration::from_millis(2));
    }
    let usage = Usage { wall: started.elapsed(), cpu: cpu_time(&child), peak_kib };
    let status = child.wait().expect("the child is ours");
    assert!(status.success(), "{command:?} ended with {status}");
    usage
}

fn field(status: &str, name: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

fn cpu_time(child: &Child) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).expect("a zombie keeps its figures");
    // Fields 14 and 15, counted behind the command's closing bracket, which is field 2.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
