//! Who works in a company, and when.

use fastrand::Rng;

use super::calendar::{Calendar, DAY};
use super::{Company, luck};

/// Somebody who works in the company, as long as they do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Person {
    /// The user; the ghost where the account was deleted.
    pub(crate) user: i64,
    /// What mentions call them.
    pub(crate) username: String,
    /// As Git writes it.
    pub(crate) name: String,
    /// As Git writes it.
    pub(crate) email: String,
    /// Where they work.
    pub(crate) office: u8,
    /// From when to when.
    pub(crate) employed: (i64, i64),
    /// The day of the year on which their long holiday begins.
    pub(crate) holiday: i64,
}

impl Person {
    fn employed(&self, at: i64) -> bool {
        (self.employed.0..self.employed.1).contains(&at)
    }

    /// Whether they are at work: not before they joined, not on holiday, and by day.
    fn at_work(&self, calendar: &Calendar, at: i64) -> bool {
        let day = at.div_euclid(DAY).rem_euclid(365);
        self.employed(at) && !(self.holiday..self.holiday + 16).contains(&day) && calendar.at_work(self.office, at)
    }
}

impl Company {
    /// Somebody by their user.
    pub(super) fn person(&self, user: i64) -> Option<&Person> {
        let place = *self.by_user.get(&user)?;
        self.people.get(place).or_else(|| self.bots.get(place - self.people.len()))
    }

    /// Somebody of a project's team who is at work, and none of some others; where nobody is, somebody who works late.
    pub(super) fn somebody(&self, place: usize, at: i64, others: &[usize], random: &mut Rng) -> usize {
        let mut employed = None;
        for _ in 0..10 {
            let who = self.member(place, random);
            if others.contains(&who) || !self.people[who].employed(at) {
                continue;
            }
            if self.people[who].at_work(&self.calendar, at) {
                return who;
            }
            employed = employed.or(Some(who));
        }
        let (first, size) = self.plans[place].team;
        let anyone = || (0..size.max(3)).map(|step| (first + step) % self.people.len());
        let free = |who: &usize| !others.contains(who);
        employed
            .or_else(|| anyone().find(|who| free(who) && self.people[*who].employed(at)))
            .or_else(|| anyone().find(free))
            .unwrap_or(first)
    }

    /// One of the team; now and then somebody from elsewhere.
    fn member(&self, place: usize, random: &mut Rng) -> usize {
        let (first, size) = self.plans[place].team;
        if luck::percent(random, 6) {
            return random.usize(..self.people.len());
        }
        // Some do more than others.
        let lot = random.f64() * random.f64();
        (first + (lot * size as f64) as usize) % self.people.len()
    }
}
