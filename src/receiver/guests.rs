//! Who is connected, and who leaves when somebody else needs the place: strangers that hold connections open keep nobody out.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// All connections that are open.
#[derive(Debug, Default)]
pub(super) struct Guests(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    last: u64,
    standings: HashMap<u64, Standing>,
}

/// How it stands with one connection.
#[derive(Debug)]
struct Standing {
    /// Deliveries that are authentic and not answered yet.
    deliveries: usize,
    /// Whether it ever brought one.
    asked: bool,
    /// When it came, or last had a request or an answer.
    idle_since: Instant,
    leave: CancellationToken,
}

/// One open connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Guest {
    guests: Arc<Guests>,
    id: u64,
    /// Told when somebody else gets the place.
    pub(super) leave: CancellationToken,
}

/// A delivery of the guest's that is authentic and being stored, until it is dropped.
#[derive(Debug)]
pub(super) struct Served(Arc<Guest>);

impl Guests {
    pub(super) fn admit(self: &Arc<Self>) -> Guest {
        let leave = CancellationToken::new();
        let standing = Standing { deliveries: 0, asked: false, idle_since: Instant::now(), leave: leave.clone() };
        let mut table = self.table();
        table.last += 1;
        let id = table.last;
        table.standings.insert(id, standing);
        Guest { guests: Arc::clone(self), id, leave }
    }

    /// Sends away who has been idle the longest: first of those that never asked for anything, then of all, also of those
    /// whose request is on its way and proves nothing yet. Nobody, where all have deliveries that are being stored.
    pub(super) fn make_room(&self) {
        let table = self.table();
        let idle = table.standings.values().filter(|guest| guest.deliveries == 0 && !guest.leave.is_cancelled());
        if let Some(guest) = idle.min_by_key(|guest| (guest.asked, guest.idle_since)) {
            guest.leave.cancel();
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    /// Whether it ever asked for anything.
    pub(super) fn asked(&self) -> bool {
        self.guests.table().standings.get(&self.id).is_some_and(|guest| guest.asked)
    }

    /// It has a request, whatever that is worth.
    pub(super) fn asks(&self) {
        self.change(|guest| (guest.asked, guest.idle_since) = (true, Instant::now()));
    }

    /// Its request is an authentic delivery.
    pub(super) fn serve(self: &Arc<Self>) -> Served {
        self.change(|guest| guest.deliveries += 1);
        Served(Arc::clone(self))
    }

    fn change(&self, change: impl FnOnce(&mut Standing)) {
        if let Some(standing) = self.guests.table().standings.get_mut(&self.id) {
            change(standing);
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.guests.table().standings.remove(&self.id);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.0.change(|guest| {
            guest.deliveries -= 1;
            guest.idle_since = Instant::now();
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_never_asked_leaves_first_then_who_is_idle_the_longest_and_nobody_who_is_served() {
        let guests = Arc::new(Guests::default());
        let mut crowd = Vec::new();
        for _ in 0..4 {
            crowd.push(Arc::new(guests.admit()));
            advance(Duration::from_secs(1)).await;
        }
        for guest in &crowd[..3] {
            guest.asks();
            advance(Duration::from_secs(1)).await;
        }
        let _served = crowd[2].serve();
        let gone = || crowd.iter().map(|guest| guest.leave.is_cancelled()).collect::<Vec<_>>();

        guests.make_room();
        assert_eq!(gone(), [false, false, false, true]);
        guests.make_room();
        assert_eq!(gone(), [true, false, false, true]);
        guests.make_room();
        guests.make_room();
        assert_eq!(gone(), [true, true, false, true]);
        drop(crowd.split_off(3));
        assert_eq!(guests.table().standings.len(), 3);
    }
}
