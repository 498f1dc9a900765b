//! A whole company from a seed: believable, the same every time, and cheap at any size.

mod calendar;
mod ci;
mod history;
pub(in crate::world) mod words;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::{Namespace, Owner, Role, UserKind, World};
use history::Writer;

pub(super) use words::{remark, title};

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Projects, spread over the group `acme` and its subgroups.
    pub projects: usize,
    /// Merge requests in each project.
    pub merge_requests: usize,
    /// Notes on each merge request, system notes included.
    pub notes: usize,
    /// Commits of each merge request.
    pub commits: usize,
    /// People.
    pub users: usize,
    /// Pipelines in each project, every second one with a deployment.
    pub pipelines: usize,
    /// The days that the history spans.
    pub days: i64,
    /// When the history ends.
    pub until: Timestamp,
}

impl Default for Size {
    fn default() -> Size {
        Size {
            projects: 10,
            merge_requests: 50,
            notes: 5,
            commits: 3,
            users: 20,
            pipelines: 10,
            days: 360,
            until: Timestamp::from_second(1_782_842_400).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }
}

impl World {
    /// A company of the given size: the group `acme` with subgroups, people, bots, labels and a history of merge requests.
    ///
    /// It has no tokens: add those that a test is about.
    #[must_use]
    pub fn generate(seed: u64, size: Size) -> World {
        let mut world = World::new();
        let mut random = Rng::with_seed(seed);
        let begin = size.until.checked_sub(SignedDuration::from_hours(24 * (size.days + 30))).unwrap_or(size.until);
        let clock = std::mem::replace(&mut world.clock, super::Clock::Fixed(begin));
        let people = world.hire(size.users.max(3), &mut random);
        let groups = world.found(&people, &mut random);
        for number in 0..size.projects {
            let group = groups[number % groups.len()];
            let project = world.create_project(Namespace::Group(group), &words::project(number));
            let mut writer = Writer { world: &mut world, project, people: &people, random: random.fork(), size };
            writer.write();
        }
        world.clock = clock;
        world
    }

    fn hire(&mut self, count: usize, random: &mut Rng) -> Vec<i64> {
        let people: Vec<i64> = (0..count)
            .map(|number| {
                let (username, name) = words::person(number);
                let id = self.create_user(&username, UserKind::Human);
                if let Some(user) = self.user_mut(id) {
                    user.name = name;
                    user.public_email = (random.u8(..4) == 0).then(|| user.email.clone());
                }
                id
            })
            .collect();
        self.create_user("renovate", UserKind::ServiceAccount);
        people
    }

    fn found(&mut self, people: &[i64], random: &mut Rng) -> Vec<i64> {
        let acme = self.create_group(None, "acme");
        let mut groups = vec![acme];
        for path in ["platform", "apps", "data"] {
            groups.push(self.create_group(Some(acme), path));
        }
        groups.push(self.create_group(Some(groups[1]), "infrastructure"));
        for label in words::LABELS {
            self.create_label(Owner::Group(acme), label);
        }
        for (number, user) in people.iter().enumerate() {
            let role = match number {
                0 => Role::Owner,
                1 | 2 => Role::Maintainer,
                _ => Role::Developer,
            };
            self.add_group_member(acme, *user, role);
            if number > 2 && random.u8(..3) == 0 {
                self.add_group_member(groups[random.usize(1..groups.len())], *user, Role::Maintainer);
            }
        }
        let bot = self.create_bot(&format!("group_{acme}"));
        self.add_group_member(acme, bot, Role::Developer);
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{MergeRequest, MergeRequestState};

    #[test]
    fn the_same_seed_gives_the_same_world() {
        let size = Size { projects: 2, merge_requests: 20, ..Size::default() };
        let titles = |seed| {
            let world = World::generate(seed, size);
            let seen = world.merge_requests().map(|found| (found.title.clone(), found.updated_at, found.notes.len()));
            seen.collect::<Vec<_>>()
        };

        assert_eq!(titles(7), titles(7));
        assert_ne!(titles(7), titles(8));
    }

    #[test]
    fn a_world_has_the_size_that_was_asked_for() {
        let size = Size { projects: 3, merge_requests: 40, notes: 5, commits: 3, ..Size::default() };
        let world = World::generate(1, size);

        assert_eq!(world.projects().count(), 3);
        assert_eq!(world.merge_requests().count(), 120);
        assert!(world.merge_requests().all(|found| found.notes.len() == 5 && found.commits.len() == 3));
    }

    #[test]
    fn history_keeps_the_order_of_things() {
        let world = World::generate(3, Size { projects: 2, merge_requests: 200, ..Size::default() });
        for found in world.merge_requests() {
            assert!(found.notes.is_sorted_by_key(|note| note.created_at), "notes of {}", found.id);
            assert!(found.notes.iter().all(|note| note.created_at <= found.updated_at), "updated_at of {}", found.id);
            assert!(found.created_at <= found.updated_at);
            assert!(found.updated_at <= Size::default().until);
        }
    }

    // GitLab makes the first version of the diff with the merge request (`after_create :ensure_merge_request_diff`).
    #[test]
    fn every_merge_request_has_a_version_of_its_diff() {
        let world = World::generate(1, Size { projects: 2, merge_requests: 20, ..Size::default() });
        for found in world.merge_requests() {
            let [version] = &found.versions[..] else { panic!("versions of {}", found.id) };
            assert_eq!((Some(version.head), version.commits), (found.sha, found.commits.len()));
        }
    }

    #[test]
    fn nothing_runs_after_a_stage_that_failed() {
        let world = World::generate(1, Size { projects: 1, merge_requests: 1, pipelines: 60, ..Size::default() });
        let broken = world.pipelines_of(1).filter(|pipeline| pipeline.status == "failed");
        let jobs: Vec<Vec<(&str, bool)>> = broken
            .map(|pipeline| pipeline.jobs.iter().map(|job| (job.status, job.started_at.is_some())).collect())
            .collect();
        assert!(!jobs.is_empty());
        assert!(jobs.iter().all(|jobs| *jobs == [("success", true), ("failed", true), ("skipped", false)]), "{jobs:?}");
    }

    #[test]
    fn every_kind_of_thing_happens() {
        let size = Size { projects: 4, merge_requests: 300, ..Size::default() };
        let world = World::generate(1, size);
        let count = |wanted: fn(&MergeRequest) -> bool| world.merge_requests().filter(|found| wanted(found)).count();

        assert!(count(|found| found.draft) > 10);
        assert!(count(|found| found.state == MergeRequestState::Closed) > 10);
        assert!(count(|found| !found.approvals.is_empty()) > 600);
        assert!(count(|found| found.source_project.is_none()) > 3);
        assert!(count(|found| found.merged_at.is_some_and(|at| at > found.updated_at)) > 50);
        assert!(world.deployments_of(1).count() > 2 && world.pipelines_of(1).count() == 10);
    }
}
