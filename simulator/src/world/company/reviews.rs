//! Review apps: an environment for each young merge request of some projects, which stops when the merge request ends.

use std::collections::HashSet;

use super::calendar::DAY;
use super::frame::{Fate, Purpose};
use super::{Company, time};
use crate::world::{Environment, World};

/// A project remembers at most so many; older ones were deleted.
const MOST: usize = 20;
/// Those that ended longer ago were deleted.
const KEPT: i64 = 30 * DAY;

impl World {
    /// Opens the review apps that are still remembered.
    pub(super) fn open_review_apps(&mut self, company: &mut Company) {
        for place in (2..company.projects()).step_by(4) {
            for iid in company.reviewed(place) {
                let frame = company.frame(place, iid);
                let stopped = frame.fate != Fate::Open;
                let name = format!("review/{}", company.branch(&frame));
                let host = name.replace(['/', '_'], "-");
                let id = self.next_id("environment");
                self.insert_environment(Environment {
                    id,
                    project: company.project(place),
                    tier: Environment::guess_tier(&name),
                    name,
                    stopped,
                    external_url: Some(format!("https://{host}.example.com")),
                    created_at: time(frame.created),
                    updated_at: time(if stopped { frame.end() } else { frame.created }),
                });
                company.plans[place].reviews.push((iid, id));
            }
        }
    }
}

impl Company {
    /// The youngest merge requests that have one.
    fn reviewed(&self, place: usize) -> Vec<i64> {
        let young = (1..=self.plans[place].count).rev().take(MOST).filter(|iid| {
            let frame = self.frame(place, *iid);
            frame.purpose == Purpose::Work && (frame.fate == Fate::Open || frame.end() > self.until - KEPT)
        });
        let mut found: Vec<i64> = young.collect();
        // Branches of two merge requests may have the same name; the younger one has the environment.
        let mut branches = HashSet::new();
        found.retain(|iid| branches.insert(self.branch(&self.frame(place, *iid))));
        found.reverse();
        found
    }

    /// The environment of a merge request's review app.
    pub(super) fn review_app(&self, place: usize, iid: i64) -> Option<i64> {
        self.plans[place].reviews.iter().find(|(reviewed, _)| *reviewed == iid).map(|(_, environment)| *environment)
    }
}
