//! A company one believes, whose history is never held: each merge request is made of the seed, its project and its number.
//!
//! What there is few of (people, groups, labels, environments) is put into the World when the company is founded. Everything
//! else is written from the top down: when a merge request was opened and how it ended ([`frame`]), which is cheap and makes
//! the orders of lists; then what happened in between ([`story`]), only where somebody looks.

mod calendar;
mod ci;
mod events;
mod found;
mod frame;
mod labels;
mod luck;
mod names;
mod numbers;
mod outline;
mod reviews;
mod special;
mod staff;
mod story;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use jiff::Timestamp;

use calendar::Calendar;
pub(crate) use ci::{Cause, Run, Step};
pub use found::Scale;
pub(crate) use frame::{Fate, LONGEST};
pub(crate) use names::Part;
pub(crate) use numbers::{Kind, Numbers};
use staff::Person;

/// What a company's history is made of.
#[derive(Debug)]
pub(crate) struct Company {
    seed: u64,
    /// When the history ends, in milliseconds since 1970.
    until: i64,
    calendar: Calendar,
    people: Vec<Person>,
    /// Who updates dependencies, who writes when asked to, who reviews at once.
    bots: [Person; 3],
    /// Where each user stands among the people, then the bots.
    by_user: HashMap<i64, usize>,
    /// Labels of the top group.
    labels: Vec<i64>,
    /// When each milestone is due, and its id.
    milestones: Vec<(i64, i64)>,
    plans: Vec<Plan>,
    /// The id of the first project; the others follow.
    first_project: i64,
    /// The id of the first project's staging; its production follows, then those of the others, then review apps.
    first_environment: i64,
}

/// What is known of a project before anything of it is made.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// How many merge requests it has.
    pub(crate) count: i64,
    /// The work of the company between which it lives, as the calendar counts it.
    life: (f64, f64),
    /// Who works on it: a stretch of the company's people.
    team: (usize, usize),
    /// How long things take here, compared to others.
    pace: f64,
    /// Its full path.
    path: String,
    /// How titles are written: plainly, by the rules of conventional commits, or with the key of a ticket.
    style: u8,
    /// What files end in.
    language: &'static str,
    squashes: bool,
    /// Whether a push takes approvals back.
    resets: bool,
    /// How many have to approve.
    approvals: i64,
    /// The name of a rule for code owners, and their users.
    code_owners: Option<(String, Vec<i64>)>,
    /// How many jobs test.
    suites: usize,
    /// How many merges there are for one deployment to production.
    releases_one_in: u32,
    /// Whether an assistant reviews first.
    assisted: bool,
    /// Forks, some of which are still there.
    forks: Vec<i64>,
    /// Numbers of merge requests that were released, with the release's.
    releases: Vec<(i64, i64)>,
    /// Numbers of merge requests that have a review app, with its environment.
    reviews: Vec<(i64, i64)>,
    /// Whether production is deployed from tags alone.
    tagged: bool,
    /// Whether merging starts a pipeline of its own for the documentation.
    documented: bool,
}

impl Company {
    /// One without any project.
    pub(crate) fn none() -> Company {
        Company {
            seed: 0,
            until: 0,
            calendar: Calendar::new(0, 0),
            people: Vec::new(),
            bots: [Person::default(), Person::default(), Person::default()],
            by_user: HashMap::new(),
            labels: Vec::new(),
            milestones: Vec::new(),
            plans: Vec::new(),
            first_project: 0,
            first_environment: 0,
        }
    }

    pub(crate) fn numbers(&self) -> Numbers {
        Numbers { projects: self.plans.len() as i64 }
    }

    /// The place of a project among the company's.
    pub(crate) fn place(&self, project: i64) -> Option<usize> {
        let place = usize::try_from(project.checked_sub(self.first_project)?).ok()?;
        (place < self.plans.len()).then_some(place)
    }

    /// The id of the project at a place.
    pub(crate) fn project(&self, place: usize) -> i64 {
        self.first_project + place as i64
    }

    pub(crate) fn plan(&self, place: usize) -> &Plan {
        &self.plans[place]
    }

    /// How many projects there are.
    pub(crate) fn projects(&self) -> usize {
        self.plans.len()
    }

    /// How many merge requests there are.
    pub(crate) fn count(&self) -> i64 {
        self.plans.iter().map(|plan| plan.count).sum()
    }
}

/// A moment, from milliseconds since 1970.
pub(super) fn time(at: i64) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or_default()
}
