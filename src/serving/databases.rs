//! The databases of the connections: each is opened once, however many connections share it, and waited for while it is away.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::gauge::ConstGauge,
    registry::Registry,
};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    receiver::{self, Inbox},
    store::{self, Place, Store},
};

/// Pauses between attempts to open a database.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// All databases that somebody uses. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Databases {
    known: Known,
    metrics: receiver::Metrics,
}

/// By a digest of their places, whose URLs hold passwords.
type Known = Arc<Mutex<HashMap<[u8; 32], Weak<Database>>>>;

/// A database. It is closed when nobody uses it any more.
#[derive(Debug)]
pub(super) struct Database {
    opened: watch::Receiver<Option<Opened>>,
    _until_dropped: DropGuard,
}

/// A database that answered.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) inbox: Inbox,
}

impl Databases {
    /// No database yet; what there will be is told to whoever asks for metrics.
    pub(super) fn register(registry: &mut Registry, metrics: receiver::Metrics) -> Databases {
        let known = Known::default();
        registry.register_collector(Box::new(Away(Arc::clone(&known))));
        Databases { known, metrics }
    }

    /// The database at this place. It is being opened from now on.
    pub(super) fn at(&self, place: &Place) -> Arc<Database> {
        let digest = Sha256::new_with_prefix(place.url.expose_secret())
            .chain_update(place.max_connections.to_be_bytes())
            .chain_update(place.ca_bundle.as_deref().unwrap_or_default());
        let digest = digest.finalize().into();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = known.get(&digest).and_then(Weak::upgrade) {
            return database;
        }
        known.retain(|_, database| database.strong_count() > 0);
        let (sender, opened) = watch::channel(None);
        let stop = CancellationToken::new();
        let (place, metrics, stopped) = (place.clone(), self.metrics.clone(), stop.clone());
        tokio::spawn(async move {
            let opening = async {
                let store = open(&place).await;
                sender.send_replace(Some(Opened { inbox: Inbox::open(store.clone(), metrics), store }));
            };
            stopped.run_until_cancelled(opening).await;
        });
        let database = Arc::new(Database { opened, _until_dropped: stop.drop_guard() });
        known.insert(digest, Arc::downgrade(&database));
        database
    }
}

impl Database {
    /// The database, once it answers.
    pub(super) async fn opened(&self) -> Opened {
        let mut opened = self.opened.clone();
        loop {
            if let Some(opened) = opened.borrow_and_update().as_ref() {
                return opened.clone();
            }
            // The sender goes once it has sent: there is something then, or will never be.
            if opened.changed().await.is_err() && opened.borrow().is_none() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn is_away(&self) -> bool {
        self.opened.borrow().as_ref().is_none_or(|opened| opened.inbox.is_away())
    }
}

/// Opens a database and brings its schema up to date, however long that takes.
async fn open(place: &Place) -> Store {
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match try_open(place).await {
            Ok(store) => return store,
            Err(error) => error,
        };
        tracing::warn!(%error, reason = error.reason(), "a database cannot be opened, trying again in {pause:?}");
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn try_open(place: &Place) -> Result<Store, store::Error> {
    let store = Store::open_at(place).await?;
    store.migrate().await?;
    Ok(store)
}

/// Tells how many databases are away.
#[derive(Debug)]
struct Away(Known);

impl Collector for Away {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let used: Vec<_> = known.values().filter_map(Weak::upgrade).collect();
        let count = |number: usize| ConstGauge::new(i64::try_from(number).unwrap_or(i64::MAX));
        for (name, help, gauge) in [
            ("databases", "Databases that connections use", count(used.len())),
            (
                "databases_away",
                "Databases that could not be opened yet, or take no deliveries",
                count(used.iter().filter(|database| database.is_away()).count()),
            ),
        ] {
            let metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn databases() -> (Databases, Registry) {
        let mut registry = Registry::default();
        let metrics = receiver::Metrics::register(&mut registry);
        (Databases::register(&mut registry, metrics), registry)
    }

    fn gauges(registry: &Registry) -> Vec<String> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
        text.lines().filter(|line| line.starts_with("databases")).map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn a_database_is_opened_once_for_all_and_closed_after_the_last() {
        let (databases, registry) = databases();
        let place = SecretString::from("sqlite::memory:").into();

        let (one, other) = (databases.at(&place), databases.at(&place));
        let opened = one.opened().await;
        assert!(Arc::ptr_eq(&one, &other));
        assert_eq!(gauges(&registry), ["databases 1", "databases_away 0"]);
        assert_eq!(opened.store.migrate().await.unwrap().from, opened.store.migrate().await.unwrap().to);

        drop((one, other));
        assert_eq!(gauges(&registry), ["databases 0", "databases_away 0"]);
    }

    /// On the real clock: one that is paused leaps ahead while SQLite works, and what waits for SQLite gives up.
    #[tokio::test]
    async fn a_database_that_is_away_is_tried_again_and_holds_up_nobody() {
        let (databases, registry) = databases();
        let directory = std::env::temp_dir().join(format!("gitlab-connector-{:016x}", fastrand::u64(..)));
        let url = SecretString::from(format!("sqlite:{}", directory.join("store.db").display()));

        let away = databases.at(&url.into());
        databases.at(&SecretString::from("sqlite::memory:").into()).opened().await;
        assert!(tokio::time::timeout(Duration::from_millis(100), away.opened()).await.is_err());
        assert!(gauges(&registry).contains(&"databases_away 1".to_owned()));

        std::fs::create_dir_all(&directory).unwrap();
        away.opened().await;
        assert!(!away.is_away());
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
