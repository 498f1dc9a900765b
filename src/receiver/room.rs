//! Room for large bodies: so many are in memory at once, and only some of them of one connection, however slow its sender is.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use super::failure::Failure;

/// Bodies above a quarter of a megabyte that are in memory at once: 150 MB where all are as large as GitLab makes them.
const ALL: usize = 6;

/// Those of one connection, so that no other one waits for a sender of its.
const OF_ONE: usize = 2;

/// Where large bodies are read.
#[derive(Debug)]
pub(super) struct Room {
    all: Arc<Semaphore>,
    /// By connection; those of which nobody is here are left out.
    own: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// A place for one body, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Room {
    pub(super) fn new() -> Room {
        Room { all: Arc::new(Semaphore::new(ALL)), own: Mutex::default() }
    }

    /// A place for a body that is sent to `whom`, the connection that the URL names.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] at the deadline.
    pub(super) async fn enter(&self, whom: &str, deadline: Instant) -> Result<Seat, Failure> {
        let own = self.own(whom);
        let seat = async {
            let own = own.acquire_owned().await?;
            // Who waits here waits for others, and keeps nobody from it.
            Ok::<_, tokio::sync::AcquireError>(Seat { _own: own, _all: Arc::clone(&self.all).acquire_owned().await? })
        };
        timeout_at(deadline, seat).await.map_err(|_| Failure::Unavailable)?.map_err(|_| Failure::Unavailable)
    }

    fn own(&self, whom: &str) -> Arc<Semaphore> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.retain(|_, places| Arc::strong_count(places) > 1);
        let places = own.entry(whom.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(OF_ONE)));
        Arc::clone(places)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_connection_never_takes_the_places_of_others() {
        let room = Room::new();
        let soon = || Instant::now() + Duration::from_secs(1);
        let mut seats = Vec::new();
        for _ in 0..OF_ONE {
            seats.push(room.enter("greedy", soon()).await.unwrap());
        }

        assert!(matches!(room.enter("greedy", soon()).await, Err(Failure::Unavailable)));
        for other in ["a", "a", "b", "b"] {
            seats.push(room.enter(other, soon()).await.unwrap());
        }
        assert!(matches!(room.enter("c", soon()).await, Err(Failure::Unavailable)));

        seats.clear();
        room.enter("greedy", soon()).await.unwrap();
        assert_eq!(room.own.lock().unwrap().len(), 1, "nothing is kept of those that are gone");
    }
}
