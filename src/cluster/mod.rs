//! What controller and receiver share of Kubernetes: the client, the references of a connection, the Secret that keeps what
//! is known of its webhooks, and how a status is written.

mod apply;
mod client;
mod fetch;
mod hook_state;
mod metrics;

use kube::ResourceExt as _;

use crate::api::GitLabConnection;

pub use apply::apply_status;
pub use client::{client, client_for, is_conflict, is_gone, timely};
pub use fetch::fetch;
pub use hook_state::{Error as HookStateError, HookState, LEARNT};
pub use metrics::Metrics;

/// Label of what belongs to a connection: its UID.
pub const CONNECTION_UID: &str = "gitlab-connector.dev/connection-uid";
/// Label that says whose work an object is.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Value of that label.
pub const MANAGER: &str = "gitlab-connector";

/// A connection by what does not change while it lives.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionRef {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID: another connection of the same name has another.
    pub uid: String,
}

impl ConnectionRef {
    /// The connection that an API server told of; `None` for one that never was there.
    #[must_use]
    pub fn of(connection: &GitLabConnection) -> Option<Self> {
        Some(Self {
            namespace: connection.namespace()?,
            name: connection.metadata.name.clone()?,
            uid: connection.metadata.uid.clone()?,
        })
    }
}

impl std::fmt::Display for ConnectionRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Named;

    #[test]
    fn asking_the_api_server_may_move_between_threads() {
        fn is_send<T: Send>(_: T) {}
        // Never called: to compile is to hold.
        let _check = |client: &kube::Client, connection: &ConnectionRef, named: &Named, state: &HookState| {
            is_send(fetch(client, "metrics", named, crate::guard::Consent::Required));
            is_send(apply_status(client, MANAGER, connection, &()));
            is_send(HookState::read(client, connection));
            is_send(HookState::create(client, connection, "".into(), false, jiff::Timestamp::UNIX_EPOCH));
            is_send(state.replace(client, connection));
        };
    }
}
