//! What happens behind a request: another version answers, or the World changes.

use std::sync::Arc;

use crate::server::change::change;
use crate::server::faults::FaultKind;
use crate::server::shared::Shared;
use crate::server::verbs;
use crate::world::Version;

/// The version that answers, if it is another one.
pub(in crate::server) fn other_version(struck: &[FaultKind]) -> Option<Version> {
    struck.iter().find_map(|fault| match fault {
        FaultKind::OtherVersion { version } => Version::parse(version),
        _ => None,
    })
}

/// Lets happen what is to happen before, or after, the request is answered.
pub(in crate::server) fn happen(struck: &[FaultKind], shared: &Arc<Shared>, after: bool) {
    for fault in struck {
        if let FaultKind::Happens { verb, with, late } = fault
            && *late == after
        {
            // What it names may be gone by now; then nothing happens.
            let runtime = tokio::runtime::Handle::current();
            drop(change(shared, &runtime, |world| verbs::act(world, verb, with)));
        }
    }
}
