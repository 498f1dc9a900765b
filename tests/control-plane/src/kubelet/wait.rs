//! Waiting for what a pod needs to appear.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::node::Change;
use super::references::Name;

/// Looks again after this long even when nothing is said to have changed.
const LONGEST: Duration = Duration::from_secs(5);

/// Comes when one of `names` may have changed, or after a while.
pub(super) async fn changed(changes: &mut Receiver<Change>, namespace: &str, names: &BTreeSet<Name>) {
    let said = timeout(LONGEST, said(changes, namespace, names)).await;
    if said.is_err() {
        tracing::trace!(namespace, "looking again");
    }
}

/// Comes when one of `names` may have changed.
pub(super) async fn said(changes: &mut Receiver<Change>, namespace: &str, names: &BTreeSet<Name>) {
    loop {
        match changes.recv().await {
            Ok(Change(Some((home, name)))) if home != namespace || !names.contains(&name) => {}
            Ok(_) | Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
