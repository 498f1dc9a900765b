//! What the receiver accepts at present, and where it goes.

use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::watch;

use crate::receiver::{Accepted, Destination, Route, Routes};

/// The routes of all connections. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Table(Arc<watch::Sender<Arc<Vec<Route>>>>);

impl Table {
    pub(super) fn new() -> (Table, Routes) {
        let (sender, receiver) = watch::channel(Arc::default());
        (Table(Arc::new(sender)), receiver)
    }

    /// Lets senders wait for a connection whose secrets are not known yet.
    pub(super) fn announce(&self, uid: &str) {
        self.change(uid, |route| {
            let new = || Route { uid: uid.to_owned(), accepted: None, text: false, destination: Destination::Away };
            Some(route.cloned().unwrap_or_else(new))
        });
    }

    /// Accepts these secrets from now on; where the deliveries go stays as it is, and is nowhere yet for a new connection.
    pub(super) fn accept(&self, uid: &str, secrets: &[SecretString], text: bool) {
        self.change(uid, |route| {
            let destination = route.map_or(Destination::Away, |route| route.destination.clone());
            Some(Route { uid: uid.to_owned(), accepted: Some(Accepted::of(secrets)), text, destination })
        });
    }

    /// Sends the deliveries of a connection there from now on.
    pub(super) fn lead(&self, uid: &str, destination: &Destination) {
        self.change(uid, |route| Some(Route { destination: destination.clone(), ..route?.clone() }));
    }

    /// Accepts nothing for this connection any more.
    pub(super) fn forget(&self, uid: &str) {
        self.change(uid, |_| None);
    }

    fn change(&self, uid: &str, change: impl FnOnce(Option<&Route>) -> Option<Route>) {
        self.0.send_modify(|routes| {
            let known = routes.iter().position(|route| route.uid == uid);
            let changed = change(known.map(|at| &routes[at]));
            let routes = Arc::make_mut(routes);
            match (known, changed) {
                (Some(at), Some(route)) => routes[at] = route,
                (Some(at), None) => drop(routes.swap_remove(at)),
                (None, Some(route)) => routes.push(route),
                (None, None) => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(routes: &Routes) -> Vec<String> {
        let line = |route: &Route| format!("{} {:?} {:?}", route.uid, route.accepted, route.destination);
        routes.borrow().iter().map(line).collect()
    }

    #[test]
    fn secrets_and_destination_of_a_connection_change_apart() {
        let (table, routes) = Table::new();

        table.lead("a", &Destination::Nowhere("suspended"));
        assert!(lines(&routes).is_empty(), "nothing is accepted for whom no secret is known");
        table.announce("a");
        assert_eq!(lines(&routes), ["a None Away"]);
        table.accept("a", &["one".into()], false);
        table.announce("a");
        table.accept("b", &["other".into()], false);
        table.lead("a", &Destination::Nowhere("suspended"));
        table.accept("a", &["two".into(), "one".into()], true);

        assert_eq!(
            lines(&routes),
            ["a Some(Accepted { secrets: 2, .. }) Nowhere(\"suspended\")", "b Some(Accepted { secrets: 1, .. }) Away"]
        );
        table.forget("a");
        assert_eq!(lines(&routes), ["b Some(Accepted { secrets: 1, .. }) Away"]);
    }
}
