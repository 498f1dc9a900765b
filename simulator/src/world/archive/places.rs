//! Walking over merge requests in the order of a list, without making or holding them.

use std::borrow::Cow;
use std::ops::Range;

use jiff::Timestamp;

use super::index::partition_point;
use super::merged::{Merged, Place, Places};
use crate::world::company::{Kind, time};
use crate::world::{MergeRequest, World};

/// What a list is ordered by; the id breaks ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Along {
    /// When they were opened.
    Created,
    /// When anything about them changed.
    Updated,
}

/// A stretch of a list: from one place to another, both included.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// What it is ordered by.
    pub along: Along,
    /// The earliest place.
    pub from: Place,
    /// The latest place.
    pub to: Place,
    /// The latest comes first.
    pub descending: bool,
}

impl Stretch {
    /// The whole list.
    #[must_use]
    pub fn all(along: Along, descending: bool) -> Stretch {
        Stretch { along, from: (Timestamp::MIN, i64::MIN), to: (Timestamp::MAX, i64::MAX), descending }
    }

    /// Only what lies between two times, both included.
    #[must_use]
    pub fn between(mut self, (after, before): (Option<Timestamp>, Option<Timestamp>)) -> Stretch {
        self.from = after.map_or(self.from, |after| self.from.max((after, i64::MIN)));
        self.to = before.map_or(self.to, |before| self.to.min((before, i64::MAX)));
        self
    }

    fn empty(&self) -> bool {
        self.from > self.to
    }
}

impl World {
    /// Where the merge requests of some projects stand in a list, made as they are asked for.
    pub fn places(&self, projects: impl IntoIterator<Item = i64>, stretch: Stretch) -> impl Iterator<Item = Place> {
        let sources = projects.into_iter().filter(|_| !stretch.empty()).flat_map(|project| {
            let archived = self.archived_places(project, stretch);
            [archived, Some(self.held_places(project, stretch))].into_iter().flatten()
        });
        Merged::new(sources.collect(), stretch.descending)
    }

    /// How many there are in a stretch of the list: counted without looking at them, as far as nobody touched them.
    #[must_use]
    pub fn count_places(&self, projects: impl IntoIterator<Item = i64>, stretch: Stretch) -> usize {
        if stretch.empty() {
            return 0;
        }
        let whole = stretch.from.0 == Timestamp::MIN && stretch.to.0 == Timestamp::MAX;
        let count = |project: i64| {
            let held = self.held_places(project, stretch).count();
            let Some(place) = self.archive.place(project) else {
                return held;
            };
            let all = if whole {
                usize::try_from(self.archive.numbers_taken(project)).unwrap_or_default()
            } else {
                self.archive.count_in(place, stretch)
            };
            held + all - self.archive.replaced_in(place, stretch)
        };
        projects.into_iter().map(count).sum()
    }

    /// A merge request, to be looked at once: it is made, and not kept.
    #[must_use]
    pub fn glance(&self, id: i64) -> Option<Cow<'_, MergeRequest>> {
        match self.merge_requests.get(&id) {
            Some(held) => Some(Cow::Borrowed(held)),
            None => self.archive.glance(id).map(Cow::Owned),
        }
    }

    fn archived_places(&self, project: i64, stretch: Stretch) -> Option<Places<'_>> {
        let archive = &self.archive;
        let places = archive.all_places(archive.place(project)?, stretch);
        if archive.replaced.is_empty() {
            return Some(places);
        }
        Some(Box::new(places.filter(|(_, id)| !archive.replaced.contains_key(id))))
    }

    fn held_places(&self, project: i64, stretch: Stretch) -> Places<'_> {
        let Some(index) = self.index(project) else {
            return Box::new(std::iter::empty());
        };
        let Stretch { along, from, to, descending } = stretch;
        if along == Along::Updated {
            let range = index.by_updated.range(from..=to).copied();
            return if descending { Box::new(range.rev()) } else { Box::new(range) };
        }
        let held = index.by_iid.values().filter_map(|id| Some((self.merge_requests.get(id)?.created_at, *id)));
        let mut held: Vec<Place> = held.filter(|place| (from..=to).contains(place)).collect();
        held.sort_unstable();
        if descending {
            held.reverse();
        }
        Box::new(held.into_iter())
    }
}

impl super::Archive {
    /// Where a project's merge requests stand in a stretch of the list, those that were replaced among them.
    fn all_places(&self, place: usize, stretch: Stretch) -> Places<'_> {
        if stretch.along == Along::Updated {
            return self.updated_places(place, stretch);
        }
        let at = move |number: usize| self.created_at(place, number);
        let numbers = self.created_between(place, stretch);
        if stretch.descending { Box::new(numbers.rev().map(at)) } else { Box::new(numbers.map(at)) }
    }

    /// How many of a project's merge requests stand in a stretch of the list, those that were replaced among them.
    fn count_in(&self, place: usize, stretch: Stretch) -> usize {
        match stretch.along {
            Along::Updated => self.updated_count(place, stretch),
            Along::Created => self.created_between(place, stretch).len(),
        }
    }

    /// The numbers (from 0) of what was opened in a stretch of the list.
    fn created_between(&self, place: usize, stretch: Stretch) -> Range<usize> {
        let count = self.company.plan(place).count as usize;
        let begin = partition_point(count, |number| self.created_at(place, number) < stretch.from);
        begin..partition_point(count, |number| self.created_at(place, number) <= stretch.to).max(begin)
    }

    /// Where the one with a number (from 0) stands by when it was opened, which is the order of the numbers.
    fn created_at(&self, place: usize, number: usize) -> Place {
        let iid = number as i64 + 1;
        (time(self.company.created(place, iid)), self.id_at(place, iid))
    }

    pub(super) fn id_at(&self, place: usize, iid: i64) -> i64 {
        self.company.numbers().id(Kind::MergeRequest, place, iid)
    }

    /// How many of a stretch are held or deleted.
    fn replaced_in(&self, place: usize, stretch: Stretch) -> usize {
        let ids = self.replaced.iter().filter(|(_, at)| **at == place);
        let within = |id: i64| {
            let Some((_, iid, _)) = self.company.numbers().named(Kind::MergeRequest, id) else {
                return false;
            };
            let frame = self.company.frame(place, iid);
            let at = if stretch.along == Along::Created { frame.created } else { frame.updated };
            (stretch.from..=stretch.to).contains(&(time(at), id))
        };
        ids.filter(|(id, _)| within(**id)).count()
    }
}
