//! The order in which a project's merge requests were changed last, made in blocks where it is looked at.
//!
//! A block is the order of some numbers that follow each other. Numbers follow the times of opening, and nothing changes later
//! than [`LONGEST`] after that: so it is known between which times a block lies before any of it is made, and a walk makes the
//! few blocks only that it gets to.

use std::ops::Range;
use std::sync::OnceLock;

use jiff::Timestamp;

use super::Archive;
use super::index::{Order, ROWS, partition_point};
use super::merged::{Merged, Place, Places};
use super::places::Stretch;
use crate::world::company::{Company, LONGEST, time};

/// So many numbers are a block.
const BLOCK: usize = 128;

/// The blocks of a project.
#[derive(Debug, Default)]
pub(super) struct Blocks(OnceLock<Box<[OnceLock<Order<ROWS>>]>>);

impl Blocks {
    /// The block at a place, of so many merge requests.
    fn get(&self, block: usize, count: usize) -> &OnceLock<Order<ROWS>> {
        &self.0.get_or_init(|| (0..count.div_ceil(BLOCK)).map(|_| OnceLock::new()).collect())[block]
    }

    /// How many were made.
    #[cfg(test)]
    pub(super) fn made(&self) -> usize {
        self.0.get().map_or(0, |blocks| blocks.iter().filter(|block| block.get().is_some()).count())
    }
}

impl Archive {
    /// Where a project's merge requests stand in a stretch of the list.
    pub(super) fn updated_places(&self, place: usize, stretch: Stretch) -> Places<'_> {
        let blocks = self.blocks(place, stretch);
        let waiting = move |block: usize| {
            let (earliest, latest) = self.span(place, block);
            let begin = if stretch.descending { (latest, i64::MAX) } else { (earliest, i64::MIN) };
            let source = std::iter::once_with(move || self.block_places(place, block, stretch)).flatten();
            (begin, Box::new(source) as Places<'_>)
        };
        Box::new(if stretch.descending {
            Merged::later(blocks.rev().map(waiting), true)
        } else {
            Merged::later(blocks.map(waiting), false)
        })
    }

    /// How many of a project's merge requests stand in a stretch of the list. What lies within it as a whole is not made.
    pub(super) fn updated_count(&self, place: usize, stretch: Stretch) -> usize {
        let count = |block: usize| {
            let (earliest, latest) = self.span(place, block);
            if stretch.from.0 < earliest && latest < stretch.to.0 {
                return self.numbers(place, block).len();
            }
            self.within(place, block, stretch).len()
        };
        self.blocks(place, stretch).map(count).sum()
    }

    /// The blocks that may reach into a stretch.
    fn blocks(&self, place: usize, stretch: Stretch) -> Range<usize> {
        let count = self.count_at(place).div_ceil(BLOCK);
        let begin = partition_point(count, |block| self.span(place, block).1 < stretch.from.0);
        let end = partition_point(count, |block| self.span(place, block).0 <= stretch.to.0);
        begin..end.max(begin)
    }

    /// The times between which a block lies.
    fn span(&self, place: usize, block: usize) -> (Timestamp, Timestamp) {
        let numbers = self.numbers(place, block);
        let (first, last) = (numbers.start as i64, numbers.end as i64 - 1);
        (time(self.company.created(place, first)), time(self.company.created(place, last) + LONGEST))
    }

    /// The numbers of the merge requests of a block.
    fn numbers(&self, place: usize, block: usize) -> Range<usize> {
        block * BLOCK + 1..((block + 1) * BLOCK).min(self.count_at(place)) + 1
    }

    fn count_at(&self, place: usize) -> usize {
        self.company.plan(place).count as usize
    }

    fn block_places(&self, place: usize, block: usize, stretch: Stretch) -> Places<'_> {
        let order = self.order(place, block);
        let at = move |number: usize| self.place_at(place, order.get(number));
        let numbers = self.within(place, block, stretch);
        if stretch.descending { Box::new(numbers.rev().map(at)) } else { Box::new(numbers.map(at)) }
    }

    /// The part of a block that lies in a stretch.
    fn within(&self, place: usize, block: usize, stretch: Stretch) -> Range<usize> {
        let order = self.order(place, block);
        let begin = order.partition_point(|entry| self.place_at(place, entry) < stretch.from);
        begin..order.partition_point(|entry| self.place_at(place, entry) <= stretch.to).max(begin)
    }

    fn order(&self, place: usize, block: usize) -> &Order<ROWS> {
        let order = self.updated[place].get(block, self.count_at(place));
        order.get_or_init(|| made(&self.company, place, self.numbers(place, block)))
    }

    fn place_at(&self, place: usize, (at, iid): (i64, i64)) -> Place {
        (time(at), self.id_at(place, iid))
    }
}

fn made(company: &Company, place: usize, numbers: Range<usize>) -> Order<ROWS> {
    let begin = company.created(place, numbers.start as i64);
    Order::new(begin, numbers.map(|iid| (company.frame(place, iid as i64).updated, iid as i64)))
}
