//! Which merge requests are compared: numbers of projects, drawn at random. Not rows of the database, for then none would
//! ever be missing.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use crate::store::Audited;

/// Merge requests of one project that are read with one request.
const A_REQUEST: usize = 50;

/// How many merge requests to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// So many, drawn at random; all where there are not more.
    Random(u64),
    /// All.
    All,
}

/// All numbers that merge requests may have.
pub(super) struct Population {
    projects: Vec<Audited>,
    ranges: Vec<RangeInclusive<i64>>,
}

/// What was drawn of a population.
pub(super) enum Drawn<'a> {
    All(&'a Population),
    /// Places in the order of the population.
    Some(&'a Population, BTreeSet<u64>),
}

impl Population {
    /// Of each project, the numbers up to that of the newest merge request. With a `limit` in time, none before the first
    /// that is stored: those were never meant to be.
    pub(super) fn new(projects: Vec<Audited>, newest: &HashMap<i64, i64>, limit: bool) -> Population {
        let range = |project: &Audited| {
            let newest = newest.get(&project.id).copied().unwrap_or(0);
            let (least, greatest) = project.iids.unwrap_or((newest.max(1), 0));
            (if limit { least } else { 1 })..=newest.max(greatest)
        };
        Population { ranges: projects.iter().map(range).collect(), projects }
    }

    pub(super) fn projects(&self) -> &[Audited] {
        &self.projects
    }

    /// Draws a sample.
    pub(super) fn draw(&self, sample: Sample) -> Drawn<'_> {
        match sample {
            Sample::Random(wanted) if wanted < self.size() => {
                let mut places = BTreeSet::new();
                while (places.len() as u64) < wanted {
                    places.insert(fastrand::u64(..self.size()));
                }
                Drawn::Some(self, places)
            }
            Sample::Random(_) | Sample::All => Drawn::All(self),
        }
    }

    fn size(&self) -> u64 {
        self.ranges.iter().map(len).sum()
    }
}

impl<'a> Drawn<'a> {
    pub(super) fn len(&self) -> u64 {
        match self {
            Drawn::All(population) => population.size(),
            Drawn::Some(_, places) => places.len() as u64,
        }
    }

    /// The numbers, a request at a time.
    pub(super) fn portions(&self) -> Box<dyn Iterator<Item = (&'a Audited, Vec<i64>)> + Send + '_> {
        match self {
            Drawn::All(population) => Box::new(population.projects.iter().zip(&population.ranges).flat_map(portions)),
            Drawn::Some(population, places) => {
                let mut before = 0;
                Box::new(population.projects.iter().zip(&population.ranges).flat_map(move |(project, range)| {
                    let end = before + len(range);
                    let drawn = places.range(before..end);
                    let start = *range.start();
                    let iids: Vec<i64> = drawn.map(|place| start.saturating_add_unsigned(place - before)).collect();
                    before = end;
                    let portions: Vec<_> = iids.chunks(A_REQUEST).map(|iids| (project, iids.to_vec())).collect();
                    portions
                }))
            }
        }
    }
}

fn portions<'a>(
    (project, range): (&'a Audited, &'a RangeInclusive<i64>),
) -> impl Iterator<Item = (&'a Audited, Vec<i64>)> + use<'a> {
    let starts = range.clone().step_by(A_REQUEST);
    starts.map(move |start| {
        let end = start.saturating_add_unsigned(A_REQUEST as u64 - 1).min(*range.end());
        (project, (start..=end).collect())
    })
}

fn len(range: &RangeInclusive<i64>) -> u64 {
    range.end().saturating_sub(*range.start()).saturating_add(1).max(0).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn population(limit: bool) -> Population {
        let project = |id, iids| Audited { id, path: format!("acme/{id}"), count: 0, iids };
        let projects = vec![project(1, Some((11, 120))), project(2, None), project(3, None), project(4, Some((1, 2)))];
        Population::new(projects, &HashMap::from([(1, 118), (2, 3)]), limit)
    }

    fn drawn(sample: Sample, limit: bool) -> Vec<(i64, i64)> {
        let population = population(limit);
        let drawn = population.draw(sample);
        let iids = drawn.portions().flat_map(|(project, iids)| {
            assert!(!iids.is_empty() && iids.len() <= A_REQUEST, "{iids:?}");
            iids.into_iter().map(|iid| (project.id, iid))
        });
        iids.collect()
    }

    #[test]
    fn all_are_all_numbers_up_to_the_newest_of_each_project() {
        let all = drawn(Sample::All, false);

        assert_eq!(all.iter().filter(|(project, _)| *project == 1).count(), 120);
        assert_eq!(all[120..], [(2, 1), (2, 2), (2, 3), (4, 1), (4, 2)]);
        assert_eq!(drawn(Sample::Random(125), false), all, "there are no more");
    }

    #[test]
    fn with_a_limit_in_time_nothing_before_the_first_that_is_stored_is_asked_for() {
        let all = drawn(Sample::All, true);

        assert_eq!((all[0], all.len()), ((1, 11), 110 + 1 + 2));
    }

    #[test]
    fn a_sample_has_the_size_that_was_asked_for_each_once_and_all_have_their_chance() {
        let mut met = BTreeSet::new();
        for _ in 0..200 {
            let sample = drawn(Sample::Random(20), false);
            assert_eq!(sample.iter().collect::<BTreeSet<_>>().len(), 20);
            met.extend(sample);
        }

        assert_eq!(met.into_iter().collect::<Vec<_>>(), drawn(Sample::All, false));
    }
}
