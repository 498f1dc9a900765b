//! Up to when the changes of each group are stored, and when the scope was last walked. By GitLab's clock.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::store::{self, Run, Source, Store};

/// Key under which it is kept with the connection.
const KEY: &str = "import.read-to";

/// What earlier runs have read.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ReadTo {
    /// Every change of these groups up to then is stored.
    pub(super) groups: BTreeMap<String, Timestamp>,
    walked_at: Option<Timestamp>,
    /// When it was walked the time before.
    walked_before: Option<Timestamp>,
    /// The scope that was walked then.
    scope: String,
    /// The run that reads the projects of `opening` one by one, and when it was planned.
    run: i64,
    planned_at: Option<Timestamp>,
    opening: Vec<String>,
    /// How far a run got that has not ended.
    reached: Option<Reached>,
}

/// A page of a group's changes up to which all is stored.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Reached {
    run: i64,
    group: String,
    cursor: String,
}

impl ReadTo {
    pub(super) async fn load(store: &Store, source: Source) -> Result<ReadTo, store::Error> {
        let text = store.state(source, KEY).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    pub(super) async fn save(&self, store: &Store, source: Source) -> Result<(), store::Error> {
        store.set_state(source, KEY, &serde_json::to_string(self).unwrap_or_default()).await
    }

    /// Whether the scope is to be walked again: it is another than last time, or that was longer ago than `interval`.
    pub(super) fn walk_is_due(&self, scope: &str, interval: SignedDuration, now: Timestamp) -> bool {
        self.scope != scope || self.walked_at.is_none_or(|at| now.duration_since(at) >= interval)
    }

    /// The scope was walked.
    pub(super) fn walked(&mut self, scope: &str, at: Timestamp) {
        self.walked_before = self.walked_at.replace(at);
        scope.clone_into(&mut self.scope);
    }

    /// From when on changes are read once more with a walk. Between two walks a project may be hidden for a while, and nobody
    /// notices; the walk before the last one, because a project may be seen by a walk and not by the changes read with it.
    pub(super) fn read_once_more(&self) -> Option<Timestamp> {
        self.walked_before.or(self.walked_at)
    }

    /// A run has stored the changes of a group up to a cursor; none at their end.
    pub(super) fn reaches(&mut self, run: &Run, group: &str, cursor: Option<&str>) {
        let reached = |cursor: &str| Reached { run: run.id, group: group.to_owned(), cursor: cursor.to_owned() };
        self.reached = cursor.map(reached);
    }

    /// Where a run goes on with a group that it was reading when somebody died.
    pub(super) fn reached(&self, run: &Run, group: &str) -> Option<String> {
        let reached = self.reached.as_ref().filter(|reached| reached.run == run.id && reached.group == group)?;
        Some(reached.cursor.clone())
    }

    /// A run reads all projects of some groups, one by one: once it has ended, what changed before `at` is stored.
    pub(super) fn opens(&mut self, run: &Run, groups: Vec<String>, at: Timestamp) {
        // GitLab tells whole seconds: what changes later in this one would not seem later.
        let at = Timestamp::from_second(at.as_second() - 1).unwrap_or(at);
        (self.run, self.opening, self.planned_at) = (run.id, groups, Some(at));
    }

    /// A run has ended.
    pub(super) async fn ended(store: &Store, source: Source, run: &Run) -> Result<(), store::Error> {
        let mut read_to = ReadTo::load(store, source).await?;
        let Some(at) = read_to.planned_at.filter(|_| read_to.run == run.id && !read_to.opening.is_empty()) else {
            return Ok(());
        };
        for group in std::mem::take(&mut read_to.opening) {
            let known = read_to.groups.entry(group).or_insert(at);
            *known = at.max(*known);
        }
        read_to.save(store, source).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_is_due_for_another_scope_and_after_its_interval() {
        let now: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        let day = SignedDuration::from_hours(24);
        let mut read_to = ReadTo::default();
        assert!(read_to.walk_is_due("acme", day, now));

        read_to.walked("acme", now);

        let later = |hours| now + SignedDuration::from_hours(hours);
        assert!(!read_to.walk_is_due("acme", day, later(23)));
        assert!(read_to.walk_is_due("acme", day, later(24)));
        assert!(read_to.walk_is_due("acme and more", day, now));
        assert!(read_to.walk_is_due("acme", SignedDuration::ZERO, now));
    }

    #[test]
    fn with_a_walk_changes_are_read_once_more_from_the_walk_before_the_last() {
        let at = |hour: i64| Timestamp::from_second(hour * 3600).unwrap();
        let mut read_to = ReadTo::default();
        let mut from = Vec::new();
        for hour in 1..4 {
            from.push(read_to.read_once_more());
            read_to.walked("acme", at(hour));
        }

        assert_eq!(from, [None, Some(at(1)), Some(at(1))]);
        assert_eq!(read_to.read_once_more(), Some(at(2)));
    }
}
