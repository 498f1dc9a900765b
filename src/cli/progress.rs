//! How far an import is: a bar on a terminal, plain lines elsewhere. Both on standard error.

use std::{
    io::IsTerminal,
    sync::Arc,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

use crate::{
    gitlab::Client,
    importer::{Progress, Snapshot},
};

/// How often the bar is drawn.
const FRAME: Duration = Duration::from_millis(200);
/// How often a plain line is written.
const LINE: Duration = Duration::from_secs(5);

/// Shows progress until it is dropped.
#[derive(Debug)]
pub(super) struct Shown {
    task: JoinHandle<()>,
    bar: ProgressBar,
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.task.abort();
        self.bar.finish_and_clear();
    }
}

/// Shows how far the import of a connection is.
pub(super) fn show(name: &str, progress: Arc<Progress>, client: Client, alone: bool) -> Shown {
    // Bars of several imports would write over each other.
    let terminal = alone && std::io::stderr().is_terminal();
    let bar = if terminal {
        ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr())
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:20}] {wide_msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(name.to_owned());
    let name = name.to_owned();
    let drawn = bar.clone();
    let task = tokio::spawn(async move {
        let started = Instant::now();
        let (mut last, mut told) = (Snapshot::default(), Instant::now());
        loop {
            tokio::time::sleep(FRAME).await;
            let now = progress.snapshot();
            let line = describe(&now, client.stats().requests, started.elapsed());
            // Of nothing known, nothing is done: a length of 0 would draw a full bar.
            drawn.set_length(now.expected.max(now.merge_requests).max(1));
            drawn.set_position(now.merge_requests);
            drawn.set_message(line.clone());
            if !terminal && now != last && told.elapsed() >= LINE {
                super::note(&format!("{name}: {line}"));
                (last, told) = (now, Instant::now());
            }
        }
    });
    Shown { task, bar }
}

/// One line: projects, merge requests, requests, time, and what is left.
fn describe(now: &Snapshot, requests: u64, elapsed: Duration) -> String {
    let Snapshot { projects, projects_ended, expected, merge_requests } = *now;
    if projects == 0 {
        return format!("looking for projects, {requests} requests, {:.1} s", elapsed.as_secs_f64());
    }
    let eta = match eta(merge_requests, expected, elapsed) {
        Some(left) => format!(", {:.0} s left", left.as_secs_f64().ceil()),
        None => String::new(),
    };
    let expected = expected.max(merge_requests);
    format!(
        "{projects_ended}/{projects} projects, {merge_requests}/{expected} merge requests, {requests} requests, {:.1} s{eta}",
        elapsed.as_secs_f64()
    )
}

/// The time left if it goes on as so far.
fn eta(done: u64, expected: u64, elapsed: Duration) -> Option<Duration> {
    let left = expected.checked_sub(done)?;
    if done == 0 || left == 0 {
        return None;
    }
    // The numbers are far below where a double loses them.
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    Some(elapsed.mul_f64(left as f64 / done as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_projects_merge_requests_requests_and_what_is_left() {
        let now = Snapshot { projects: 10, projects_ended: 2, expected: 500, merge_requests: 100 };

        let line = describe(&now, 7, Duration::from_secs(2));

        assert_eq!(line, "2/10 projects, 100/500 merge requests, 7 requests, 2.0 s, 8 s left");
    }

    #[test]
    fn nothing_is_estimated_before_there_is_something_to_go_by() {
        assert_eq!(eta(0, 500, Duration::from_secs(2)), None);
        assert_eq!(eta(500, 500, Duration::from_secs(2)), None);
    }
}
