//! What was made while the World was only read: found again by its id, until the World may be written to.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

const BUCKETS: usize = 1024;

type Cell<T> = OnceLock<Box<Entry<T>>>;

struct Entry<T> {
    id: i64,
    value: T,
    next: Cell<T>,
}

/// A map that only grows while it is shared, so that what it hands out stays where it is.
pub(crate) struct Remembered<T> {
    buckets: OnceLock<Box<[Cell<T>]>>,
    made: AtomicUsize,
}

impl<T> Default for Remembered<T> {
    fn default() -> Remembered<T> {
        Remembered { buckets: OnceLock::new(), made: AtomicUsize::new(0) }
    }
}

impl<T> Clone for Remembered<T> {
    /// A clone makes its own again.
    fn clone(&self) -> Remembered<T> {
        Remembered::default()
    }
}

impl<T> fmt::Debug for Remembered<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} remembered", self.len())
    }
}

impl<T> Remembered<T> {
    /// How many are remembered.
    pub(crate) fn len(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    /// The one with this id, if it was made already.
    pub(crate) fn get(&self, id: i64) -> Option<&T> {
        let mut cell = self.bucket(id);
        while let Some(entry) = cell.get() {
            if entry.id == id {
                return Some(&entry.value);
            }
            cell = &entry.next;
        }
        None
    }

    /// The one with this id, made now unless it was made before.
    pub(crate) fn get_or_make(&self, id: i64, make: impl FnOnce() -> Option<T>) -> Option<&T> {
        if let Some(known) = self.get(id) {
            return Some(known);
        }
        let mut fresh = Box::new(Entry { id, value: make()?, next: OnceLock::new() });
        let mut cell = self.bucket(id);
        loop {
            match cell.set(fresh) {
                Ok(()) => {
                    self.made.fetch_add(1, Ordering::Relaxed);
                    return cell.get().map(|entry| &entry.value);
                }
                // Somebody else was faster: perhaps with the same one, which is then equal.
                Err(back) => fresh = back,
            }
            let entry = cell.get()?;
            if entry.id == id {
                return Some(&entry.value);
            }
            cell = &entry.next;
        }
    }

    /// Forgets everything.
    pub(crate) fn forget(&mut self) {
        *self = Remembered::default();
    }

    fn bucket(&self, id: i64) -> &Cell<T> {
        let buckets = self.buckets.get_or_init(|| (0..BUCKETS).map(|_| OnceLock::new()).collect());
        let scattered = id.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        &buckets[scattered as usize % BUCKETS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_made_once_and_forgotten_at_a_time() {
        let mut remembered = Remembered::default();
        for id in 0..5_000 {
            assert_eq!(remembered.get_or_make(id, || Some(id * 2)), Some(&(id * 2)));
        }

        assert_eq!(remembered.get_or_make(7, || None), Some(&14));
        assert_eq!(remembered.get_or_make(-1, || None), None);
        assert_eq!(remembered.len(), 5_000);
        remembered.forget();
        assert_eq!((remembered.len(), remembered.get(7)), (0, None));
    }

    #[test]
    fn two_who_make_the_same_share_it() {
        let remembered = Remembered::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope
                    .spawn(|| (0..2_000).for_each(|id| assert_eq!(remembered.get_or_make(id, || Some(id)), Some(&id))));
            }
        });

        assert_eq!(remembered.len(), 2_000);
    }
}
