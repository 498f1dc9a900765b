//! Projects that are not as the others, from the eleventh on: archived, switched off, hidden, empty, renamed, to be deleted, forked.

use super::calendar::DAY;
use super::{Plan, time};
use crate::world::{Clock, Feature, Namespace, UserKind, World};

/// The projects before this one are as they should be.
const FIRST: usize = 10;
/// After so many projects it begins again.
const ROUND: usize = 25;

/// What is special about a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    Archived,
    SwitchedOff,
    MembersOnly,
    Empty,
    Renamed,
    Doomed,
    Forked,
}

impl Special {
    /// What is special about the project at a place, if anything.
    pub(super) fn of(place: usize) -> Option<Special> {
        Some(match place.checked_sub(FIRST)? % ROUND {
            0 => Special::Archived,
            1 => Special::SwitchedOff,
            2 => Special::MembersOnly,
            3 => Special::Empty,
            4 => Special::Renamed,
            5 => Special::Doomed,
            6 => Special::Forked,
            _ => return None,
        })
    }

    /// Whether there are merge requests at all.
    pub(super) fn has_merge_requests(self) -> bool {
        !matches!(self, Special::SwitchedOff | Special::Empty)
    }
}

impl World {
    /// Makes the special projects what they are.
    pub(super) fn make_special(&mut self, plans: &mut [Plan], first_project: i64, until: i64) {
        for (place, plan) in plans.iter_mut().enumerate().skip(FIRST) {
            let id = first_project + place as i64;
            match Special::of(place) {
                None => {}
                Some(Special::Forked) => plan.forks = self.fork(id),
                Some(Special::Renamed) => {
                    let path = self.project(id).map(|project| format!("{}-next", project.path)).unwrap_or_default();
                    self.rename_project(id, &path);
                }
                Some(Special::Doomed) => {
                    let clock = std::mem::replace(&mut self.clock, Clock::Fixed(time(until - 3 * DAY)));
                    self.schedule_project_deletion(id);
                    self.clock = clock;
                }
                Some(special) => self.switch(id, special),
            }
        }
    }

    fn switch(&mut self, project: i64, special: Special) {
        let Some(project) = self.project_mut(project) else {
            return;
        };
        match special {
            Special::Archived => project.archived = true,
            Special::SwitchedOff => project.merge_requests_access = Feature::Disabled,
            Special::MembersOnly => {
                project.merge_requests_access = Feature::Private;
                project.repository_access = Feature::Private;
            }
            Special::Empty => project.default_branch = None,
            _ => {}
        }
    }

    /// Two people outside of the team have a fork each.
    fn fork(&mut self, project: i64) -> Vec<i64> {
        let people = self.users().filter(|user| user.kind == UserKind::Human && !user.admin).map(|user| user.id);
        let owners: Vec<i64> = people.skip(6).take(2).collect();
        let path = self.project(project).map(|project| project.path.clone()).unwrap_or_default();
        let forks = owners.into_iter().map(|owner| {
            let fork = self.create_project(Namespace::User(owner), &path);
            if let Some(fork) = self.project_mut(fork) {
                fork.forked_from = Some(project);
            }
            fork
        });
        forks.collect()
    }
}
