//! Many batches of one source become one document per table: each key once, in the order of the keys.
//!
//! Each key once, because PostgreSQL refuses to update a row twice in one statement. In the order of the keys, because
//! transactions that lock rows in one order cannot deadlock. Nothing here does I/O.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::rows::{
    self, Approval, Deployment, Environment, Group, HolderKind, Job, Label, Member, MergeRequest, MergeRequestCommit,
    Note, Pipeline, Project, User, Username,
};
use super::{Batch, Complete, Error};

/// A row that is known by its key.
pub(super) trait Keyed: Serialize {
    /// The primary key without the source.
    type Key<'a>: Ord
    where
        Self: 'a;

    fn key(&self) -> Self::Key<'_>;

    /// The row's own clock. Rows without one count in the order of the batches.
    fn clock(&self) -> Option<Timestamp> {
        None
    }
}

/// A child of a merge request, which can be part of a complete set.
pub(super) trait Child: Keyed {
    fn merge_request_id(&self) -> i64;
    fn is_complete(complete: &Complete) -> bool;
    /// The key within the merge request, as JSON.
    fn own_key(&self) -> Value;
}

/// Complete rows: of each key the newest, as it is.
pub(super) fn newest<'a, T: Keyed + 'a>(rows: impl Iterator<Item = &'a T>) -> Vec<&'a T> {
    let mut rows: Vec<&T> = rows.collect();
    // Later batches win among equals: reversed first, then sorted stably, the first of each key is the one to keep.
    rows.reverse();
    rows.sort_by(|a, b| a.key().cmp(&b.key()).then_with(|| Reverse(a.clock()).cmp(&Reverse(b.clock()))));
    rows.dedup_by(|later, first| later.key() == first.key());
    rows
}

/// Partial rows: of each key one, in which newer facts cover older ones and NULL covers nothing.
pub(super) fn folded<'a, T: Keyed + 'a>(rows: impl Iterator<Item = &'a T>) -> Result<Vec<Map<String, Value>>, Error> {
    let mut rows: Vec<&T> = rows.collect();
    rows.sort_by(|a, b| a.key().cmp(&b.key()).then_with(|| a.clock().cmp(&b.clock())));
    let mut folded: Vec<Map<String, Value>> = Vec::with_capacity(rows.len());
    let mut before: Option<&T> = None;
    for row in rows {
        let Value::Object(mut facts) = serde_json::to_value(row).map_err(unserialisable)? else {
            continue;
        };
        facts.retain(|_, fact| !fact.is_null());
        match (before, folded.last_mut()) {
            (Some(before), Some(last)) if before.key() == row.key() => last.extend(facts),
            _ => folded.push(facts),
        }
        before = Some(row);
    }
    Ok(folded)
}

/// The text of a document. NUL, which PostgreSQL cannot store, is left out.
pub(super) fn document<T: Serialize>(rows: &[T]) -> Result<String, Error> {
    let text = serde_json::to_string(rows).map_err(unserialisable)?;
    if !text.contains("\\u0000") {
        return Ok(text);
    }
    let mut value = serde_json::from_str(&text).map_err(unserialisable)?;
    remove_nul(&mut value);
    Ok(value.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn unserialisable(error: serde_json::Error) -> Error {
    Error::Other(error.to_string())
}

fn remove_nul(value: &mut Value) {
    match value {
        Value::String(text) => text.retain(|letter| letter != '\0'),
        Value::Array(items) => items.iter_mut().for_each(remove_nul),
        Value::Object(fields) => fields.values_mut().for_each(remove_nul),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The complete sets of some batches: of each merge request the newest.
pub(super) struct Sets<'a> {
    sets: HashMap<i64, &'a Complete>,
}

/// A complete set for the database: what is stored and not kept goes.
#[derive(Serialize)]
pub(super) struct Kept {
    id: i64,
    as_of: String,
    keep: Vec<Value>,
    count: usize,
}

impl<'a> Sets<'a> {
    pub(super) fn new(batches: &[&'a Batch]) -> Sets<'a> {
        let mut sets: HashMap<i64, &Complete> = HashMap::new();
        for set in batches.iter().flat_map(|batch| &batch.complete) {
            let known = sets.entry(set.merge_request_id).or_insert(set);
            if known.as_of <= set.as_of {
                *known = set;
            }
        }
        Sets { sets }
    }

    pub(super) fn contains(&self, merge_request: i64) -> bool {
        self.sets.contains_key(&merge_request)
    }

    /// The merge requests with the age of their sets, in the order of their ids, but for those that are new.
    pub(super) fn ages(&self, new: &HashSet<i64>) -> Vec<Map<String, Value>> {
        let mut sets: Vec<&&Complete> = self.sets.values().filter(|set| !new.contains(&set.merge_request_id)).collect();
        sets.sort_by_key(|set| set.merge_request_id);
        let age = |set: &&&Complete| {
            Map::from_iter([
                ("id".to_owned(), set.merge_request_id.into()),
                ("as_of".to_owned(), rows::text(set.as_of).into()),
            ])
        };
        sets.iter().map(age).collect()
    }

    /// The children to store: all but those of sets that are older than another here or than what is stored.
    pub(super) fn children<'r, T: Child + 'r>(
        &self,
        batches: &[&'r Batch],
        rows: fn(&Batch) -> &Vec<T>,
        stale: &HashSet<i64>,
    ) -> Vec<&'r T> {
        let of_batch = |batch: &&'r Batch| {
            let outdated = |set: &&Complete| {
                let newest = self.sets.get(&set.merge_request_id).map_or(set.as_of, |newest| newest.as_of);
                T::is_complete(set) && (stale.contains(&set.merge_request_id) || set.as_of < newest)
            };
            let outdated: HashSet<i64> =
                batch.complete.iter().filter(outdated).map(|set| set.merge_request_id).collect();
            rows(batch).iter().filter(move |row| !outdated.contains(&row.merge_request_id()))
        };
        newest(batches.iter().flat_map(of_batch))
    }

    /// What to keep of each set, but for those that are `passed` over.
    pub(super) fn kept<T: Child>(&self, children: &[&T], passed: &HashSet<i64>) -> Vec<Kept> {
        let in_force = self.sets.values().filter(|set| T::is_complete(set) && !passed.contains(&set.merge_request_id));
        let mut kept: HashMap<i64, Kept> = in_force
            .map(|set| {
                let id = set.merge_request_id;
                (id, Kept { id, as_of: rows::text(set.as_of), keep: Vec::new(), count: 0 })
            })
            .collect();
        for child in children {
            if let Some(set) = kept.get_mut(&child.merge_request_id()) {
                set.keep.push(child.own_key());
                set.count += 1;
            }
        }
        let mut kept: Vec<Kept> = kept.into_values().collect();
        kept.sort_by_key(|set| set.id);
        kept
    }
}

/// The keys of simple rows, in the order of the primary keys of their tables.
macro_rules! keyed {
    ($($row:ty: $key:ty = |$this:ident| $value:expr $(, clock $clock:ident)?;)+) => {$(
        impl Keyed for $row {
            type Key<'a> = $key;
            fn key(&self) -> Self::Key<'_> {
                let $this = self;
                $value
            }
            $(fn clock(&self) -> Option<Timestamp> {
                Some(self.$clock)
            })?
        }
    )+};
}

keyed! {
    Group: i64 = |row| row.id;
    Project: i64 = |row| row.id;
    Label: (HolderKind, i64, i64) = |row| (row.kind, row.holder_id, row.id);
    Member: (HolderKind, i64, i64) = |row| (row.kind, row.holder_id, row.user_id);
    User: i64 = |row| row.id;
    Username: (&'a str, i64) = |row| (&row.username, row.user_id);
    MergeRequest: i64 = |row| row.id, clock updated_at;
    Environment: i64 = |row| row.id;
    Deployment: i64 = |row| row.id, clock updated_at;
    Pipeline: i64 = |row| row.id, clock updated_at;
    Job: i64 = |row| row.id;
    Note: (i64, i64) = |row| (row.merge_request_id, row.id), clock updated_at;
    Approval: (i64, i64) = |row| (row.merge_request_id, row.user_id);
    MergeRequestCommit: (i64, &'a str) = |row| (row.merge_request_id, &row.sha);
}

impl Child for Note {
    fn merge_request_id(&self) -> i64 {
        self.merge_request_id
    }
    fn is_complete(complete: &Complete) -> bool {
        complete.notes
    }
    fn own_key(&self) -> Value {
        self.id.into()
    }
}

impl Child for Approval {
    fn merge_request_id(&self) -> i64 {
        self.merge_request_id
    }
    fn is_complete(complete: &Complete) -> bool {
        complete.approvals
    }
    fn own_key(&self) -> Value {
        self.user_id.into()
    }
}

impl Child for MergeRequestCommit {
    fn merge_request_id(&self) -> i64 {
        self.merge_request_id
    }
    fn is_complete(complete: &Complete) -> bool {
        complete.commits
    }
    fn own_key(&self) -> Value {
        self.sha.as_str().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn merge_request(id: i64, updated: i64, title: Option<&str>, state: Option<&str>) -> MergeRequest {
        MergeRequest {
            id,
            updated_at: at(updated),
            title: title.map(str::to_owned),
            state: state.map(str::to_owned),
            ..MergeRequest::default()
        }
    }

    #[test]
    fn of_complete_rows_the_newest_stays_and_keys_are_in_order() {
        let rows = [
            merge_request(2, 1, Some("c"), None),
            merge_request(1, 5, Some("a"), None),
            merge_request(1, 3, Some("b"), None),
        ];

        let titles: Vec<_> = newest(rows.iter()).iter().map(|row| row.title.clone().unwrap()).collect();

        assert_eq!(titles, ["a", "c"]);
    }

    #[test]
    fn among_equals_the_later_one_stays() {
        let rows = [merge_request(1, 5, Some("first"), None), merge_request(1, 5, Some("second"), None)];

        assert_eq!(newest(rows.iter())[0].title.as_deref(), Some("second"));
    }

    #[test]
    fn of_partial_rows_unknown_facts_cover_nothing() {
        let rows = [merge_request(1, 5, None, Some("merged")), merge_request(1, 3, Some("a"), Some("opened"))];

        let folded = folded(rows.iter()).unwrap();

        assert_eq!(folded.len(), 1);
        assert_eq!((&folded[0]["title"], &folded[0]["state"]), (&"a".into(), &"merged".into()));
    }

    #[test]
    fn nul_is_left_out_of_documents() {
        assert_eq!(document(&["a\0b", "a\\u0000b"]).unwrap(), r#"["ab","a\\u0000b"]"#);
    }
}
