//! Receives GitLab's webhook deliveries and makes them durable before it answers.
//!
//! ```text
//!   POST ─▶ delivery ─▶ payload ─▶ inbox ─▶ 2xx
//!           bound,      bytes to   many deliveries,
//!           authenticate rows      one transaction a database
//! ```
//!
//! Success is answered to everything authentic, wanted or not: GitLab counts failures and disables hooks that have too
//! many. It never repeats a delivery that failed, so a database that is away is waited for as long as GitLab waits for
//! us. What is lost all the same, the next import reads. Connections may have different databases: each has an inbox of its
//! own, and one that is away holds up nobody else.
//!
//! A request that is not authentic gets 401, always the same one: whether a connection exists cannot be asked here, unless its
//! secrets could not be read yet, or not again where they may have changed: a wrong token for a connection that we know has
//! them read once more before it is refused. Then it is waited for, and refused with 503.

mod authenticate;
mod delivery;
mod failure;
mod guests;
mod inbox;
mod metrics;
mod payload;
mod reader;
mod room;
mod serve;
mod wire;

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore, watch},
    task::spawn_blocking,
    time::{Instant, timeout_at},
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::store::Source;
use delivery::{Delivery, Recipient};
use failure::Failure;
use inbox::Entry;
use payload::Reading;
use room::Room;

pub use authenticate::Accepted;
pub use inbox::Inbox;
pub use metrics::Metrics;
pub use reader::Reader;

/// Deliveries that wait for databases that could not be opened yet. More are refused at once.
const WAITING: usize = 256;

/// Requests that wait for secrets that could not be read yet: nobody knows what they are worth, so they have places of their own.
const LEARNING: usize = 64;

/// A connection whose deliveries are accepted.
#[derive(Clone, Debug)]
pub struct Route {
    /// Last segment of the hook's URL.
    pub uid: String,
    /// What a sender has to know; `None` while nobody could read that.
    pub accepted: Option<Accepted>,
    /// Who reads that again where it may have changed; `None` where it cannot.
    pub reader: Option<Reader>,
    /// Whether descriptions and comments are stored, not only titles.
    pub text: bool,
    /// Where they go.
    pub destination: Destination,
}

/// Where the deliveries of a connection go.
#[derive(Clone, Debug)]
pub enum Destination {
    /// Into its database.
    Store(Place),
    /// Its database cannot be opened at present: they wait for it as long as GitLab waits for us.
    Away,
    /// Nowhere, and why in a word. They are answered with success, or GitLab would disable the hook.
    Nowhere(&'static str),
}

/// A connection's place in a database.
#[derive(Clone, Debug)]
pub struct Place {
    /// The database's inbox.
    pub inbox: Inbox,
    /// The connection in it.
    pub source: Source,
    /// Woken when a delivery is durable: a merge request may be due to be read again.
    pub wake: Arc<Notify>,
}

/// The connections that are served now. Changes take effect with the next delivery.
pub type Routes = watch::Receiver<Arc<Vec<Route>>>;

/// Serves `/webhooks/gitlab` and `/webhooks/gitlab/{uid}` on `listener` until `stop` resolves; then ends what is in flight.
pub async fn run(listener: TcpListener, routes: Routes, metrics: Metrics, stop: impl Future<Output = ()>) {
    let (waiting, learning) = (Arc::new(Semaphore::new(WAITING)), Arc::new(Semaphore::new(LEARNING)));
    let shared = Shared { routes, metrics, room: Arc::new(Room::new()), waiting, learning };
    serve::serve(listener, router(shared), stop).await;
}

/// What requests share.
#[derive(Clone, Debug)]
struct Shared {
    routes: Routes,
    metrics: Metrics,
    room: Arc<Room>,
    waiting: Arc<Semaphore>,
    learning: Arc<Semaphore>,
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
    let Delivery { recipients, id, event, body, deadline, _seat, _served } = delivery;
    let readings = read(event, body, recipients).await?;
    let settle = |(recipient, reading)| settle(shared, recipient, (id.clone(), reading), deadline);
    let names = futures::future::try_join_all(readings.into_iter().map(settle)).await?;
    for name in &names {
        shared.metrics.count(name);
    }
    // The administrator of the hook sees this in GitLab.
    Ok((StatusCode::OK, names.join(" ") + "\n").into_response())
}

/// What a delivery says to each of its recipients. A large one is read where nobody else waits.
async fn read(event: String, body: Bytes, recipients: Vec<Recipient>) -> Result<Vec<(Recipient, Reading)>, Failure> {
    let small = body.len() <= delivery::SMALL_BODY;
    let read = move || {
        let reading = |recipient: Recipient| {
            let reading = payload::read(&event, &body, recipient.text);
            (recipient, reading)
        };
        recipients.into_iter().map(reading).collect()
    };
    if small { Ok(read()) } else { spawn_blocking(read).await.map_err(|_| Failure::Unavailable) }
}

async fn settle(
    shared: &Shared,
    recipient: Recipient,
    (id, reading): (String, Reading),
    deadline: Instant,
) -> Result<&'static str, Failure> {
    let destination = match recipient.destination {
        Destination::Away => shared.wait_for_database(&recipient.uid, deadline).await?,
        known => known,
    };
    match destination {
        Destination::Store(Place { inbox, source, wake }) => {
            Ok(inbox.commit(Entry { source, id, reading, wake, deadline }).await?.name())
        }
        Destination::Nowhere(why) => Ok(why),
        Destination::Away => Err(Failure::Unavailable),
    }
}

