//! Many deliveries, one transaction.
//!
//! A database makes a transaction durable by waiting for its disk, and that wait costs the same for one delivery as for
//! two hundred. So one task a database commits, and whatever arrives while it waits is committed together next. The cost
//! of a delivery falls as their number rises, and nobody waits when there is only one. A database that is away holds up
//! its own deliveries, and of these only so many: the others need a connection to be received over.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use futures::FutureExt as _;
use jiff::Timestamp;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{Instant, sleep, timeout_at},
};

use super::{
    metrics::Metrics,
    payload::{Outcome, Reading},
};
use crate::store::{Batch, Committed, Error, Source, Store};

/// Deliveries that wait for a transaction: two seconds' worth at the rate we are built for, a few kilobytes each. Beyond
/// that the senders wait, and their bodies are not read.
const WAITING: usize = 2048;

/// Deliveries in one transaction. More would not be cheaper each, and a failure would hold up more.
const TOGETHER: usize = 256;

/// Deliveries that wait for a database that is away. More are refused at once.
const WAITING_WHILE_AWAY: usize = 256;

/// A database that has taken nothing for so long, although something waits, is away.
const STUCK: Duration = Duration::from_secs(1);

/// Pauses between attempts while the database is away.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A delivery on its way into the database.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) source: Source,
    /// What makes it unique within the connection.
    pub(super) id: String,
    pub(super) reading: Reading,
    /// Woken when the delivery is durable.
    pub(super) wake: Arc<Notify>,
    /// When its sender stops waiting for the answer.
    pub(super) deadline: Instant,
}

/// What became of a delivery that is durable now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Receipt {
    Recorded(Outcome),
    /// It had arrived before.
    Duplicate,
}

impl Receipt {
    pub(super) fn name(self) -> &'static str {
        match self {
            Receipt::Recorded(outcome) => outcome.name(),
            Receipt::Duplicate => "duplicate",
        }
    }
}

/// The delivery could not be made durable before its deadline.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("the delivery could not be stored in time")]
pub(super) struct Unavailable;

/// Where deliveries for one database are handed in. Once every clone is dropped, the task that commits them ends.
#[derive(Clone, Debug)]
pub struct Inbox {
    queue: mpsc::Sender<Waiting>,
    load: Arc<Load>,
}

/// How it stands with a database.
#[derive(Debug)]
struct Load {
    waiting: AtomicUsize,
    began: Instant,
    /// When it last took something, or when something began to wait, in milliseconds since the inbox was opened.
    moved_ms: AtomicU64,
}

impl Load {
    fn moved(&self) {
        self.moved_ms.store(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX), Relaxed);
    }

    fn is_stuck(&self) -> bool {
        let moved = Duration::from_millis(self.moved_ms.load(Relaxed));
        self.waiting.load(Relaxed) > 0 && self.began.elapsed().saturating_sub(moved) > STUCK
    }

    /// Counts one more delivery that waits; `None` where there are enough.
    fn enter(&self) -> Option<Counted<'_>> {
        let stuck = self.is_stuck();
        let counted = Counted(self);
        match self.waiting.fetch_add(1, Relaxed) {
            0 => self.moved(),
            before if stuck && before >= WAITING_WHILE_AWAY => return None,
            _ => {}
        }
        Some(counted)
    }
}

/// One delivery that waits, until it is settled or given up.
struct Counted<'a>(&'a Load);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

#[derive(Debug)]
struct Waiting {
    entry: Entry,
    answer: oneshot::Sender<Receipt>,
}

impl Inbox {
    /// An inbox for `store`, and a task that commits what comes in.
    #[must_use]
    pub fn open(store: Store, metrics: Metrics) -> Inbox {
        let (sender, receiver) = mpsc::channel(WAITING);
        let load = Load { waiting: AtomicUsize::new(0), began: Instant::now(), moved_ms: AtomicU64::new(0) };
        let load = Arc::new(load);
        let mut committer = Committer { store, metrics, load: Arc::clone(&load), queue: receiver };
        tokio::spawn(async move {
            // A panic is a bug, and costs the deliveries that met it; those that come later are not to blame.
            while AssertUnwindSafe(committer.run()).catch_unwind().await.is_err() {
                tracing::error!("the task that commits deliveries panicked, and goes on");
            }
        });
        Inbox { queue: sender, load }
    }

    /// Whether deliveries wait and the database takes none.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.load.is_stuck()
    }

    /// Commits a delivery and returns once it is durable.
    ///
    /// # Errors
    /// [`Unavailable`] at the deadline. The delivery may still be committed later; that does no harm.
    pub(super) async fn commit(&self, entry: Entry) -> Result<Receipt, Unavailable> {
        let deadline = entry.deadline;
        let _counted = self.load.enter().ok_or(Unavailable)?;
        let (answer, receipt) = oneshot::channel();
        let handed_in = async {
            self.queue.send(Waiting { entry, answer }).await.map_err(|_| Unavailable)?;
            receipt.await.map_err(|_| Unavailable)
        };
        timeout_at(deadline, handed_in).await.map_err(|_| Unavailable)?
    }
}

