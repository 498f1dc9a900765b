//! The receiver and the refreshers of the connections, in this process.

use std::sync::Arc;

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
    receiver::{self, Receiver, Route},
    store::Store,
};

/// What makes serving impossible.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The receiver has one database.
    #[error("--watch serves one database: the connections name several; give --database, or watch them one by one")]
    SeveralDatabases,
    /// There is nothing to serve.
    #[error("--watch: no connection is there to be served")]
    NoConnection,
    /// The receiver ended by itself.
    #[error(transparent)]
    Receiver(#[from] receiver::Error),
}

/// Receives deliveries of all connections on `listener`, and reads again what they name, until `stop`.
///
/// # Errors
/// When the connections do not share a database, or the receiver cannot go on; `stop` is cancelled then.
pub async fn serve(
    listener: TcpListener,
    connections: &[(&Work<'_>, &Stored)],
    metrics: receiver::Metrics,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let store = shared_store(connections)?;
    // Connections come from files, so the routes never change; the sender lives as long as deliveries are accepted.
    let (_sender, routes) =
        watch::channel(Arc::new(connections.iter().map(|(work, stored)| route(work, stored)).collect()));
    let delivered = Arc::new(Notify::new());
    let wakes: Vec<_> = connections.iter().map(|_| Arc::new(Notify::new())).collect();

    let refresh =
        connections.iter().zip(&wakes).map(|((work, stored), wake)| refresh(work, stored, Arc::clone(wake), stop));
    let receiver = Receiver { store, routes, wake: Arc::clone(&delivered), metrics };
    let receive = async {
        let stopped = stop.clone();
        let ended = receiver::run(listener, receiver, async move { stopped.cancelled().await }).await;
        stop.cancel();
        ended
    };
    let (ended, _, ()) = tokio::join!(receive, join_all(refresh), relay(&delivered, &wakes, stop));
    Ok(ended?)
}

async fn refresh(work: &Work<'_>, stored: &Stored, wake: Arc<Notify>, stop: &CancellationToken) {
    let client = work.client.among(&work.observed.readers);
    let settings = asked::import_settings(work.spec(), stored.registered.source);
    refresh::run(&client, &stored.store, &settings, wake, stop.clone()).await;
}

fn shared_store(connections: &[(&Work<'_>, &Stored)]) -> Result<Store, Error> {
    let mut urls = connections.iter().map(|(_, stored)| stored.url());
    let first = urls.next().ok_or(Error::NoConnection)?;
    if urls.any(|url| url != first) {
        return Err(Error::SeveralDatabases);
    }
    connections.first().map(|(_, stored)| stored.store.clone()).ok_or(Error::NoConnection)
}

fn route(work: &Work<'_>, stored: &Stored) -> Route {
    Route {
        uid: stored.registered.uid.clone(),
        source: stored.registered.source,
        secrets: vec![stored.hook_secret.clone()],
        text: work.given.connection.spec.import.text,
    }
}

/// One bell rings many: a delivery may concern any connection.
async fn relay(delivered: &Notify, wakes: &[Arc<Notify>], stop: &CancellationToken) {
    while stop.run_until_cancelled(delivered.notified()).await.is_some() {
        for wake in wakes {
            wake.notify_one();
        }
    }
}
