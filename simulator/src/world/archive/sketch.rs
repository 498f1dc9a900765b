//! What is known of a merge request before it is made.

use jiff::Timestamp;

use super::Archive;
use crate::world::company::{Fate, time};
use crate::world::{Caller, MergeRequest, MergeRequestState, UserState, World};

/// What is known of a merge request before it is made: enough for most lists to pass over those they do not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// Its state.
    pub state: MergeRequestState,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

impl Sketch {
    /// What a merge request looks like from afar.
    #[must_use]
    pub fn of(row: &MergeRequest) -> Sketch {
        Sketch { state: row.state, created_at: row.created_at, updated_at: row.updated_at }
    }
}

impl World {
    /// What is known of a merge request before it is made.
    #[must_use]
    pub fn sketch(&self, id: i64) -> Option<Sketch> {
        self.merge_requests.get(&id).map(Sketch::of).or_else(|| self.archive.sketch(id))
    }

    /// Whether there may be merge requests that are hidden from a caller.
    #[must_use]
    pub fn hides_some(&self, caller: &Caller) -> bool {
        !self.is_admin(caller) && self.users().any(|user| user.state == UserState::Banned)
    }
}

impl Archive {
    fn sketch(&self, id: i64) -> Option<Sketch> {
        let (place, iid) = self.find(id)?;
        let frame = self.company.frame(place, iid);
        let state = match frame.fate {
            Fate::Open => MergeRequestState::Opened,
            Fate::Merged(_) => MergeRequestState::Merged,
            Fate::Closed(_) => MergeRequestState::Closed,
        };
        Some(Sketch { state, created_at: time(frame.created), updated_at: time(frame.updated) })
    }
}
