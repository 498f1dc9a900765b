//! The World over HTTP: a server on a port of its own, with faults, limits, a log of requests and webhooks that fire.

mod auth;
mod control;
mod deliver;
mod faults;
mod http;
mod limits;
mod log;
mod spoil;
mod tls;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};

use crate::world::{Outgoing, World};

pub use faults::{Fault, FaultKind, Faults};
pub use log::Logged;

/// How the World is served.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// A relative root such as `/gitlab`, or nothing.
    pub root: String,
    /// How long every request takes at least.
    pub latency: Duration,
    /// Certificate chain and key in PEM, for HTTPS.
    pub tls: Option<(String, String)>,
    /// Things that happen by themselves, per minute.
    pub live: Option<f64>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            root: String::new(),
            latency: Duration::ZERO,
            tls: None,
            live: None,
        }
    }
}

impl Options {
    /// Served below a relative root, such as `/gitlab`.
    #[must_use]
    pub fn root(root: &str) -> Options {
        Options { root: root.trim_end_matches('/').to_owned(), ..Options::default() }
    }

    /// Served over HTTPS.
    #[must_use]
    pub fn tls(certificate: &str, key: &str) -> Options {
        Options { tls: Some((certificate.to_owned(), key.to_owned())), ..Options::default() }
    }

    /// Every request takes this long.
    #[must_use]
    pub fn latency(latency: Duration) -> Options {
        Options { latency, ..Options::default() }
    }
}

/// What the server's parts share.
#[derive(Debug)]
pub(crate) struct Shared {
    world: RwLock<World>,
    root: String,
    faults: Faults,
    log: log::Log,
    limiter: limits::Limiter,
    client: reqwest::Client,
    careless_client: reqwest::Client,
    /// GitLab's background workers.
    workers: Semaphore,
    in_flight: AtomicUsize,
    settled: Notify,
}

impl Shared {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, World> {
        self.world.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Changes the World and lets the webhooks fire, in the background and in no promised order.
pub(crate) fn change<R>(
    shared: &Arc<Shared>,
    runtime: &tokio::runtime::Handle,
    change: impl FnOnce(&mut World) -> R,
) -> R {
    let (result, outbox, twice) = {
        let mut world = shared.write();
        let result = change(&mut world);
        (result, world.take_outbox(), world.settings.duplicate_webhooks)
    };
    for outgoing in outbox {
        let key = twice.then(|| format!("{:032x}", fastrand::u128(..)));
        if twice {
            send(shared, runtime, outgoing.clone(), key.clone());
        }
        send(shared, runtime, outgoing, key);
    }
    result
}

fn send(shared: &Arc<Shared>, runtime: &tokio::runtime::Handle, outgoing: Outgoing, key: Option<String>) {
    shared.in_flight.fetch_add(1, Ordering::SeqCst);
    let shared = Arc::clone(shared);
    runtime.spawn(async move {
        let shuffle = shared.read().settings.shuffle_webhooks;
        if shuffle {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(..80))).await;
        }
        let worker = shared.workers.acquire().await;
        deliver::deliver(&shared, outgoing, key).await;
        drop(worker);
        shared.in_flight.fetch_sub(1, Ordering::SeqCst);
        shared.settled.notify_waiters();
    });
}

/// A running GitLab. It stops when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    url: String,
    runtime: tokio::runtime::Handle,
    stop: watch::Sender<bool>,
}

impl Simulator {
    /// Serves a World.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the certificate cannot be read.
    pub async fn start(mut world: World, options: Options) -> std::io::Result<Simulator> {
        // Another part of the process may have chosen a provider; either is fine.
        drop(rustls::crypto::ring::default_provider().install_default());
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{address}{}", options.root);
        world.settings.url.clone_from(&url);
        world.take_outbox();
        let client = |careless| {
            let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
            builder.danger_accept_invalid_certs(careless).build().map_err(std::io::Error::other)
        };
        let shared = Arc::new(Shared {
            world: RwLock::new(world),
            root: options.root,
            faults: Faults::default(),
            log: log::Log::default(),
            limiter: limits::Limiter::default(),
            client: client(false)?,
            careless_client: client(true)?,
            workers: Semaphore::new(25),
            in_flight: AtomicUsize::new(0),
            settled: Notify::new(),
        });
        if !options.latency.is_zero() {
            shared.faults.latency(options.latency);
        }
        let (stop, stopped) = watch::channel(false);
        let service = http::service(Arc::clone(&shared), stopped.clone());
        match options.tls {
            None => {
                // As nginx does; a delayed piece of an answer would look like latency.
                let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
                tokio::spawn(http::serve(listener, service, stopped.clone()))
            }
            Some((certificate, key)) => {
                let listener = tls::listen(listener, &certificate, &key)?;
                tokio::spawn(http::serve(listener, service, stopped.clone()))
            }
        };
        let runtime = tokio::runtime::Handle::current();
        if let Some(rate) = options.live {
            tokio::spawn(live(Arc::clone(&shared), rate, stopped));
        }
        Ok(Simulator { shared, address, url, runtime, stop })
    }

    /// The root URL without a trailing slash, with the relative root.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the World; webhooks fire for what verbs did.
    pub fn world<R>(&self, edit: impl FnOnce(&mut World) -> R) -> R {
        change(&self.shared, &self.runtime, edit)
    }

    /// Reads the World.
    pub fn read<R>(&self, read: impl FnOnce(&World) -> R) -> R {
        read(&self.shared.read())
    }

    /// The faults that are switched on.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// The requests so far, in the order in which they were answered.
    #[must_use]
    pub fn requests(&self) -> Vec<Logged> {
        self.shared.log.entries()
    }

    /// How often each endpoint was asked.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, usize> {
        self.shared.log.counts()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.shared.log.clear();
    }

    /// Waits until every webhook was delivered or failed.
    pub async fn settled(&self) {
        loop {
            let settled = self.shared.settled.notified();
            if self.shared.in_flight.load(Ordering::SeqCst) == 0 {
                return;
            }
            // The count may fall between the look and the wait.
            drop(tokio::time::timeout(Duration::from_millis(20), settled).await);
        }
    }

    /// Goes away: no answer from now on, and connections are refused.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Lets things happen until the server stops.
async fn live(shared: Arc<Shared>, per_minute: f64, mut stopped: watch::Receiver<bool>) {
    let mut random = fastrand::Rng::new();
    let runtime = tokio::runtime::Handle::current();
    loop {
        let pause = Duration::from_secs_f64((60.0 / per_minute.max(0.01)) * (0.3 + 1.4 * random.f64()));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
        change(&shared, &runtime, |world| world.live(&mut random));
    }
}
