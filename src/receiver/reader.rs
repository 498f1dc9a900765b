//! Who reads the secrets of a connection.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, time::Instant};

/// Secrets that were read not longer ago than this are not doubted: strangers must not have them read again and again.
const FRESH: Duration = Duration::from_secs(10);

/// Reads the secrets of a connection again when asked: a change may not have reached us, and what looks forged be authentic.
#[derive(Clone, Debug)]
pub struct Reader {
    bell: Arc<Notify>,
    read_at: Instant,
}

impl Reader {
    /// The secrets were read then; `bell` wakes who reads them.
    #[must_use]
    pub fn new(bell: Arc<Notify>, read_at: Instant) -> Reader {
        Reader { bell, read_at }
    }

    /// The same, who has read them once more.
    #[must_use]
    pub fn again(&self) -> Reader {
        Reader::new(Arc::clone(&self.bell), Instant::now())
    }

    pub(super) fn may_be_doubted(&self) -> bool {
        self.read_at.elapsed() >= FRESH
    }

    pub(super) fn ask(&self) {
        self.bell.notify_one();
    }

    /// Whether the secrets were read after this.
    pub(super) fn is_later_than(&self, before: &Reader) -> bool {
        self.read_at > before.read_at
    }
}
