//! When a merge request was opened and how it ended: cheap, so that the orders of lists can be made for millions.

use fastrand::Rng;

use super::calendar::DAY;
use super::{Company, luck};

/// Nothing changes any more so long after it was opened. Most of that is 700 hours of somebody's work, with weekends and holidays.
pub(crate) const LONGEST: i64 = 126 * DAY;

const MINUTE: f64 = 60_000.0;
const HOUR: f64 = 60.0 * MINUTE;

/// How a merge request ended, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has not.
    Open,
    Merged(i64),
    Closed(i64),
}

/// What a merge request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Somebody's work.
    Work,
    /// Something is broken for users.
    Hotfix,
    /// Takes an earlier one back.
    Revert,
    /// A new version of a dependency, by a bot.
    Dependency,
    /// Written by an assistant that was asked to.
    Assistant,
}

/// The frame of a merge request's story.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) place: usize,
    pub(crate) iid: i64,
    pub(crate) purpose: Purpose,
    /// Who wrote it, among the company's people; for bots, who looks after it.
    pub(crate) owner: usize,
    /// Milliseconds since 1970, as are all times here.
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) fate: Fate,
    /// The chance of the rest of the story.
    pub(crate) random: Rng,
}

impl Frame {
    /// When the story ends, or has got to.
    pub(crate) fn end(&self) -> i64 {
        match self.fate {
            Fate::Open => self.updated,
            Fate::Merged(at) | Fate::Closed(at) => at,
        }
    }

    pub(crate) fn merged(&self) -> Option<i64> {
        match self.fate {
            Fate::Merged(at) => Some(at),
            _ => None,
        }
    }
}

impl Company {
    /// When a merge request was opened: never before those with smaller numbers.
    pub(crate) fn created(&self, place: usize, iid: i64) -> i64 {
        self.opening(place, iid).0
    }

    /// When it was opened, and the chance of the rest.
    fn opening(&self, place: usize, iid: i64) -> (i64, Rng) {
        let plan = &self.plans[place];
        let mut random = luck::of(self.seed, 1, place, iid);
        let share = (iid as f64 - 1.0 + 0.98 * random.f64()) / plan.count as f64;
        let created = self.calendar.moment(plan.life.0 + share * (plan.life.1 - plan.life.0)).min(self.until);
        (created, random)
    }

    /// The frame of a merge request's story.
    pub(crate) fn frame(&self, place: usize, iid: i64) -> Frame {
        let plan = &self.plans[place];
        let (created, mut random) = self.opening(place, iid);
        let purpose = purpose(&mut random);
        let owner = self.somebody(place, created, &[], &mut random);
        let office = self.people[owner].office;

        let takes = plan.pace
            * match purpose {
                Purpose::Work => 14.0 * HOUR,
                Purpose::Assistant => 7.0 * HOUR,
                Purpose::Dependency => 3.0 * HOUR,
                Purpose::Hotfix | Purpose::Revert => 0.8 * HOUR,
            };
        let works = luck::duration(&mut random, takes, 1.25).clamp(120_000, (700.0 * HOUR) as i64);
        let worked = self.calendar.worked(office, created);
        let end = self.calendar.when(office, worked + works).max(created + works.min(600_000));
        let (closed, forgotten) = match purpose {
            Purpose::Work => (7, 2),
            Purpose::Hotfix | Purpose::Revert => (2, 0),
            Purpose::Dependency => (16, 3),
            Purpose::Assistant => (14, 2),
        };
        let lot = random.u32(..100);
        let fate = match lot {
            _ if end > self.until || lot < forgotten => Fate::Open,
            _ if lot < forgotten + closed => Fate::Closed(end),
            _ => Fate::Merged(end),
        };
        let updated = match fate {
            // What is forgotten was commented on for a while.
            Fate::Open if end <= self.until => end,
            Fate::Open => {
                let (from, to) = (self.calendar.worked(office, created), self.calendar.worked(office, self.until));
                let so_far = (to - from) as f64 * (1.0 - random.f64() * random.f64());
                self.calendar.when(office, from + so_far as i64).clamp(created, self.until)
            }
            _ if luck::percent(&mut random, 12) => {
                let later = luck::duration(&mut random, 5.0 * HOUR, 1.5);
                let latest = self.until.min(created + LONGEST).max(end);
                self.calendar.when(office, self.calendar.worked(office, end) + later).clamp(end, latest)
            }
            _ => end + random.i64(0..400).min(self.until - end),
        };
        Frame { place, iid, purpose, owner, created, updated, fate, random }
    }
}

fn purpose(random: &mut Rng) -> Purpose {
    match random.u32(..100) {
        0..3 => Purpose::Hotfix,
        3..5 => Purpose::Revert,
        5..15 => Purpose::Dependency,
        15..20 => Purpose::Assistant,
        _ => Purpose::Work,
    }
}
