//! The orders of a project's history, eight bytes an entry: a time and the number of what happened then.

use std::sync::OnceLock;

use crate::world::company::{Cause, Company, Fate, LONGEST, Run};

/// Enough for sixteen million merge requests in a project.
pub(super) const ROWS: u32 = 24;
/// Four more, for what ran for them; which leaves enough for the times of two years.
pub(super) const RUNS: u32 = ROWS + 4;

/// Numbers in the order of their times.
#[derive(Debug, Default)]
pub(crate) struct Order<const BITS: u32> {
    begin: i64,
    entries: Box<[u64]>,
}

impl<const BITS: u32> Order<BITS> {
    /// Times (milliseconds since 1970, none before `begin`) with their numbers, in any order.
    pub(super) fn new(begin: i64, times: impl Iterator<Item = (i64, i64)>) -> Order<BITS> {
        let packed = times.map(|(at, number)| (((at - begin) as u64) << BITS) | number as u64);
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
        (self.begin + (entry >> BITS) as i64, (entry & ((1 << BITS) - 1)) as i64)
    }

    /// How many come before the first that is not wanted. Those that are wanted come first.
    pub(crate) fn partition_point(&self, wanted: impl Fn((i64, i64)) -> bool) -> usize {
        partition_point(self.len(), |place| wanted(self.get(place)))
    }
}

/// How many of so many come before the first that is not wanted. Those that are wanted come first.
pub(super) fn partition_point(count: usize, wanted: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if wanted(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// What became of a project's merge requests.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// The merged ones, by when they were merged: the default branch.
    pub(crate) merged: Order<ROWS>,
    /// Numbers of the open ones.
    pub(crate) open: Box<[u32]>,
}

impl Index {
    pub(crate) fn new(company: &Company, place: usize) -> Index {
        let count = company.plan(place).count;
        if count == 0 {
            return Index::default();
        }
        let begin = company.created(place, 1);
        let fates: Vec<Fate> = (1..=count).map(|iid| company.frame(place, iid).fate).collect();
        let open = fates.iter().zip(1..).filter(|(fate, _)| **fate == Fate::Open).map(|(_, iid)| iid).collect();
        let merged = fates.iter().zip(1..).filter_map(|(fate, iid)| match fate {
            Fate::Merged(at) => Some((*at, iid)),
            _ => None,
        });
        Index { merged: Order::new(begin, merged), open }
    }
}

/// The orders of a project's pipelines and deployments.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    /// By when they were made: the number of the merge request and what it ran for.
    pub(crate) pipelines: Order<RUNS>,
    deployments: OnceLock<Order<RUNS>>,
}

impl Runs {
    pub(crate) fn new(company: &Company, place: usize) -> Runs {
        let begin = company.pipelines_since();
        let count = company.plan(place).count;
        // What changed last before pipelines were kept has none.
        let old = |number: usize| company.created(place, number as i64 + 1) + LONGEST < begin;
        let rows = partition_point(count as usize, old) as i64 + 1..=count;
        let runs = rows
            .flat_map(|iid| company.runs(place, iid).into_iter().map(move |(at, cause)| (at, iid << 4 | cause.code())));
        Runs { pipelines: Order::new(begin, runs), deployments: OnceLock::new() }
    }

    /// By when they were made: the place of the pipeline in its order, and which step it was.
    pub(crate) fn deployments(&self, company: &Company, place: usize) -> &Order<RUNS> {
        self.deployments.get_or_init(|| {
            let runs = (0..self.pipelines.len()).map(|number| (number as i64, self.run(place, number)));
            let deploying = runs.filter(|(_, run)| company.deploys(*run));
            let steps = deploying.flat_map(|(number, run)| {
                let steps = company.steps(run, &company.course(run));
                steps.into_iter().map(move |(at, step)| (at, number << 2 | step.code()))
            });
            Order::new(company.pipelines_since(), steps)
        })
    }

    /// The pipeline at a place in the order.
    pub(crate) fn run(&self, place: usize, number: usize) -> Run {
        let (at, packed) = self.pipelines.get(number);
        Run { place, iid: packed >> 4, cause: Cause::of(packed & 15), number: number as i64 + 1, at }
    }

    /// The place in the order of a pipeline that ran for a merge request.
    pub(crate) fn find(&self, iid: i64, (at, cause): (i64, Cause)) -> usize {
        let wanted = (at, iid << 4 | cause.code());
        self.pipelines.partition_point(|entry| entry < wanted)
    }
}
