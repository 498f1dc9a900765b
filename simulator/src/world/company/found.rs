//! Founding a company: what there is few of is put into the World.

use fastrand::Rng;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::calendar::{Calendar, DAY};
use super::numbers::Kind;
use super::special::Special;
use super::{Company, Person, Plan, labels, luck, time};
use crate::world::archive::Archive;
use crate::world::generate::words;
use crate::world::{Clock, Environment, Member, Milestone, Namespace, Owner, Role, UserKind, UserState, World};

/// So many people are members of the top group; of large companies, the others are in one of its groups.
const EVERYWHERE: usize = 200;

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
        for (kind, first) in [
            ("user", 41),
            ("namespace", 605),
            ("project", 2_114),
            ("label", 7_703),
            ("milestone", 1_208),
            ("environment", 3_406),
            ("issue", 28_011),
        ] {
            world.start_ids_at(kind, first);
        }
        let people = world.employ(scale.people.max(4), (begin, until), &mut random);
        let bots = world.install_bots();
        let (groups, labels) = world.organise(&people, &bots, &mut random);
        let milestones = world.plan_milestones(groups[0], (begin, until));
        let calendar = Calendar::new(begin, until);
        let mut plans = plans(&scale, &people, &mut random);
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
                plan.path.clone_from(&project.full_path);
            }
            world.prepare_environments(project);
        }
        let first_project = world.projects().next().map_or(0, |project| project.id);
        let first_environment = world.environments().next().map_or(0, |environment| environment.id);
        world.make_special(&mut plans, first_project, until);
        let by_user = people.iter().chain(&bots).zip(0..).map(|(person, place)| (person.user, place)).collect();
        let mut company = Company {
            seed,
            until,
            calendar,
            people,
            bots,
            by_user,
            labels,
            milestones,
            plans,
            first_project,
            first_environment,
        };
        world.reserve_ids(&company);
        company.choose_releases();
        world.tell_events(&company);
        world.open_review_apps(&mut company);
        world.clock = clock;
        world.outbox.clear();
        world.archive = Archive::of(company, world.user_by_name("ghost").map_or(0, |ghost| ghost.id));
        world
    }

    fn employ(&mut self, count: usize, (begin, until): (i64, i64), random: &mut Rng) -> Vec<Person> {
        let ghost = self.user_by_name("ghost").map_or(0, |ghost| ghost.id);
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
            let holiday = random.i64(150..250);
            let mut person = Person { user, username, name, email, office, employed, holiday };
            if employed.1 < until - 20 * DAY {
                self.part_with(&mut person, ghost, random);
            }
            person
        };
        (0..count).map(hire).collect()
    }

    /// Accounts of those who left are blocked, and some are deleted later: what they did is the ghost's then.
    fn part_with(&mut self, person: &mut Person, ghost: i64, random: &mut Rng) {
        match random.u32(..100) {
            0..30 => {
                self.forget_user(person.user);
                person.user = ghost;
            }
            30..90 => {
                if let Some(user) = self.user_mut(person.user) {
                    user.state = UserState::Blocked;
                }
            }
            _ => {}
        }
    }

    fn install_bots(&mut self) -> [Person; 3] {
        ["renovate", "coding-assistant", "review-assistant"].map(|username| {
            let id = self.create_user(username, UserKind::ServiceAccount);
            let user = self.user(id).map(|user| (user.name.clone(), user.email.clone()));
            let (name, email) = user.unwrap_or_default();
            Person { user: id, username: username.to_owned(), name, email, ..Person::default() }
        })
    }

    fn organise(&mut self, people: &[Person], bots: &[Person], random: &mut Rng) -> (Vec<i64>, Vec<i64>) {
        let acme = self.create_group(None, "acme");
        let mut groups = vec![acme];
        for path in ["platform", "apps", "data"] {
            groups.push(self.create_group(Some(acme), path));
        }
        groups.push(self.create_group(Some(groups[1]), "infrastructure"));
        let labels = labels::NAMES.iter().map(|name| self.create_label(Owner::Group(acme), name)).collect();
        let still_there: Vec<i64> =
            people.iter().map(|person| person.user).filter(|user| self.employs(*user)).collect();
        let created_at = self.now();
        let member = |user, role| Member { user, role, created_at, created_by: None, expires_at: None };
        let mut members: Vec<Vec<Member>> = vec![Vec::new(); groups.len()];
        for (number, user) in still_there.into_iter().enumerate() {
            let role = match number {
                0 => Role::Owner,
                1 | 2 => Role::Maintainer,
                _ => Role::Developer,
            };
            let everywhere = number < EVERYWHERE;
            members[if everywhere { 0 } else { random.usize(..groups.len()) }].push(member(user, role));
            if everywhere && number > 2 && random.u8(..3) == 0 {
                members[random.usize(1..groups.len())].push(member(user, Role::Maintainer));
            }
        }
        members[0].extend(bots.iter().map(|bot| member(bot.user, Role::Developer)));
        for (group, members) in groups.iter().zip(members) {
            if let Some(group) = self.group_mut(*group) {
                group.members = members;
            }
        }
        (groups, labels)
    }

    fn employs(&self, user: i64) -> bool {
        self.user(user).is_some_and(|user| user.kind == UserKind::Human && user.state == UserState::Active)
    }

    /// One for each six weeks.
    fn plan_milestones(&mut self, group: i64, (begin, until): (i64, i64)) -> Vec<(i64, i64)> {
        let mut milestones = Vec::new();
        let mut due = begin + 42 * DAY;
        while due < until + 60 * DAY {
            let id = self.next_id("milestone");
            let day = |at: i64| Some(time(at).to_zoned(TimeZone::UTC).date());
            let iid = milestones.len() as i64 + 1;
            self.insert_milestone(Milestone {
                id,
                iid,
                owner: Owner::Group(group),
                title: format!("Cycle {iid}"),
                description: String::new(),
                closed: due < until - 7 * DAY,
                start_date: day(due - 42 * DAY),
                due_date: day(due),
                created_at: time(due - 60 * DAY),
                updated_at: time(due.min(until)),
            });
            milestones.push((due, id));
            due += 42 * DAY;
        }
        milestones
    }

    fn prepare_environments(&mut self, project: i64) {
        for name in ["staging", "production"] {
            let (id, created_at) = (self.next_id("environment"), self.now());
            self.insert_environment(Environment {
                id,
                project,
                name: name.to_owned(),
                tier: Environment::guess_tier(name),
                created_at,
                updated_at: created_at,
                ..Environment::default()
            });
        }
    }

    /// What is made from now on has ids behind those of the history.
    fn reserve_ids(&mut self, company: &Company) {
        let most = company.plans.iter().map(|plan| plan.count).max().unwrap_or_default();
        let kinds = [
            ("merge_request", Kind::MergeRequest),
            ("note", Kind::Note),
            ("award", Kind::Award),
            ("state_event", Kind::Event),
            ("label_event", Kind::Event),
            ("milestone_event", Kind::Event),
            ("diff_version", Kind::Version),
        ];
        for (name, kind) in kinds {
            self.start_ids_at(name, company.numbers().free(kind, most));
        }
        // One for each push, at most, and one for the merge; of deployments there are fewer.
        for (name, kind) in [("pipeline", Kind::Pipeline), ("job", Kind::Job), ("deployment", Kind::Deployment)] {
            self.start_ids_at(name, company.numbers().free(kind, most * 16));
        }
    }
}

