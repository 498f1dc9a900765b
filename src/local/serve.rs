//! The receiver and the refreshers of the connections, in this process.

use std::{collections::BTreeMap, sync::Arc};

use futures::future::join_all;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
};
use tokio_util::sync::CancellationToken;

use super::{Stored, Work};
use crate::{
    asked,
    importer::refresh,
    receiver::{self, Accepted, Destination, Inbox, Place, Route},
};

/// There is nothing to serve.
#[derive(Debug, thiserror::Error)]
#[error("--watch: no connection is there to be served")]
pub struct NoConnection;

/// Receives deliveries of all connections on `listener`, and reads again what they name, until `stop`.
///
/// # Errors
/// When there is no connection.
pub async fn serve(
    listener: TcpListener,
    connections: &[(&Work<'_>, &Stored)],
    metrics: receiver::Metrics,
    stop: &CancellationToken,
) -> Result<(), NoConnection> {
    if connections.is_empty() {
        return Err(NoConnection);
    }
    let mut inboxes = BTreeMap::new();
    let mut routes = Vec::new();
    for (work, stored) in connections {
        let open = || Inbox::open(stored.store.clone(), metrics.clone());
        let inbox = inboxes.entry(stored.url()).or_insert_with(open).clone();
        routes.push(route(work, stored, inbox));
    }
    let wakes: Vec<_> = routes.iter().map(|(_, wake)| Arc::clone(wake)).collect();
    let routes = Arc::new(routes.into_iter().map(|(route, _)| route).collect());
    // Connections come from files, so the routes never change; the sender lives as long as deliveries are accepted.
    let (_sender, routes) = watch::channel(routes);

    let refresh = connections.iter().zip(wakes).map(|((work, stored), wake)| refresh(work, stored, wake, stop));
    let receive = receiver::run(listener, routes, metrics, stop.clone().cancelled_owned());
    tokio::join!(receive, join_all(refresh));
    Ok(())
}

async fn refresh(work: &Work<'_>, stored: &Stored, wake: Arc<Notify>, stop: &CancellationToken) {
    let settings = asked::import_settings(work.spec(), stored.registered.source);
    let mut readers = work.readers.subscribe();
    loop {
        let client = work.client.among(&readers.borrow_and_update());
        tokio::select! {
            () = refresh::run(&client, &stored.store, &settings, Arc::clone(&wake), stop.clone()) => return,
            changed = readers.changed() => if changed.is_err() { return },
        }
    }
}

fn route(work: &Work<'_>, stored: &Stored, inbox: Inbox) -> (Route, Arc<Notify>) {
    let wake = Arc::new(Notify::new());
    let place = Place { inbox, source: stored.registered.source, wake: Arc::clone(&wake) };
    let secrets: Vec<_> = stored.hook_secret.iter().flatten().cloned().collect();
    let route = Route {
        uid: stored.registered.uid.clone(),
        accepted: Some(Accepted::of(&secrets)),
        // Nobody else changes it while this process runs.
        reader: None,
        text: work.spec().import.text,
        destination: Destination::Store(place),
    };
    (route, wake)
}