/// What commits. It ends when the last [`Inbox`] is dropped and everything handed in is settled.
struct Committer {
    store: Store,
    metrics: Metrics,
    load: Arc<Load>,
    queue: mpsc::Receiver<Waiting>,
}

impl Committer {
    async fn run(&mut self) {
        loop {
            let mut together = Vec::with_capacity(TOGETHER);
            if self.queue.recv_many(&mut together, TOGETHER).await == 0 {
                return;
            }
            self.settle(together).await;
        }
    }

    /// Commits these deliveries, for as long as anybody waits for one of them.
    async fn settle(&self, mut together: Vec<Waiting>) {
        let mut pause = FIRST_PAUSE;
        loop {
            let now = Instant::now();
            together.retain(|waiting| waiting.entry.deadline > now);
            let Some(last_deadline) = together.iter().map(|waiting| waiting.entry.deadline).max() else {
                return;
            };
            let attempt = timeout_at(last_deadline, self.commit(&together)).await;
            let error = match attempt {
                Ok(Ok(receipts)) => {
                    self.load.moved();
                    return self.answer(together, &receipts);
                }
                Ok(Err(error)) => error,
                // The senders have gone. What the database made of it, it did as a whole.
                Err(_) => return tracing::warn!("the database did not answer in time"),
            };
            match error {
                // Not the database but something in these rows is the matter.
                Error::Other(_) if together.len() > 1 => {
                    return self.settle_one_by_one(together).await;
                }
                Error::Other(_) => return self.settle_without_rows(together).await,
                _ => {}
            }
            tracing::warn!(%error, reason = error.reason(), deliveries = together.len(), "deliveries wait for the database");
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One delivery that the database does not take must not hold up the others.
    async fn settle_one_by_one(&self, together: Vec<Waiting>) {
        for waiting in together {
            Box::pin(self.settle(vec![waiting])).await;
        }
    }

    /// Records deliveries whose rows the database does not take. They are authentic, so GitLab must hear success.
    async fn settle_without_rows(&self, together: Vec<Waiting>) {
        for waiting in together {
            let Entry { source, id, reading, deadline, .. } = &waiting.entry;
            let recorded = async {
                let paths = self.paths(std::slice::from_ref(&waiting)).await?;
                let path = reading.project_id().and_then(|project| paths.get(&(*source, project)));
                let batch = reading.batch_without_rows(id, path.map(String::as_str));
                self.store.commit(*source, &batch).await
            };
            match timeout_at(*deadline, recorded).await {
                Ok(Ok(_)) => {
                    self.load.moved();
                    tracing::warn!(source = source.0, "the database does not take the rows of a delivery");
                    self.answer(vec![waiting], &[Receipt::Recorded(Outcome::Unstorable)]);
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, reason = error.reason(), "a delivery could not be recorded");
                }
                Err(_) => tracing::warn!("the database did not answer in time"),
            }
        }
    }

    async fn commit(&self, together: &[Waiting]) -> Result<Vec<Receipt>, Error> {
        let paths = self.paths(together).await?;
        let (batches, outcomes): (Vec<(Source, Batch)>, Vec<Outcome>) = together
            .iter()
            .map(|Waiting { entry, .. }| {
                let path = entry.reading.project_id().and_then(|project| paths.get(&(entry.source, project)));
                let (batch, outcome) = entry.reading.batch(&entry.id, path.map(String::as_str));
                ((entry.source, batch), outcome)
            })
            .unzip();
        let committed = self.store.commit_all(&batches).await?;
        self.metrics.committed_together(together.len());
        let receipts = committed.into_iter().zip(outcomes).map(|(committed, outcome)| match committed {
            Committed::Stored => Receipt::Recorded(outcome),
            Committed::Duplicate => Receipt::Duplicate,
        });
        Ok(receipts.collect())
    }

    /// The paths of the projects that these deliveries speak of and the connections follow.
    ///
    /// Asked anew for every transaction, which costs one look-up for all of them: nothing here can be out of date.
    async fn paths(&self, together: &[Waiting]) -> Result<HashMap<(Source, i64), String>, Error> {
        let mut wanted: HashMap<Source, Vec<i64>> = HashMap::new();
        for Waiting { entry, .. } in together {
            wanted.entry(entry.source).or_default().extend(entry.reading.project_id());
        }
        let mut paths = HashMap::new();
        for (source, mut ids) in wanted {
            ids.sort_unstable();
            ids.dedup();
            for (id, path) in self.store.project_paths(source, &ids).await? {
                paths.insert((source, id), path);
            }
        }
        Ok(paths)
    }

    fn answer(&self, together: Vec<Waiting>, receipts: &[Receipt]) {
        let now = Timestamp::now();
        for (waiting, receipt) in together.into_iter().zip(receipts) {
            if matches!(receipt, Receipt::Recorded(_)) {
                waiting.entry.wake.notify_one();
            }
            if let (Receipt::Recorded(Outcome::Stored), Some(at)) = (receipt, waiting.entry.reading.happened_at) {
                self.metrics.lagged(now.duration_since(at).as_secs_f64());
            }
            // A sender that went away does not need the answer.
            let _ = waiting.answer.send(*receipt);
        }
    }
}
