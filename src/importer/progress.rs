//! Numbers for whoever watches a run: cheap to raise from many tasks, cheap to read at any time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::store::RunProgress;

/// How far a run got. One lives as long as the run; the importer raises it, a progress bar reads it.
#[derive(Debug, Default)]
pub struct Progress {
    projects: AtomicU64,
    projects_ended: AtomicU64,
    expected: AtomicU64,
    merge_requests: AtomicU64,
}

/// The numbers of one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Projects in the plan, so far as it is known.
    pub projects: u64,
    /// Projects that were read, skipped or given up.
    pub projects_ended: u64,
    /// Merge requests that GitLab says there are to read. Unknown, and so not counted, for those that were read before.
    pub expected: u64,
    /// Merge requests stored.
    pub merge_requests: u64,
}

impl Progress {
    /// The numbers of this moment.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            projects: self.projects.load(Relaxed),
            projects_ended: self.projects_ended.load(Relaxed),
            expected: self.expected.load(Relaxed),
            merge_requests: self.merge_requests.load(Relaxed),
        }
    }

    /// What earlier workers of the run left behind.
    pub(super) fn resume(&self, at: RunProgress) {
        let ended = at.done + at.skipped + at.failed;
        self.projects.store(at.tasks.unsigned_abs(), Relaxed);
        self.projects_ended.store(ended.unsigned_abs(), Relaxed);
        self.expected.store(at.expected.unsigned_abs(), Relaxed);
        self.merge_requests
            .store(at.merge_requests.unsigned_abs(), Relaxed);
    }

    pub(super) fn planned(&self, projects: u64, merge_requests: u64) {
        self.projects.fetch_add(projects, Relaxed);
        self.expected.fetch_add(merge_requests, Relaxed);
    }

    pub(super) fn stored(&self, merge_requests: u64) {
        self.merge_requests.fetch_add(merge_requests, Relaxed);
    }

    pub(super) fn project_ended(&self) {
        self.projects_ended.fetch_add(1, Relaxed);
    }
}
