//! Who takes part in a merge request.

use fastrand::Rng;

use super::super::frame::{Frame, Purpose};
use super::super::{Company, Fate, labels, luck};
use super::Teller;

impl Company {
    pub(super) fn username(&self, user: i64) -> Option<&str> {
        self.person(user).map(|person| person.username.as_str())
    }

    /// Name and address of whoever did something, as Git writes them.
    pub(super) fn signature(&self, user: Option<i64>) -> (String, String) {
        user.and_then(|user| self.person(user)).map_or_else(
            || ("Ghost User".to_owned(), "ghost@example.com".to_owned()),
            |person| (person.name.clone(), person.email.clone()),
        )
    }

    /// Labels that suit it.
    pub(super) fn labels_for(&self, frame: &Frame, random: &mut Rng) -> Vec<i64> {
        let named = |name: &str| labels::NAMES.iter().position(|known| *known == name).map(|place| self.labels[place]);
        let names: &[&str] = match frame.purpose {
            Purpose::Dependency => &["dependencies"],
            Purpose::Hotfix => &["bug", "priority::high"],
            Purpose::Revert => &["bug"],
            Purpose::Work | Purpose::Assistant => {
                let count = luck::pick(random, &[0, 1, 1, 1, 2, 2]);
                let mut found: Vec<i64> = (0..count).map(|_| self.labels[random.usize(..labels::PLAIN)]).collect();
                found.extend(named("priority::low").filter(|_| luck::percent(random, 9)));
                found.sort_unstable();
                found.dedup();
                return found;
            }
        };
        names.iter().filter_map(|name| named(name)).collect()
    }

    /// The fork that a merge request comes from, which may be gone; none where it comes from the project itself.
    pub(super) fn fork_of(&self, frame: &Frame) -> Option<Option<i64>> {
        let mut random = luck::of(self.seed, 5, frame.place, frame.iid);
        if frame.purpose != Purpose::Work || !luck::percent(&mut random, 3) {
            return None;
        }
        let forks = &self.plans[frame.place].forks;
        Some(random.choice(forks).copied().filter(|_| random.bool()))
    }
}

impl Teller<'_> {
    /// The author; on very few merge requests GitLab lost it.
    pub(super) fn author(&mut self) -> Option<i64> {
        let [updater, assistant, _] = &self.company.bots;
        match self.frame.purpose {
            Purpose::Dependency => Some(updater.user),
            Purpose::Assistant => Some(assistant.user),
            _ if self.random.u32(..700) == 0 => None,
            _ => Some(self.company.people[self.frame.owner].user),
        }
    }

    pub(super) fn assignees(&mut self, author: Option<i64>) -> Vec<i64> {
        let owner = self.company.people[self.frame.owner].user;
        match self.frame.purpose {
            Purpose::Dependency | Purpose::Assistant => vec![owner],
            _ if luck::percent(&mut self.random, 62) => author.into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// A branch that is stacked on another open one, else the default branch.
    pub(super) fn target(&mut self) -> String {
        let company = self.company;
        if self.frame.purpose == Purpose::Work && self.frame.iid > 1 && luck::percent(&mut self.random, 9) {
            let below = company.frame(self.frame.place, self.frame.iid - 1);
            if below.fate == Fate::Open && below.purpose == Purpose::Work {
                return company.branch(&below);
            }
        }
        "main".to_owned()
    }

    /// As many as have to approve, sometimes more; bots' updates are often merged without.
    pub(super) fn choose_reviewers(&mut self) {
        let required = self.company.plans[self.frame.place].approvals as usize;
        let wanted = match self.frame.purpose {
            Purpose::Dependency if luck::percent(&mut self.random, 55) => 0,
            Purpose::Dependency | Purpose::Revert => 1,
            _ => required.max(1) + usize::from(luck::percent(&mut self.random, 22)),
        };
        let mut taken = vec![self.frame.owner];
        for _ in 0..wanted {
            let who = self.company.somebody(self.frame.place, self.outline.asked, &taken, &mut self.random);
            if !taken.contains(&who) {
                taken.push(who);
            }
        }
        self.reviewers = taken.split_off(1);
    }

    /// Who merged, or gave up for others.
    pub(super) fn merger(&mut self) -> Option<i64> {
        let owner = self.company.people[self.frame.owner].user;
        let person = match (self.frame.purpose, self.reviewers.last()) {
            (Purpose::Dependency, None) => return self.subject.author,
            (Purpose::Dependency | Purpose::Assistant, _) => owner,
            (_, Some(reviewer)) if luck::percent(&mut self.random, 55) => self.company.people[*reviewer].user,
            _ => owner,
        };
        Some(person)
    }
}
