//! Numbers for whoever watches a run: cheap to raise from many tasks, cheap to read at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::store::RunProgress;

/// How far a run got. The importer raises it, a progress bar reads it; clones share the numbers.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
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
            projects: self.0.projects.load(Relaxed),
            projects_ended: self.0.projects_ended.load(Relaxed),
            expected: self.0.expected.load(Relaxed),
            merge_requests: self.0.merge_requests.load(Relaxed),
        }
    }

    /// What earlier workers of the run left behind.
    pub(super) fn resume(&self, at: RunProgress) {
        let ended = at.done + at.skipped + at.failed;
        self.0.projects.store(at.tasks.unsigned_abs(), Relaxed);
        self.0.projects_ended.store(ended.unsigned_abs(), Relaxed);
        self.0.expected.store(at.expected.unsigned_abs(), Relaxed);
        self.0.merge_requests.store(at.merge_requests.unsigned_abs(), Relaxed);
    }

    pub(super) fn planned(&self, projects: u64, merge_requests: u64) {
        self.0.projects.fetch_add(projects, Relaxed);
        self.0.expected.fetch_add(merge_requests, Relaxed);
    }

    pub(super) fn stored(&self, merge_requests: u64) {
        self.0.merge_requests.fetch_add(merge_requests, Relaxed);
    }

    pub(super) fn project_ended(&self) {
        self.0.projects_ended.fetch_add(1, Relaxed);
    }
}
