//! A GitLab that runs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};

use super::change::{change, live};
use super::clients::Clients;
use super::faults::Faults;
use super::limits::Limiter;
use super::log::{Log, Logged};
use super::options::Options;
use super::shared::Shared;
use super::wire::Door;
use super::{http, tls};
use crate::world::World;

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
        let (gate, open) = watch::channel(true);
        let shared = Arc::new(Shared {
            world: RwLock::new(world),
            root: options.root,
            https: options.tls.is_some(),
            strict: options.strict,
            gate,
            faults: Faults::default(),
            log: Log::default(),
            limiter: Limiter::default(),
            clients: Clients::default(),
            workers: Semaphore::new(25),
            in_flight: AtomicUsize::new(0),
            settled: Notify::new(),
        });
        if !options.latency.is_zero() {
            shared.faults.latency(options.latency);
        }
        let (stop, stopped) = watch::channel(false);
        let tls = options.tls.map(|(certificate, key)| tls::acceptor(&certificate, &key)).transpose()?;
        let door = Door::new(listener, tls, open)?;
        tokio::spawn(http::serve(door, Arc::clone(&shared), stopped.clone()));
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

    /// What was asked for below `/api/v4` and is not there, and how often.
    #[must_use]
    pub fn absent(&self) -> BTreeMap<String, usize> {
        self.shared.log.absent()
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
