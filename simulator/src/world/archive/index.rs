//! The orders of a project's history, eight bytes an entry: a time and the number of what happened then.

use crate::world::company::{Cause, Company, Fate, Run};

/// Enough for sixteen million merge requests in a project.
const ROWS: u32 = 24;
/// Four more, for what ran for them; which leaves enough for the times of two years.
const RUNS: u32 = ROWS + 4;

/// Numbers in the order of their times.
#[derive(Debug, Default)]
pub(crate) struct Order<const BITS: u32> {
    begin: i64,
    entries: Box<[u64]>,
}

impl<const BITS: u32> Order<BITS> {
    /// Times (milliseconds since 1970, none before `begin`) with their numbers, in any order.
    fn new(begin: i64, times: impl Iterator<Item = (i64, i64)>) -> Order<BITS> {
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
    pub(crate) updated: Order<ROWS>,
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

/// The orders of a project's pipelines and deployments.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    /// By when they were made: the number of the merge request and what it ran for.
    pub(crate) pipelines: Order<RUNS>,
    /// By when they were made: the place of the pipeline in its order, and which step it was.
    pub(crate) deployments: Order<RUNS>,
}

impl Runs {
    pub(crate) fn new(company: &Company, place: usize) -> Runs {
        let begin = company.pipelines_since();
        let rows = 1..=company.plan(place).count;
        let runs = rows
            .flat_map(|iid| company.runs(place, iid).into_iter().map(move |(at, cause)| (at, iid << 4 | cause.code())));
        let mut found = Runs { pipelines: Order::new(begin, runs), deployments: Order::default() };
        let on_main = (0..found.pipelines.len()).filter_map(|number| {
            let run = found.run(place, number);
            (run.cause == Cause::Merge).then_some((number as i64, run))
        });
        let steps = on_main.flat_map(|(number, run)| {
            let steps = company.steps(run, &company.pipeline(run));
            steps.into_iter().map(move |(at, step)| (at, number << 2 | step.code()))
        });
        let deployments = Order::new(begin, steps.collect::<Vec<_>>().into_iter());
        found.deployments = deployments;
        found
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
