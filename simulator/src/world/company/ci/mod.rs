//! Pipelines and deployments: one pipeline for each push and each merge of the last year, as older ones are cleaned up.

mod deployments;
mod jobs;

pub(crate) use deployments::Step;

use super::calendar::DAY;
use super::{Company, Kind, Part, luck, time};
use crate::world::{Pipeline, Sha};

/// How long pipelines are kept.
const KEPT: i64 = 365 * DAY;
/// More pushes than this have no pipelines of their own.
const PUSHES: usize = 12;

/// What a pipeline ran for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A push to a merge request: the first is number 0.
    Push(usize),
    /// A merge into the default branch.
    Merge,
}

/// A pipeline that ran, before anything of it is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) place: usize,
    /// The merge request.
    pub(crate) iid: i64,
    pub(crate) cause: Cause,
    /// Its number among the project's, from 1.
    pub(crate) number: i64,
    /// When it was made.
    pub(crate) at: i64,
}

impl Cause {
    /// As a number below 16, for indexes.
    pub(crate) fn code(self) -> i64 {
        match self {
            Cause::Push(number) => number as i64,
            Cause::Merge => 15,
        }
    }

    pub(crate) fn of(code: i64) -> Cause {
        match code {
            15 => Cause::Merge,
            number => Cause::Push(number as usize),
        }
    }
}

impl Company {
    /// Since when pipelines are kept.
    pub(crate) fn pipelines_since(&self) -> i64 {
        self.until - KEPT
    }

    /// When which pipelines ran for a merge request.
    pub(crate) fn runs(&self, place: usize, iid: i64) -> Vec<(i64, Cause)> {
        let frame = self.frame(place, iid);
        if frame.end() < self.pipelines_since() {
            return Vec::new();
        }
        let pushes = self.outline(&frame).pushes;
        let of_pushes = pushes.iter().take(PUSHES).enumerate().map(|(number, at)| (at + 1_700, Cause::Push(number)));
        let of_merge = frame.merged().map(|at| (at + 2_300, Cause::Merge));
        let kept = |(at, _): &(i64, Cause)| (self.pipelines_since()..=self.until).contains(at);
        of_pushes.chain(of_merge).filter(kept).collect()
    }

    /// A pipeline with its jobs.
    pub(crate) fn pipeline(&self, run: Run) -> Pipeline {
        let (sha, before_sha, ref_name, user) = self.ran_on(run);
        Pipeline { sha, before_sha, ref_name, user, ..self.course(run) }
    }

    /// The course of a pipeline: all of it but what it ran on, for which the merge request has to be made.
    pub(crate) fn course(&self, run: Run) -> Pipeline {
        let Run { place, iid, cause, number, at } = run;
        let mut random = luck::of(self.seed, 6, place, iid << 4 | cause.code());
        let mut pipeline = Pipeline {
            id: self.numbers().id(Kind::Pipeline, place, number),
            iid: number,
            project: self.project(place),
            source: if cause == Cause::Merge { "push" } else { "merge_request_event" },
            created_at: time(at),
            updated_at: time(at),
            ..Pipeline::default()
        };
        self.run_jobs(run, &mut pipeline, &mut random);
        pipeline
    }

    /// The commit, the one before it, the reference, and who pushed.
    fn ran_on(&self, run: Run) -> (Sha, Sha, String, Option<i64>) {
        let row = self.merge_request(run.place, run.iid);
        match run.cause {
            Cause::Merge => {
                let sha = self.sha(run.place, run.iid, Part::Merge);
                (sha, row.merge_base(), "main".to_owned(), row.merge_user)
            }
            Cause::Push(number) => {
                let head = row.versions.get(number).map(|version| version.head);
                let before =
                    number.checked_sub(1).and_then(|before| row.versions.get(before)).map(|before| before.head);
                let reference = format!("refs/merge-requests/{}/head", run.iid);
                (head.unwrap_or_default(), before.unwrap_or_default(), reference, row.author)
            }
        }
    }
}
