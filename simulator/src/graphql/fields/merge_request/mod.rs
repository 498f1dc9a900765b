//! Merge requests: what they are, who takes part, where they stand, what they change, and what hangs on them.

mod around;
mod basics;
mod changes;
mod checks;
mod people;
mod shared;
mod status;

use crate::world::MergeRequest;

use super::kit::On;

pub(crate) use changes::file_field;

pub(crate) fn field(name: &str) -> Option<On<MergeRequest>> {
    basics::field(name)
        .or_else(|| people::field(name))
        .or_else(|| status::field(name))
        .or_else(|| changes::field(name))
        .or_else(|| around::field(name))
}
