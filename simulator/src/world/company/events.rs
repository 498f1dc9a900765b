//! Releases of projects, and incidents after something was merged.

use fastrand::Rng;

use super::frame::{Fate, Frame};
use super::{Company, Part, luck, time};
use crate::world::{Issue, IssueKind, Release, StateEvent, Tag, World};

/// The most releases and incidents that a project remembers, and the most that all of them do.
const RELEASES: i64 = 14;
const INCIDENTS: i64 = 25;
const IN_ALL: i64 = 5_000;
const HOUR: f64 = 3_600_000.0;
/// So long after its merge something is tagged.
pub(super) const TAGGED_AFTER: i64 = 3_600_000;
const SEVERITIES: &[&str] = &["CRITICAL", "HIGH", "HIGH", "MEDIUM", "MEDIUM", "MEDIUM", "LOW", "LOW", "UNKNOWN"];
const TROUBLES: &[&str] = &[
    "Elevated error rate",
    "Checkout is slow",
    "Jobs are stuck",
    "Users cannot sign in",
    "Webhooks arrive late",
    "Search returns nothing",
    "Disk nearly full",
];

impl World {
    /// Releases and incidents of all projects.
    pub(super) fn tell_events(&mut self, company: &Company) {
        let fair = company.fair();
        for place in 0..company.projects() {
            let mut random = luck::of(company.seed, 9, place, 0);
            let count = company.plans[place].count;
            for (iid, number) in &company.plans[place].releases {
                self.release(company, &company.frame(place, *iid), *number);
            }
            for number in 1..=(count / 45).min(INCIDENTS).min(fair) {
                let iid = random.i64(1..=count);
                if let Some(frame) = company.merged_about(place, iid) {
                    self.incident(company, &frame, number, &mut random);
                }
            }
        }
    }

    fn release(&mut self, company: &Company, frame: &Frame, number: i64) {
        let user = company.people[frame.owner].user;
        let name = Company::tag(number);
        let at = time(frame.end() + TAGGED_AFTER);
        let id = self.next_id("release");
        if let Some(project) = self.project_mut(company.project(frame.place)) {
            let sha = company.sha(frame.place, frame.iid, Part::Merge);
            project.tags.push(Tag { name: name.clone(), sha, message: String::new(), created_at: at });
            project.releases.push(Release {
                id,
                tag: name.clone(),
                name: format!("Release {name}"),
                description: format!("Everything up to !{}.", frame.iid),
                author: Some(user),
                created_at: at,
                released_at: at,
            });
        }
    }

    fn incident(&mut self, company: &Company, frame: &Frame, iid: i64, random: &mut Rng) {
        let begun = frame.end() + luck::duration(random, HOUR, 0.9);
        let closed = begun + luck::duration(random, 3.0 * HOUR, 1.1);
        if begun > company.until {
            return;
        }
        let author = company.people[company.somebody(frame.place, begun, &[], random)].user;
        let over = closed <= company.until;
        let (id, event) = (self.next_id("issue"), self.next_id("state_event"));
        let ending = StateEvent { id: event, user: Some(author), state: "closed", at: time(closed), by_merge_of: None };
        self.insert_issue(Issue {
            id,
            iid,
            project: company.project(frame.place),
            kind: IssueKind::Incident,
            title: luck::pick(random, TROUBLES).to_owned(),
            description: Some(format!("It began after !{} was deployed.", frame.iid)),
            severity: luck::pick(random, SEVERITIES),
            author: Some(author),
            assignees: vec![company.people[frame.owner].user],
            created_at: time(begun),
            updated_at: time(closed.min(company.until)),
            closed_at: over.then(|| time(closed)),
            closed_by: over.then_some(author),
            state_events: over.then_some(ending).into_iter().collect(),
            ..Issue::default()
        });
    }
}

impl Company {
    /// What each project remembers at most, so that all of them stay few.
    fn fair(&self) -> i64 {
        (IN_ALL / (self.projects() as i64).max(1)).max(2)
    }

    /// The name of a release's tag.
    pub(super) fn tag(number: i64) -> String {
        format!("v1.{number}.0")
    }

    /// Chooses what was released.
    pub(super) fn choose_releases(&mut self) {
        let fair = self.fair();
        for place in 0..self.projects() {
            let count = self.plans[place].count;
            let releases = (count / 15).min(RELEASES).min(fair);
            let about = |number: i64| Some((self.merged_about(place, count * number / (releases + 1))?.iid, number));
            self.plans[place].releases = (1..=releases).filter_map(about).collect();
        }
    }

    /// The frame of a merge request with about this number that was merged.
    fn merged_about(&self, place: usize, iid: i64) -> Option<Frame> {
        let near = (1..=iid).rev().take(20).map(|iid| self.frame(place, iid));
        near.into_iter().find(|frame| matches!(frame.fate, Fate::Merged(_)))
    }
}