impl Shared {
    /// The routes, once the secrets of the connection that the hook's URL names could be read, or its sender stops waiting.
    async fn learnt(&self, uid: Option<&str>, deadline: Instant) -> Result<Arc<Vec<Route>>, Failure> {
        let mut routes = self.routes.clone();
        let learnt = |routes: &Arc<Vec<Route>>| {
            uid.is_none_or(|uid| routes.iter().all(|route| route.uid != uid || route.accepted.is_some()))
        };
        let now = routes.borrow().clone();
        if learnt(&now) {
            return Ok(now);
        }
        let _place = self.learning.try_acquire().map_err(|_| Failure::Unlearnt)?;
        let waiting = timeout_at(deadline, routes.wait_for(learnt)).await;
        Ok(Arc::clone(&*waiting.map_err(|_| Failure::Unlearnt)?.map_err(|_| Failure::Unlearnt)?))
    }

    /// The routes, once the secrets of a connection were read again; `None` where that would tell nothing new.
    async fn read_again(&self, uid: &str, deadline: Instant) -> Result<Option<Arc<Vec<Route>>>, Failure> {
        let mut routes = self.routes.clone();
        let reader = |routes: &Arc<Vec<Route>>| routes.iter().find(|route| route.uid == uid)?.reader.clone();
        let before = reader(&routes.borrow());
        let Some(before) = before.filter(Reader::may_be_doubted) else { return Ok(None) };
        let _place = self.learning.try_acquire().map_err(|_| Failure::Unlearnt)?;
        before.ask();
        let read = |routes: &Arc<Vec<Route>>| reader(routes).is_none_or(|now| now.is_later_than(&before));
        let waiting = timeout_at(deadline, routes.wait_for(read)).await;
        Ok(Some(Arc::clone(&*waiting.map_err(|_| Failure::Unlearnt)?.map_err(|_| Failure::Unlearnt)?)))
    }

    /// Where a connection's deliveries go, once its database is there.
    async fn wait_for_database(&self, uid: &str, deadline: Instant) -> Result<Destination, Failure> {
        let _place = self.waiting.try_acquire().map_err(|_| Failure::Unavailable)?;
        let mut routes = self.routes.clone();
        let known = |routes: &Arc<Vec<Route>>| {
            let route = routes.iter().find(|route| route.uid == uid)?;
            (!matches!(route.destination, Destination::Away)).then(|| route.destination.clone())
        };
        let waiting = timeout_at(deadline, routes.wait_for(|routes| known(routes).is_some())).await;
        let routes = waiting.map_err(|_| Failure::Unavailable)?.map_err(|_| Failure::Unavailable)?;
        known(&routes).ok_or(Failure::Unavailable)
    }
}
