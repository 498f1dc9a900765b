//! Pipelines and deployments: one pipeline for each push and each merge of the last year, as older ones are cleaned up.

mod deployments;
mod jobs;

pub(crate) use deployments::Step;

use super::calendar::DAY;
use super::events::TAGGED_AFTER;
use super::{Company, Kind, Part, luck, time};
use crate::world::{Pipeline, Sha};

/// How long pipelines are kept.
const KEPT: i64 = 365 * DAY;
/// So long after a merge its pipeline is made.
const MERGED_AFTER: i64 = 2_300;
/// So long after that one it starts another.
const CHILD_AFTER: i64 = 60_000;
/// More pushes than this have no pipelines of their own.
const PUSHES: usize = 12;

/// What a pipeline ran for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A push to a merge request: the first is number 0.
    Push(usize),
    /// A merge into the default branch.
    Merge,
    /// A pipeline of the default branch that another one starts.
    Child,
    /// The tag of a release.
    Tag,
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
            Cause::Child => 13,
            Cause::Tag => 14,
            Cause::Merge => 15,
        }
    }

    pub(crate) fn of(code: i64) -> Cause {
        match code {
            13 => Cause::Child,
            14 => Cause::Tag,
            15 => Cause::Merge,
            number => Cause::Push(number as usize),
        }
    }

    /// Whether it ran for the merge request itself.
    pub(crate) fn is_push(self) -> bool {
        matches!(self, Cause::Push(_))
    }

    fn source(self) -> &'static str {
        match self {
            Cause::Push(_) => "merge_request_event",
            Cause::Child => "parent_pipeline",
            Cause::Merge | Cause::Tag => "push",
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
        let of_merge = frame.merged().map(|at| (at + MERGED_AFTER, Cause::Merge));
        let documented = frame.merged().filter(|_| self.plans[place].documented);
        let of_child = documented.map(|at| (at + MERGED_AFTER + CHILD_AFTER, Cause::Child));
        let of_tag = self.release_of(place, iid).map(|_| (frame.end() + TAGGED_AFTER + 1_400, Cause::Tag));
        let kept = |(at, _): &(i64, Cause)| (self.pipelines_since()..=self.until).contains(at);
        of_pushes.chain(of_merge).chain(of_child).chain(of_tag).filter(kept).collect()
    }

    /// The number of the release that a merge request was the last of.
    fn release_of(&self, place: usize, iid: i64) -> Option<i64> {
        self.plans[place].releases.iter().find(|(released, _)| *released == iid).map(|(_, number)| *number)
    }

    /// When the pipeline ran that a merge started, and the one that this one started, where there is one.
    pub(crate) fn family(&self, place: usize, iid: i64) -> Option<[(i64, Cause); 2]> {
        let runs = self.runs(place, iid);
        let of = |cause| runs.iter().copied().find(|(_, known)| *known == cause);
        Some([of(Cause::Merge)?, of(Cause::Child)?])
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
            tag: cause == Cause::Tag,
            source: cause.source(),
            created_at: time(at),
            updated_at: time(at),
            ..Pipeline::default()
        };
        self.run_jobs(run, &mut pipeline, &mut random);
        pipeline
    }

    /// The commit, the one before it, the reference, and who pushed. What was on the default branch before is known to whoever
    /// has the order of merges.
    fn ran_on(&self, run: Run) -> (Sha, Sha, String, Option<i64>) {
        let row = self.merge_request(run.place, run.iid, Sha::default());
        match run.cause {
            Cause::Merge => {
                let sha = self.sha(run.place, run.iid, Part::Merge);
                (sha, Sha::default(), "main".to_owned(), row.merge_user)
            }
            Cause::Child => {
                (self.sha(run.place, run.iid, Part::Merge), Sha::default(), "main".to_owned(), row.merge_user)
            }
            Cause::Tag => {
                let (number, owner) = (self.release_of(run.place, run.iid), self.frame(run.place, run.iid).owner);
                let sha = self.sha(run.place, run.iid, Part::Merge);
                (sha, Sha::default(), Company::tag(number.unwrap_or_default()), Some(self.people[owner].user))
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