/// Few projects are big, and many are small.
fn plans(scale: &Scale, people: &[Person], random: &mut Rng) -> Vec<Plan> {
    let weight = |place: usize| match Special::of(place) {
        Some(special) if !special.has_merge_requests() => 0.0,
        _ => (place as f64 + 2.0).powf(-0.8),
    };
    let weights: Vec<f64> = (0..scale.projects).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    let mut before = 0.0;
    let share = |weight: f64| (weight / sum * scale.merge_requests as f64).round() as i64;
    let plan = |weight: &f64| {
        let begin = share(before);
        before += weight;
        let size = ((people.len() as f64 * (0.1 + weight / sum)) as usize + 3).min(people.len());
        let first = random.usize(..people.len());
        let owners = [first, (first + 1) % people.len()].map(|place| people[place].user);
        Plan {
            count: share(before) - begin,
            team: (first, size),
            pace: 0.6 + random.f64(),
            style: luck::pick(random, &[0, 0, 1, 1, 2]),
            language: luck::pick(random, &["rs", "ts", "py", "go", "java", "tf", "kt"]),
            squashes: luck::percent(random, 40),
            resets: luck::percent(random, 50),
            approvals: luck::pick(random, &[1, 1, 1, 2]),
            code_owners: luck::percent(random, 40).then(|| ("*.sql".to_owned(), owners.to_vec())),
            suites: luck::pick(random, &[2, 3, 4, 6, 9, 14]),
            releases_one_in: luck::pick(random, &[1, 1, 3, 8]),
            assisted: luck::percent(random, 35),
            ..Plan::default()
        }
    };
    let mut plans: Vec<Plan> = weights.iter().map(plan).collect();
    for (place, plan) in plans.iter_mut().enumerate() {
        plan.tagged = place % 6 == 5;
        plan.documented = place % 5 == 4;
    }
    plans
}
