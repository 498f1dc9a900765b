//! Milestones of projects and groups.

use jiff::Timestamp;
use jiff::civil::Date;

use super::World;
use super::owner::Owner;

/// A milestone.
#[derive(Clone, Debug, Default)]
pub struct Milestone {
    /// Unique in the instance.
    pub id: i64,
    /// Its number in the project or group.
    pub iid: i64,
    /// Whose.
    pub owner: Owner,
    /// What it is called.
    pub title: String,
    /// May be empty.
    pub description: String,
    /// Over.
    pub closed: bool,
    /// When it begins.
    pub start_date: Option<Date>,
    /// When it ends.
    pub due_date: Option<Date>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

/// What milestone a list asks for (`milestones?` and its kin in app/finders/issuable_finder/params.rb).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timebox {
    /// No milestone.
    None,
    /// Whichever.
    Any,
    /// One of those that are due next.
    Upcoming,
    /// One that is under way.
    Started,
    /// The one with this title.
    Titled(String),
}

impl Timebox {
    /// What a title stands for.
    #[must_use]
    pub fn titled(title: &str) -> Timebox {
        match (title.to_lowercase().as_str(), title) {
            ("none", _) | (_, "No Milestone") => Timebox::None,
            ("any", _) | (_, "Any Milestone") => Timebox::Any,
            (_, "#upcoming") => Timebox::Upcoming,
            (_, "#started") => Timebox::Started,
            _ => Timebox::Titled(title.to_owned()),
        }
    }

    /// What REST's `milestone_id` and GraphQL's `MilestoneWildcardId` stand for.
    #[must_use]
    pub fn wildcard(name: &str) -> Option<Timebox> {
        match name.to_lowercase().as_str() {
            "none" => Some(Timebox::None),
            "any" => Some(Timebox::Any),
            "upcoming" => Some(Timebox::Upcoming),
            "started" => Some(Timebox::Started),
            _ => None,
        }
    }
}

impl World {
    /// Whether something with this milestone is what is asked for.
    #[must_use]
    pub fn is_planned(&self, milestone: Option<i64>, wanted: &Timebox) -> bool {
        let found = milestone.and_then(|id| self.milestone(id));
        match wanted {
            Timebox::None => found.is_none(),
            Timebox::Any => found.is_some(),
            Timebox::Upcoming => found.is_some_and(|found| self.is_upcoming(found)),
            Timebox::Started => {
                found.is_some_and(|found| !found.closed && found.start_date.is_some_and(|day| day <= self.today()))
            }
            Timebox::Titled(title) => found.is_some_and(|found| found.title == *title),
        }
    }

    /// Whether something with this milestone stays when that is excluded, which is not simply the contrary: what has not
    /// begun yet is in a milestone, and `None` and `Any` are titles here (`by_negated_milestone` in
    /// app/finders/issuable_finder.rb).
    #[must_use]
    pub fn is_planned_otherwise(&self, milestone: Option<i64>, unwanted: &Timebox) -> bool {
        let found = milestone.and_then(|id| self.milestone(id));
        let active = found.filter(|found| !found.closed);
        match unwanted {
            Timebox::None | Timebox::Any => true,
            Timebox::Upcoming => active.and_then(|found| found.due_date).is_some_and(|day| day <= self.today()),
            Timebox::Started => active.and_then(|found| found.start_date).is_some_and(|day| day > self.today()),
            Timebox::Titled(title) => found.is_none_or(|found| found.title != *title),
        }
    }

    /// Whether it is the next one to be due of its project or group.
    fn is_upcoming(&self, milestone: &Milestone) -> bool {
        let due = |one: &Milestone| one.due_date.filter(|day| !one.closed && *day > self.today());
        let others = || self.milestones_of(milestone.owner).filter_map(due);
        due(milestone).is_some_and(|own| others().all(|other| own <= other))
    }
}
