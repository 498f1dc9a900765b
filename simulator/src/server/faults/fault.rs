//! A fault, and how it is said in one expression.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::kind::FaultKind;
use super::place::Place;
use super::schedule::Schedule;

/// Where, when and what goes wrong. In JSON all three lie side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Which requests it strikes.
    #[serde(flatten)]
    pub place: Place,
    /// When it strikes them.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
}

impl Fault {
    /// A fault at the endpoints of a pattern, until it is cleared.
    #[must_use]
    pub fn at(pattern: &str, kind: FaultKind) -> Fault {
        let place = Place { pattern: pattern.to_owned(), ..Place::default() };
        Fault { place, schedule: Schedule::default(), kind }
    }

    /// A fault at deliveries of webhooks: `note_hooks`, `merge_request_hooks`, or `*` for all.
    #[must_use]
    pub fn at_hooks(trigger: &str, kind: FaultKind) -> Fault {
        Fault::at(&format!("HOOK {trigger}"), kind)
    }

    /// The same, for the next requests only.
    #[must_use]
    pub fn times(mut self, times: usize) -> Fault {
        self.schedule.times = Some(times);
        self
    }

    /// The same, after some requests went well.
    #[must_use]
    pub fn after(mut self, after: usize) -> Fault {
        self.schedule.after = after;
        self
    }

    /// The same, for some of the requests: this share of them, the same ones for the same seed.
    #[must_use]
    pub fn with_probability(mut self, probability: f64, seed: u64) -> Fault {
        self.schedule.probability = Some(probability);
        self.schedule.seed = seed;
        self
    }

    /// The same, for this long from its first strike on, by the World's clock.
    #[must_use]
    pub fn for_seconds(mut self, seconds: u64) -> Fault {
        self.schedule.for_seconds = Some(seconds);
        self
    }

    /// The same, between two times of the World's clock.
    #[must_use]
    pub fn between(mut self, from: Timestamp, until: Timestamp) -> Fault {
        self.schedule.from = Some(from);
        self.schedule.until = Some(until);
        self
    }

    /// The same, for one user's requests only.
    #[must_use]
    pub fn for_user(mut self, user: &str) -> Fault {
        self.place.user = Some(user.to_owned());
        self
    }

    /// The same, for requests with one token only, by its secret or its name.
    #[must_use]
    pub fn for_token(mut self, token: &str) -> Fault {
        self.place.token = Some(token.to_owned());
        self
    }

    /// The same, for requests about one project only, by its full path.
    #[must_use]
    pub fn for_project(mut self, project: &str) -> Fault {
        self.place.project = Some(project.to_owned());
        self
    }

    /// The same, for GraphQL queries that mention a field only.
    #[must_use]
    pub fn mentioning(mut self, field: &str) -> Fault {
        self.place.mentions = Some(field.to_owned());
        self
    }
}
