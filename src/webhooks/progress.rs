//! What of a pass is done, where one turn is too short for all of it.

use std::collections::BTreeMap;

use super::{Failure, Place};
use crate::{api::conditions::reason, gitlab::Target};

/// What the turns of a pass so far have done. The next turn goes on from there; losing it costs the pass from its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    tried: BTreeMap<Target, Result<i64, Failure>>,
    pub(super) lists: BTreeMap<Target, List>,
}

/// The projects of a group, as far as they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    pub(super) places: Vec<Place>,
    /// Where the next page begins.
    pub(super) next: Option<String>,
    /// There is no next page.
    pub(super) whole: bool,
}

impl Progress {
    /// How it went with a target: its hook, or why it has none.
    pub(super) fn of(&self, target: Target) -> Option<&Result<i64, Failure>> {
        self.tried.get(&target)
    }

    /// What GitLab refused, and will refuse again until something changes; `None` where it refused nothing.
    #[must_use]
    pub fn refusals(&self) -> Option<Progress> {
        // A receiver that is back has its webhook switched on again at the next look.
        let lasts = |failure: &Failure| failure.reason != reason::HOOK_DISABLED;
        let refused = |outcome: &Result<i64, Failure>| outcome.as_ref().is_err_and(lasts);
        let tried: BTreeMap<_, _> = self
            .tried
            .iter()
            .filter(|(_, outcome)| refused(outcome))
            .map(|(at, outcome)| (*at, outcome.clone()))
            .collect();
        (!tried.is_empty()).then(|| Progress { tried, ..Progress::default() })
    }

    /// Remembers how it went. What may well pass by itself is tried again in the next turn.
    pub(super) fn note(&mut self, target: Target, outcome: Result<i64, Failure>) {
        if !outcome.as_ref().is_err_and(|failure| failure.transient) {
            self.tried.insert(target, outcome);
        }
    }
}
