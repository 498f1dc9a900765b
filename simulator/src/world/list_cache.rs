//! GitLab's cache of merge requests in the lists of projects.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Caller, MergeRequest, World};

/// How long an entry is served.
const EIGHT_HOURS: SignedDuration = SignedDuration::from_hours(8);

/// Beyond this many entries all are forgotten.
const MOST: usize = 20_000;

/// What lists showed, and since when. As text it takes a third of the memory, and is forgotten a hundred times faster.
#[derive(Debug, Default)]
pub(super) struct ListCache(Mutex<HashMap<u64, (Timestamp, Box<str>)>>);

impl Clone for ListCache {
    /// Another World begins with nothing to serve.
    fn clone(&self) -> ListCache {
        ListCache::default()
    }
}

impl World {
    /// A merge request as a list of its project shows it. Within eight hours it is what was shown before, unless what
    /// GitLab's key names has changed: `updated_at`, merge status, labels, assignees, reviewers, and who asks
    /// (`present_cached` in lib/api/merge_requests.rs). So counts of notes, votes, times spent and names may be stale.
    pub(crate) fn cached_in_lists(
        &self,
        caller: &Caller,
        shown: &MergeRequest,
        details: bool,
        show: impl FnOnce() -> Value,
    ) -> Value {
        if !self.settings.cache_lists {
            return show();
        }
        let now = self.now();
        let key = self.list_key(caller, shown, details);
        let mut entries = self.list_cache.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = entries.get(&key).filter(|(since, _)| now.duration_since(*since) < EIGHT_HOURS && *since <= now);
        if let Some(known) = fresh.and_then(|(_, text)| serde_json::from_str(text).ok()) {
            return known;
        }
        let value = show();
        if entries.len() >= MOST {
            entries.clear();
        }
        entries.insert(key, (now, value.to_string().into()));
        value
    }

    fn list_key(&self, caller: &Caller, shown: &MergeRequest, details: bool) -> u64 {
        let mut key = DefaultHasher::new();
        (shown.id, shown.updated_at, details, caller.user).hash(&mut key);
        self.settings.full_version().hash(&mut key);
        self.detailed_merge_status(shown).hash(&mut key);
        shown.assignees.hash(&mut key);
        for reviewer in &shown.reviewers {
            (reviewer.user, reviewer.requested_at).hash(&mut key);
        }
        for label in shown.labels.iter().filter_map(|label| self.label(*label)) {
            (label.id, label.updated_at).hash(&mut key);
        }
        key.finish()
    }
}
