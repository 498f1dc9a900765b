//! What the parts of the server share.

use std::sync::atomic::AtomicUsize;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::{Notify, Semaphore, watch};

use super::clients::Clients;
use super::faults::Faults;
use super::limits::Limiter;
use super::log::Log;
use crate::world::World;

/// What the server's parts share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(super) world: RwLock<World>,
    pub(super) root: String,
    /// Whether it is served over TLS.
    pub(super) https: bool,
    /// Whether routes that are not there are told aloud.
    pub(super) strict: bool,
    /// Whether connections are let in.
    pub(super) gate: watch::Sender<bool>,
    pub(super) faults: Faults,
    pub(super) log: Log,
    pub(super) limiter: Limiter,
    pub(super) clients: Clients,
    /// GitLab's background workers.
    pub(super) workers: Semaphore,
    pub(super) in_flight: AtomicUsize,
    pub(super) settled: Notify,
}

impl Shared {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was made for a reader is forgotten once there is much of it.
    pub(crate) fn tidy(&self) {
        if self.read().crowded() {
            self.write().tidy();
        }
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, World> {
        self.world.write().unwrap_or_else(PoisonError::into_inner)
    }
}
