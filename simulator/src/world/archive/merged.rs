//! Several lists in the same order, read as one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;

use jiff::Timestamp;

/// A time, and the id of the merge request that has it.
pub(super) type Place = (Timestamp, i64);

/// A list, made as it is read.
pub(super) type Places<'w> = Box<dyn Iterator<Item = Place> + 'w>;

/// Lists that nothing is asked of before it is their turn, each with a place before which it does not begin.
type Waiting<'w> = Box<dyn Iterator<Item = (Place, Places<'w>)> + 'w>;

/// Several lists in the same order, as one.
pub(super) struct Merged<'w> {
    waiting: Peekable<Waiting<'w>>,
    sources: Vec<Places<'w>>,
    /// The next place of each source: the one that comes first is the largest.
    next: BinaryHeap<(Rank, usize)>,
    descending: bool,
}

/// A place as the heap ranks it: the earliest first, or the latest.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Earliest(Reverse<Place>),
    Latest(Place),
}

fn rank(place: Place, descending: bool) -> Rank {
    if descending { Rank::Latest(place) } else { Rank::Earliest(Reverse(place)) }
}

impl<'w> Merged<'w> {
    /// Lists that may begin anywhere.
    pub(super) fn new(sources: Vec<Places<'w>>, descending: bool) -> Merged<'w> {
        let mut merged = Merged::later(std::iter::empty(), descending);
        sources.into_iter().for_each(|source| merged.open(source));
        merged
    }

    /// Lists that come in the order of the places before which they do not begin.
    pub(super) fn later(waiting: impl Iterator<Item = (Place, Places<'w>)> + 'w, descending: bool) -> Merged<'w> {
        let waiting: Waiting<'w> = Box::new(waiting);
        Merged { waiting: waiting.peekable(), sources: Vec::new(), next: BinaryHeap::new(), descending }
    }

    fn open(&mut self, mut source: Places<'w>) {
        if let Some(place) = source.next() {
            self.next.push((rank(place, self.descending), self.sources.len()));
            self.sources.push(source);
        }
    }

    /// The next list, if it may begin before what comes first so far.
    fn due(&mut self) -> Option<Places<'w>> {
        let (first, descending) = (self.next.peek(), self.descending);
        let due = |(begin, _): &(Place, Places<'w>)| first.is_none_or(|(first, _)| rank(*begin, descending) >= *first);
        self.waiting.next_if(due).map(|(_, source)| source)
    }
}

impl Iterator for Merged<'_> {
    type Item = Place;

    fn next(&mut self) -> Option<Place> {
        while let Some(source) = self.due() {
            self.open(source);
        }
        let (found, number) = self.next.pop()?;
        if let Some(place) = self.sources[number].next() {
            self.next.push((rank(place, self.descending), number));
        }
        Some(match found {
            Rank::Earliest(Reverse(place)) | Rank::Latest(place) => place,
        })
    }
}
