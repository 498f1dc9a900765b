//! A door between a process and a server, at which a request can be held: before it gets through, or when its answer comes.
//! Who is killed meanwhile is killed exactly there.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use kube::{Client, Config};
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio_util::task::AbortOnDropHandle;

use crate::harness::until;

/// Which requests count, by method and path.
pub(super) type Counts = fn(&str, &str) -> bool;

/// On which side of the server a request is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The server never hears of it.
    Before,
    /// The server has done it, and nobody learns that.
    After,
}

/// What is done to requests that count.
enum Doorman {
    LetsThrough,
    /// Holds this one, counted from 0, and all that come after it.
    Holds(usize, Side),
    /// Lets none of these through until so many wait.
    Gathers(Arc<Barrier>, Counts),
}

struct Door {
    server: Client,
    counts: Counts,
    doorman: Mutex<Doorman>,
    came: Mutex<Vec<String>>,
    held: Mutex<BTreeSet<usize>>,
}

/// A way to a server.
pub(super) struct Gate {
    /// Where to knock.
    pub(super) url: String,
    door: Arc<Door>,
    _served: AbortOnDropHandle<()>,
}

impl Gate {
    /// A way to a server that is known by its URL.
    pub(super) async fn to(url: &str, counts: Counts) -> Gate {
        Self::by(Client::try_from(Config::new(url.parse().unwrap())).unwrap(), counts).await
    }

    /// A way to the server of a client, with the client's rights.
    pub(super) async fn by(server: Client, counts: Counts) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let door = Arc::new(Door {
            server,
            counts,
            doorman: Mutex::new(Doorman::LetsThrough),
            came: Mutex::default(),
            held: Mutex::default(),
        });
        let service = Router::new().fallback(enter).with_state(Arc::clone(&door));
        let served = tokio::spawn(async move { drop(axum::serve(listener, service).await) });
        Gate { url, door, _served: AbortOnDropHandle::new(served) }
    }

    /// Holds a request that counts, counted from 0, on that side of the server; and all that come later, before it.
    pub(super) fn hold(&self, number: usize, side: Side) {
        *self.door.doorman.lock().unwrap() = Doorman::Holds(number, side);
    }

    /// Holds these of the requests that count until so many are there at the same time.
    pub(super) fn gather(&self, many: usize, these: Counts) {
        *self.door.doorman.lock().unwrap() = Doorman::Gathers(Arc::new(Barrier::new(many)), these);
    }

    /// Holds nobody who comes from now on.
    pub(super) fn open(&self) {
        *self.door.doorman.lock().unwrap() = Doorman::LetsThrough;
    }

    /// The requests that counted, in the order in which they came.
    pub(super) fn came(&self) -> Vec<String> {
        self.door.came.lock().unwrap().clone()
    }

    /// Waits until a request is held.
    pub(super) async fn until_held(&self, number: usize) {
        until(&format!("request {number} is held"), Duration::from_secs(180), async || {
            if self.door.held.lock().unwrap().contains(&number) { Ok(()) } else { Err(format!("{:#?}", self.came())) }
        })
        .await;
    }
}

async fn enter(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (method, path) = (request.method().as_str(), request.uri().path());
    let mut hold = None;
    let mut gather = None;
    if (door.counts)(method, path) {
        let number = {
            let mut came = door.came.lock().unwrap();
            came.push(format!("{method} {path}"));
            came.len() - 1
        };
        match &*door.doorman.lock().unwrap() {
            Doorman::LetsThrough => {}
            Doorman::Holds(wanted, side) if number == *wanted => hold = Some((number, *side)),
            Doorman::Holds(wanted, _) if number > *wanted => hold = Some((number, Side::Before)),
            Doorman::Holds(..) => {}
            Doorman::Gathers(barrier, these) if these(method, path) => gather = Some(Arc::clone(barrier)),
            Doorman::Gathers(..) => {}
        }
    }
    if let Some(barrier) = gather {
        barrier.wait().await;
    }
    let stay = async |number| {
        door.held.lock().unwrap().insert(number);
        std::future::pending::<()>().await;
    };
    if let Some((number, Side::Before)) = hold {
        stay(number).await;
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let answer = door.server.send(axum::http::Request::from_parts(parts, kube::client::Body::from(body))).await;
    if let Some((number, Side::After)) = hold {
        stay(number).await;
    }
    match answer {
        Ok(answer) => answer.map(Body::new),
        Err(error) => Response::builder().status(502).body(Body::from(error.to_string())).unwrap(),
    }
}
