//! What the receiver accepts at present, and where it goes.

use std::sync::Arc;

use secrecy::SecretString;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use crate::receiver::{Accepted, Destination, Reader, Route, Routes};

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
        self.change(uid, |route| Some(route.cloned().unwrap_or_else(|| new(uid))));
    }

    /// Accepts these secrets from now on; where the deliveries go stays as it is, and is nowhere yet for a new connection.
    pub(super) fn accept(&self, uid: &str, secrets: &[SecretString], text: bool, bell: &Arc<Notify>) {
        self.change(uid, |route| {
            let (accepted, reader) = (Some(Accepted::of(secrets)), Some(Reader::new(Arc::clone(bell), Instant::now())));
            Some(Route { accepted, reader, text, ..route.cloned().unwrap_or_else(|| new(uid)) })
        });
    }

    /// Accepts what was read again, for a connection that is still known.
    pub(super) fn renew(&self, uid: &str, secrets: &[SecretString]) {
        self.change(uid, |route| {
            let route = route?.clone();
            let reader = route.reader.as_ref().map(Reader::again);
            Some(Route { accepted: Some(Accepted::of(secrets)), reader, ..route })
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

/// A connection of which nothing is known yet.
fn new(uid: &str) -> Route {
    Route { uid: uid.to_owned(), accepted: None, reader: None, text: false, destination: Destination::Away }
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
        let bell = Arc::new(Notify::new());

        table.lead("a", &Destination::Nowhere("suspended"));
        assert!(lines(&routes).is_empty(), "nothing is accepted for whom no secret is known");
        table.announce("a");
        assert_eq!(lines(&routes), ["a None Away"]);
        table.accept("a", &["one".into()], false, &bell);
        table.announce("a");
        table.accept("b", &["other".into()], false, &bell);
        table.lead("a", &Destination::Nowhere("suspended"));
        table.renew("a", &["two".into(), "one".into()]);
        table.renew("c", &["nobody knows it".into()]);

        assert_eq!(
            lines(&routes),
            ["a Some(Accepted { secrets: 2, .. }) Nowhere(\"suspended\")", "b Some(Accepted { secrets: 1, .. }) Away"]
        );
        table.forget("a");
        assert_eq!(lines(&routes), ["b Some(Accepted { secrets: 1, .. }) Away"]);
    }
}
