//! Receives GitLab's webhook deliveries and makes them durable before it answers.
//!
//! ```text
//!   POST ─▶ delivery ─▶ payload ─▶ inbox ─▶ 2xx
//!           bound,      bytes to   many deliveries,
//!           authenticate rows      one transaction
//! ```
//!
//! Success is answered to everything authentic, wanted or not: GitLab counts failures and disables hooks that have too
//! many. It never repeats a delivery that failed, so a database that is away is waited for as long as GitLab waits for
//! us. What is lost all the same, the next import reads.
//!
//! A request that is not authentic gets 401, always the same one: whether a connection exists cannot be asked here.

mod authenticate;
mod delivery;
mod failure;
mod inbox;
mod metrics;
mod payload;
mod serve;
mod wire;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use secrecy::SecretString;
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore, watch},
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::store::{Source, Store};
use delivery::{Delivery, Recipient};
use failure::Failure;
use inbox::{Entry, Inbox};
pub use metrics::Metrics;

/// Bodies above a quarter of a megabyte that are in memory at once.
const LARGE_BODIES: usize = 4;

/// A connection whose deliveries are accepted.
#[derive(Clone, Debug)]
pub struct Route {
    /// Last segment of the hook's URL.
    pub uid: String,
    /// The connection in the store.
    pub source: Source,
    /// Any of them is accepted; those that start with `whsec_` check signatures too. None accepts nothing.
    pub secrets: Vec<SecretString>,
    /// Whether descriptions and comments are stored, not only titles.
    pub text: bool,
}

/// The connections that are served now. Changes take effect with the next delivery.
pub type Routes = watch::Receiver<Arc<Vec<Route>>>;

/// What the receiver works with.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Where deliveries go.
    pub store: Store,
    /// Whose deliveries are accepted.
    pub routes: Routes,
    /// Woken when a merge request is due to be read again.
    pub wake: Arc<Notify>,
    /// What is counted.
    pub metrics: Metrics,
}

/// The receiver could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The task that commits deliveries ended although nobody asked it to.
    #[error("the receiver's inbox failed: {0}")]
    Inbox(#[from] tokio::task::JoinError),
}

/// Serves `/webhooks/gitlab` and `/webhooks/gitlab/{uid}` on `listener` until `stop` resolves; then ends what is in flight.
///
/// # Errors
/// [`Error::Inbox`] when deliveries can no longer be committed.
pub async fn run(listener: TcpListener, receiver: Receiver, stop: impl Future<Output = ()>) -> Result<(), Error> {
    let Receiver { store, routes, wake, metrics } = receiver;
    let (inbox, committer) = inbox::inbox(store, wake, metrics.clone());
    let mut committing = tokio::spawn(committer.run());
    let large_bodies = Arc::new(Semaphore::new(LARGE_BODIES));
    let router = router(Shared { routes, inbox, metrics, large_bodies });

    let failed = tokio::select! {
        () = serve::serve(listener, router, stop) => None,
        ended = &mut committing => Some(ended),
    };
    // With the router the last inbox is gone, so the committer ends once everything is settled.
    match failed {
        Some(ended) => ended?,
        None => committing.await?,
    }
    Ok(())
}

/// What requests share.
#[derive(Clone, Debug)]
struct Shared {
    routes: Routes,
    inbox: Inbox,
    metrics: Metrics,
    large_bodies: Arc<Semaphore>,
}

fn router(shared: Shared) -> Router {
    // With a slash at the end too: a redirect would be a failure, and people do type it.
    Router::new()
        .route("/webhooks/gitlab", post(deliver))
        .route("/webhooks/gitlab/", post(deliver))
        .route("/webhooks/gitlab/{uid}", post(deliver))
        .route("/webhooks/gitlab/{uid}/", post(deliver))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(|| async { "ok\n" }))
        .layer(CatchPanicLayer::new())
        .with_state(shared)
}

async fn deliver(State(shared): State<Shared>, delivery: Result<Delivery, Failure>) -> Response {
    let result = match delivery {
        Ok(delivery) => commit(&shared, delivery).await,
        Err(error) => Err(error),
    };
    result.unwrap_or_else(|error| {
        shared.metrics.count(error.name());
        error.into_response()
    })
}

/// Hands a delivery to each of its recipients. It is answered once it is durable for all of them.
async fn commit(shared: &Shared, delivery: Delivery) -> Result<Response, Failure> {
    let Delivery { recipients, id, event, body, deadline } = delivery;
    let entry = |recipient: &Recipient| Entry {
        source: recipient.source,
        id: id.clone(),
        reading: payload::read(&event, &body, recipient.text),
        deadline,
    };
    let commits: Vec<_> = recipients.iter().map(|recipient| shared.inbox.commit(entry(recipient))).collect();
    // It may be large, and the database may be away for a while.
    drop(body);
    let receipts = futures::future::try_join_all(commits).await?;
    let names: Vec<&str> = receipts.iter().map(|receipt| receipt.name()).collect();
    for name in &names {
        shared.metrics.count(name);
    }
    // The administrator of the hook sees this in GitLab.
    Ok((StatusCode::OK, names.join(" ") + "\n").into_response())
}
