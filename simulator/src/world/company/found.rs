//! Founding a company: what there is few of is put into the World.

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::calendar::{Calendar, DAY};
use super::numbers::Kind;
use super::{Company, Person, Plan, luck, time};
use crate::world::archive::Archive;
use crate::world::generate::words;
use crate::world::{Clock, Namespace, Owner, Role, UserKind, World};

/// How big a company is.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Projects, spread over the group `acme` and its subgroups.
    pub projects: usize,
    /// Merge requests of all projects; some have many, some have few.
    pub merge_requests: usize,
    /// People, those who left among them.
    pub people: usize,
    /// The days that the history spans.
    pub days: i64,
    /// When the history ends.
    pub until: Timestamp,
}

impl Default for Scale {
    fn default() -> Scale {
        Scale {
            projects: 10,
            merge_requests: 500,
            people: 20,
            days: 360,
            until: Timestamp::from_second(1_782_842_400).unwrap_or_default(),
        }
    }
}

impl World {
    /// A company one believes, from one to ten million merge requests: the group `acme` with subgroups, people, bots and
    /// a history that is made where it is looked at. The same seed and scale give the same company, row by row.
    ///
    /// It has no tokens: add those that a test is about.
    #[must_use]
    pub fn company(seed: u64, scale: Scale) -> World {
        let mut world = World::new();
        let mut random = luck::of(seed, 0, 0, 0);
        let until = scale.until.as_millisecond();
        let begin = until - scale.days.max(1) * DAY;
        let before = scale.until.checked_sub(SignedDuration::from_hours(24 * (scale.days + 30))).unwrap_or(scale.until);
        let clock = std::mem::replace(&mut world.clock, Clock::Fixed(before));
        for (kind, first) in [("user", 41), ("namespace", 605), ("project", 2_114), ("label", 7_703)] {
            world.start_ids_at(kind, first);
        }
        let people = world.employ(scale.people.max(4), (begin, until), &mut random);
        let groups = world.organise(&people, &mut random);
        let calendar = Calendar::new(begin, until);
        let mut plans = plans(&scale, people.len(), &mut random);
        let work = (calendar.share(begin), calendar.share(until));
        for (place, plan) in plans.iter_mut().enumerate() {
            // Younger projects begin later.
            let youth = if place < 3 { 0.0 } else { random.f64() * random.f64() * 0.7 };
            plan.life = (work.0 + youth * (work.1 - work.0), work.1);
            world.clock = Clock::Fixed(time(calendar.moment(plan.life.0) - DAY));
            let group = groups[place % groups.len()];
            let project = world.create_project(Namespace::Group(group), &words::project(place));
            if let Some(project) = world.project_mut(project) {
                project.last_activity_at = scale.until;
            }
        }
        world.clock = clock;
        let first_project = world.projects().next().map_or(0, |project| project.id);
        let company = Company { seed, until, calendar, people, plans, first_project };
        world.reserve_ids(&company);
        world.archive = Archive::of(company, world.user_by_name("ghost").map_or(0, |ghost| ghost.id));
        world
    }

    fn employ(&mut self, count: usize, (begin, until): (i64, i64), random: &mut Rng) -> Vec<Person> {
        let hire = |number: usize| {
            let (username, name) = words::person(number);
            let user = self.create_user(&username, UserKind::Human);
            // The first ones stay; some of the others come or go.
            let at = begin + ((until - begin) as f64 * random.f64()) as i64;
            let employed = match random.u32(..100) {
                _ if number < 4 => (i64::MIN, i64::MAX),
                0..20 => (at, i64::MAX),
                20..32 => (i64::MIN, at),
                _ => (i64::MIN, i64::MAX),
            };
            let mut email = String::new();
            if let Some(user) = self.user_mut(user) {
                user.name.clone_from(&name);
                user.public_email = luck::percent(random, 25).then(|| user.email.clone());
                email.clone_from(&user.email);
            }
            let office = Calendar::office(random.u32(..100));
            Person { user, username, name, email, office, employed, holiday: random.i64(150..250) }
        };
        (0..count).map(hire).collect()
    }

    fn organise(&mut self, people: &[Person], random: &mut Rng) -> Vec<i64> {
        let acme = self.create_group(None, "acme");
        let mut groups = vec![acme];
        for path in ["platform", "apps", "data"] {
            groups.push(self.create_group(Some(acme), path));
        }
        groups.push(self.create_group(Some(groups[1]), "infrastructure"));
        for label in words::LABELS {
            self.create_label(Owner::Group(acme), label);
        }
        for (number, person) in people.iter().enumerate() {
            let role = match number {
                0 => Role::Owner,
                1 | 2 => Role::Maintainer,
                _ => Role::Developer,
            };
            self.add_group_member(acme, person.user, role);
            if number > 2 && random.u8(..3) == 0 {
                self.add_group_member(groups[random.usize(1..groups.len())], person.user, Role::Maintainer);
            }
        }
        groups
    }

    /// What is made from now on has ids behind those of the history.
    fn reserve_ids(&mut self, company: &Company) {
        let most = company.plans.iter().map(|plan| plan.count).max().unwrap_or_default();
        let kinds = [("merge_request", Kind::MergeRequest), ("note", Kind::Note), ("award", Kind::Award)];
        for (name, kind) in kinds {
            self.start_ids_at(name, company.numbers().free(kind, most));
        }
    }
}

/// Few projects are big, and many are small.
fn plans(scale: &Scale, people: usize, random: &mut Rng) -> Vec<Plan> {
    let weights: Vec<f64> = (0..scale.projects).map(|place| (place as f64 + 2.0).powf(-0.8)).collect();
    let sum: f64 = weights.iter().sum();
    let mut before = 0.0;
    let share = |weight: f64| (weight / sum * scale.merge_requests as f64).round() as i64;
    let plan = |weight: &f64| {
        let begin = share(before);
        before += weight;
        let team = ((people as f64 * 0.15) as usize + 3).min(people);
        Plan {
            count: share(before) - begin,
            life: (0.0, 1.0),
            team: (random.usize(..people), team),
            pace: 0.6 + random.f64(),
        }
    };
    weights.iter().map(plan).collect()
}
