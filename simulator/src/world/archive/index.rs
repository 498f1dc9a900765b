//! The orders of a project's history, eight bytes an entry: a time and the number of what happened then.

use crate::world::company::{Company, Fate};

/// Enough for sixteen million merge requests in a project.
const NUMBER_BITS: u32 = 24;

/// Numbers in the order of their times.
#[derive(Debug, Default)]
pub(crate) struct Order {
    begin: i64,
    entries: Box<[u64]>,
}

impl Order {
    /// Times (milliseconds since 1970, none before `begin`) with their numbers, in any order.
    fn new(begin: i64, times: impl Iterator<Item = (i64, i64)>) -> Order {
        let packed = times.map(|(at, number)| (((at - begin) as u64) << NUMBER_BITS) | number as u64);
        let mut entries: Box<[u64]> = packed.collect();
        entries.sort_unstable();
        Order { begin, entries }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The time and number at a place.
    pub(crate) fn get(&self, place: usize) -> (i64, i64) {
        let entry = self.entries[place];
        (self.begin + (entry >> NUMBER_BITS) as i64, (entry & ((1 << NUMBER_BITS) - 1)) as i64)
    }

    /// How many come before the first that is not wanted. Those that are wanted come first.
    pub(crate) fn partition_point(&self, wanted: impl Fn((i64, i64)) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if wanted(self.get(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The orders of a project's merge requests. That of their creation is that of their numbers.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// By updated_at.
    pub(crate) updated: Order,
    /// The merged ones, by when they were merged: the default branch.
    pub(crate) merged: Order,
    /// Numbers of the open ones.
    pub(crate) open: Box<[u32]>,
}

impl Index {
    pub(crate) fn new(company: &Company, place: usize) -> Index {
        let count = company.plan(place).count;
        if count == 0 {
            return Index::default();
        }
        let begin = company.frame(place, 1).created;
        let frames: Vec<(i64, bool, Option<i64>)> = (1..=count)
            .map(|iid| company.frame(place, iid))
            .map(|frame| (frame.updated, frame.fate == Fate::Open, frame.merged()))
            .collect();
        let open = frames.iter().zip(1..).filter(|((_, open, _), _)| *open).map(|(_, iid)| iid).collect();
        let updated = frames.iter().zip(1..).map(|((updated, ..), iid)| (*updated, iid));
        let merged = frames.iter().zip(1..).filter_map(|((.., merged), iid)| Some(((*merged)?, iid)));
        Index { updated: Order::new(begin, updated), merged: Order::new(begin, merged), open }
    }
}
