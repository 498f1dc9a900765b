//! What a merge request went through, roughly: drafting, reviews, rework. Both its notes and its pipelines are told from it.

use fastrand::Rng;

use super::frame::{Frame, Purpose};
use super::{Company, Fate, luck};

/// The turning points of a story, in milliseconds since 1970.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    /// When a draft became ready; none if it was ready from the beginning or never was.
    pub(super) ready: Option<i64>,
    /// Still a draft.
    pub(super) draft: bool,
    /// When reviews were asked for.
    pub(super) asked: i64,
    /// When reviewers had something to say.
    pub(super) reviews: Vec<i64>,
    /// When commits were pushed; the first are there from the beginning.
    pub(super) pushes: Vec<i64>,
    /// When it was good enough.
    pub(super) approved: Option<i64>,
}

impl Company {
    /// The outline of a story.
    pub(super) fn outline(&self, frame: &Frame) -> Outline {
        let mut random = frame.random.clone();
        let (rounds, extra) = match frame.purpose {
            Purpose::Work => (rounds(&mut random), random.usize(..3)),
            Purpose::Assistant => (rounds(&mut random), 0),
            Purpose::Dependency => (0, usize::from(luck::percent(&mut random, 25))),
            Purpose::Hotfix | Purpose::Revert => (usize::from(luck::percent(&mut random, 20)), 0),
        };
        let drafted = frame.purpose == Purpose::Work && luck::percent(&mut random, 26);
        let unfinished = frame.fate == Fate::Open && luck::percent(&mut random, 85);
        let reviewed = if drafted { 0.1 + 0.35 * random.f64() } else { 0.0 };
        let at = |share: f64| self.within(frame, share);

        let mut outline = Outline {
            ready: (drafted && !unfinished).then(|| at(reviewed)),
            draft: drafted && unfinished,
            asked: at(reviewed + 0.01),
            reviews: Vec::with_capacity(rounds),
            pushes: vec![frame.created],
            approved: None,
        };
        for number in 0..extra {
            let early = if drafted { reviewed } else { 0.25 };
            outline.pushes.push(at(early * (number as f64 + 0.3 + 0.5 * random.f64()) / extra as f64));
        }
        if outline.draft {
            return outline;
        }
        // Reviewers take turns with the author, who mostly answers faster than they come.
        let turn = (0.93 - reviewed) / (rounds as f64 + 0.6);
        for round in 0..rounds {
            let begin = reviewed + turn * (round as f64 + 0.15 + 0.45 * random.f64());
            outline.reviews.push(at(begin));
            outline.pushes.push(at(begin + turn * (0.1 + 0.35 * random.f64())));
        }
        let good = match frame.fate {
            Fate::Merged(_) => luck::percent(&mut random, 96),
            Fate::Closed(_) => luck::percent(&mut random, 8),
            Fate::Open => !unfinished && luck::percent(&mut random, 40),
        };
        outline.approved = good.then(|| at(0.9 + 0.08 * random.f64()));
        outline.pushes.sort_unstable();
        outline
    }

    /// A moment of the story: from 0, its beginning, to 1, its end, counted in the owner's working time.
    pub(super) fn within(&self, frame: &Frame, share: f64) -> i64 {
        let office = self.people[frame.owner].office;
        let (begin, end) = (frame.created, frame.end());
        let (from, to) = (self.calendar.worked(office, begin), self.calendar.worked(office, end));
        let at = if to - from < 600_000 {
            begin + ((end - begin) as f64 * share) as i64
        } else {
            self.calendar.when(office, from + ((to - from) as f64 * share) as i64)
        };
        at.clamp(begin, end.max(begin))
    }
}

/// How often reviewers want something changed.
fn rounds(random: &mut Rng) -> usize {
    match random.u32(..100) {
        0..42 => 0,
        42..77 => 1,
        77..92 => 2,
        _ => 3 + random.usize(..3),
    }
}
